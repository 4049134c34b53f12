"""The office (Django's admin) never shows another shop, whatever is registered there.

Devi keeps shop two. Meena's shop has at least one row of every registered model; a model without a
sample fails, so that a new page of the office is walked, too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import quote
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db.models import DateField, ForeignKey, ManyToManyField, Model
from django.forms import ModelChoiceField
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, reverse

from ledger.models import CommissionRule, DailyEntry, Farmer
from malar.accounts.admin_site import OfShop, ShopAdminSite, ShopModelAdmin
from malar.accounts.models import Membership, Shop, User
from malar.ops.books import LATE_AFTER
from malar.trail.models import BooksCheck, Event
from notifications.domain import State
from notifications.models import Attempt, Message, MessageTemplate
from notifications.services.queueing import react
from pricing.models import FeeRule, Flower, MarketRate, PricingRule, RateAdjustment, TimeSlot
from pricing.selectors.rates import board_now
from tests import cast
from tests.conftest import page_of
from tests.ledger.terms import a_fee, an_adjustment

DAY = "2026-03-06"
REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
MARK = "மறைபொருள்"
"""A word that stands in every row of Meena's that has a name; no page of Devi's may hold it."""


@dataclass(frozen=True)
class Meenas:
    """One row of Meena's for each registered model."""

    rows: dict[type[Model], Model]

    def of(self, model: Any) -> Model:
        return self.rows[model]

    @property
    def ids(self) -> list[str]:
        return [str(row.pk) for row in self.rows.values()]


@pytest.fixture
def meenas(meena: Membership, kumar: Membership) -> Meenas:
    shop = meena.shop
    Shop.objects.filter(pk=shop.pk).update(name_ta=f"{MARK} கடை", name_en=f"{MARK} shop", owner_name=MARK)
    User.objects.filter(pk=kumar.user_id).update(name=MARK)
    kumar.user.refresh_from_db()
    flower = cast.a_flower(shop, "MAL", MARK, MARK)
    slot = cast.a_slot(shop, "04:00", "09:00")
    TimeSlot.objects.filter(pk=slot.pk).update(name_ta=MARK, name_en=MARK)
    farmer = cast.a_farmer(shop, 14, MARK, MARK, village_ta=MARK)
    cast.called(flower, "900", cast.at(DAY, "04:30"), meena)
    entry = cast.recorded(meena, farmer, flower, captured_at=cast.at(DAY, "04:50"), note=MARK)
    commission = CommissionRule.objects.create(
        shop=shop, farmer=farmer, flower=flower, pct=8, valid_from=DAY, made_by=meena
    )
    way = PricingRule.objects.create(shop=shop, flower=flower, mode="lot", valid_from=DAY, made_by=meena)
    fee, wet = a_fee(shop, "toll", "per_sack", "5"), an_adjustment(shop, "wet", "percent", "-10")
    for named in (fee, wet):
        type(named).objects.filter(pk=named.pk).update(name_ta=MARK, name_en=MARK)
    rows: list[Model] = [shop, kumar, flower, slot, farmer, entry, MarketRate.objects.get(), commission]
    (message,) = react(event_id=Event.objects.get(name="EntryRecorded", shop=shop).pk)
    # Of a house's only shop its owner words them; where there are two, nobody sees them in the office.
    wording = MessageTemplate.objects.create(
        name="consent_welcome",
        language="en",
        version=9,
        body=f"{MARK} {{farmer}} {{shop}} x",
        is_active=False,
    )
    rows += [way, fee, wet, Message.objects.get(pk=message), wording]
    return Meenas({type(row): row for row in rows})


@pytest.fixture
def office(devi: Membership, meenas: Meenas) -> Client:
    """Devi, in her own office."""
    return page_of(devi)


@pytest.fixture
def request_of_devi(devi: Membership) -> Any:
    request: Any = RequestFactory().get("/admin/")
    request.user, request.member, request.shop = devi.user, devi, devi.shop
    return request


