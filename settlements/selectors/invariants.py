"""What must always be true of settlements, as questions to the database (`ledger.selectors.invariants`).

They add up by themselves: from the rows that were taken, the journals and the payments, not from what the services
say of them. What both sides approved is put together again here, from the columns, in SQL.
"""

from django.utils.translation import gettext_lazy as _

from ledger.selectors.invariants import MONEY, OWN, TO_FARMER, Invariant, mirrored, posted, voucher_numbers

LIVE = "s.status NOT IN ('cancelled', 'reversed')"
IN_ACCOUNTS = "s.status IN ('approved', 'paid')"
NUMBERED = "s.status IN ('approved', 'paid', 'reversed')"
SIGNED = "CASE WHEN {0}.reverses_id IS NULL THEN {0}.amount ELSE -{0}.amount END"
NEWLINE = "chr(10)"

TAKEN = f"""
    lines AS (
        SELECT r.claim_id, count(*) AS n, count(*) FILTER (WHERE e.entry_date < s.period_start) AS late,
            sum(e.amount) AS gross, sum(e.commission) AS commission,
            encode(sha256(string_agg(
                uuid_send(e.id) || int4send(e.version) || numeric_send(e.quantity) || numeric_send(e.rate)
                || numeric_send(e.commission_pct) || numeric_send(e.amount) || numeric_send(e.commission),
                ''::bytea ORDER BY e.id)), 'hex') AS digest
        FROM settlements_settlement AS s JOIN ledger_claimedrow AS r ON r.claim_id = s.id AND r.kind = 'line'
        JOIN ledger_dailyentry AS e ON e.id = r.row
        WHERE {LIVE} GROUP BY r.claim_id),
    charges AS (
        SELECT r.claim_id, sum(c.amount) AS charges,
            sum(CASE WHEN c.income = 'shop' THEN 0 ELSE c.amount END) AS passed_on,
            encode(sha256(string_agg(uuid_send(c.id) || numeric_send(c.amount), ''::bytea ORDER BY c.id)), 'hex')
                AS digest
        FROM settlements_settlement AS s JOIN ledger_claimedrow AS r ON r.claim_id = s.id AND r.kind = 'charge'
        JOIN ledger_charge AS c ON c.id = r.row
        WHERE {LIVE} GROUP BY r.claim_id),
    draws AS (
        SELECT r.claim_id, sum({SIGNED.format("v")}) AS draws,
            encode(sha256(string_agg(uuid_send(v.id) || numeric_send(v.amount), ''::bytea ORDER BY v.id)), 'hex')
                AS digest
        FROM settlements_settlement AS s JOIN ledger_claimedrow AS r ON r.claim_id = s.id AND r.kind = 'draw'
        JOIN ledger_movement AS v ON v.id = r.row
        WHERE {LIVE} GROUP BY r.claim_id)
"""  # noqa: S608
"""SQL: what each settlement that stands has taken, summed from the rows."""
OF_THEM = """
    FROM settlements_settlement AS s
    LEFT JOIN lines AS l ON l.claim_id = s.id
    LEFT JOIN charges AS c ON c.claim_id = s.id
    LEFT JOIN draws AS d ON d.claim_id = s.id
"""

