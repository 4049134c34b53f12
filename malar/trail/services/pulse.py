"""Signs of life of processes that answer no request, for /readyz."""

import datetime as dt

from malar.trail.models import Pulse


def beat(process: str, *, at: dt.datetime) -> None:
    """Note that `process` was alive at `at`."""
    Pulse.objects.update_or_create(process=process, defaults={"at": at})
