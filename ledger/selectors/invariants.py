"""What must always be true of the book, as questions to the database: each answers with the rows that break it.

The numbers are those of the list in docs/trust.md. They ask for facts, with arithmetic of their own, and know
nothing of the services. Those of settlements are in `settlements.selectors.invariants`. Of the list, these wait
because there is nothing yet they could be asked of: for sealed history 19 as far as seals go; for tablets that
queue 20 as far as devices go.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Invariant:
    """One thing that must be true. `sql` answers (shop, row, found) for each row that breaks it, in figures:
    the shop is NULL where it is nobody's in particular."""

    name: str
    number: int
    says: Promise
    sql: str


def half_up(value: str) -> str:
    """SQL that rounds to paise, halves away from zero, without PostgreSQL's `round`, which made the figures."""
    return f"sign({value}) * floor(abs({value}) * 100 + 0.5) / 100"


def overlapping(table: str, period: str, *same: str, where: str = "TRUE") -> str:
    """SQL for pairs of rows of a table that are `same` (SQL of a row `x`) and whose `period`s overlap."""
    pairs = " AND ".join(f"{each.replace('x.', 'a.')} = {each.replace('x.', 'b.')}" for each in same)
    return f"""
        SELECT a.shop_id, a.id::text, concat_ws(' ', b.id, {period.replace("x.", "a.")}, {period.replace("x.", "b.")})
        FROM {table} AS a JOIN {table} AS b ON a.id < b.id AND {pairs}
            AND {period.replace("x.", "a.")} && {period.replace("x.", "b.")}
        WHERE {where.replace("x.", "a.")} AND {where.replace("x.", "b.")}
    """  # noqa: S608  # put together from names in this file


NOBODY = "'00000000-0000-0000-0000-000000000000'"
DAYS = "daterange(x.valid_from, x.valid_to)"

MONEY = "CASE v.mode WHEN 'cash' THEN 'cash' WHEN 'none' THEN 'opening' ELSE 'bank' END"
OWN = """
    CASE WHEN v.kind IN ('advance', 'advance_repayment', 'opening_advance') THEN 'advance'
         WHEN v.kind IN ('hand_loan', 'hand_loan_repayment') THEN 'hand_loan'
         WHEN v.kind = 'draw' THEN 'draw' ELSE 'payable' END
"""
TO_FARMER = """
    (v.kind IN ('advance', 'hand_loan', 'draw', 'opening_advance') OR v.kind = 'opening_balance' AND v.amount < 0)
"""


def posted(table: str, journal: str, *, gets: str, gives: str, whose: str, posted: str = "TRUE") -> str:
    """SQL for vouchers of a table without exactly one transfer from the account of kind `gives` to that of
    kind `gets` (of the row `v`; a reversing one the other way round), or with one though not `posted`."""
    return f"""
        SELECT v.shop_id, v.id::text,
            concat_ws(' ', v.voucher, v.amount, '→', t.amount, d.kind, c.kind, t.value_date, 'n=' || v.transfers)
        FROM (SELECT v.*, {gets} AS gets, {gives} AS gives, {whose} AS whose, {posted} AS is_posted,
                  (SELECT count(*) FROM ledger_transfer AS t
                   WHERE t.journal_kind = '{journal}' AND t.journal = v.id) AS transfers
              FROM {table} AS v) AS v
        LEFT JOIN ledger_transfer AS t ON t.journal_kind = '{journal}' AND t.journal = v.id
        LEFT JOIN ledger_account AS d ON d.id = t.debit_id
        LEFT JOIN ledger_account AS c ON c.id = t.credit_id
        WHERE v.transfers <> CASE WHEN v.is_posted THEN 1 ELSE 0 END
            OR v.is_posted AND (
                (t.shop_id, t.amount, t.value_date) IS DISTINCT FROM (v.shop_id, abs(v.amount), v.business_date)
                OR (d.kind, c.kind) IS DISTINCT FROM
                   (CASE WHEN v.reverses_id IS NULL THEN v.gets ELSE v.gives END,
                    CASE WHEN v.reverses_id IS NULL THEN v.gives ELSE v.gets END)
                OR coalesce(d.farmer_id, d.buyer_id, c.farmer_id, c.buyer_id) IS DISTINCT FROM v.whose)
    """  # noqa: S608