CLAIMS = (
    Invariant(
        "claims_unchanged",
        3,
        _(
            "Nothing of a row that a settlement has taken was changed since: rate, percentage, version, amount."
        ),
        f"""
        WITH {TAKEN}
        SELECT s.shop_id, s.id::text, concat_ws(' ', s.reference, s.status, s.digest)
        {OF_THEM}
        WHERE {LIVE} AND s.digest
            <> concat(coalesce(l.digest, ''), ':', coalesce(c.digest, ''), ':', coalesce(d.digest, ''))
        """,
    ),
    Invariant(
        "claims_once",
        4,
        _(
            "A line, charge or draw is in one settlement at most, and that is its own farmer's, in its own shop."
        ),
        """
        WITH live AS (SELECT r.*, c.shop_id, c.farmer_id FROM ledger_claimedrow AS r
                      LEFT JOIN ledger_claim AS c ON c.id = r.claim_id WHERE NOT r.released)
        SELECT r.shop_id, r.row::text, concat_ws(' ', r.kind, r.claim_id, '?', own.shop_id, own.farmer_id)
        FROM live AS r
        LEFT JOIN (SELECT 'line' AS kind, id, shop_id, farmer_id FROM ledger_dailyentry
                   UNION ALL SELECT 'charge', id, shop_id, farmer_id FROM ledger_charge
                   UNION ALL SELECT kind, id, shop_id, farmer_id FROM ledger_movement WHERE kind = 'draw') AS own
            ON own.id = r.row AND own.kind = r.kind
        WHERE (own.shop_id, own.farmer_id) IS DISTINCT FROM (r.shop_id, r.farmer_id) OR r.shop_id IS NULL
        UNION ALL
        SELECT min(r.shop_id::text)::uuid, r.row::text, 'n=' || count(*)
        FROM live AS r GROUP BY r.row HAVING count(*) > 1
        """,
    ),
    Invariant(
        "claims_of_settlements",
        5,
        _("A claim belongs to a settlement and stands as that does: held, in the accounts, or let go."),
        """
        SELECT coalesce(s.shop_id, c.shop_id), coalesce(s.id, c.id)::text,
            concat_ws(' ', s.reference, s.status, c.state, c.posted_on)
        FROM settlements_settlement AS s FULL JOIN ledger_claim AS c ON c.id = s.id
        WHERE (c.shop_id, c.farmer_id, c.posted_on, c.draws, c.hand_loans, c.recovery) IS DISTINCT FROM
              (s.shop_id, s.farmer_id, s.posted_on, s.draws, s.hand_loans, s.recovery)
            OR c.state IS DISTINCT FROM CASE WHEN s.status IN ('draft', 'pending', 'disputed') THEN 'held'
                WHEN s.status IN ('approved', 'paid') THEN 'posted' ELSE 'released' END
        UNION ALL
        SELECT c.shop_id, c.id::text, concat_ws(' ', c.state, count(*))
        FROM ledger_claim AS c JOIN ledger_claimedrow AS r ON r.claim_id = c.id
        WHERE r.released <> (c.state = 'released')
        GROUP BY c.shop_id, c.id, c.state
        """,
    ),
    Invariant(
        "claims_stand",
        5,
        _("Nothing that a settlement has taken is cancelled, waived or without a rate."),
        """
        SELECT e.shop_id, e.id::text, concat_ws(' ', e.slip_number, e.status, e.rate)
        FROM ledger_claimedrow AS r JOIN ledger_dailyentry AS e ON e.id = r.row
        WHERE NOT r.released AND (e.status <> 'confirmed' OR e.rate IS NULL)
        UNION ALL
        SELECT c.shop_id, c.id::text, concat_ws(' ', c.amount, c.status)
        FROM ledger_claimedrow AS r JOIN ledger_charge AS c ON c.id = r.row
        WHERE NOT r.released AND c.status <> 'standing'
        UNION ALL
        SELECT v.shop_id, v.id::text, concat_ws(' ', v.amount, v.status)
        FROM ledger_claimedrow AS r JOIN ledger_movement AS v ON v.id = r.row
        WHERE NOT r.released AND v.status <> 'posted'
        """,
    ),
)

