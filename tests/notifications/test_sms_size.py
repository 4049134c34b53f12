"""How long a text is as an SMS: our count against Twilio's published one, at every boundary of 3GPP TS 23.038."""

import pytest

from notifications.wordings import GSM, GSM_EXTENSION, SmsSize, sms_size

# (repeated text, how often, what follows): GSM-7 or not, units, parts, as Twilio's own counter gives them
# (npm's sms-segments-calculator 1.3.0, MIT, run once on each text; on 4,000 texts drawn by lot from these
# letters, too, it and we said the same).
BOUNDARIES = [
    ("a", 1, "", True, 1, 1),
    ("a", 160, "", True, 160, 1),
    ("a", 161, "", True, 161, 2),
    ("a", 306, "", True, 306, 2),
    ("a", 307, "", True, 307, 3),
    ("a", 459, "", True, 459, 3),
    ("a", 460, "", True, 460, 4),
    ("€", 1, "", True, 2, 1),
    ("€", 80, "", True, 160, 1),
    ("a", 159, "€", True, 161, 2),
    ("a", 158, "€", True, 160, 1),
    ("a", 152, "€", True, 154, 1),
    ("a", 152, "€aaaaaaa", True, 161, 2),
    ("a", 152, "€aaaaaaaa", True, 162, 2),
    ("[", 76, "aaaaaaaaa", True, 161, 2),
    ("^", 153, "", True, 306, 3),
    ("a", 69, "₹", False, 70, 1),
    ("a", 70, "₹", False, 71, 2),
    ("₹", 70, "", False, 70, 1),
    ("₹", 71, "", False, 71, 2),
    ("₹", 134, "", False, 134, 2),
    ("₹", 135, "", False, 135, 3),
    ("₹", 201, "", False, 201, 3),
    ("₹", 202, "", False, 202, 4),
    ("அ", 70, "", False, 70, 1),
    ("அ", 71, "", False, 71, 2),
    ("கி", 35, "", False, 70, 1),
    ("கி", 36, "", False, 72, 2),
    ("கி", 67, "", False, 134, 3),
    ("கி", 68, "", False, 136, 3),
    ("பெ. ராஜா ", 9, "", False, 81, 2),
    ("அ", 66, "😀அஅஅ", False, 71, 2),
    ("😀", 35, "", False, 70, 1),
    ("😀", 36, "", False, 72, 2),
    ("😀", 66, "", False, 132, 2),
    ("😀", 67, "", False, 134, 3),
    ("அ", 66, "கோஅஅஅ", False, 71, 2),
    ("👍🏽", 17, "", False, 68, 1),
    ("👍🏽", 18, "", False, 72, 2),
    ("க்ஷ", 20, "", False, 60, 1),
    ("a", 160, "\n", True, 161, 2),
    ("a\nb", 53, "", True, 159, 1),
    ("`", 1, "", False, 1, 1),
    ("ç", 1, "", False, 1, 1),
    ("Ç", 160, "", True, 160, 1),
    ("ê", 70, "", False, 70, 1),
    ("\xa0", 1, "", False, 1, 1),
    ("'", 160, "", True, 160, 1),
    ("’", 1, "", False, 1, 1),
    ("a", 161, "", True, 161, 2),
    ("€", 81, "", True, 162, 2),
    ("a", 305, "€", True, 307, 3),
    ("a", 151, "€a", True, 154, 1),
    ("அ", 134, "", False, 134, 2),
    ("அ", 135, "", False, 135, 3),
    ("₹", 133, "₹", False, 134, 2),
    ("a", 159, "₹", False, 160, 3),
    ("Rs.", 53, "a", True, 160, 1),
    ("😀", 1, "", False, 2, 1),
    ("அ", 69, "😀", False, 71, 2),
    ("அ", 68, "😀", False, 70, 1),
    ("அ", 65, "😀😀😀", False, 71, 2),
    ("😀", 33, "அ", False, 67, 1),
    ("😀", 34, "அஅஅ", False, 71, 2),
    ("👨\u200d👩\u200d👧", 8, "", False, 64, 1),
    ("👨\u200d👩\u200d👧", 9, "", False, 72, 2),
    ("👨\u200d👩\u200d👧", 17, "", False, 136, 3),
    ("🇮🇳", 17, "", False, 68, 1),
    ("🇮🇳", 18, "", False, 72, 2),
    ("🇮🇳", 82, "", False, 328, 6),
    ("❤️", 35, "", False, 70, 1),
    ("❤️", 36, "", False, 72, 2),
    ("1️⃣", 23, "", False, 69, 1),
    ("1️⃣", 24, "", False, 72, 2),
    (
        "மலர் மார்க்கெட்: கணக்கு R12F014 தயார். தொகை ரூ.154575.00."
        " பார்த்து ஒப்புதல் தர: https://mlr.example.in/s/k7Qx2mPd9R -MALARM",
        1,
        "",
        False,
        123,
        2,
    ),
    ("மலர் மார்க்கெட்: வரவு E10234, எடை 12.500 கிலோ, ரூ.6000.00. -MALARM", 1, "", False, 66, 1),
]


@pytest.mark.parametrize(("text", "times", "rest", "is_gsm", "units", "parts"), BOUNDARIES)
def test_a_text_is_as_long_as_the_published_counter_says(
    text: str, times: int, rest: str, is_gsm: bool, units: int, parts: int
) -> None:
    assert sms_size(text * times + rest) == SmsSize(is_gsm, units, parts)


def test_the_alphabet_has_its_size() -> None:
    """128 places: one is the escape, the rest are characters; ten more behind the escape (6.2.1 and 6.2.1.1)."""
    assert len(GSM) == 127
    assert len(GSM_EXTENSION) == 10
    assert not GSM & GSM_EXTENSION
