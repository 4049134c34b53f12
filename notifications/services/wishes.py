"""What a farmer wants to be told, and what he says in a word: effective at once, and kept."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils import translation
from django.utils.translation import gettext as _

from ledger.domain import Direction
from ledger.models import Farmer
from ledger.selectors.accounts import balance_of
from malar.accounts.domain import ALLOWED, Role
from malar.accounts.models import Membership
from malar.kernel.errors import NotAllowed, RuleBroken
from malar.kernel.formatting import rupees
from malar.kernel.transactions import step, unit_of_work
from notifications.domain import ASKED_FOR, Kind, Source, State
from notifications.models import Consent, Message, Preference
from notifications.replies import Meaning, meaning_of
from notifications.selectors import stopped_by, wants_messages, wishes_of
from notifications.services.queueing import one_by_one
from notifications.services.receipts import unpriced_words


@dataclass(frozen=True)
class Reply:
    """What a farmer's text meant, and what he is answered in his language; nothing where `text` is empty.

    YES, NO and UNCLEAR are answered by whoever knows which message he answers.
    """

    meaning: Meaning
    text: str = ""


@step
def apply_inbound(farmer: Farmer, text: str, *, alone: bool = True) -> Reply:
    """Do what a farmer's text asks for that is his alone to say: no messages, messages again, his balance.

    STOP is answered once; another one is silent. `alone`: nobody else has his number. Where somebody has, START gives
    messages back to those whom a word had stopped, and to nobody who stopped them himself on the page.
    """
    one_by_one(farmer.pk)
    meaning = meaning_of(text)
    with translation.override(farmer.language):
        match meaning:
            case Meaning.STOP:
                changed = _say(farmer, is_in=False, source=Source.WORD, said=text)
                words = _("You will get no more messages from us. Send START if you want them again.")
                return Reply(meaning, words if changed else "")
            case Meaning.START:
                if not alone and stopped_by(farmer) != Source.WORD:
                    return Reply(meaning)
                changed = _say(farmer, is_in=True, source=Source.WORD, said=text)
                words = _("You will get our messages again. Send STOP if you do not want them.")
                return Reply(meaning, words if changed else "")
            case Meaning.BALANCE:
                return Reply(meaning, balance_words(farmer))
            case Meaning.UNSURE:
                return Reply(
                    meaning,
                    _("Send STOP if you want no more messages. For anything else please call the shop."),
                )
    return Reply(meaning)


def balance_words(farmer: Farmer) -> str:
    """What stands between him and the shop, in the active language."""
    balance = balance_of(farmer)
    words = {
        Direction.SHOP_OWES: _("%(farmer)s, you get %(amount)s from us."),
        Direction.FARMER_OWES: _("%(farmer)s, we get %(amount)s from you."),
        Direction.EVEN: _("%(farmer)s, nothing is open between us."),
    }
    said = [words[balance.direction] % {"farmer": farmer.name, "amount": rupees(balance.net)}]
    if balance.advance:
        said.append(_("Advance outstanding: %(amount)s.") % {"amount": rupees(balance.advance)})
    if balance.hand_loan:
        said.append(_("Hand loan outstanding: %(amount)s.") % {"amount": rupees(balance.hand_loan)})
    if balance.unsettled.unpriced:
        said.append(unpriced_words(balance.unsettled.unpriced))
    return " ".join(said)


@unit_of_work
def change_wishes(
    *,
    by: Membership,
    farmer: Farmer,
    wanted: Mapping[str, bool] | None = None,
    messages: bool | None = None,
    language: str | None = None,
    either: bool | None = None,
    source: Source = Source.PAGE,
) -> dict[Kind, bool]:
    """Which kinds a farmer wants (`wanted`), whether he wants messages at all, and in which language; he says it, or
    staff for him. His own pages speak that language too. `either`: whether a message may come in the other language
    where it cannot be sent in his own.

    Receipts and summaries are one choice: who takes the summary of the day gets no receipts, unless he says so.
    Raises NotAllowed for another farmer, RuleBroken `unknown` for what is no kind.
    """
    if by.role not in ALLOWED[Role.STAFF] and farmer.member_id != by.pk:
        raise NotAllowed(_("Only the farmer himself, or the shop for him, says what he wants to be told."))
    said = dict(wanted or {})
    for kind in said:
        if kind not in Kind.values or kind in ASKED_FOR:
            raise RuleBroken(
                _("There is no such kind of message."), code="unknown", pointer=f"/wanted/{kind}"
            )
    if Kind.DAY_SUMMARY in said:
        said.setdefault(Kind.ENTRY_RECEIPT, not said[Kind.DAY_SUMMARY])
    one_by_one(farmer.pk)
    for kind, is_wanted in said.items():
        Preference.objects.update_or_create(
            farmer=farmer, kind=kind, defaults={"shop": by.shop, "is_wanted": is_wanted}
        )
    if messages is not None:
        _say(farmer, is_in=messages, source=source, member=by)
    if language is not None:
        _speak(farmer, language, by=by)
    if either is not None:
        _allow_either(farmer, either)
    return wishes_of(farmer)


@step
def _allow_either(farmer: Farmer, either: bool) -> None:
    for kind, is_wanted in wishes_of(farmer).items():
        Preference.objects.update_or_create(
            farmer=farmer,
            kind=kind,
            defaults={"either_language": either},
            create_defaults={"either_language": either, "is_wanted": is_wanted, "shop": farmer.shop},
        )


@step
def _speak(farmer: Farmer, language: str, *, by: Membership) -> None:
    farmer = Farmer.objects.select_related("member__user").select_for_update(of=("self",)).get(pk=farmer.pk)
    if farmer.language != language:
        farmer.language = language
        farmer.version += 1
        farmer.save(update_fields=["language", "version"])
    if farmer.member is not None and farmer.member.user.language != language:
        farmer.member.user.language = language
        farmer.member.user.save(update_fields=["language"])


@step
def _say(
    farmer: Farmer, *, is_in: bool, source: Source, said: str = "", member: Membership | None = None
) -> bool:
    """Keep that he wants messages or none; whether that is new. What waits for him is not sent any more."""
    if wants_messages(farmer) == is_in:
        return False
    Consent.objects.create(
        shop=farmer.shop, farmer=farmer, is_in=is_in, source=source, said=said[:200], member=member
    )
    if not is_in:
        Message.objects.waiting().filter(farmer=farmer).exclude(kind__in=ASKED_FOR).update(
            state=State.FAILED, next_attempt_at=None, error_code="opted_out"
        )
    return True