FIGURES = (
    Invariant(
        "settlement_sums",
        6,
        _("Sale value, commission, charges and draws of a settlement are the sums of what it took."),
        f"""
        WITH {TAKEN}
        SELECT s.shop_id, s.id::text,
            concat_ws(' ', s.reference, s.gross, l.gross, s.commission, l.commission, s.charges, c.charges, s.draws)
        {OF_THEM}
        WHERE {LIVE}
            AND (s.lines, s.late_lines, s.gross, s.commission, s.charges, s.passed_on, s.draws) IS DISTINCT FROM
                (coalesce(l.n, 0), coalesce(l.late, 0), coalesce(l.gross, 0), coalesce(l.commission, 0),
                 coalesce(c.charges, 0), coalesce(c.passed_on, 0), coalesce(d.draws, 0))
        """,  # noqa: S608
    ),
    Invariant(
        "settlement_figures",
        6,
        _("A settlement adds up; it pays no less than nothing and takes no more than is left."),
        # The step may be another one by now: whatever the net is a multiple of will do.
        """
        SELECT s.shop_id, s.id::text,
            concat_ws(' ', s.reference, own.left_over, s.hand_loans, s.recovery, s.rounding, s.net, s.carried)
        FROM settlements_settlement AS s, LATERAL (
            SELECT s.gross - s.commission - s.charges - s.draws + s.brought_forward AS left_over) AS own
        WHERE own.left_over - s.hand_loans - s.recovery + s.rounding - s.carried <> s.net
            OR s.carried <> least(own.left_over, 0) OR s.net < 0
            OR s.hand_loans < 0 OR s.recovery < 0 OR s.hand_loans + s.recovery > greatest(own.left_over, 0)
            OR s.carried < 0 AND s.rounding <> 0
            OR abs(s.rounding) > CASE WHEN mod(s.net, 10) = 0 THEN 5 WHEN mod(s.net, 5) = 0 THEN 2.5
                                      WHEN mod(s.net, 1) = 0 THEN 0.5 ELSE -1 END
            OR s.advance_after <> s.advance_before - s.recovery OR s.advance_after < 0
        """,
    ),
)

WANTED = f"""
    SELECT s.shop_id, s.id, s.farmer_id, s.posted_on, p.seq, p.other, p.gives
    FROM settlements_settlement AS s, LATERAL (VALUES
        (1, 'sales', s.gross), (2, 'commission', -s.commission), (3, 'fees', s.passed_on - s.charges),
        (4, 'pass_through', -s.passed_on), (5, 'draw', -s.draws), (6, 'hand_loan', -s.hand_loans),
        (7, 'advance', -s.recovery), (8, 'rounding', s.rounding), (9, 'approved', -s.net)) AS p (seq, other, gives)
    WHERE {NUMBERED} AND p.gives <> 0
"""  # noqa: S608
"""SQL: the transfers a settlement should have, by what the other account gives to the farmer's payable."""
PAID = posted(
    "settlements_payment",
    "payment",
    gets="'approved'",
    gives=MONEY,
    whose="(SELECT s.farmer_id FROM settlements_settlement AS s WHERE s.id = v.settlement_id)",
)

