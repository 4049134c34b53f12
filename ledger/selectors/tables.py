"""The tables of the house as a shop sees them: which hold something of it, and how their rows are read out."""

from dataclasses import dataclass

from django.apps import apps
from django.db import connection, models
from psycopg import sql

from malar.accounts.models import Shop, User

HOUSE = ("malar", "pricing", "ledger", "settlements", "notifications")
"""Our rooms; the frameworks' tables hold sessions and rights, and nothing of the book."""
NO_SHOPS = frozenset(
    {
        # The house's own: heartbeats, checks over all shops, wordings that all shops share, what a development
        # machine would have sent.
        *("trail_pulse", "trail_bookscheck", "notifications_consoletext"),
        *("notifications_messagetemplate", "notifications_messagetemplateevent", "sync_syncepoch"),
        *("notifications_templateapproval", "notifications_templateapprovalevent"),
        # Answers by their keys, for retries: every fact in them is in the tables they are about.
        "trail_answeredrequest",
        # Sums of days and months, made again from the lines and charges whenever they change.
        *("ledger_dailyrollup", "ledger_monthlyrollup", "ledger_dirtyday"),
        # Accounts with providers, when a number may get its next message, and what providers told us, before it is
        # known whom it is about: what comes of it stands in the messages.
        *("notifications_sender", "notifications_recipient", "notifications_callback"),
        # Numbers from which somebody asked to sign in, known or not; forgotten after a day.
        "notifications_signincode",
    }
)
SECRET = frozenset({"password", "last_login", "pin", "pin_id", "pin_wrong"})
MEMBERS = "id IN (SELECT user_id FROM accounts_membership WHERE shop_id = {shop})"

OF_A_CLAIM = "claim_id IN (SELECT id FROM ledger_claim WHERE shop_id = {shop})"


@dataclass(frozen=True)
class Table:
    """A table: its columns in order, which of them are numbers with decimals, and SQL that
    says which rows are a shop's (`{shop}`)."""

    name: str
    columns: tuple[str, ...]
    decimals: frozenset[str]
    whose: str
    history_of: str = ""
    """The table whose rows' versions it holds, with who made them, by which door and why."""

    def of_shop(self, shop: Shop) -> sql.Composed:
        """SQL that says which rows are a shop's."""
        return sql.SQL(self.whose).format(shop=sql.Literal(shop.pk))

    def column(self, name: str, *, as_json: bool) -> sql.Composable:
        """A column as it is read out; in JSON a number with decimals is a string."""
        plain = sql.Identifier(self.name, name)
        if as_json and name in self.decimals:
            return sql.SQL("{}::text AS {}").format(plain, sql.Identifier(name))
        return plain

    def rows(self, shop: Shop, *, as_json: bool) -> sql.Composed:
        """A SELECT of the shop's rows, the oldest key first."""
        columns = [self.column(name, as_json=as_json) for name in self.columns]
        said, who = sql.SQL(""), sql.SQL("")
        if self.history_of:
            said = sql.SQL(", context.metadata AS context")
            who = sql.SQL(" LEFT JOIN pghistory_context AS context ON context.id = pgh_context_id")
        table = sql.Identifier(self.name)
        first = "pgh_id" if "pgh_id" in self.columns else "id"
        return sql.SQL(
            "SELECT {columns}{said} FROM (SELECT * FROM {table} WHERE {whose}) AS {table}{who}"
            " ORDER BY {table}.{first}"
        ).format(
            columns=sql.SQL(", ").join(columns),
            said=said,
            table=table,
            whose=self.of_shop(shop),
            who=who,
            first=sql.Identifier(first),
        )


def tables() -> list[Table]:
    """Every table of the house that holds something of a shop, its history too. Raises LookupError for a
    table of which nobody has said whose its rows are."""
    return [
        _table(model)
        for room in apps.get_app_configs()
        if room.name.partition(".")[0] in HOUSE
        for model in room.get_models()
        if not model._meta.proxy and model._meta.db_table not in NO_SHOPS
    ]


def _table(model: type[models.Model]) -> Table:
    fields = [field for field in model._meta.concrete_fields if field.column not in SECRET]
    columns = tuple(field.column for field in fields)
    about = getattr(model, "pgh_tracked_model", model)
    if "shop_id" in columns:
        whose = "shop_id = {shop}"
    elif about is Shop:
        whose = "id = {shop}"
    elif "claim_id" in columns:
        whose = OF_A_CLAIM
    elif about is User:
        whose = MEMBERS
    else:
        raise LookupError(f"whose are the rows of {model._meta.db_table}?")
    decimals = frozenset(
        field.column for field in fields if (field.db_type(connection) or "").startswith("numeric")
    )
    history_of = "" if about is model else about._meta.db_table
    return Table(model._meta.db_table, columns, decimals, whose, history_of)
