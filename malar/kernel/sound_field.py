"""Finding rows by the sound of a name, in SQL alone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, F, Func, Q, Value, When
from django.db.models.expressions import Combinable

from malar.kernel.sound import bones, readings, spoken, together, words_of

if TYPE_CHECKING:
    _Text = models.TextField[str, str]
else:  # at run time fields take no types
    _Text = models.TextField


class SoundField(_Text):
    """What a row's names and places sound like, kept beside them for searching.

    `names` and `places` are fields of the same model. It is computed when a row is written, as
    `auto_now` is, so that services, the office, bulk_create and tests fill it alike. Only
    QuerySet.update() and save(update_fields=…) go past it; who changes a name by these names `sound` too.
    """

    def __init__(
        self, *args: Any, names: tuple[str, ...] = (), places: tuple[str, ...] = (), **options: Any
    ) -> None:
        self.names, self.places = names, places
        super().__init__(
            *args, **{"default": "", "db_default": "", "blank": True, "editable": False, **options}
        )

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        if self.names:
            text = sound_text(
                [getattr(model_instance, name) for name in self.names],
                [getattr(model_instance, place) for place in self.places],
            )
            setattr(model_instance, self.attname, text)
        return str(getattr(model_instance, self.attname))


def sound_text(names: list[str], places: list[str]) -> str:
    """The searchable text of a row: of each word of a name `-word`, its sound `~sound`, its bones `=bones`;
    of each word of a place `#word` and `@bones`. A blank before and after each."""
    marked: dict[str, None] = {}
    for name in names:
        for word in _words_and_together(name):
            sound = spoken(word)
            marked |= dict.fromkeys((f"-{word}", f"~{sound}", f"={bones(sound)}"))
    for place in places:
        for word in _words_and_together(place):
            marked |= dict.fromkeys((f"#{word}", f"@{bones(spoken(word))}"))
    return f" {' '.join(marked)} " if marked else ""


def _words_and_together(text: str) -> list[str]:
    words = words_of(text or "")
    return [*words, *together(words)]


class Fits(Func):
    """Whether a text is LIKE, or matches (`~`), any of some patterns. One node of SQL instead of dozens."""

    output_field = models.BooleanField()
    template = "%(expressions)s)"

    def __init__(self, field: str, patterns: list[str], operator: str = "LIKE") -> None:
        any_of = Value(patterns, output_field=ArrayField(models.TextField()))
        super().__init__(F(field), any_of, arg_joiner=f" {operator} ANY (")


@dataclass(frozen=True)
class Heard:
    """Rows that have a typed word. `begun`: a word of theirs begins so, in spelling or sound;
    `exact`: or has it within; `alike`: or one that sounds nearly so.

    `rank` is smaller the nearer a row is; it means nothing on other rows.
    """

    begun: Q
    exact: Q
    alike: Q
    rank: Combinable


def heard(word: str, field: str = "sound") -> Heard:
    """What one word of `words_of` asks of a SoundField. The order is that of the counter's search.js."""
    sounds = [sound for sound in readings(word) if sound]
    stems = list(dict.fromkeys(bones(sound) for sound in sounds))
    long_stems = [stem for stem in stems if len(stem) > 2]

    def has(*texts: str) -> Q:
        return Q(Fits(field, [f"%{text}%" for text in texts]))

    def matches(*patterns: str) -> Q:
        return Q(Fits(field, list(patterns), "~"))

    begun = [[f" -{word}", f" #{word}"], *([f" ={stem}", f" @{stem}"] for stem in stems)]
    # Short pieces are within half of all names; only as beginnings do they say anything.
    within = [[text] if len(text) > 2 else starts for text, starts in zip((word, *stems), begun, strict=True)]
    exact = has(*chain(*within))
    alike = exact
    if long_stems:
        # With one consonant wrong, one half of them is right: rows without are not worth the pattern.
        halves = [
            half for stem in long_stems for half in (f" ={stem[: len(stem) // 2]}", stem[len(stem) // 2 :])
        ]
        alike |= has(*halves) & matches(*(f" =({_one_consonant_off(stem)})" for stem in long_stems))
    # An initial has one consonant: its vowel is rarely written in Latin, மு. is M.
    initials = [f" ={stem} " for stem in stems if len(stem) == 1]
    ranks = [
        has(f" -{word} "),
        has(*(f" ~{sound} " for sound in sounds), *initials),
        has(f" -{word}"),
        matches(*(f" ~({_one_vowel_off(sound)}) " for sound in sounds)),
        has(*(f" ={stem} " for stem in stems)),
        has(*(f" ~{sound}" for sound in sounds)),
        has(*(f" ={stem}" for stem in stems)),
        matches(rf" -\S*{word}"),
        matches(*(rf" =\S*{stem}" for stem in long_stems)),
        has(f" #{word}", *(f" @{stem}" for stem in stems)),
        exact,
    ]
    whens = [When(asked, then=Value(rank)) for rank, asked in enumerate(ranks)]
    return Heard(has(*chain(*begun)), exact, alike, Case(*whens, default=Value(len(ranks))))


def _one_vowel_off(sound: str) -> str:
    """A pattern of the sounds that differ in one vowel: another, none, or one more."""
    return "|".join(
        f"{sound[:at]}[aeiou]?{sound[at + (sound[at : at + 1] in set('aeiou')) :]}"
        for at in range(len(sound) + 1)
    )


def _one_consonant_off(stem: str) -> str:
    """A pattern of the bones that begin alike and differ in one consonant: another, none, or one more."""
    off = [f"{stem[:at]}[a-z]?{stem[at + 1 :]}" for at in range(1, len(stem))]
    more = [f"{stem[:at]}[a-z]{stem[at:]}" for at in range(1, len(stem))]
    return "|".join([*off, *more])