JOURNALS = (
    Invariant(
        "settlements_posted",
        9,
        _("Every approved settlement has exactly its journal, dated when it was approved; others have none."),
        f"""
        WITH found AS (
            SELECT t.shop_id, t.journal, t.seq, t.value_date, d.farmer_id AS debited, c.farmer_id AS credited,
                CASE WHEN c.kind = 'payable' THEN d.kind ELSE c.kind END AS other,
                CASE WHEN c.kind = 'payable' THEN t.amount ELSE -t.amount END AS gives,
                CASE WHEN c.kind = 'payable' THEN c.farmer_id WHEN d.kind = 'payable' THEN d.farmer_id END AS whose
            FROM ledger_transfer AS t
            JOIN ledger_account AS d ON d.id = t.debit_id JOIN ledger_account AS c ON c.id = t.credit_id
            WHERE t.journal_kind = 'settlement' AND t.reverses_id IS NULL)
        SELECT coalesce(w.shop_id, t.shop_id), coalesce(w.id, t.journal)::text,
            concat_ws(' ', w.seq, w.other, w.gives, '≠', t.seq, t.other, t.gives, t.value_date)
        FROM ({WANTED}) AS w FULL JOIN found AS t ON (t.journal, t.seq) = (w.id, w.seq)
        WHERE (t.shop_id, t.other, t.gives, t.value_date, t.whose) IS DISTINCT FROM
              (w.shop_id, w.other, w.gives, w.posted_on, w.farmer_id)
            OR coalesce(t.debited, w.farmer_id) <> w.farmer_id OR coalesce(t.credited, w.farmer_id) <> w.farmer_id
        UNION ALL
        SELECT min(shop_id::text)::uuid, journal::text, concat_ws(' ', seq, 'n=' || count(*))
        FROM found GROUP BY journal, seq HAVING count(*) > 1
        """,  # noqa: S608
    ),
    Invariant(
        "settlements_taken_back",
        9,
        _("Every transfer of a settlement that was taken back has its mirror in one journal; no other has."),
        """
        SELECT t.shop_id, s.id::text, concat_ws(' ', s.reference, s.status, t.seq, t.amount, m.journal)
        FROM settlements_settlement AS s
        JOIN ledger_transfer AS t ON t.journal_kind = 'settlement' AND t.journal = s.id
        LEFT JOIN ledger_transfer AS m ON m.reverses_id = t.id
        LEFT JOIN ledger_claim AS c ON c.id = s.id
        WHERE (m.id IS NOT NULL) <> (s.status = 'reversed')
            OR m.id IS NOT NULL AND (m.journal_kind, m.journal, m.seq, m.value_date) IS DISTINCT FROM
                                    ('settlement', s.reversal, t.seq, c.released_on)
        UNION ALL
        SELECT m.shop_id, m.id::text, concat_ws(' ', m.seq, m.amount)
        FROM ledger_transfer AS m
        WHERE m.journal_kind = 'settlement' AND m.reverses_id IS NOT NULL
            AND NOT EXISTS (SELECT FROM settlements_settlement AS s WHERE s.reversal = m.journal)
        """,
    ),
    Invariant(
        "payments_posted",
        9,
        _("Every payment of a settlement has exactly its transfer, and every such transfer its payment."),
        f"""
        {PAID}
        UNION ALL
        SELECT t.shop_id, t.id::text, concat_ws(' ', t.journal_kind, t.amount)
        FROM ledger_transfer AS t LEFT JOIN settlements_payment AS p ON p.id = t.journal
        WHERE t.journal_kind = 'payment' AND p.id IS NULL
        """,  # noqa: S608
    ),
    Invariant(
        "reversed_payments",
        9,
        _("A payment that takes back another is its mirror, and not before it."),
        mirrored("settlements_payment", "payment", "settlement_id"),
    ),
    Invariant(
        "payable_moved",
        10,
        _("A settlement moves what is owed to the farmer from what was brought forward to what is carried."),
        f"""
        SELECT s.shop_id, s.id::text, concat_ws(' ', s.reference, s.brought_forward, s.carried, coalesce(m.moved, 0))
        FROM settlements_settlement AS s
        LEFT JOIN (SELECT t.journal, sum(CASE WHEN c.kind = 'payable' THEN t.amount ELSE 0 END)
                          - sum(CASE WHEN d.kind = 'payable' THEN t.amount ELSE 0 END) AS moved
                   FROM ledger_transfer AS t
                   JOIN ledger_account AS d ON d.id = t.debit_id JOIN ledger_account AS c ON c.id = t.credit_id
                   WHERE t.journal_kind = 'settlement' GROUP BY t.journal) AS m ON m.journal = s.id
        WHERE {NUMBERED} AND coalesce(m.moved, 0) <> s.carried - s.brought_forward
        """,  # noqa: S608
    ),
    Invariant(
        "outstanding",
        10,
        _("No more is paid than was agreed, and a settlement is paid when nothing is outstanding."),
        f"""
        SELECT s.shop_id, s.id::text, concat_ws(' ', s.reference, s.status, s.net, own.paid)
        FROM settlements_settlement AS s, LATERAL (
            SELECT coalesce(sum({SIGNED.format("p")}), 0) AS paid
            FROM settlements_payment AS p WHERE p.settlement_id = s.id) AS own
        WHERE CASE WHEN {IN_ACCOUNTS} THEN own.paid < 0 OR own.paid > s.net
                       OR (s.status = 'paid') <> (own.paid = s.net)
                   ELSE own.paid <> 0 END
        UNION ALL
        SELECT a.shop_id, a.farmer_id::text, concat_ws(' ', 'approved', sum(side.amount))
        FROM (SELECT credit_id AS account_id, amount FROM ledger_transfer
              UNION ALL SELECT debit_id, -amount FROM ledger_transfer) AS side
        JOIN ledger_account AS a ON a.id = side.account_id
        WHERE a.kind = 'approved'
        GROUP BY a.shop_id, a.farmer_id HAVING sum(side.amount) < 0
        """,  # noqa: S608
    ),
)