def mirrored(table: str, journal: str, *same: str) -> str:
    """SQL for reversing vouchers that are not the `same` as a posted original, or are before it, or reverse a
    reversal, or whose transfer does not name the original's."""
    columns = ("shop_id", "amount", "mode", *same)
    return f"""
        SELECT v.shop_id, v.id::text, concat_ws(' ', v.voucher, v.amount, '↔', o.voucher, o.amount)
        FROM {table} AS v
        LEFT JOIN {table} AS o ON o.id = v.reverses_id
        LEFT JOIN ledger_transfer AS vt ON vt.journal_kind = '{journal}' AND vt.journal = v.id
        LEFT JOIN ledger_transfer AS ot ON ot.journal_kind = '{journal}' AND ot.journal = o.id
        WHERE v.reverses_id IS NOT NULL AND (
            ({", ".join(f"v.{column}" for column in columns)}) IS DISTINCT FROM
            ({", ".join(f"o.{column}" for column in columns)})
            OR o.reverses_id IS NOT NULL OR o.voucher = '' OR v.voucher = ''
            OR v.business_date < o.business_date OR vt.reverses_id IS DISTINCT FROM ot.id)
    """  # noqa: S608


def voucher_numbers(*tables: str) -> Invariant:
    """That the papers about money in these tables are numbered as they should be."""
    papers = " UNION ALL ".join(
        f"SELECT shop_id, id, voucher, business_date FROM {table} WHERE voucher <> ''"  # noqa: S608
        for table in tables
    )
    return Invariant(
        "voucher_numbers",
        12,
        _("Voucher numbers of a financial year are 1, 2, 3 … without a gap, up to the counter."),
        rf"""
        WITH papers AS ({papers}),
        numbered AS (
            SELECT *, extract(year FROM business_date - interval '3 months')::int AS year,
                substring(voucher FROM '-([0-9]+)$')::int AS number FROM papers)
        SELECT shop_id, id::text, concat_ws(' ', voucher, business_date)
        FROM numbered
        WHERE number IS NULL OR voucher <> format('V%%s%%s-%%s', lpad((year %% 100)::text, 2, '0'),
            lpad(((year + 1) %% 100)::text, 2, '0'), lpad(number::text, greatest(4, length(number::text)), '0'))
        UNION ALL
        SELECT shop_id, min(id::text), concat_ws(' ', voucher, 'n=' || count(*))
        FROM numbered GROUP BY shop_id, voucher HAVING count(*) > 1
        UNION ALL
        SELECT c.shop_id, concat(c.year, '-', n), 'n=0'
        FROM ledger_vouchercounter AS c, generate_series(1, c.last) AS n
        WHERE NOT EXISTS (SELECT FROM numbered
                          WHERE (shop_id, year, number) = (c.shop_id, c.year, n))
        UNION ALL
        SELECT n.shop_id, n.id::text, concat_ws(' ', n.voucher, '>', c.last)
        FROM numbered AS n LEFT JOIN ledger_vouchercounter AS c ON (c.shop_id, c.year) = (n.shop_id, n.year)
        WHERE n.number > coalesce(c.last, 0)
        """,  # noqa: S608
    )


