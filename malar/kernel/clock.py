"""Time. Moments are aware datetimes in UTC; days are business dates in Asia/Kolkata."""

import datetime as dt
from zoneinfo import ZoneInfo

KOLKATA = ZoneInfo("Asia/Kolkata")


def business_date_of(moment: dt.datetime, turnover_hour: int) -> dt.date:
    """The shop's day a moment belongs to. Before the turn-over hour it is still the day before.

    `turnover_hour` is 0–12, in local time: with 2, a sale at 01:30 belongs to yesterday.
    """
    local = moment.astimezone(KOLKATA)
    return (local - dt.timedelta(hours=turnover_hour)).date()


def business_day_ends(moment: dt.datetime, turnover_hour: int) -> dt.datetime:
    """The first moment of the next business day after `moment`."""
    next_day = business_date_of(moment, turnover_hour) + dt.timedelta(days=1)
    return dt.datetime.combine(next_day, dt.time(turnover_hour), tzinfo=KOLKATA)
