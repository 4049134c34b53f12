"""Messages to farmers and their wordings. The row is the queue: Celery carries only its id."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ledger.models import Farmer
from ledger.models.kept import kept
from malar.accounts.domain import Language
from malar.accounts.models import Membership, Shop, in_language
from malar.kernel.history import keep_history
from malar.kernel.ids import new_id
from malar.trail.models import Event
from notifications.domain import (
    ASKED_FOR,
    CODE_VALID_FOR,
    HOLDS_UP_FOR,
    MOST_CODE_TRIES,
    NOBODY,
    NOTES,
    ON_ITS_WAY,
    PLACES,
    REASONS,
    STUCK,
    UNFINISHED,
    WAITING,
    Approval,
    Category,
    Channel,
    Handling,
    Kind,
    Means,
    NoteKind,
    OtherWay,
    Source,
    State,
    Why,
)
from notifications.wordings import faults_of


class MessageTemplate(models.Model):
    """A version of what we say in one language. A version is never reworded: a new one takes its place."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.SlugField(gettext_lazy("name"), max_length=60)
    language = models.CharField(gettext_lazy("language"), max_length=2, choices=Language)
    version = models.PositiveSmallIntegerField(gettext_lazy("version"), default=1)
    body = models.TextField(
        gettext_lazy("wording"), help_text=gettext_lazy("{farmer} and the like are put in.")
    )
    sms = models.TextField(
        gettext_lazy("short form for SMS"),
        blank=True,
        help_text=gettext_lazy("As it is registered with the operators; empty: it is not sent by SMS."),
    )
    buttons = models.JSONField(gettext_lazy("buttons"), default=list, blank=True)
    category = models.CharField(
        gettext_lazy("category"), max_length=14, choices=Category, default=Category.UTILITY
    )
    is_active = models.BooleanField(gettext_lazy("in use"), default=True)

    class Meta:
        verbose_name = gettext_lazy("wording")
        verbose_name_plural = gettext_lazy("wordings")
        ordering = ("name", "language", "-version")
        constraints = [
            models.UniqueConstraint(fields=["name", "language", "version"], name="wording_version"),
            models.UniqueConstraint(
                fields=["name", "language"], condition=Q(is_active=True), name="one_wording_in_use"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.language} {self.version}"

    def clean(self) -> None:
        refused: dict[str, list[str]] = {}
        for fault in faults_of(
            name=self.name, language=self.language, body=self.body, sms=self.sms, buttons=self.buttons
        ):
            refused.setdefault(fault.pointer.removeprefix("/"), []).append(fault.detail)
        if refused:
            raise ValidationError(refused)


class TemplateApproval(models.Model):
    """What a provider says of one version of a wording. Its word counts: we write down what it says."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    template = models.ForeignKey(
        MessageTemplate,
        on_delete=models.PROTECT,
        related_name="approvals",
        verbose_name=gettext_lazy("wording"),
    )
    provider = models.CharField(gettext_lazy("provider"), max_length=20)
    state = models.CharField(gettext_lazy("state"), max_length=9, choices=Approval, default=Approval.DRAFT)
    ref = models.CharField(gettext_lazy("the provider's name for it"), max_length=120, blank=True)
    dlt_id = models.CharField(
        gettext_lazy("DLT number"),
        max_length=19,
        blank=True,
        help_text=gettext_lazy("19 digits, as the operators registered the short form."),
    )
    category = models.CharField(gettext_lazy("category"), max_length=14, choices=Category, blank=True)
    reason = models.CharField(gettext_lazy("reason"), max_length=200, blank=True)
    submitted_at = models.DateTimeField(gettext_lazy("sent in at"), null=True, blank=True)
    checked_at = models.DateTimeField(gettext_lazy("asked at"), null=True, blank=True)

    class Meta:
        verbose_name = gettext_lazy("approval of a wording")
        verbose_name_plural = gettext_lazy("approvals of wordings")
        ordering = ("template", "provider")
        constraints = [
            models.UniqueConstraint(fields=["template", "provider"], name="one_approval_a_provider"),
            models.UniqueConstraint(
                fields=["provider", "ref"], condition=~Q(ref=""), name="one_wording_per_ref"
            ),
            models.CheckConstraint(name="approval_state_is_known", condition=Q(state__in=Approval.values)),
            models.CheckConstraint(
                name="dlt_number_has_19_digits", condition=Q(dlt_id="") | Q(dlt_id__regex=r"^[0-9]{19}$")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.get_state_display()}"

    @property
    def lets_send(self) -> bool:
        """Whether the provider takes it, at the price we reckon with."""
        return self.state == Approval.APPROVED and self.category in ("", self.template.category)


class MessageQuerySet(models.QuerySet["Message"]):
    def waiting(self) -> MessageQuerySet:
        """Still to be sent, now or later."""
        return self.filter(state__in=WAITING)

    def due(self) -> MessageQuerySet:
        """To be sent now. By the database's clock: the workers' may differ."""
        return self.waiting().filter(next_attempt_at__lte=Now(), expires_at__gt=Now())

    def first_in_line(self) -> MessageQuerySet:
        """Held up by no earlier one to the same address. An earlier one holds up others only while it is young, and
        none holds up what somebody waits for."""
        earlier = Message.objects.filter(
            channel=OuterRef("channel"),
            address=OuterRef("address"),
            pk__lt=OuterRef("pk"),
            state__in=UNFINISHED,
            created_at__gt=Now() - HOLDS_UP_FOR,
        )
        return self.exclude(Exists(earlier), ~Q(kind__in=ASKED_FOR))


class Message(models.Model):
    """Something a farmer is told, once: where to, in which words, and how far it has come."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="messages")
    farmer = models.ForeignKey(
        Farmer, on_delete=models.PROTECT, related_name="messages", verbose_name=gettext_lazy("farmer")
    )
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="messages")
    kind = models.CharField(gettext_lazy("kind"), max_length=30, choices=Kind)
    dedupe_key = models.CharField(max_length=120, unique=True)
    channel = models.CharField(gettext_lazy("channel"), max_length=10, choices=Channel)
    address = models.CharField(gettext_lazy("address"), max_length=40)
    language = models.CharField(gettext_lazy("language"), max_length=2, choices=Language)
    template = models.ForeignKey(MessageTemplate, on_delete=models.PROTECT, related_name="messages")
    variables = models.JSONField()
    text = models.TextField(gettext_lazy("text"))
    state = models.CharField(gettext_lazy("state"), max_length=10, choices=State, default=State.QUEUED)
    attempt = models.PositiveSmallIntegerField(
        gettext_lazy("attempts"), default=0, help_text="Times it was claimed; names the call under way."
    )
    tries = models.PositiveSmallIntegerField(default=0, help_text="Refused tries that count against it.")
    next_attempt_at = models.DateTimeField(null=True, db_default=Now())
    handed_at = models.DateTimeField(null=True, help_text="When Celery was last given its id.")
    lease_until = models.DateTimeField(null=True, help_text="Who is sending it has until then.")
    expires_at = models.DateTimeField()
    provider = models.CharField(max_length=20, blank=True)
    provider_id = models.CharField(max_length=80, blank=True)
    error_code = models.CharField(gettext_lazy("error"), max_length=40, blank=True)
    created_at = models.DateTimeField(gettext_lazy("time"), auto_now_add=True)
    asked_at = models.DateTimeField(null=True, help_text="When the provider was last asked after it.")
    # When the provider took it.
    sent_at = models.DateTimeField(gettext_lazy("sent at"), null=True)
    delivered_at = models.DateTimeField(gettext_lazy("delivered at"), null=True)
    read_at = models.DateTimeField(gettext_lazy("read at"), null=True)
    failed_at = models.DateTimeField(null=True, help_text="When the provider said that it did not arrive.")
    other_way = models.CharField(
        max_length=6,
        choices=OtherWay,
        default="",
        blank=True,
        help_text="How he is to be told instead; empty again as soon as somebody has seen to it.",
    )
    fallback_of = models.OneToOneField(
        "self",
        on_delete=models.PROTECT,
        null=True,
        related_name="fallback",
        help_text="The message that did not reach him, and in whose stead this one goes, once.",
    )
    cost_paise = models.PositiveIntegerField(gettext_lazy("cost, paise"), default=0)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("message")
        verbose_name_plural = gettext_lazy("messages")
        ordering = ("-created_at", "-id")
        constraints = [
            models.CheckConstraint(name="message_state_is_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(
                name="message_waits_for_a_moment",
                condition=Q(state__in=WAITING, next_attempt_at__isnull=False)
                | (~Q(state__in=WAITING) & Q(next_attempt_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="message_is_leased_while_sending",
                condition=Q(state=State.SENDING, lease_until__isnull=False)
                | (~Q(state=State.SENDING) & Q(lease_until__isnull=True)),
            ),
            models.CheckConstraint(
                name="message_sent_says_when",
                condition=(Q(state__in=ON_ITS_WAY) & Q(sent_at__isnull=False))
                | (Q(state__in=UNFINISHED) & Q(sent_at__isnull=True))
                | ~Q(state__in=[*ON_ITS_WAY, *UNFINISHED]),
            ),
            models.UniqueConstraint(
                fields=["provider", "provider_id"],
                condition=~Q(provider_id=""),
                name="one_message_per_provider_id",
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], name="message_due", condition=Q(state__in=WAITING)),
            models.Index(fields=["lease_until"], name="message_leased", condition=Q(state=State.SENDING)),
            models.Index(
                fields=["channel", "address", "id"], name="message_line", condition=Q(state__in=UNFINISHED)
            ),
            models.Index(fields=["shop", "-created_at", "-id"], name="message_log"),
            models.Index(fields=["id"], name="message_other_way", condition=~Q(other_way="")),
            models.Index(
                fields=["created_at"],
                name="message_without_word",
                condition=Q(state__in=[State.ACCEPTED, State.UNKNOWN]),
            ),
            models.Index(fields=["id"], name="message_with_link", condition=Q(variables__has_key="token")),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.where_to}".strip()

    @property
    def is_under_way(self) -> bool:
        """Whether it may still be sent by itself."""
        return self.state in UNFINISHED

    @property
    def is_on_its_way(self) -> bool:
        """Whether the provider has it, or the farmer."""
        return self.state in ON_ITS_WAY

    @property
    def is_stuck(self) -> bool:
        """Whether only a person leads on, or late news from the provider."""
        return self.state in STUCK

    @property
    def where_to(self) -> str:
        """The address as people read it; a farmer without a phone has none."""
        return "" if self.address.startswith(NOBODY) else self.address

    @property
    def reason(self) -> str:
        """Why it has not been sent, in words; empty where there is nothing to say."""
        if self.state == State.EXPIRED:
            return _("It could not be sent in time.")
        if not self.error_code:
            return ""
        if self.error_code in REASONS:
            return str(REASONS[self.error_code])
        return _("It was refused with the code %(code)s.") % {"code": self.error_code}


class Attempt(models.Model):
    """One call to a provider, written before it is made: a call that never began may be made again.

    No text, no address and no secret: those are in the message, and nowhere.
    """

    id = models.BigAutoField(primary_key=True)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="message_attempts")
    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    provider = models.CharField(max_length=20)
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(
        max_length=10, blank=True, help_text="Empty while it runs, or when it broke off."
    )
    code = models.CharField(max_length=40, blank=True)
    provider_id = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ("number",)
        constraints = [
            models.UniqueConstraint(fields=["message", "number"], name="one_attempt_per_number"),
            models.CheckConstraint(
                name="attempt_ends_with_an_outcome", condition=Q(ended_at=None) | ~Q(outcome="")
            ),
        ]
        indexes = [
            models.Index(fields=["provider_id"], name="attempt_answered", condition=~Q(provider_id="")),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.outcome}"