LINES = (
    Invariant(
        "line_figures",
        1,
        _("Amount and commission of a line are its quantity × rate and its percentage, rounded half up."),
        f"""
        SELECT shop_id, id::text,
            concat_ws(' ', slip_number, quantity, '×', rate, '=', amount, commission_pct, commission)
        FROM ledger_dailyentry
        WHERE amount IS DISTINCT FROM {half_up("(quantity * rate)")}
            OR commission IS DISTINCT FROM {half_up("(amount * commission_pct * 0.01)")}
                + {half_up("(quantity * commission_per_unit)")}
        """,  # noqa: S608
    ),
    Invariant(
        "net_quantity",
        2,
        _("The net quantity is weight less sack, above zero but for reversing lines."),
        """
        SELECT shop_id, id::text, concat_ws(' ', slip_number, gross_quantity, '-', tare, '=', quantity, kind)
        FROM ledger_dailyentry
        WHERE gross_quantity IS NOT NULL AND quantity <> gross_quantity - tare OR tare < 0
            OR CASE WHEN kind = 'reversal' THEN quantity >= 0 ELSE quantity <= 0 END
        """,
    ),
    Invariant(
        "sacks",
        2,
        _("The sacks of a line sum to its weight and are as many as it says."),
        """
        SELECT e.shop_id, e.id::text, concat_ws(' ', e.slip_number, e.sacks, e.gross_quantity, e.sack_weights)
        FROM ledger_dailyentry AS e, LATERAL (
            SELECT count(*) AS n, sum(weight::numeric) AS weight
            FROM jsonb_array_elements_text(e.sack_weights) AS weight) AS sacks
        WHERE jsonb_typeof(e.sack_weights) = 'array'
            AND (sacks.n, sacks.weight) IS DISTINCT FROM (e.sacks, e.gross_quantity)
        """,
    ),
    Invariant(
        "versions",
        3,
        _("The versions of a line are 1, 2, 3 … and its history has each of them once."),
        """
        SELECT e.shop_id, e.id::text, concat_ws(' ', e.slip_number, e.version, h.versions)
        FROM ledger_dailyentry AS e
        LEFT JOIN (SELECT pgh_obj_id, array_agg(version ORDER BY pgh_id) AS versions
                   FROM ledger_dailyentryevent WHERE pgh_label <> 'delete'
                   GROUP BY pgh_obj_id) AS h ON h.pgh_obj_id = e.id
        WHERE h.versions IS DISTINCT FROM (SELECT array_agg(n) FROM generate_series(1, e.version) AS n)
        """,
    ),
    Invariant(
        "reversed_lines",
        9,
        _("A reversing line takes back exactly one line of the same farmer, flower, rate and commission."),
        """
        SELECT r.shop_id, r.id::text, concat_ws(' ', r.slip_number, r.quantity, '↔', o.slip_number, o.quantity)
        FROM ledger_dailyentry AS r
        LEFT JOIN ledger_dailyentry AS o ON o.id = r.corrects AND o.entry_date = r.corrects_date
        WHERE r.kind <> 'sale' AND (
            o.id IS NULL OR o.kind = 'reversal' OR o.shop_id <> r.shop_id OR r.entry_date < o.entry_date
            OR r.kind = 'reversal' AND (
                (r.farmer_id, r.flower_id, r.quantity, r.rate, r.commission_pct, r.commission_per_unit)
                IS DISTINCT FROM
                (o.farmer_id, o.flower_id, -o.quantity, o.rate, o.commission_pct, o.commission_per_unit)
                OR r.status = 'confirmed' AND EXISTS (
                    SELECT FROM ledger_dailyentry AS twin
                    WHERE twin.corrects = o.id AND twin.kind = 'reversal' AND twin.status = 'confirmed'
                        AND twin.id <> r.id)))
        """,
    ),
    Invariant(
        "slip_numbers",
        12,
        _("A slip number is used once a day, but where it is marked as used before."),
        """
        SELECT shop_id, min(id::text), concat_ws(' ', entry_date, slip_number, 'n=' || count(*))
        FROM ledger_dailyentry WHERE NOT slip_is_taken
        GROUP BY shop_id, entry_date, slip_number HAVING count(*) > 1
        """,
    ),
    Invariant(
        "rate_says_whence",
        17,
        _(
            "The rate of a line was on the board by then, was typed, or was set afterwards with a new version."
        ),
        """
        SELECT e.shop_id, e.id::text,
               concat_ws(' ', e.slip_number, e.rate, e.rate_source, e.called_rate, e.adjustments)
        FROM ledger_dailyentry AS e
        WHERE (e.rate IS NULL) <> (e.rate_source = '')
            OR e.rate_source IN ('called', 'slot') AND (
                e.rate IS DISTINCT FROM e.called_rate + (
                    SELECT coalesce(sum((each ->> 'per_unit')::numeric), 0)
                    FROM jsonb_array_elements(e.adjustments) AS each)
                OR NOT EXISTS (
                    SELECT FROM pricing_marketrate AS r
                    WHERE r.flower_id = e.flower_id AND r.rate = e.called_rate
                        AND (r.slot_id IS NULL) = (e.rate_source = 'called')
                        AND r.effective_from <= e.captured_at))
        """,
    ),
)

