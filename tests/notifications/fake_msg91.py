"""MSG91 on loopback, and what it reports."""

import json
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from tests.notifications.fake_twilio import PUBLIC
from tests.notifications.fakes import Answer, Fake, says

KEY = "321456AbCdEf"
SECRET, OLD_SECRET = "k7Qx2mPd9Rk7Qx2mPd9Rk7Qx2mPd9Rk7Qx2mPd9R", "Old-2mPd9Rk7Qx2mPd9R_k7Qx2mPd9R"


class FakeMsg91(Fake):
    """Takes what it is asked."""

    def takes(self, number: int) -> Answer:
        return says(200, {"type": "success", "message": id_of(number), "new": {"x": 1}})


def id_of(number: int) -> str:
    """Its id of the request with this number, from 1."""
    return f"3463{number:020}"


def set_up(settings: Any, fake: Fake) -> None:
    """Malar's settings for SMS by this MSG91."""
    settings.PUBLIC_BASE_URL = PUBLIC
    settings.MSG91_BASE_URL = fake.url
    settings.MSG91_AUTH_KEY = KEY
    settings.MSG91_WEBHOOK_SECRET = SECRET
    settings.MSG91_WEBHOOK_SECRET_OLD = OLD_SECRET
    settings.MESSAGE_PROVIDER = settings.MESSAGE_PROVIDERS["msg91"]


def path_of(secret: str = SECRET) -> str:
    return f"/webhooks/msg91/{secret}/"


def posts(raw: bytes | str, kind: str = "application/json", secret: str = SECRET) -> int:
    """MSG91 posts this body; the status it got."""
    answer = Client(enforce_csrf_checks=True).post(path_of(secret), raw, content_type=kind)
    return answer.status_code


def v2(named: str, *reports: dict[str, Any]) -> str:
    """A form whose field `data` is JSON, as its help page shows it."""
    of_it = [
        {
            "date": "2026-11-22 10:06:20",
            "amount": "0.01",
            "clientid": "",
            "INMSID": "0",
            "CRQID": "0",
            "ctCode": "900",
            "number": "919876500000",
            "credit": "1",
            "status": "1",
            "desc": "DELIVERED",
            "failedReason": "",
            **each,
        }
        for each in reports
    ]
    told = {"senderId": "MALARM", "requestId": named, "report": of_it, "userId": "27", "campaignName": "API"}
    return urlencode({"data": json.dumps([told])})


def v3(named: str, **more: Any) -> dict[str, Any]:
    """Flat JSON."""
    return {
        "date": "2026-11-22 09:58:16",
        "number": "919876500000",
        "senderId": "MALARM",
        "requestId": named,
        "CRQID": "0",
        "credit": "1",
        "userId": "27",
        "status": "1",
        "desc": "DELIVERED",
        **more,
    }


def new(named: str, **more: Any) -> dict[str, Any]:
    """Of one's own design, with the names that MSG91 has for its fields."""
    return {
        "requestId": named,
        "telNum": "919876500000",
        "status": "delivered",
        "UUID": "",
        "CRQID": "",
        "clientId": "",
        "DLT_TE_ID": "1107161234567890123",
        "failureReason": "",
        **more,
    }