class ByHand(models.Model):
    """That somebody of the shop sent a message again or took it back, and how far it had come until then."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="+")
    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="by_hand")
    member = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="+", verbose_name=gettext_lazy("by")
    )
    what = models.CharField(gettext_lazy("what"), max_length=10, choices=Handling)
    before = models.CharField(max_length=10, choices=State)
    at = models.DateTimeField(gettext_lazy("time"), auto_now_add=True)

    class Meta:
        ordering = ("at", "id")
        triggers: ClassVar = kept("by_hand", first="NULL;")

    def __str__(self) -> str:
        return f"{self.what} {self.before}"


class Sender(models.Model):
    """An account with a provider, while something is wrong with it: then nothing is sent through it.

    `open_until` set: sending is stopped. When that moment has passed, one message is let through; whoever takes it
    moves the moment on, so that no second one goes.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    code = models.CharField(max_length=20, unique=True)
    open_until = models.DateTimeField(null=True)
    opened = models.PositiveSmallIntegerField(default=0, help_text="Times in a row; each doubles the wait.")
    failures = models.PositiveSmallIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.code


class Recipient(models.Model):
    """An address, and from when on it may get its next message: WhatsApp refuses more than one in six seconds."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    channel = models.CharField(max_length=10, choices=Channel)
    address = models.CharField(max_length=40)
    free_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "address"], name="one_recipient_per_address")
        ]

    def __str__(self) -> str:
        return self.address


class Spending(models.Model):
    """What a shop's messages of a day cost, as far as we can tell when we send them, in paise."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="message_spendings")
    day = models.DateField()
    paise = models.PositiveIntegerField(default=0)
    told_at = models.DateTimeField(null=True, help_text="When somebody was told that it is all spent.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "day"], name="one_spending_per_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.paise}"


