"""How the database keeps rows that money stands on: nothing is deleted, little is changed, a closed day is closed."""

import pgtrigger

BUCKET = "pg_advisory_xact_lock_shared(1, hashtext(NEW.farmer_id::text) & 1023)"
"""What writers of a farmer's money hold together and a settlement run takes alone (architecture §5.11)."""

NOT_CLAIMED = """
    -- Whoever looked before a settlement took it is sent back to look again (kernel/transactions.py).
    IF EXISTS (SELECT FROM ledger_claimedrow AS taken WHERE taken.row = OLD.id AND NOT taken.released) THEN
        RAISE EXCEPTION '% is settled', OLD.id USING ERRCODE = 'serialization_failure';
    END IF;
"""
"""Refuses an UPDATE, in a row trigger, of what a settlement has taken."""


def kept(
    table: str,
    *,
    day: str = "business_date",
    first: str = "",
    changing: tuple[str, ...] = (),
    while_standing: str = "FALSE",
    of_a_farmer: bool = False,
    claimable: bool = False,
    computed: tuple[str, ...] = (),
) -> list[pgtrigger.Trigger]:
    """Triggers of a model: DELETE and TRUNCATE raise; UPDATE too, but of the columns `changing` in a row of
    which `while_standing` (SQL about OLD) holds; no row is dated, by column `day`, in a day that is closed,
    or what `first` (SQL) says instead.

    `claimable`: nor is one changed that a settlement has taken (`NOT_CLAIMED`).
    `computed` names generated columns, which a BEFORE trigger does not see yet.
    """
    claimed = NOT_CLAIMED if claimable else ""
    loose = ", ".join(f"'{column}'" for column in (*changing, *computed)) or "''"
    lock = f"PERFORM {BUCKET};" if of_a_farmer else ""
    first = first or f"PERFORM ledger_day_is_open(NEW.shop_id, NEW.{day});"
    return [
        pgtrigger.Trigger(
            name="guard_row",
            level=pgtrigger.Row,
            when=pgtrigger.Before,
            operation=pgtrigger.Insert | pgtrigger.Update,
            func=f"""
                {lock}
                {first}
                IF TG_OP = 'UPDATE' THEN
                    IF NOT ({while_standing})
                        OR to_jsonb(NEW) - ARRAY[{loose}] IS DISTINCT FROM to_jsonb(OLD) - ARRAY[{loose}]
                    THEN RAISE EXCEPTION '{table} %: this row is not changed', OLD.id
                         USING ERRCODE = 'integrity_constraint_violation';
                    END IF;{claimed}
                END IF;
                RETURN NEW;
            """,
        ),
        pgtrigger.Protect(name="keep_row", operation=pgtrigger.Delete),
        pgtrigger.Trigger(
            name="keep_rows",
            level=pgtrigger.Statement,
            when=pgtrigger.Before,
            operation=pgtrigger.Truncate,
            func=f"RAISE EXCEPTION '{table} is never truncated';",
        ),
    ]
