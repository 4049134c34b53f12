"""django-hordak posting the same facts as a settlement run, by its bulk path: what `bench settle` is compared with.

A program of its own, run by the Python of the bench extra (`make peers`): nothing of Malar is imported. It makes
hordak's tables in the database it is given, posts entries as transactions of two legs and settlements of six, and
prints the seconds of each as JSON. Its constraint triggers sum the legs at the commit, which is in the time.
"""

import datetime as dt
import json
import sys
import time
from decimal import ROUND_HALF_UP, Decimal

import django
from django.conf import settings

FARMERS, CHUNK = 2_000, 5_000
PAISA = Decimal("0.01")


def main(address: dict[str, str], entries: int, settlements: int) -> None:
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": address["dbname"],
                "HOST": address["host"],
                "PORT": address["port"],
                "USER": address["user"],
                "PASSWORD": address.get("password", ""),
            }
        },
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "hordak"],
        DEFAULT_CURRENCY="INR",
        CURRENCIES=["INR"],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        SECRET_KEY="measured",  # noqa: S106
        USE_TZ=True,
    )
    django.setup()
    from django.core.management import call_command
    from django.db import transaction
    from hordak.models import Account, Leg, Transaction
    from moneyed import Money

    call_command("migrate", verbosity=0)

    def account(name: str, kind: str, **fields: object) -> Account:
        return Account.objects.create(name=name, type=kind, currencies=["INR"], **fields)

    sales, payable = account("Sales", "AS", code="1"), account("Farmers", "LI", code="2")
    others = [
        account(name, kind, code=str(n))
        for n, (name, kind) in enumerate(
            (("Commission", "IN"), ("Fees", "IN"), ("Advances", "AS"), ("Approved", "LI")), start=3
        )
    ]
    with transaction.atomic():
        farmers = [
            Account.objects.create(name=f"Farmer {n}", parent=payable, code=f"{n:05}", currencies=["INR"])
            for n in range(FARMERS)
        ]
    day = dt.date(2026, 3, 6)

    started = time.perf_counter()
    for first in range(0, entries, CHUNK):
        with transaction.atomic():
            made = Transaction.objects.bulk_create(
                Transaction(date=day) for _ in range(min(CHUNK, entries - first))
            )
            legs = []
            for n, posted in enumerate(made, start=first):
                amount = Money(Decimal(1 + n % 97) * Decimal("95.13"), "INR")
                legs.append(Leg(transaction=posted, account=farmers[n % FARMERS], credit=amount))
                legs.append(Leg(transaction=posted, account=sales, debit=amount))
            Leg.objects.bulk_create(legs, batch_size=CHUNK)
    of_entries = time.perf_counter() - started

    started = time.perf_counter()
    with transaction.atomic():
        made = Transaction.objects.bulk_create(
            Transaction(date=day, description="settlement") for _ in range(settlements)
        )
        legs = []
        for n, posted in enumerate(made):
            gross = Decimal(46_193 + n) + Decimal("0.97")
            commission = (gross / 10).quantize(PAISA, ROUND_HALF_UP)
            fees, advance = Decimal(450), Decimal(5_000)
            legs.append(Leg(transaction=posted, account=farmers[n % FARMERS], debit=Money(gross, "INR")))
            parts = (commission, fees, advance, gross - commission - fees - advance)
            legs += [
                Leg(transaction=posted, account=other, credit=Money(part, "INR"))
                for other, part in zip(others, parts, strict=True)
            ]
        Leg.objects.bulk_create(legs, batch_size=CHUNK)
    print(json.dumps({"entries_s": of_entries, "settlements_s": time.perf_counter() - started}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
