"""The living page of the house's look: every component in both languages and both themes, for who builds Malar.

Only where settings.DESIGN_PAGE says so (development and the tests), and only for the shop's people.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from malar.accounts.access import member_required
from malar.accounts.domain import Language, Role
from malar.accounts.middleware import ShopRequest

STATIC = Path(settings.BASE_DIR) / "static"
THEMES = {"day": ":root,", "dim": '[data-theme="dim"] {'}
"""Theme → how its block in tokens.css begins."""

PAIRS = (
    ("ink", "paper"),
    ("ink-2", "paper"),
    ("ink", "surface"),
    ("ink-2", "surface"),
    ("ink", "key"),
    ("ink-2", "sunken"),
    ("ink", "leaf-soft"),
    ("ink-2", "leaf-soft"),
    ("on-leaf", "leaf"),
    ("leaf-ink", "on-leaf"),
    ("on-plate", "plate"),
    ("on-plate-2", "plate"),
    ("on-action", "action"),
    ("wait", "wait-fill"),
    ("error", "error-fill"),
    ("error", "surface"),
    ("on-ok", "ok-fill"),
    ("link", "surface"),
    ("link", "paper"),
)
"""What is written on what."""

OUTLINES = (("edge", "paper"), ("edge", "surface"), ("wait-edge", "surface"), ("focus", "paper"))
"""What is drawn on what: not to be read, only to be seen."""

PIECES = (
    ("bar", gettext_lazy("The bar")),
    ("buttons", gettext_lazy("Buttons")),
    ("fields", gettext_lazy("Fields")),
    ("errors", gettext_lazy("What is wrong")),
    ("messages", gettext_lazy("Messages and notices")),
    ("figures", gettext_lazy("Figures")),
    ("table", gettext_lazy("Table")),
    ("string", gettext_lazy("The string")),
    ("petals", gettext_lazy("The petal meter")),
    ("empty", gettext_lazy("Nothing here yet")),
    ("waiting", gettext_lazy("Waiting")),
    ("ways", gettext_lazy("Tabs, pages, a question of its own")),
)
"""Template in home/design/ and its heading."""


class SampleForm(forms.Form):
    """One field of each kind."""

    name = forms.CharField(label=gettext_lazy("Name"), help_text=gettext_lazy("As it stands on the slip."))
    weight = forms.CharField(
        label=gettext_lazy("Weight with sack"), widget=forms.TextInput(attrs={"inputmode": "decimal"})
    )
    flower = forms.ChoiceField(
        label=gettext_lazy("Flower"),
        choices=[("malli", gettext_lazy("Jasmine")), ("roja", gettext_lazy("Rose"))],
    )
    reason = forms.ChoiceField(
        label=gettext_lazy("Reason"),
        widget=forms.RadioSelect,
        choices=[("wet", gettext_lazy("Wet")), ("agreed", gettext_lazy("Agreed price"))],
        initial="wet",
    )
    sure = forms.BooleanField(label=gettext_lazy("Send a message"), required=False)


@dataclass(frozen=True)
class Contrast:
    """How far `text` stands out from `ground`, both as #rrggbb; WCAG 2's ratio."""

    text: str
    ground: str
    text_colour: str
    ground_colour: str
    ratio: float


@member_required(Role.STAFF)
@require_http_methods(["GET", "HEAD", "POST"])
def design(request: ShopRequest) -> HttpResponse:
    """Show all pieces. POST is what the sample's "undo" does: a message, as after any change."""
    if not settings.DESIGN_PAGE:
        raise Http404
    if request.method == "POST":
        messages.success(request, _("Taken back."))
        return redirect("home:design")
    context = {
        "pieces": [{"template": f"home/design/{name}.html", "name": title} for name, title in PIECES],
        "panes": [_pane(language, theme) for theme in THEMES for language in Language.values],
        "contrasts": [
            {"theme": theme, "texts": contrasts(theme, PAIRS), "outlines": contrasts(theme, OUTLINES)}
            for theme in THEMES
        ],
        "sizes": _sizes(),
        "glyphs": _symbols("flowers.svg"),
        "icons": _symbols("icons.svg"),
    }
    return render(request, "home/design.html", context)


def _pane(language: str, theme: str) -> dict[str, object]:
    """A place to show a piece in; forms of their own, so that no id is there twice."""
    name = f"{language}-{theme}"
    return {
        "name": name,
        "language": language,
        "theme": theme,
        "form": SampleForm(prefix=name),
        "wrong": SampleForm({}, prefix=f"{name}-wrong"),
    }


def contrasts(theme: str, pairs: tuple[tuple[str, str], ...]) -> list[Contrast]:
    """The pairs of tokens in a theme ("day" or "dim") with their ratios."""
    colours = _colours(theme)
    return [
        Contrast(text, ground, colours[text], colours[ground], _ratio(colours[text], colours[ground]))
        for text, ground in pairs
    ]


def _colours(theme: str) -> dict[str, str]:
    css = (STATIC / "css/tokens.css").read_text(encoding="utf-8")
    start = css.index(THEMES[theme])
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", css[start : css.index("}", start)]))


def _ratio(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _sizes() -> list[tuple[str, str]]:
    """Names and sizes of the scale, the largest first."""
    css = (STATIC / "css/tokens.css").read_text(encoding="utf-8")
    return re.findall(r"--fs-(\w+): ([\d.]+rem)", css)


def _symbols(sprite: str) -> list[str]:
    return re.findall(r'<symbol id="([\w-]+)"', (STATIC / "images" / sprite).read_text(encoding="utf-8"))