MOVED = """
    SELECT a.shop_id, a.farmer_id, a.kind, t.journal_kind, side.amount
    FROM ledger_transfer AS t, LATERAL (VALUES (t.credit_id, t.amount), (t.debit_id, -t.amount))
        AS side (account_id, amount)
    JOIN ledger_account AS a ON a.id = side.account_id
    WHERE a.farmer_id IS NOT NULL
"""
"""SQL: what was moved on farmers' accounts, above zero where it is owed to them."""

FARMERS = (
    Invariant(
        "settled_accounts",
        7,
        _("What settlements and payments moved on each account of a farmer is what they say."),
        f"""
        SELECT shop_id, farmer_id::text, concat_ws(' ', kind, sum(amount))
        FROM (SELECT shop_id, farmer_id, kind, amount FROM ({MOVED}) AS moved
              WHERE journal_kind IN ('settlement', 'payment')
              UNION ALL
              SELECT s.shop_id, s.farmer_id, p.kind, -p.amount
              FROM settlements_settlement AS s, LATERAL (VALUES
                  ('payable', s.carried - s.brought_forward), ('approved', s.net), ('draw', s.draws),
                  ('hand_loan', s.hand_loans), ('advance', s.recovery)) AS p (kind, amount)
              WHERE {IN_ACCOUNTS}
              UNION ALL
              SELECT s.shop_id, s.farmer_id, 'approved', {SIGNED.format("p")}
              FROM settlements_payment AS p JOIN settlements_settlement AS s ON s.id = p.settlement_id) AS each
        GROUP BY shop_id, farmer_id, kind HAVING sum(amount) <> 0
        """,  # noqa: S608
    ),
    Invariant(
        "settled_and_not",
        7,
        _(
            "What is owed to a farmer, settled, carried and not settled, is his lines less commission, charges and"
            " all that moved."
        ),
        # The first two parts are his balance as everybody is told it, the others all that ever happened.
        f"""
        WITH rows (shop_id, farmer_id, id, amount) AS (
            SELECT shop_id, farmer_id, id, coalesce(amount, 0) - coalesce(commission, 0)
            FROM ledger_dailyentry WHERE status = 'confirmed'
            UNION ALL
            SELECT shop_id, farmer_id, id, -amount FROM ledger_charge WHERE status = 'standing')
        SELECT shop_id, farmer_id::text, sum(amount)::text
        FROM (SELECT shop_id, farmer_id, amount FROM ({MOVED}) AS moved
              WHERE kind IN ('payable', 'approved', 'draw')
              UNION ALL
              SELECT it.shop_id, it.farmer_id, it.amount FROM rows AS it
              WHERE NOT EXISTS (SELECT FROM ledger_claimedrow AS r JOIN ledger_claim AS c ON c.id = r.claim_id
                                WHERE r.row = it.id AND NOT r.released AND c.state = 'posted')
              UNION ALL
              SELECT shop_id, farmer_id, -amount FROM rows
              UNION ALL
              SELECT v.shop_id, v.farmer_id,
                  CASE WHEN {TO_FARMER} = (v.reverses_id IS NULL) THEN abs(v.amount) ELSE -abs(v.amount) END
              FROM ledger_movement AS v WHERE v.status = 'posted' AND {OWN} IN ('payable', 'draw')
              UNION ALL
              SELECT s.shop_id, s.farmer_id, s.hand_loans + s.recovery - s.rounding
              FROM settlements_settlement AS s WHERE {IN_ACCOUNTS}
              UNION ALL
              SELECT s.shop_id, s.farmer_id, {SIGNED.format("p")}
              FROM settlements_payment AS p JOIN settlements_settlement AS s ON s.id = p.settlement_id) AS each
        GROUP BY shop_id, farmer_id HAVING sum(amount) <> 0
        """,  # noqa: S608
    ),
    Invariant(
        "promised",
        11,
        _("An open settlement takes no more of an advance or a hand loan than is outstanding."),
        f"""
        SELECT c.shop_id, c.id::text, concat_ws(' ', own.kind, own.amount, '>', coalesce(owed.amount, 0))
        FROM ledger_claim AS c
        CROSS JOIN LATERAL (VALUES ('advance', c.recovery), ('hand_loan', c.hand_loans)) AS own (kind, amount)
        LEFT JOIN (SELECT farmer_id, kind, -sum(amount) AS amount FROM ({MOVED}) AS moved
                   GROUP BY farmer_id, kind) AS owed ON (owed.farmer_id, owed.kind) = (c.farmer_id, own.kind)
        WHERE c.state = 'held' AND (own.amount < 0 OR own.amount > coalesce(owed.amount, 0))
        """,  # noqa: S608
    ),
)

