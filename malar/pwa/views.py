"""The pages that a tablet keeps for days: they hold words and no data. And the worker that keeps them."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import conditional_page, require_safe
from pwa import views as django_pwa

from malar.pwa.selectors import content_of, digest_of, static_files
from malar.pwa.words import counter_words
from malar.staticfiles import as_served

WORKER_OFF = settings.BASE_DIR / "templates" / "pwa" / "sw-off.js"
COUNTER = (
    *("counter", "view", "slip", "figures", "question", "rates", "ref", "book"),
    *("scale", "shelf", "sounds", "wet", "draft"),
)
MODULES = (*(f"counter/{name}" for name in COUNTER), "back", "forget", "left")
"""What the counter imports: named in its head, so that a slow line fetches all of it at once."""
OUTBOX = tuple(f"js/offline/{name}.js" for name in ("idb", "disk", "wire", "outbox"))
"""Classic scripts, in the order in which page and worker run them."""
LATER = (
    *(
        f"js/counter/{name}.js"
        for name in ("late", "awake", "find", "search", "version", "sheets", "sheet", "sync", "line")
    ),
    *(
        f"js/counter/{name}.js"
        for name in ("lines", "form", "farmer", "money", "settlement", "report", "decide")
    ),
    *(f"js/counter/{name}.js" for name in ("lock", "pin", "port", "verified")),
    *("js/worker.js", "js/locked.js", "js/waiting.js", "js/leaving.js", "js/offline/seal.js"),
    *("js/offline/forms.js", "css/sheets.css"),
)
"""What the counter loads when it is asked for: kept by the worker, though no head names it."""


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
    return _kept_page(language, _shell)


@login_not_required
@require_safe
@gzip_page  # no secret of anybody is in it
@conditional_page
def offline(request: HttpRequest, language: str) -> HttpResponse:
    """What is shown in place of a page that did not come: the same for everybody, like the counter."""
    return _kept_page(language, _offline)


def _kept_page(language: str, page: Callable[[str], str]) -> HttpResponse:
    """A page that tablets keep; whether theirs is still the newest they ask each time."""
    with translation.override(language):
        response = HttpResponse(page(language))
    response["Content-Language"] = language
    response["Cache-Control"] = "no-cache"
    return response


@login_not_required
@require_safe
@gzip_page
@conditional_page
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker (templates/pwa/sw.js), after what it is to keep; or the one that takes it away.

    Answered to everybody and never with a redirect, which browsers refuse for a worker.
    """
    source = _worker()[1] if settings.SERVICE_WORKER else WORKER_OFF.read_text(encoding="utf-8")
    response = HttpResponse(source, content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    return response


@login_not_required
@require_safe
@conditional_page
def manifest(request: HttpRequest) -> HttpResponse:
    """django-pwa's manifest, in the language of the page that asks for it: browsers send no cookie for it."""
    language = "en" if request.GET.get("language") == "en" else "ta"
    with translation.override(language):
        response: HttpResponse = django_pwa.manifest(request)
    response["Content-Type"] = "application/manifest+json"
    response["Content-Language"] = language
    response["Cache-Control"] = "no-cache"
    return response


def app_version() -> str:
    """Which version of the counter this server has: that of its worker."""
    return _worker()[0]


@cache
def _worker() -> tuple[str, str]:
    """The worker's version and script. The version is the SHA-256 of all that it keeps, in the order of `addresses`.

    A worker that got anything else, from a server of another version or from a wall in between, does not
    begin: so no tablet ever has half of one version and half of another.
    """
    pages: dict[str, str] = {}
    for language in ("ta", "en"):
        with translation.override(language):
            pages[reverse("pwa:counter", kwargs={"language": language})] = _shell(language)
            pages[reverse("pwa:offline", kwargs={"language": language})] = _offline(language)
    # Each once, as the worker keeps them: else its figure would be another one, and it would never begin.
    files = list(dict.fromkeys([*static_files(pages.values()), *map(static, LATER)]))
    bodies = [*(page.encode() for page in pages.values()), *map(content_of, files)]
    version = digest_of(bodies)
    kept = {
        "version": version,
        "start": reverse("pwa:own_counter"),
        "pages": list(pages),
        "files": files,
        "scripts": [address for address in files if "/js/offline/" in address],
    }
    source = Path(settings.PWA_SERVICE_WORKER_PATH).read_text(encoding="utf-8")
    return version, f"self.malarShell = {json.dumps(kept)};\n{as_served('sw.js', source)}"


def _offline(language: str) -> str:
    """The offline page, in the language that is active."""
    return render_to_string("pwa/offline.html", {"language": language})


def _shell(language: str) -> str:
    """The counter, in the language that is active."""
    return render_to_string(
        "pwa/counter.html",
        {
            "language": language,
            "modules": [f"js/{name}.js" for name in MODULES],
            "scripts": OUTBOX,
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
