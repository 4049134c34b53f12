"""What a message is rid of when it is over: the link that answers for the farmer, and what it was put together from."""

import datetime as dt
from typing import Any

from django.db import connection
from django.utils import timezone

from malar.kernel.transactions import unit_of_work
from notifications.domain import ARRIVED, HANDED_OVER, NOT_TOLD, UNFINISHED, Kind
from notifications.selectors import KEPT_FOR

LINK_NEEDED_FOR = dt.timedelta(hours=12)
"""How long a message that the provider has may still fail and go another way: no provider keeps one longer than ten
hours (ValidityPeriod), and then it needs its link again."""

OTHER_WAY_WITHIN = dt.timedelta(minutes=10)
"""How long a message that failed may still be told by another way, which takes its link along."""

# Whoever holds the token says the farmer's yes. In a wording it stands in nothing that people read, but a short form
# that was sent names the address.
FORGET_LINKS = """
UPDATE notifications_message AS message
SET text = replace(replace(text, coalesce(variables->>'link', ''), '…'), coalesce(variables->>'token', ''), '…'),
    variables = variables - 'token' - 'link'
WHERE variables ? 'token' AND (
    state = ANY(%(arrived)s)
    OR (
        state = ANY(%(not_told)s) AND other_way = '' AND coalesce(failed_at, '-infinity') < %(just_now)s
        AND NOT EXISTS (
            SELECT FROM notifications_attempt
            WHERE message_id = message.id AND ended_at >= %(just_now)s
        )
    )
    OR (state = ANY(%(handed_over)s) AND sent_at < %(long_ago)s)
    OR (state = 'unknown' AND expires_at < %(now)s)
)
"""


@unit_of_work
def forget_links() -> int:
    """Take the farmer's link out of every message that needs it no more; from how many.

    One that waits for another try or another way, or may still fail with the provider, keeps it. Whoever sends one
    again later makes a new link (`services/again.py`).
    """
    now = timezone.now()
    values: dict[str, Any] = {
        "arrived": [str(state) for state in ARRIVED],
        "not_told": [str(state) for state in NOT_TOLD],
        "just_now": now - OTHER_WAY_WITHIN,
        "handed_over": [str(state) for state in HANDED_OVER],
        "long_ago": now - LINK_NEEDED_FOR,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(FORGET_LINKS, values)
        return int(cursor.rowcount)


FORGET_VARIABLES = """
UPDATE notifications_message
SET variables = CASE WHEN variables ? 'version' THEN jsonb_build_object('version', variables->'version') ELSE '{}' END
WHERE created_at < %(long_ago)s AND kind <> %(summary)s AND NOT state = ANY(%(unfinished)s)
    AND variables - 'version' <> '{}'
"""


@unit_of_work
def forget_variables() -> int:
    """Take out of messages that are a month old what they were put together from; of how many.

    What was said stays, as it was said. Kept is also what later messages are compared with: which version of a line
    was told (`selectors.last_told`), and all of a summary of the day, which is told again only where it became
    another (`subscriptions.summary`).
    """
    values: dict[str, Any] = {
        "long_ago": timezone.now() - KEPT_FOR,
        "summary": Kind.DAY_SUMMARY.value,
        "unfinished": [str(state) for state in UNFINISHED],
    }
    with connection.cursor() as cursor:
        cursor.execute(FORGET_VARIABLES, values)
        return int(cursor.rowcount)