BOOKINGS = (
    Invariant(
        "transfers",
        8,
        _("Every transfer is above zero and moves between two accounts of its shop."),
        """
        SELECT t.shop_id, t.id::text, concat_ws(' ', t.amount, d.kind, c.kind)
        FROM ledger_transfer AS t
        LEFT JOIN ledger_account AS d ON d.id = t.debit_id
        LEFT JOIN ledger_account AS c ON c.id = t.credit_id
        WHERE t.amount <= 0 OR t.debit_id = t.credit_id
            OR d.shop_id IS DISTINCT FROM t.shop_id OR c.shop_id IS DISTINCT FROM t.shop_id
        """,
    ),
    Invariant(
        "trial_balance",
        8,
        _("The accounts of a shop sum to zero."),
        """
        SELECT a.shop_id, a.shop_id::text, sum(side.amount)::text
        FROM (SELECT debit_id AS account_id, amount FROM ledger_transfer
              UNION ALL SELECT credit_id, -amount FROM ledger_transfer) AS side
        JOIN ledger_account AS a ON a.id = side.account_id
        GROUP BY a.shop_id HAVING sum(side.amount) <> 0
        """,
    ),
    Invariant(
        "movements_posted",
        9,
        _("Every movement in the book has exactly its transfer; one that waits or was refused has none."),
        posted(
            "ledger_movement",
            "movement",
            gets=f"CASE WHEN {TO_FARMER} THEN {OWN} ELSE {MONEY} END",
            gives=f"CASE WHEN {TO_FARMER} THEN {MONEY} ELSE {OWN} END",
            whose="v.farmer_id",
            posted="v.status = 'posted'",
        ),
    ),
    Invariant(
        "receipts_posted",
        9,
        _("Every receipt from a buyer has exactly its transfer."),
        posted("ledger_buyerreceipt", "buyer_receipt", gets=MONEY, gives="'buyer'", whose="v.buyer_id"),
    ),
    Invariant(
        "expenses_posted",
        9,
        _("Every expense has exactly its transfer."),
        posted("ledger_expense", "expense", gets="'expenses'", gives=MONEY, whose="NULL::uuid"),
    ),
    Invariant(
        "sale_figures",
        1,
        _("A sale to a buyer is its quantity × rate, rounded half up."),
        f"""
        SELECT shop_id, id::text, concat_ws(' ', quantity, '×', rate, '=', amount)
        FROM ledger_buyersale WHERE amount IS DISTINCT FROM {half_up("(quantity * rate)")}
        """,  # noqa: S608
    ),
    Invariant(
        "sales_posted",
        9,
        _("Every sale to a buyer has exactly its transfer; a cancelled one has its mirror, too."),
        # A sale worth nothing posts nothing.
        """
        SELECT s.shop_id, s.id::text, concat_ws(' ', s.status, s.amount, t.amount, d.kind, c.kind, back.id)
        FROM ledger_buyersale AS s
        LEFT JOIN ledger_transfer AS t ON t.journal_kind = 'buyer_sale' AND t.journal = s.id
        LEFT JOIN ledger_transfer AS back ON back.reverses_id = t.id
        LEFT JOIN ledger_account AS d ON d.id = t.debit_id
        LEFT JOIN ledger_account AS c ON c.id = t.credit_id
        WHERE (t.id IS NOT NULL) <> (s.amount > 0)
            OR t.id IS NOT NULL AND (
                (t.shop_id, t.amount, t.value_date, d.kind, d.buyer_id, c.kind) IS DISTINCT FROM
                (s.shop_id, s.amount, s.business_date, 'buyer', s.buyer_id, 'sales')
                OR (back.id IS NOT NULL) <> (s.status = 'voided'))
            OR (SELECT count(*) FROM ledger_transfer AS n
                WHERE n.journal_kind = 'buyer_sale' AND n.journal = s.id) > 1
        """,
    ),
    Invariant(
        "transfers_have_origins",
        9,
        _("Every transfer was written by something that is in the book."),
        # A mirror is asked through its original (`reversed_transfers`), a settlement and a payment by their own.
        """
        SELECT t.shop_id, t.id::text, concat_ws(' ', t.journal_kind, t.amount)
        FROM ledger_transfer AS t
        LEFT JOIN (SELECT 'movement' AS kind, id FROM ledger_movement
                   UNION ALL SELECT 'buyer_sale', id FROM ledger_buyersale
                   UNION ALL SELECT 'buyer_receipt', id FROM ledger_buyerreceipt
                   UNION ALL SELECT 'expense', id FROM ledger_expense
                   UNION ALL SELECT 'day_close', id FROM ledger_dayclose) AS origin
            ON (origin.kind, origin.id) = (t.journal_kind, t.journal)
        WHERE t.reverses_id IS NULL AND origin.id IS NULL AND t.journal_kind NOT IN ('settlement', 'payment')
        """,
    ),
    Invariant(
        "reversed_transfers",
        9,
        _("Every reversing transfer is the mirror of exactly one that is no reversal itself."),
        """
        SELECT t.shop_id, t.id::text, concat_ws(' ', t.amount, '↔', o.amount, o.id)
        FROM ledger_transfer AS t LEFT JOIN ledger_transfer AS o ON o.id = t.reverses_id
        WHERE t.reverses_id IS NOT NULL AND (
            (t.shop_id, t.debit_id, t.credit_id, t.amount) IS DISTINCT FROM
            (o.shop_id, o.credit_id, o.debit_id, o.amount)
            OR o.reverses_id IS NOT NULL OR t.value_date < o.value_date
            OR EXISTS (SELECT FROM ledger_transfer AS twin WHERE twin.reverses_id = o.id AND twin.id <> t.id))
        """,
    ),
    Invariant(
        "reversed_movements",
        9,
        _("A movement that reverses another is its mirror, and not before it."),
        mirrored("ledger_movement", "movement", "farmer_id", "kind"),
    ),
    Invariant(
        "reversed_receipts",
        9,
        _("A receipt that reverses another is its mirror, and not before it."),
        mirrored("ledger_buyerreceipt", "buyer_receipt", "buyer_id"),
    ),
    Invariant(
        "reversed_expenses",
        9,
        _("An expense that reverses another is its mirror, and not before it."),
        mirrored("ledger_expense", "expense", "what"),
    ),
    Invariant(
        "farmers_accounts",
        7,
        _("What stands on a farmer's accounts is the sum of his movements."),
        f"""
        SELECT shop_id, farmer_id::text, concat_ws(' ', kind, sum(amount))
        FROM (SELECT a.shop_id, a.farmer_id, a.kind, t.amount
              FROM ledger_transfer AS t JOIN ledger_account AS a ON a.id = t.debit_id
              WHERE a.farmer_id IS NOT NULL AND t.journal_kind = 'movement'
              UNION ALL
              SELECT a.shop_id, a.farmer_id, a.kind, -t.amount
              FROM ledger_transfer AS t JOIN ledger_account AS a ON a.id = t.credit_id
              WHERE a.farmer_id IS NOT NULL AND t.journal_kind = 'movement'
              UNION ALL
              SELECT v.shop_id, v.farmer_id, {OWN},
                  CASE WHEN {TO_FARMER} = (v.reverses_id IS NULL) THEN -abs(v.amount) ELSE abs(v.amount) END
              FROM ledger_movement AS v WHERE v.status = 'posted') AS each
        GROUP BY shop_id, farmer_id, kind HAVING sum(amount) <> 0
        """,  # noqa: S608
    ),
    Invariant(
        "buyers_accounts",
        7,
        _("What a buyer owes is the sum of his sales less his receipts."),
        """
        SELECT shop_id, buyer_id::text, sum(amount)::text
        FROM (SELECT a.shop_id, a.buyer_id, t.amount
              FROM ledger_transfer AS t JOIN ledger_account AS a ON a.id = t.debit_id WHERE a.kind = 'buyer'
              UNION ALL
              SELECT a.shop_id, a.buyer_id, -t.amount
              FROM ledger_transfer AS t JOIN ledger_account AS a ON a.id = t.credit_id WHERE a.kind = 'buyer'
              UNION ALL
              SELECT shop_id, buyer_id, -amount FROM ledger_buyersale WHERE status = 'standing'
              UNION ALL
              SELECT shop_id, buyer_id, CASE WHEN reverses_id IS NULL THEN amount ELSE -amount END
              FROM ledger_buyerreceipt) AS each
        GROUP BY shop_id, buyer_id HAVING sum(amount) <> 0
        """,
    ),
    Invariant(
        "nothing_overpaid",
        11,
        _("Nobody has paid back more of an advance, a hand loan or a draw than he was given."),
        """
        SELECT a.shop_id, a.farmer_id::text, concat_ws(' ', a.kind, sum(side.amount))
        FROM (SELECT debit_id AS account_id, amount FROM ledger_transfer
              UNION ALL SELECT credit_id, -amount FROM ledger_transfer) AS side
        JOIN ledger_account AS a ON a.id = side.account_id
        WHERE a.kind IN ('advance', 'hand_loan', 'draw')
        GROUP BY a.shop_id, a.farmer_id, a.kind HAVING sum(side.amount) < 0
        """,
    ),
)

