"""A process that takes entries over HTTP's handlers with the settings of a web process: sessions, cache, broker.

Reads `{"member": id, "farmer": id, "flower": id, "count": n}` a line, answers with a line
`{"ids": [...], "seconds": [...]}`.
"""

import json
import sys
import time
from uuid import uuid4

import django


def main() -> None:
    """Answer until the input ends."""
    django.setup()
    from rest_framework.test import APIClient

    from malar.accounts.models import Membership

    client = APIClient(SERVER_NAME="localhost")
    for line in sys.stdin:
        asked = json.loads(line)
        client.force_login(Membership.objects.get(pk=asked["member"]).user)
        body = {
            "farmer": asked["farmer"],
            "flower": asked["flower"],
            "captured_at": "2026-03-06T04:50:00+05:30",
            "gross_quantity": "6.100",
            "tare": "0.200",
        }
        ids, seconds = [], []
        for _ in range(asked["count"]):
            began = time.perf_counter()
            answer = client.post(
                "/api/v1/daily-entries/", body, format="json", headers={"Idempotency-Key": str(uuid4())}
            )
            seconds.append(time.perf_counter() - began)
            if answer.status_code != 201:
                raise SystemExit(f"{answer.status_code} {answer.content.decode()}")
            ids.append(answer.json()["id"])
        sys.stdout.write(json.dumps({"ids": ids, "seconds": seconds}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
