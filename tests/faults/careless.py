"""A worker of long jobs whose runs are not one transaction: what they took is kept before it is settled.

The tests of faults hold the real worker against it: what they look for must be found here.
"""

from typing import Any

import django


def main() -> None:
    """Work until killed."""
    django.setup()
    from django.db import connection

    from ledger.models import Claim
    from malar.celery import app

    took = Claim.objects.bulk_create

    def take_and_keep(*args: Any, **kwargs: Any) -> Any:
        claims = took(*args, **kwargs)
        connection.connection.commit()
        return claims

    Claim.objects.bulk_create = take_and_keep  # type: ignore[method-assign]
    app.worker_main(
        [
            *("worker", "--queues", "jobs", "--concurrency", "1", "--hostname", "jobs@%h"),
            *("--without-gossip", "--without-mingle", "--loglevel", "INFO"),
        ]
    )


if __name__ == "__main__":
    main()