WRITTEN = " UNION ALL ".join(
    f"SELECT '{table}' AS what, shop_id, {day} AS day, pgh_obj_id, pgh_created_at FROM ledger_{table}event"  # noqa: S608
    for table, day in (
        ("dailyentry", "entry_date"),
        ("charge", "business_date"),
        ("movement", "business_date"),
        ("buyersale", "business_date"),
        ("buyerreceipt", "business_date"),
        ("expense", "business_date"),
        ("transfer", "value_date"),
    )
)

DAYS_CLOSED = (
    Invariant(
        "locked_days",
        14,
        _("Nothing dated in a closed day was written after it was closed."),
        # Whoever wrote when the day was being closed was waited for: some seconds are his. So are some before
        # it is opened again: the mirrors of what the close posted are of one transaction with the opening.
        f"""
        SELECT w.shop_id, w.pgh_obj_id::text, concat_ws(' ', w.what, w.day, w.pgh_created_at, '>', c.closed_at)
        FROM ledger_dayclose AS c
        JOIN ({WRITTEN}) AS w ON (w.shop_id, w.day) = (c.shop_id, c.business_date)
        WHERE w.pgh_created_at > c.closed_at + interval '5 seconds'
            AND (c.reopened_at IS NULL OR w.pgh_created_at < c.reopened_at - interval '5 seconds')
        """,  # noqa: S608
    ),
    Invariant(
        "day_arithmetic",
        15,
        _(
            "Opening cash, receipts, payments, expenses and difference of a day make what was counted, note by note."
        ),
        """
        SELECT c.shop_id, c.id::text,
            concat_ws(' ', c.business_date, opening_cash, receipts, payments, expenses, difference, counted, notes.sum)
        FROM ledger_dayclose AS c, LATERAL (
            SELECT coalesce(sum(CASE WHEN value ~ '^[0-9]+([.][0-9]+)?$'
                                THEN value::numeric * CASE WHEN key ~ '^[0-9]+$' THEN key::numeric ELSE 1 END END), 0)
            FROM jsonb_each_text(c.denominations)) AS notes(sum)
        WHERE opening_cash + receipts - payments - expenses + difference IS DISTINCT FROM counted
            OR notes.sum <> counted
        """,
    ),
)
DAY_FIGURES = (
    Invariant(
        "day_cash",
        15,
        _("What a day took in and paid out in cash is what the cash account says."),
        """
        SELECT c.shop_id, c.id::text,
            concat_ws(' ', c.business_date, c.receipts, c.payments, c.expenses, '≠', cash.moved)
        FROM ledger_dayclose AS c, LATERAL (
            SELECT coalesce(sum(CASE WHEN d.kind = 'cash' THEN t.amount ELSE -t.amount END), 0)
            FROM ledger_transfer AS t
            JOIN ledger_account AS d ON d.id = t.debit_id JOIN ledger_account AS k ON k.id = t.credit_id
            WHERE t.shop_id = c.shop_id AND t.value_date = c.business_date AND t.journal_kind <> 'day_close'
                AND (d.kind = 'cash') <> (k.kind = 'cash')) AS cash(moved)
        WHERE c.reopened_at IS NULL AND c.receipts - c.payments - c.expenses <> cash.moved
        """,
    ),
    Invariant(
        "next_opening",
        15,
        _("A day opens with what was counted the day before."),
        # Judged by what was known when the later of the two closes was made: cash may be written into an open
        # day afterwards, and the day before opened again. Days in between that nobody closed add their cash.
        # Whether what was written in the same minute was seen, the clocks cannot say: either is sound.
        """
        WITH pairs AS (
            SELECT c.shop_id, c.id, c.business_date AS until, c.opening_cash, c.closed_at AS known,
                p.business_date AS since, p.counted
            FROM ledger_dayclose AS c
            JOIN LATERAL (SELECT * FROM ledger_dayclose AS b
                          WHERE b.shop_id = c.shop_id AND b.business_date < c.business_date
                            AND b.closed_at < c.closed_at
                            AND (b.reopened_at IS NULL OR b.reopened_at > c.closed_at)
                          ORDER BY b.business_date DESC LIMIT 1) AS p ON true
            UNION ALL
            SELECT c.shop_id, c.id, n.business_date, n.opening_cash, c.closed_at, c.business_date, c.counted
            FROM ledger_dayclose AS c
            JOIN LATERAL (SELECT * FROM ledger_dayclose AS b
                          WHERE b.shop_id = c.shop_id AND b.business_date > c.business_date
                            AND b.closed_at < c.closed_at
                            AND (b.reopened_at IS NULL OR b.reopened_at > c.closed_at)
                          ORDER BY b.business_date LIMIT 1) AS n ON true)
        SELECT c.shop_id, c.id::text, concat_ws(' ', c.until, c.opening_cash, '≠', c.counted, '+', cash.sure)
        FROM pairs AS c, LATERAL (
            SELECT coalesce(sum(amount) FILTER (WHERE at <= c.known - interval '1 minute'), 0) AS sure,
                array_agg(total) FILTER (WHERE at > c.known - interval '1 minute') AS perhaps
            FROM (SELECT t.created_at AS at, s.amount, sum(s.amount) OVER (ORDER BY t.created_at, t.id) AS total
                  FROM ledger_transfer AS t
                  JOIN ledger_account AS d ON d.id = t.debit_id JOIN ledger_account AS k ON k.id = t.credit_id,
                  LATERAL (SELECT CASE WHEN d.kind = 'cash' THEN t.amount ELSE -t.amount END) AS s(amount)
                  WHERE t.shop_id = c.shop_id AND (d.kind = 'cash') <> (k.kind = 'cash')
                    AND t.value_date > c.since AND t.value_date < c.until
                    AND t.created_at <= c.known + interval '1 minute') AS moved) AS cash(sure, perhaps)
        WHERE c.opening_cash <> c.counted + cash.sure
            AND c.opening_cash - c.counted <> ALL (coalesce(cash.perhaps, '{}'))
        """,
    ),
)