CONTENT = (
    *("advance_after", "advance_before", "brought_forward", "carried", "charges", "commission", "digest"),
    *("draws", "farmer_id", "gross", "hand_loans", "late_lines", "lines", "net", "passed_on"),
    *("period_end", "period_start", "recovery", "reference", "rounding", "shop_id"),
)
SAID = ", ".join(
    f"'{name.removesuffix('_id')}=' || "
    + (f"to_char(s.{name}, 'YYYY-MM-DD')" if name.startswith("period") else f"s.{name}")
    for name in CONTENT
)

PEOPLE = """
    (SELECT count(*) FROM accounts_membership AS m,
        LATERAL (SELECT h.is_active, h.role FROM accounts_membershipevent AS h
                 WHERE h.pgh_obj_id = m.id AND h.pgh_created_at <= said.at ORDER BY h.pgh_id DESC LIMIT 1) AS was,
        LATERAL (SELECT h.is_active FROM accounts_userevent AS h
                 WHERE h.pgh_obj_id = m.user_id AND h.pgh_created_at <= said.at ORDER BY h.pgh_id DESC LIMIT 1) AS who
     WHERE m.shop_id = a.shop_id AND was.is_active AND who.is_active AND was.role IN ('admin', 'staff'))
"""
"""SQL: how many kept the shop when it was approved."""