def url(model: type[Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def says_nothing_of_meena(page: str, meenas: Meenas) -> bool:
    return MARK not in page and not any(row_id in page for row_id in meenas.ids)


def every(models: list[type[Model]]) -> Any:
    return pytest.mark.parametrize("model", models, ids=lambda model: model._meta.label)


def test_every_registered_model_is_walked(meenas: Meenas) -> None:
    assert set(meenas.rows) == set(REGISTERED)


def test_only_pages_that_start_from_the_shop_are_let_in() -> None:
    assert all(isinstance(each, ShopModelAdmin) for each in admin.site._registry.values())


def test_what_other_packages_bring_is_left_out() -> None:
    site = ShopAdminSite()
    site.register(User)
    site.register(User, admin.ModelAdmin)
    assert not site.is_registered(User)


@every(REGISTERED)
def test_the_list_shows_no_foreign_row(office: Client, meenas: Meenas, model: type[Model]) -> None:
    page = office.get(url(model, "changelist"), follow=True)
    assert page.status_code == 200
    assert says_nothing_of_meena(page.content.decode(), meenas)
    if "cl" in page.context:
        assert page.context["cl"].queryset.filter(pk=meenas.of(model).pk).count() == 0


@every([model for model in REGISTERED if model is not Shop])
def test_searching_finds_no_foreign_row(office: Client, meenas: Meenas, model: type[Model]) -> None:
    for words in (MARK, "MAL", "F014", "S1-0603-001"):
        page = office.get(url(model, "changelist"), {"q": words})
        assert page.context["cl"].result_count == 0
        assert says_nothing_of_meena(page.content.decode().replace(f'value="{MARK}"', ""), meenas)


@every([model for model in REGISTERED if model is not Shop])
def test_the_owner_himself_finds_it(meena: Membership, meenas: Meenas, model: type[Model]) -> None:
    """The search above proves something only if it finds what is there."""
    page = page_of(meena).get(url(model, "changelist"), {"q": MARK})
    assert page.context["cl"].queryset.filter(pk=meenas.of(model).pk).exists()
    page_of_row = page_of(meena).get(url(model, "change", quote(meenas.of(model).pk)))
    assert page_of_row.status_code == 200


@every([model for model in REGISTERED if model is not Shop])
def test_no_filter_offers_or_reaches_a_foreign_row(
    office: Client, meenas: Meenas, request_of_devi: Any, model: type[Model]
) -> None:
    model_admin = admin.site._registry[model]
    filters: Any = model_admin.get_list_filter(request_of_devi)
    for chosen in filters:
        field: Any = model._meta.get_field(chosen if isinstance(chosen, str) else chosen[0])
        if isinstance(field, ForeignKey):
            assert chosen[1] is OfShop, f"{field} would offer every shop's"
            foreign = meenas.of(field.related_model)
            page = office.get(url(model, "changelist"), {f"{field.name}__id__exact": str(foreign.pk)})
            assert page.context["cl"].result_count == 0
            assert MARK not in page.content.decode()


@every([model for model in REGISTERED if model is not Shop])
def test_no_lookup_in_the_address_reaches_a_foreign_row(
    office: Client, meenas: Meenas, meena: Membership, model: type[Model]
) -> None:
    lookups = [
        {"shop__id__exact": str(meena.shop_id)},
        {"shop": str(meena.shop_id)},
        {"shop__name_en__startswith": MARK},
        {"pk": str(meenas.of(model).pk)},
    ]
    for lookup in lookups:
        page = office.get(f"{url(model, 'changelist')}?{urlencode(lookup)}")
        assert page.status_code in {302, 400} or page.context["cl"].result_count == 0


@every([model for model in REGISTERED if model is not Shop])
def test_the_calendar_above_the_list_knows_no_foreign_day(
    office: Client, meenas: Meenas, model: type[Model]
) -> None:
    field = admin.site._registry[model].date_hierarchy
    if field is None:
        assert not any(
            isinstance(each, DateField) and each.name == "business_date" for each in model._meta.fields
        )
        return
    march = {f"{field}__year": "2026", f"{field}__month": "3"}
    for period, offered in (
        ({}, "__year=2026"),
        ({f"{field}__year": "2026"}, "__month=3"),
        (march, "__day=6"),
    ):
        page = office.get(url(model, "changelist"), period)
        assert page.context["cl"].result_count == 0
        assert not re.search(rf"{field}{offered}\b", page.content.decode())


@every(REGISTERED)
@pytest.mark.parametrize("page", ["change", "history", "delete"])
def test_a_foreign_row_does_not_exist(office: Client, meenas: Meenas, model: type[Model], page: str) -> None:
    row = meenas.of(model)
    before = type(row)._default_manager.filter(pk=row.pk).values().get()
    address = url(model, page, quote(row.pk))
    for answer in (office.get(address), office.post(address, {"post": "yes", "code": "X", "is_active": ""})):
        assert (answer.status_code, answer.headers.get("Location")) in {(302, "/admin/"), (403, None)}
    assert type(row)._default_manager.filter(pk=row.pk).values().get() == before
    assert MARK not in office.get("/admin/").content.decode()


def pickers() -> Iterator[tuple[type[Model], Any]]:
    for model in REGISTERED:
        for field in [*model._meta.fields, *model._meta.many_to_many]:
            if isinstance(field, ForeignKey | ManyToManyField):
                yield model, field


def test_no_picker_offers_a_foreign_row(meenas: Meenas, request_of_devi: Any) -> None:
    """Also of fields no form shows today: whoever adds one to `fields` gets the shop's own."""
    walked = 0
    for model, field in pickers():
        form_field = admin.site._registry[model].formfield_for_dbfield(field, request_of_devi)
        if form_field is None:
            continue
        assert isinstance(form_field, ModelChoiceField)
        assert form_field.queryset is not None
        offered = {str(row.pk) for row in form_field.queryset.all()}
        assert offered.isdisjoint(meenas.ids), f"{model._meta.label}.{field.name}"
        walked += 1
    assert walked >= 8


def test_no_autocompletion_offers_a_foreign_row(office: Client, meenas: Meenas, request_of_devi: Any) -> None:
    for model, field in pickers():
        if not isinstance(field, ForeignKey):
            continue
        asked: dict[str, Any] = {
            "app_label": model._meta.app_label,
            "model_name": model._meta.model_name,
            "field_name": field.name,
        }
        for words in ("", MARK):
            answer = office.get("/admin/autocomplete/", {**asked, "term": words})
            if answer.status_code == 200:
                assert {row["id"] for row in answer.json()["results"]}.isdisjoint(meenas.ids)
            else:
                assert answer.status_code in {403, 404}


def test_a_row_is_not_found_by_its_type_either(office: Client, meenas: Meenas) -> None:
    with pytest.raises(NoReverseMatch):
        reverse("admin:view_on_site", args=[1, 1])
    for model, row in meenas.rows.items():
        content_type = ContentType.objects.get_for_model(model)
        assert office.get(f"/admin/r/{content_type.pk}/{row.pk}/").status_code == 404


@every(REGISTERED)
def test_shop_and_the_flags_of_django_are_edited_nowhere(
    meena: Membership, meenas: Meenas, model: type[Model]
) -> None:
    client = page_of(meena)
    pages = [url(model, "change", quote(meenas.of(model).pk))]
    if admin.site._registry[model].may_add:  # type: ignore[attr-defined]
        pages.append(url(model, "add"))
    for page in pages:
        form = client.get(page).content.decode()
        assert not re.search(r'name="(shop|is_staff|is_superuser|groups|user_permissions)"', form)


@every(REGISTERED)
def test_nothing_is_deleted(meena: Membership, meenas: Meenas, model: type[Model]) -> None:
    client = page_of(meena)
    row = meenas.of(model)
    assert client.post(url(model, "delete", quote(row.pk)), {"post": "yes"}).status_code == 403
    client.post(
        url(model, "changelist"),
        {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"},
    )
    assert type(row)._default_manager.filter(pk=row.pk).exists()


WRITTEN_HERE = {
    *(Shop, Flower, TimeSlot, CommissionRule, PricingRule, RateAdjustment, FeeRule, MessageTemplate),
}


@every([model for model in REGISTERED if model not in WRITTEN_HERE])
def test_what_has_a_page_of_its_own_is_only_read_here(
    meena: Membership, meenas: Meenas, model: type[Model]
) -> None:
    client = page_of(meena)
    row = meenas.of(model)
    before = type(row)._default_manager.filter(pk=row.pk).values().get()
    assert client.get(url(model, "add")).status_code == 403
    assert client.post(url(model, "change", quote(row.pk)), {"name_ta": "x", "rate": "1"}).status_code == 403
    assert type(row)._default_manager.filter(pk=row.pk).values().get() == before


@pytest.mark.parametrize("who", ["kumar", "raja"])
def test_staff_and_farmers_do_not_enter(who: str, request: pytest.FixtureRequest, meenas: Meenas) -> None:
    person = request.getfixturevalue("kumar") if who == "kumar" else farmer_member(meenas)
    client = page_of(person)
    for model in REGISTERED:
        answer = client.get(url(model, "changelist"), follow=True)
        assert answer.status_code == 403


def farmer_member(meenas: Meenas) -> Membership:
    shop = meenas.of(Shop)
    assert isinstance(shop, Shop)
    from malar.accounts.domain import Role

    return cast.a_member(shop, "Raja", Role.FARMER)


NEW_FLOWER = {
    "code": "ROJ",
    "name_ta": "ரோஜா",
    "name_en": "Rose",
    "glyph": "roja",
    "unit": "kg",
    "position": "3",
    "is_active": "on",
}


def test_a_new_flower_belongs_to_the_owner_s_shop_whatever_is_sent(
    devi: Membership, meena: Membership
) -> None:
    answer = page_of(devi).post(url(Flower, "add"), NEW_FLOWER | {"shop": str(meena.shop_id)})
    assert answer.status_code == 302
    flower = Flower.objects.get(code="ROJ")
    assert (flower.shop, flower.name_ta, flower.name_en) == (devi.shop, "ரோஜா", "Rose")


def test_the_history_names_the_owner_and_the_office(meena: Membership, jasmine: Flower) -> None:
    client = page_of(meena)
    client.post(url(Flower, "change", jasmine.pk), NEW_FLOWER | {"code": "MAL", "name_en": "Madurai malli"})
    last = jasmine.versions.order_by("pgh_id").last()  # type: ignore[attr-defined]
    assert (last.pgh_context.metadata["member"], last.pgh_context.metadata["door"]) == (
        str(meena.pk),
        "admin",
    )
    page = client.get(url(Flower, "history", jasmine.pk)).content.decode()
    assert "Meena" in page
    assert "office" in page
    assert "<s>Jasmine</s> → Madurai malli" in page
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("missing", ["name_ta", "name_en"])
def test_a_flower_needs_its_name_in_both_languages(meena: Membership, missing: str) -> None:
    answer = page_of(meena).post(url(Flower, "add"), NEW_FLOWER | {missing: ""})
    assert missing in answer.context["adminform"].form.errors
    assert not Flower.objects.exists()


def test_a_code_is_used_once_in_a_shop_and_again_in_another(
    meena: Membership, devi: Membership, jasmine: Flower
) -> None:
    again = NEW_FLOWER | {"code": "MAL"}
    answer = page_of(meena).post(url(Flower, "add"), again)
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors
    assert page_of(devi).post(url(Flower, "add"), again).status_code == 302


def test_a_flower_no_longer_sold_leaves_the_board_at_once(
    meena: Membership, jasmine: Flower, django_capture_on_commit_callbacks: Any
) -> None:
    now = cast.at(DAY, "05:00")
    assert [line.flower_id for line in board_now(meena.shop, now)] == [jasmine.pk]
    with django_capture_on_commit_callbacks(execute=True):
        page_of(meena).post(url(Flower, "change", jasmine.pk), NEW_FLOWER | {"code": "MAL", "is_active": ""})
    assert board_now(meena.shop, now) == []
    cache.clear()


def test_the_shop_s_settings_are_changed_in_the_office(meena: Membership) -> None:
    client = page_of(meena)
    address = url(Shop, "change", meena.shop_id)
    assert client.get(url(Shop, "changelist")).headers["Location"] == address
    settings = {
        "name_ta": "மீனா மலர் மண்டி",
        "name_en": "Meena",
        "commission_pct": "12.50",
        "turnover_hour": "2",
        "net_step": "5",
    }
    assert client.post(address, settings).status_code == 302
    meena.shop.refresh_from_db()
    assert (meena.shop.commission_pct, meena.shop.turnover_hour) == (Decimal("12.50"), 2)
    assert meena.shop.net_step == 5
    assert client.post(address, settings | {"net_step": "2"}).status_code == 200, "no such coin"
    assert client.post(address, settings | {"commission_pct": "101"}).status_code == 200
    assert client.get(url(Shop, "add")).status_code == 403


def test_the_old_sign_in_of_the_admin_leads_to_ours(
    meena: Membership, kumar: Membership, client: Client
) -> None:
    assert client.get("/admin/", follow=True).redirect_chain[-1][0] == "/accounts/login/?next=/admin/"
    assert page_of(meena).get("/admin/login/").headers["Location"] == "/admin/"
    assert page_of(kumar).get("/admin/login/").status_code == 403
    assert page_of(meena).get("/admin/password_change/").headers["Location"] == "/accounts/password/change/"


@pytest.mark.parametrize("language", ["en", "ta"])
def test_the_office_speaks_both_languages(meena: Membership, meenas: Meenas, language: str) -> None:
    User.objects.filter(pk=meena.user_id).update(language=language)
    client = page_of(meena)
    words = {"en": "Flowers", "ta": "பூக்கள்"}[language]
    page = client.get("/admin/").content.decode()
    assert f'<html lang="{language}"' in page
    assert words in page


@every([MarketRate, DailyEntry, Farmer, Membership, Flower, Message])
def test_a_longer_list_asks_no_more_questions(
    meena: Membership, meenas: Meenas, model: type[Model], django_assert_max_num_queries: Any
) -> None:
    for number in range(20, 25):
        farmer = cast.a_farmer(meena.shop, number, f"வி {number}", "")
        cast.recorded(meena, farmer, meenas.of(Flower), captured_at=cast.at(DAY, f"05:{number}"))  # type: ignore[arg-type]
    client = page_of(meena)
    with django_assert_max_num_queries(9):
        client.get(url(model, "changelist"))


@pytest.mark.parametrize(("language", "words"), [("en", "The sacks of a line"), ("ta", "மூட்டை")])
def test_the_office_says_what_is_wrong_with_the_shop_s_books(
    meena: Membership, devi: Membership, language: str, words: str
) -> None:
    rows = [
        {"shop": None, "id": "", "found": "of-nobody"},
        {"shop": str(meena.shop_id), "id": "1f", "found": "S1-0603-004"},
    ]
    User.objects.update(language=language)
    BooksCheck.objects.create(milliseconds=1, checked=50, findings=[{"invariant": "sacks", "rows": rows}])
    page = page_of(meena).get("/admin/").content.decode()
    assert words in page
    assert "S1-0603-004" in page
    page = page_of(devi).get("/admin/").content.decode()
    assert "S1-0603-004" not in page
    assert "of-nobody" in page


def test_the_office_says_when_the_books_were_checked(meena: Membership) -> None:
    client = page_of(meena)
    assert "not been checked yet" in client.get("/admin/").content.decode()
    check = BooksCheck.objects.create(milliseconds=1, checked=50)
    assert "50 things" in client.get("/admin/").content.decode()
    BooksCheck.objects.filter(pk=check.pk).update(at=check.at - LATE_AFTER)
    assert "last checked" in client.get("/admin/").content.decode()


def test_what_is_wrong_with_another_shop_is_not_said(meena: Membership, devi: Membership) -> None:
    rows = [{"shop": str(devi.shop_id), "id": "1f", "found": "S1-0603-004"}]
    BooksCheck.objects.create(milliseconds=1, checked=50, findings=[{"invariant": "sacks", "rows": rows}])
    assert "In order" in page_of(meena).get("/admin/").content.decode()


@pytest.fixture
def stuck(meena: Membership, meenas: Meenas) -> Message:
    """Meena's message to her farmer, given up after a call."""
    message = meenas.of(Message)
    assert isinstance(message, Message)
    Message.objects.update(state=State.DEAD, next_attempt_at=None, attempt=1, error_code="21617", tries=1)
    Attempt.objects.create(
        shop=meena.shop, message=message, number=1, provider="twilio_sms", outcome="failed", code="21617"
    )
    return message


def act(client: Client, action: str, message: Message) -> str:
    """Do something with a message that is ticked; the page that follows."""
    chosen = {"action": action, "_selected_action": str(message.pk)}
    answer = client.post(url(Message, "changelist"), chosen, follow=True)
    message.refresh_from_db()
    return answer.content.decode()


def test_a_dead_letter_is_sent_again_by_the_owner(meena: Membership, stuck: Message) -> None:
    client = page_of(meena)
    page = client.get(url(Message, "change", stuck.pk)).content.decode()
    assert "21617" in page
    assert "twilio_sms" in page
    assert "1 message will be sent again." in act(client, "send_again", stuck)
    assert (stuck.state, stuck.tries) == (State.QUEUED, 0)
    assert "Nothing was chosen that can be sent again." in act(client, "send_again", stuck)


def test_what_was_perhaps_sent_is_sent_again_only_by_its_own_name(meena: Membership, stuck: Message) -> None:
    Message.objects.update(state=State.UNKNOWN)
    client = page_of(meena)
    act(client, "send_again", stuck)
    assert stuck.state == State.UNKNOWN
    page = client.get(url(Message, "changelist")).content.decode()
    assert "Send again what may have arrived: the farmer may be told twice" in page
    act(client, "send_again_perhaps_twice", stuck)
    assert stuck.state == State.QUEUED


def test_nobody_sends_a_foreign_message_again(office: Client, meena: Membership, stuck: Message) -> None:
    act(office, "send_again", stuck)
    assert stuck.state == State.DEAD


def test_the_history_of_a_message_is_its_page(meena: Membership, stuck: Message) -> None:
    answer = page_of(meena).get(url(Message, "history", stuck.pk))
    assert answer.headers["Location"] == url(Message, "change", stuck.pk)
