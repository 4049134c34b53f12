"""The counter's page. It holds words and no data, so that a tablet may keep it for days."""

import json
from functools import cache

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import conditional_page, require_safe

from malar.pwa.words import counter_words

MODULES = (
    *("counter", "view", "slip", "figures", "question", "rates", "ref", "book"),
    *("scale", "search", "sounds", "wet", "awake", "draft", "find"),
)
"""What the counter imports: named in its head, so that a slow line fetches all of it at once."""


@login_not_required
@require_safe
def own_counter(request: HttpRequest) -> HttpResponse:
    """To the counter in the reader's language."""
    return redirect("pwa:counter", language="en" if translation.get_language() == "en" else "ta")


@login_not_required
@require_safe
@gzip_page  # no secret of anybody is in it, so compressing leaks none
@conditional_page
def counter(request: HttpRequest, language: str) -> HttpResponse:
    """The counter in Tamil or English: the same page for everybody, rendered without looking at the request."""
    with translation.override(language):
        response = HttpResponse(_shell(language))
    response["Content-Language"] = language
    response["Cache-Control"] = "no-cache"
    return response


def _shell(language: str) -> str:
    """The page, in the language that is active."""
    return render_to_string(
        "pwa/counter.html",
        {
            "language": language,
            "modules": [f"js/counter/{name}.js" for name in MODULES],
            "places": _places(),
            "sounds": _sounds(),
            "words": counter_words() | _addresses(),
        },
    )


def _places() -> list[dict[str, object]]:
    """Where the menu leads; what is the owner's shows once it is known that he is one."""
    shop, owner = (
        [
            (_("Board"), "home:board"),
            (_("Entries"), "ledger:entry_list"),
            (_("Rates"), "pricing:rate_board"),
            (_("Farmers"), "ledger:farmer_list"),
            (_("Messages"), "notifications:message_list"),
        ],
        [(_("Members"), "accounts:member_list"), (_("Office"), "admin:index")],
    )
    return [
        {"label": label, "href": reverse(name), "owner": (label, name) in owner}
        for label, name in shop + owner
    ]


def _addresses() -> dict[str, str]:
    """Where the page's own links and calls go."""
    return {
        "to_sign_in": reverse("account_login"),
        "to_language": reverse("accounts:set_language"),
        "to_board": reverse("home:board"),
        "to_add_farmer": reverse("ledger:farmer_new"),
        "to_office": reverse("admin:index"),
        "to_entries": reverse("ledger:entry_list"),
    }


@cache
def _sounds() -> object:
    """The table by which names are found by their sound; search.js and Python read the same file."""
    return json.loads((settings.BASE_DIR / "malar" / "kernel" / "sound.json").read_text())