AGREED = (
    Invariant(
        "settlement_numbers",
        12,
        _(
            "Numbers of a shop's approved settlements are 1, 2, 3 … in each financial year, up to the counter."
        ),
        f"""
        SELECT s.shop_id, s.id::text, concat_ws(' ', s.status, s.number, s.year, s.running, s.posted_on)
        FROM settlements_settlement AS s
        WHERE CASE WHEN {NUMBERED} THEN s.number IS DISTINCT FROM format('%%s%%s-%%s',
                lpad((s.year %% 100)::text, 2, '0'), lpad(((s.year + 1) %% 100)::text, 2, '0'),
                lpad(s.running::text, greatest(4, length(s.running::text)), '0'))
            OR s.year IS DISTINCT FROM extract(year FROM s.posted_on - interval '3 months')::int
            ELSE concat(s.number, s.year, s.running, s.posted_on) <> '' END
        UNION ALL
        SELECT coalesce(c.shop_id, s.shop_id), concat_ws(' ', coalesce(c.year, s.year), s.numbers), c.last::text
        FROM settlements_settlementcounter AS c
        FULL JOIN (SELECT shop_id, year, array_agg(running ORDER BY running) AS numbers
                   FROM settlements_settlement WHERE running IS NOT NULL GROUP BY shop_id, year) AS s
            ON (s.shop_id, s.year) = (c.shop_id, c.year)
        WHERE coalesce(s.numbers, '{{}}') IS DISTINCT FROM
            coalesce((SELECT array_agg(n) FROM generate_series(1, c.last) AS n), '{{}}')
        """,  # noqa: S608
    ),
    Invariant(
        "settlement_chain",
        12,
        _("Each approved settlement is chained to the one before it, and the counter holds the last link."),
        f"""
        SELECT s.shop_id, s.id::text, concat_ws(' ', s.number, s.chain)
        FROM (SELECT *, coalesce(lag(chain) OVER (PARTITION BY shop_id, year ORDER BY running), '') AS before
              FROM settlements_settlement WHERE running IS NOT NULL) AS s
        WHERE s.chain <> encode(sha256(convert_to(
            s.before || {NEWLINE} || s.number || {NEWLINE} || s.content_hash, 'UTF8')), 'hex')
        UNION ALL
        SELECT c.shop_id, c.id::text, concat_ws(' ', c.year, c.last, c.head)
        FROM settlements_settlementcounter AS c
        LEFT JOIN settlements_settlement AS s ON (s.shop_id, s.year, s.running) = (c.shop_id, c.year, c.last)
        WHERE c.head <> coalesce(s.chain, '')
        """,  # noqa: S608
    ),
    Invariant(
        "content_hashes",
        13,
        _("The fingerprint that both sides approve is that of the settlement as it stands."),
        f"""
        SELECT s.shop_id, s.id::text, concat_ws(' ', s.reference, s.content_hash)
        FROM settlements_settlement AS s
        WHERE s.content_hash <> encode(sha256(convert_to(
            concat_ws({NEWLINE}, 'malar settlement 1', {SAID}), 'UTF8')), 'hex')
        """,  # noqa: S608
    ),
    Invariant(
        "approvals",
        13,
        _(
            "An approved settlement was approved by both sides as it stands: for the shop by another than who made"
            " it, unless he keeps the shop alone."
        ),
        f"""
        SELECT s.shop_id, s.id::text, concat_ws(' ', s.reference, s.status, sides.side, a.method)
        FROM settlements_settlement AS s CROSS JOIN (VALUES ('shop'), ('farmer')) AS sides (side)
        LEFT JOIN settlements_approval AS a
            ON (a.settlement_id, a.content_hash, a.side) = (s.id, s.content_hash, sides.side)
        WHERE {NUMBERED} AND (a.id IS NULL OR a.by_id IS NULL AND (a.method <> 'link' OR a.side = 'shop'))
        UNION ALL
        SELECT a.shop_id, a.id::text, concat_ws(' ', s.reference, a.side, a.method, a.by_id)
        FROM settlements_approval AS a JOIN settlements_settlement AS s ON s.id = a.settlement_id
        JOIN LATERAL (SELECT h.pgh_created_at AS at FROM settlements_approvalevent AS h
                      WHERE h.pgh_obj_id = a.id ORDER BY h.pgh_id LIMIT 1) AS said ON true
        WHERE (a.side = 'shop' AND a.by_id = s.created_by_id OR EXISTS (
                SELECT FROM settlements_approval AS b
                WHERE b.settlement_id = a.settlement_id AND b.content_hash = a.content_hash AND b.side <> a.side
                    AND b.by_id = a.by_id))
            AND {PEOPLE} > 1
        """,  # noqa: S608
    ),
    voucher_numbers("ledger_movement", "ledger_buyerreceipt", "ledger_expense", "settlements_payment"),
)

SETTLED = (*CLAIMS, *FIGURES, *JOURNALS, *FARMERS, *AGREED)
