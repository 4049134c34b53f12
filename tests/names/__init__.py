"""Names to search for, and shops to lose them in. `README.md` says how the lists were made.

`crowd` here and in tests/javascript/counter/search.test.js make the same farmers from the same parts.
"""

import json
from itertools import count
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def read(name: str) -> Any:
    return json.loads((HERE / name).read_text(encoding="utf-8"))


def pairs_of(name: str) -> list[tuple[str, str]]:
    """A list's pairs: a name in Tamil, and as somebody would type it in Latin letters."""
    return [(ta, en) for ta, en in read(name)["pairs"]]


def crowd(size: int, pairs: list[tuple[str, str]], known_in: str) -> list[dict[str, Any]]:
    """The particulars of `size` farmers: one for each pair, known in one script only (`ta` or `en`),
    and others of kindred names, known in either or both."""
    parts = read("parts.json")
    initials, firsts, lasts, villages = (parts[part] for part in ("initials", "firsts", "lasts", "villages"))
    people = []
    for at, (ta, en) in enumerate({ta: (ta, en) for ta, en in reversed(pairs)}.values()):
        village = villages[at % len(villages)]
        people.append(_person(ta if known_in == "ta" else "", en if known_in == "en" else "", village))
    taken = {name.split(". ")[-1].lower() for pair in pairs for name in pair}
    for n in count():
        if len(people) >= size:
            break
        first, last = firsts[n % len(firsts)], lasts[n // len(firsts) % len(lasts)]
        ta, en = first[0] + last[0], first[1] + last[1]
        if not taken & {ta, en.lower()}:
            initial, village = initials[n * 7 % len(initials)], villages[n * 5 % len(villages)]
            name_ta, name_en = f"{initial[0]}. {ta}", f"{initial[1]}. {en}"
            people.append(_person(name_ta if n % 3 != 1 else "", name_en if n % 3 != 0 else "", village))
    return [
        {"number": number, "code": f"F{number:03}", **person} for number, person in enumerate(people, start=1)
    ]


def _person(name_ta: str, name_en: str, village: list[str]) -> dict[str, str]:
    return {"name_ta": name_ta, "name_en": name_en, "village_ta": village[0], "village_en": village[1]}