RULES = (
    Invariant(
        "rates_apart",
        17,
        _("A flower has one rate at a time."),
        overlapping(
            "pricing_marketrate",
            "tstzrange(x.effective_from, x.effective_to)",
            "x.flower_id",
            f"coalesce(x.slot_id, {NOBODY})",
        ),
    ),
    Invariant(
        "slots_apart",
        17,
        _("Time slots do not overlap."),
        overlapping(
            "pricing_timeslot",
            "pricing_times_of_week(x.weekdays, x.start, x.end)",
            "x.shop_id",
            where="x.is_active",
        ).replace("a.id < b.id", f"a.id < b.id AND {DAYS.replace('x.', 'a.')} && {DAYS.replace('x.', 'b.')}"),
    ),
    Invariant(
        "ways_of_pricing_apart",
        17,
        _("A flower is priced in one way at a time."),
        overlapping("pricing_pricingrule", DAYS, "x.shop_id", f"coalesce(x.flower_id, {NOBODY})"),
    ),
    Invariant(
        "fees_apart",
        17,
        _("A fee has one rate at a time."),
        overlapping("pricing_feerule", DAYS, "x.shop_id", "x.code", where="x.is_active"),
    ),
    Invariant(
        "commissions_apart",
        17,
        _("A farmer and a flower have one commission at a time."),
        overlapping(
            "ledger_commissionrule",
            DAYS,
            "x.shop_id",
            f"coalesce(x.farmer_id, {NOBODY})",
            f"coalesce(x.flower_id, {NOBODY})",
        ),
    ),
)