class Callback(models.Model):
    """What a provider told us by itself, as it came. Written by the webhook; a worker makes something of it."""

    class About(models.TextChoices):
        STATUS = "status"
        INBOUND = "inbound"
        WORDING = "wording"

    class State(models.TextChoices):
        NEW = "new"
        DONE = "done"
        ORPHAN = "orphan"
        BAD = "bad"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    provider = models.CharField(max_length=20)
    about = models.CharField(max_length=10, choices=About)
    dedupe_key = models.CharField(max_length=120)
    message_id = models.UUIDField(null=True, help_text="As the address it came to says; perhaps nobody's.")
    attempt = models.PositiveIntegerField(null=True)
    body = models.JSONField()
    state = models.CharField(max_length=6, choices=State, default=State.NEW)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, db_default=Now())
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("received_at", "id")
        constraints = [
            models.UniqueConstraint(fields=["provider", "dedupe_key"], name="one_callback_per_telling"),
        ]
        indexes = [
            models.Index(fields=["next_try_at"], name="callback_due", condition=Q(next_try_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.dedupe_key


class Answer(models.Model):
    """What a farmer wrote to us or tapped, what it did and what he was told. One for each shop that it is about.

    `provider_id` is the provider's name for it: told again, even years later, it does nothing. `shop` is None where
    nobody knows who wrote; `farmer` too, where several have the number. Only that somebody has seen to it changes.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, null=True, related_name="+")
    farmer = models.ForeignKey(
        Farmer,
        on_delete=models.PROTECT,
        null=True,
        related_name="answers",
        verbose_name=gettext_lazy("farmer"),
    )
    message = models.ForeignKey(Message, on_delete=models.PROTECT, null=True, related_name="answers")
    provider = models.CharField(max_length=20)
    provider_id = models.CharField(max_length=120)
    address = models.CharField(gettext_lazy("address"), max_length=40, blank=True)
    said = models.TextField(gettext_lazy("what he said"), blank=True)
    means = models.CharField(gettext_lazy("what he wants"), max_length=8, choices=Means)
    is_applied = models.BooleanField()
    why = models.CharField(gettext_lazy("what came of it"), max_length=10, choices=Why)
    reply = models.TextField(gettext_lazy("what he was answered"), blank=True)
    is_for_people = models.BooleanField()
    received_at = models.DateTimeField(gettext_lazy("time"))
    done_at = models.DateTimeField(gettext_lazy("seen to at"), null=True)
    done_by = models.ForeignKey(
        Membership, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=gettext_lazy("by")
    )

    class Meta:
        verbose_name = gettext_lazy("answer of a farmer")
        verbose_name_plural = gettext_lazy("answers of farmers")
        ordering = ("-received_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "provider_id", "shop"],
                nulls_distinct=False,
                name="one_answer_per_telling",
            ),
            models.CheckConstraint(
                name="answer_is_seen_to_by_somebody",
                condition=Q(done_at=None, done_by=None) | Q(done_at__isnull=False, done_by__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["shop", "-received_at"], name="answers_for_people", condition=Q(is_for_people=True)
            ),
            models.Index(fields=["address", "-received_at"], name="answers_of_address"),
        ]
        triggers: ClassVar = kept(
            "answer", first="NULL;", changing=("done_at", "done_by_id"), while_standing="TRUE"
        )

    def __str__(self) -> str:
        return f"{self.means}: {self.why}"

    @property
    def who(self) -> str:
        """The farmer, as far as one is certain."""
        return str(self.farmer) if self.farmer else _("Not certain who")


class ConsoleText(models.Model):
    """What the console provider was given: the farmer's phone, as far as a demo has one."""

    message = models.OneToOneField(
        Message, on_delete=models.PROTECT, primary_key=True, related_name="console_text"
    )
    address = models.CharField(max_length=40)
    body = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.address


class SignInCodeQuerySet(models.QuerySet["SignInCode"]):
    def newest_of(self, phone: str) -> SignInCodeQuerySet:
        """The one that counts for a number, or none: who asks again makes all before it void."""
        return self.filter(phone=phone).order_by("-made_at", "-id")[:1]


class SignInCode(models.Model):
    """That somebody asked for a code to sign in with a farmer's number, whether or not a farmer has that number.

    The code is not in it: `notifications.domain.code_of` makes it from the id.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    phone = models.CharField(max_length=16)
    made_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)

    objects = SignInCodeQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["phone", "-made_at", "-id"], name="code_of_phone")]

    def __str__(self) -> str:
        return self.phone

    def is_open(self, now: dt.datetime) -> bool:
        """Whether it can still be given."""
        return self.used_at is None and self.tries < MOST_CODE_TRIES and now < self.valid_until

    @property
    def valid_until(self) -> dt.datetime:
        return self.made_at + CODE_VALID_FOR


class Preference(models.Model):
    """Whether a farmer wants a kind of message, where it is not as it is for everybody."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="+")
    farmer = models.ForeignKey(Farmer, on_delete=models.PROTECT, related_name="preferences")
    kind = models.CharField(gettext_lazy("kind"), max_length=30, choices=Kind)
    is_wanted = models.BooleanField(gettext_lazy("wanted"))
    either_language = models.BooleanField(
        gettext_lazy("in either language"),
        default=False,
        help_text=gettext_lazy("It may come in the other language where it cannot be sent in his own."),
    )

    class Meta:
        verbose_name = gettext_lazy("preference")
        verbose_name_plural = gettext_lazy("preferences")
        constraints = [
            models.UniqueConstraint(fields=["farmer", "kind"], name="one_preference_a_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.is_wanted}"


class Consent(models.Model):
    """That a farmer wants messages, or wants none any more, from then on: how he said it, and to whom."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="+")
    farmer = models.ForeignKey(Farmer, on_delete=models.PROTECT, related_name="consents")
    is_in = models.BooleanField(gettext_lazy("wants messages"))
    source = models.CharField(gettext_lazy("how"), max_length=8, choices=Source)
    said = models.CharField(gettext_lazy("what he said"), max_length=200, blank=True)
    member = models.ForeignKey(
        Membership, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=gettext_lazy("by")
    )
    at = models.DateTimeField(gettext_lazy("time"), auto_now_add=True)

    class Meta:
        verbose_name = gettext_lazy("consent")
        verbose_name_plural = gettext_lazy("consents")
        ordering = ("-at", "-id")
        indexes = [models.Index(fields=["farmer", "-at", "-id"], name="consent_of_farmer")]
        triggers: ClassVar = kept("consent", first="NULL;")

    def __str__(self) -> str:
        return f"{self.farmer_id}: {self.is_in}"


class Note(models.Model):
    """A line in a member's inbox: a message he was sent as a farmer, or something the shop's people must see.

    `about` holds what the words name; they are made in the language of whoever reads them.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="+")
    member = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="notes")
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(gettext_lazy("kind"), max_length=16, choices=NoteKind)
    about = models.JSONField(default=dict)
    message = models.ForeignKey(Message, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(gettext_lazy("time"), auto_now_add=True)
    read_at = models.DateTimeField(gettext_lazy("read at"), null=True)

    class Meta:
        verbose_name = gettext_lazy("note")
        verbose_name_plural = gettext_lazy("notes")
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["event", "member", "kind", "message"],
                nulls_distinct=False,
                name="one_note_of_an_event",
            ),
        ]
        indexes = [
            models.Index(fields=["member", "-created_at", "-id"], name="inbox"),
            models.Index(fields=["member"], name="inbox_unread", condition=Q(read_at=None)),
        ]

    def __str__(self) -> str:
        return self.kind

    @property
    def words(self) -> str:
        """What it says, in the active language; a message keeps its own."""
        if self.message:
            return self.message.text
        about = {
            "farmer": in_language(self.about.get("farmer_ta", ""), self.about.get("farmer_en", "")),
            "state": Approval(self.about["state"]).label if "state" in self.about else "",
            **self.about,
            **({"kind": Kind(self.about["kind"]).label} if "kind" in self.about else {}),
        }
        return str(NOTES[NoteKind(self.kind)]) % about

    @property
    def place(self) -> str:
        """The address at which something can be done about it; empty where there is none."""
        name = PLACES.get(NoteKind(self.kind))
        return reverse(name) if name else ""

    @property
    def language(self) -> str:
        """Of its words, where it is not the reader's."""
        return self.message.language if self.message else ""


for model in (MessageTemplate, TemplateApproval, Preference, Answer):
    keep_history(model)
