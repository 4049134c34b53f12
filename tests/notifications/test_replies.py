"""What a farmer's few words mean, however he types them."""

import unicodedata

import pytest

from notifications.replies import Meaning, meaning_of


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("சரி", Meaning.YES),
        ("சரி.", Meaning.YES),
        ("சரி 👍", Meaning.YES),
        ("👍🏽", Meaning.YES),
        ("SARI", Meaning.YES),
        ("Ok ", Meaning.YES),
        ("ஆம்!", Meaning.YES),
        (unicodedata.normalize("NFD", "ஓகே"), Meaning.YES),
        ("ச\u200cரி", Meaning.YES),
        ("இல்லை", Meaning.NO),
        ("STOP", Meaning.STOP),
        ('"Stop"', Meaning.STOP),
        ("நிறுத்து", Meaning.STOP),
        ("Start", Meaning.START),
        ("தொடங்கு", Meaning.START),
        ("நிலுவை?", Meaning.BALANCE),
        ("வேண்டாம்", Meaning.UNSURE),
        ("சரி இல்லை", Meaning.UNCLEAR),
        ("ok but wrong", Meaning.UNCLEAR),
        ("don't stop", Meaning.UNCLEAR),
        ("ஆம", Meaning.UNCLEAR),
        ("1", Meaning.UNCLEAR),
        ("", Meaning.UNCLEAR),
    ],
)
def test_only_the_whole_of_what_was_written_counts(text: str, meaning: Meaning) -> None:
    assert meaning_of(text) == meaning