MONTHS = (
    Invariant(
        "default_partition",
        16,
        _("No line lies outside the months of the book."),
        """
        SELECT shop_id, id::text, concat_ws(' ', slip_number, entry_date) FROM ledger_dailyentry_default
        """,
    ),
    Invariant(
        "months_ahead",
        16,
        _("This month and the next three are made."),
        """
        SELECT NULL::uuid, to_char(month, 'YYYY-MM'), ''
        FROM generate_series(date_trunc('month', now() AT TIME ZONE 'Asia/Kolkata'),
                             date_trunc('month', now() AT TIME ZONE 'Asia/Kolkata') + interval '3 months',
                             interval '1 month') AS month
        WHERE NOT EXISTS (
            SELECT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
            WHERE inhparent = 'ledger_dailyentry'::regclass
                AND relname = 'ledger_dailyentry_' || to_char(month, 'YYYY_MM'))
        """,
    ),
)

CHARGES = (
    Invariant(
        "charge_figures",
        1,
        _("A charge is its quantity × rate, or that percentage, rounded half up."),
        f"""
        SELECT shop_id, id::text, concat_ws(' ', basis, quantity, '×', rate, '=', amount)
        FROM ledger_charge
        WHERE amount IS DISTINCT FROM CASE WHEN basis = 'percent' THEN {half_up("(quantity * rate * 0.01)")}
                                           ELSE {half_up("(quantity * rate)")} END
            OR quantity < 0 OR rate < 0
        """,  # noqa: S608
    ),
    Invariant(
        "charge_basis",
        17,
        _("Basis and owner of a charge are its fee's, and so is the rate where it was charged by itself."),
        """
        SELECT c.shop_id, c.id::text, concat_ws(' ', c.basis, f.basis, c.income, f.income, c.rate, f.rate)
        FROM ledger_charge AS c LEFT JOIN pricing_feerule AS f ON f.id = c.fee_id
        WHERE (c.basis, c.income) IS DISTINCT FROM (f.basis, f.income) OR c.automatic AND c.rate <> f.rate
        """,
    ),
    Invariant(
        "charges_of_lines",
        7,
        _("What was charged by itself belongs to a line that stands, to its farmer and its day."),
        """
        SELECT c.shop_id, c.id::text, concat_ws(' ', c.basis, c.amount, e.slip_number, e.status)
        FROM ledger_charge AS c LEFT JOIN ledger_dailyentry AS e ON e.id = c.entry_id
        WHERE c.status = 'standing' AND c.automatic AND (e.status IS DISTINCT FROM 'confirmed'
            OR (c.shop_id, c.farmer_id, c.business_date) IS DISTINCT FROM
               (e.shop_id, e.farmer_id, e.entry_date)
            OR c.basis = 'per_sack' AND c.quantity <> e.sacks
            OR c.basis IN ('per_kg', 'per_piece') AND c.quantity <> e.quantity
            OR c.basis = 'percent' AND c.quantity IS DISTINCT FROM e.amount)
        UNION ALL
        SELECT c.shop_id, min(c.id::text), concat_ws(' ', e.slip_number, f.code, 'n=' || count(*))
        FROM ledger_charge AS c
        JOIN pricing_feerule AS f ON f.id = c.fee_id JOIN ledger_dailyentry AS e ON e.id = c.entry_id
        WHERE c.status = 'standing' AND c.automatic
        GROUP BY c.shop_id, e.id, e.slip_number, f.code HAVING count(*) > 1
        """,
    ),
    Invariant(
        "charges_not_forgotten",
        7,
        _("A line that has something to be charged for is charged, or it was waived."),
        """
        SELECT c.shop_id, e.id::text, concat_ws(' ', e.slip_number, c.basis, e.sacks, e.quantity, e.amount)
        FROM ledger_charge AS c JOIN ledger_dailyentry AS e ON e.id = c.entry_id
        WHERE c.automatic AND e.status = 'confirmed' AND CASE c.basis
            WHEN 'per_sack' THEN e.sacks > 0 WHEN 'per_kg' THEN e.unit = 'kg'
            WHEN 'per_piece' THEN e.unit <> 'kg' WHEN 'percent' THEN e.amount > 0 ELSE false END
        GROUP BY c.shop_id, e.id, e.slip_number, c.fee_id, c.basis, e.sacks, e.quantity, e.amount
        HAVING NOT bool_or(c.status IN ('standing', 'waived'))
        """,
    ),
)

_OF_A_LINE = """
    entry_date, 1, CASE WHEN rate IS NULL THEN 1 ELSE 0 END, {quantity},
    CASE WHEN rate IS NULL THEN 0 ELSE {quantity} END,
    coalesce(amount, 0), coalesce(commission, 0), 0, NULL::numeric, NULL::numeric,
    CASE WHEN kind <> 'reversal' THEN rate END
"""
SUMS_OF_DAYS = (
    Invariant(
        "sums_of_days",
        18,
        _("The sums of a day are what its lines and charges come to, or it is marked to be summed again."),
        # What was kept, taken away from what there is: nothing is left.
        f"""
        SELECT shop_id, subject::text, concat_ws(' ', kind, day, unit, sum(lines), sum(amount), sum(charges))
        FROM (SELECT shop_id, kind, subject, unit, business_date, -lines, -unpriced, -quantity, -priced, -amount,
                  -commission, -charges, low, high, NULL::numeric
              FROM ledger_dailyrollup
              UNION ALL
              SELECT shop_id, 'farmer', farmer_id, '',
                  {_OF_A_LINE.format(quantity="CASE WHEN unit = 'kg' THEN quantity ELSE 0 END")}
              FROM ledger_dailyentry WHERE status = 'confirmed'
              UNION ALL
              SELECT shop_id, 'flower', flower_id, unit, {_OF_A_LINE.format(quantity="quantity")}
              FROM ledger_dailyentry WHERE status = 'confirmed'
              UNION ALL
              SELECT shop_id, whom.kind, whom.subject, '', business_date, 0, 0, 0, 0, 0, 0, amount, NULL, NULL, NULL
              FROM ledger_charge, LATERAL (VALUES ('farmer', farmer_id), ('fee', fee_id)) AS whom (kind, subject)
              WHERE status = 'standing' AND amount <> 0)
            AS x (shop_id, kind, subject, unit, day, lines, unpriced, quantity, priced, amount, commission, charges,
                  low, high, rate)
        GROUP BY shop_id, kind, subject, unit, day
        HAVING ((sum(lines), sum(unpriced), sum(quantity), sum(priced), sum(amount), sum(commission), sum(charges))
                <> (0, 0, 0, 0, 0, 0, 0)
                OR (min(low), max(high)) IS DISTINCT FROM (min(rate), max(rate)))
            AND NOT EXISTS (SELECT FROM ledger_dirtyday AS d WHERE d.shop_id = x.shop_id AND d.business_date = x.day)
        """,  # noqa: S608
    ),
    Invariant(
        "sums_of_months",
        18,
        _("The kept sums of a month are those of its days."),
        """
        SELECT shop_id, coalesce(subject::text, ''), concat_ws(' ', kind, month, unit)
        FROM (SELECT shop_id, kind, subject, unit, month, days, lines, unpriced, quantity, priced, amount, commission,
                  charges, low, high FROM ledger_monthlyrollup) AS kept
        FULL JOIN (
            SELECT shop_id, kind, subject, unit, date_trunc('month', business_date::timestamp)::date AS month,
                count(*) FILTER (WHERE lines > 0) AS days, sum(lines) AS lines, sum(unpriced) AS unpriced,
                sum(quantity) AS quantity, sum(priced) AS priced, sum(amount) AS amount,
                sum(commission) AS commission, sum(charges) AS charges, min(low) AS low, max(high) AS high
            FROM ledger_dailyrollup AS day
            WHERE EXISTS (SELECT FROM ledger_monthlyrollup AS any_of_it WHERE any_of_it.shop_id = day.shop_id
                          AND any_of_it.month = date_trunc('month', business_date::timestamp)::date)
            GROUP BY 1, 2, 3, 4, 5) AS added
            USING (shop_id, kind, subject, unit, month)
        WHERE (kept.days, kept.lines, kept.unpriced, kept.quantity, kept.priced, kept.amount, kept.commission,
               kept.charges, kept.low, kept.high)
            IS DISTINCT FROM (added.days, added.lines, added.unpriced, added.quantity, added.priced, added.amount,
               added.commission, added.charges, added.low, added.high)
        """,
    ),
)

BOOK = (*LINES, *CHARGES, *BOOKINGS, *DAYS_CLOSED, *DAY_FIGURES, *RULES, *MONTHS, *SUMS_OF_DAYS)
