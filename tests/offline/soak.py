"""A morning on two tablets while everything breaks: every line is in the book once, to the gram and the paisa.

`manage.py soak` runs it, with servers and browsers of its own; `make test` a short one. People type on the
page as it is shipped. What must come out is a file that was written here, a line at each "saved"; nothing of it is read
from the tablets or the server but the ids by which lines are compared.

A soak that nothing can fail proves nothing: MUTANTS are the four classic mistakes, put into the shipped files, the
server or the database, and each of them must be found.
"""

import datetime as dt
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Playwright, expect, sync_playwright

from ledger.models import DailyEntry
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.kernel.money import line_amount
from malar.ops.benchmarks.scene import own_database
from malar.sync.models import Conflict, SyncOp
from pricing.services.rates import publish_rate
from tests import cast
from tests.browser import chromium
from tests.browser.counter import Counter
from tests.offline.proxy import BLACKHOLE, DROP_RESPONSE, PORTAL, REFUSE, Fault, Proxy, after, cut, instead
from tests.offline.server import Server
from tests.offline.tablet import Tablet, hurried
from tests.stack import wait_until

RATE = Decimal(640)
FARMERS = (45, 89, 112, 126, 154, 207, 271, 318)
STEPS_A_FAULT = 5
PATIENCE_MS = 30_000
"""So long a busy machine may take for what is done at once on a tablet."""
MEETING = 12
"""After so many lines both tablets correct the same one, without hearing of each other."""


@dataclass(frozen=True)
class Mutant:
    """A mistake: `(file, pattern, replacement)` of a shipped script, a server that is started otherwise, or `keys`.

    `often` is what breaks three times of four: a mistake must not go unseen because its hour did not come.
    """

    scripts: tuple[tuple[str, str, str], ...] = ()
    server: str = "malar.wsgi:application"
    drops_keys: bool = False
    often: tuple[str, ...] = ()


MUTANTS = {
    "delete_before_send": Mutant(
        scripts=(("outbox", r'status:\s*"sending",\s*last_attempt', 'status:"acked",last_attempt'),),
        often=("cut", "500"),
    ),
    "any_2xx_is_an_ack": Mutant(
        scripts=(
            ("wire", r"if\s*\(!isOurs\s*\|\|\s*isPlain\)", "if(isPlain||!isOurs&&status>=300)"),
            ("wire", r"body:\s*JSON\.parse\(text\)", "body:isOurs?JSON.parse(text):{}"),
            (
                "outbox",
                r"if\s*\(await this\.#heard\(batch,\s*answer\.body\.results\)\)",
                'if(answer.body&&!answer.body.results?(await this.#change(batch,()=>({status:"acked"})),true)'
                ":await this.#heard(batch,answer.body.results))",
            ),
        ),
        often=("portal",),
    ),
    "last_write_wins_on_quantity": Mutant(server="tests.offline.last_write_wins:application"),
    "no_unique_key": Mutant(drops_keys=True, often=("answer lost", "500 after")),
}


@dataclass
class Expected:
    """A line as the people who typed it know it."""

    quantity: Decimal
    is_void: bool = False
    by: set[str] = field(default_factory=set)
    """The tablets on which it was written or corrected."""
    typed: set[Decimal] = field(default_factory=set)
    """The weights that were put in its place."""


@dataclass
class Outcome:
    """What the book says otherwise than the people; empty: nothing."""

    seed: int
    saved: int
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    left: int = 0
    stuck: str = ""
    """Why the morning could not be gone on with."""
    kilograms: tuple[Decimal, Decimal] = (Decimal(0), Decimal(0))
    rupees: tuple[Decimal, Decimal] = (Decimal(0), Decimal(0))
    happened: dict[str, int] = field(default_factory=dict)

    @property
    def is_otherwise(self) -> bool:
        """Whether the book says something else than the people."""
        sums = self.kilograms[0] == self.kilograms[1] and self.rupees[0] == self.rupees[1]
        return bool(self.lost or self.doubled or self.wrong or not sums)

    @property
    def is_only_stuck(self) -> bool:
        """The morning broke off, and what was typed until then is in the book."""
        return bool(self.stuck) and not (self.is_otherwise or self.left)

    @property
    def is_whole(self) -> bool:
        return not (self.is_otherwise or self.left or self.stuck)

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: saved {self.saved}, lost {len(self.lost)}, doubled {len(self.doubled)}, "
            f"wrong {len(self.wrong)}, left in queues {self.left}; kg {self.kilograms[0]} typed, "
            f"{self.kilograms[1]} in the book; ₹ {self.rupees[0]} and {self.rupees[1]}; {self.happened}"
            f"{f'; stuck: {self.stuck}' if self.stuck else ''}"
        )


class Otherwise(Exception):
    """In the middle of the morning nothing waits any more, and the book is another one."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(str(outcome))
        self.outcome = outcome


def said_of(error: Exception) -> str:
    """What stood in the way, with what the browser waited for."""
    return " | ".join(line.strip() for line in str(error).splitlines()[:12] if line.strip())


class Clerk:
    """Somebody at a tablet at the end of a line of its own."""

    def __init__(self, name: str, member: Membership, tablet: Tablet, line: Proxy) -> None:
        self.name, self.member, self.tablet, self.line = name, member, tablet, line
        self.is_signed_in = True
        tablet.context.add_init_script(hurried(10))
        self.counter = self._counter().open(member)
        tablet.is_known()
        ready = "() => navigator.serviceWorker.controller?.state === 'activated'"
        wait_until(lambda: tablet.evaluate(ready), seconds=60, why="no worker")

    def _counter(self) -> Counter:
        counter = Counter(self.tablet.page, self.line.url)
        counter.page.set_default_timeout(PATIENCE_MS)
        return counter

    def open(self) -> None:
        """The page once more; on whatever line there is."""
        self.counter = self._counter()
        if self.is_signed_in:
            self.counter.cookie(self.member)
        self.counter.page.goto("/app/en/")
        expect(self.counter.page.locator("#recents label").first).to_be_visible()

    def battery_falls_out(self) -> None:
        self.tablet.kill()
        self.tablet.start()
        self.tablet.context.add_init_script(hurried(10))
        self.open()

    def is_signed_out(self) -> None:
        """The session ends; he goes on selling."""
        self.tablet.context.clear_cookies()
        self.is_signed_in = False

    def signs_in(self) -> None:
        self.is_signed_in = True
        self.open()

    def leaves(self) -> None:
        """He signs out by the menu, whatever the line is, and what is unsent is sealed; then he comes back."""
        page = self.counter.page
        page.locator(".bar [popovertarget=menu]").click()
        page.locator("#leave").click()
        keep = page.get_by_role("button", name="Sign out, keep them sealed")

        def is_gone() -> bool:
            if keep.is_visible():
                with suppress(PlaywrightError):
                    keep.click(timeout=2000)  # or all is sent by now, and it goes by itself
            return self._is_nobody()

        wait_until(is_gone, seconds=30, why="he is still signed in")
        self.line.clear()
        # As the next one at this tablet must: until a page of the server's has said that nobody is signed in, whoever
        # comes is signed out again, for he who left could not tell it.
        self.tablet.context.clear_cookies()
        wait_until(self._is_told_that_nobody_is, seconds=30, why="the tablet still signs people out")
        self.signs_in()

    def _is_told_that_nobody_is(self) -> bool:
        try:
            self.counter.page.goto("/accounts/login/")
            return bool(self.tablet.evaluate("() => localStorage.getItem('malar.left') === null"))
        except PlaywrightError:
            return False  # the page was still on its way to another one

    def _is_nobody(self) -> bool:
        page = self.counter.page
        return "/accounts/login" in page.url or page.locator("#recents label").count() == 0

    def clock_jumps(self, minutes: int) -> None:
        self.counter.page.evaluate(
            """minutes => {
              window.honest ??= Date.now.bind(Date);
              Date.now = () => honest() + minutes * 60000;
            }""",
            minutes,
        )

    def means_it(self) -> None:
        """He is asked about a weight that nobody has brought lately: it is right as he typed it."""
        right = self.counter.page.locator("#panel[data-kind=ask]:visible button").last
        if right.is_visible():
            right.click()
            self.counter.type("⏎")  # asked before Save was pressed, it is not saved yet

    def has_said_it(self) -> None:
        """Until then the page does not take what is typed, but Save it does."""
        expect(self.counter.page.locator("#save-amount")).not_to_have_text("Saving…")

    def operations(self) -> list[dict[str, Any]]:
        return self.tablet.queue()

    def opens(self, id: str) -> bool:
        """Tap a bead of the string until its sheet is open; False where it went off the string, as newer ones came.

        A tap that begins on a bead and ends on the one that was drawn in its place meanwhile is none.
        """
        page = self.counter.page
        sheet = page.locator("#line")
        for _ in range(4):
            try:
                page.locator(f'#string [data-line="{id}"]').click(timeout=5000)
                sheet.wait_for(timeout=5000)
            except PlaywrightError:
                if id not in self.beads():
                    return False
            else:
                return True
        raise AssertionError("the sheet of a line does not open")

    def beads(self) -> list[str]:
        """The ids of the entries he sees."""
        ids: list[str] = self.counter.page.locator("#string [data-line]").evaluate_all(
            "beads => beads.map((bead) => bead.dataset.line)"
        )
        return ids


class Morning:
    """One run. `write` gets a line of the oracle's file at each "saved"."""

    def __init__(
        self,
        seed: int,
        clerks: list[Clerk],
        server: Server,
        write: Callable[[str], object],
        *,
        often: tuple[str, ...],
        patience: float,
    ) -> None:
        self.seed, self.clerks, self.server, self.write = seed, clerks, server, write
        self.often, self.patience = often, patience
        self.chance = random.Random(seed)  # a schedule, not a secret
        self.book: dict[str, Expected] = {}
        self.happened: dict[str, int] = {}
        self.told: list[dict[str, object]] = []

    def note(self, what: str, **said: object) -> None:
        self.happened[what] = self.happened.get(what, 0) + 1
        self.told.append({"what": what, **said})
        self.write(json.dumps({"what": what, **said}, default=str) + "\n")

    def run(self, entries: int) -> None:
        """Sell so many lines. Raises Otherwise as soon as nothing waits and the book is another one all the same."""
        step = sold = 0
        while sold < entries:
            step += 1
            if step % STEPS_A_FAULT == 0:
                self.something_breaks()
            clerk = self.chance.choice(self.clerks)
            what = self.chance.choices(("sale", "correction", "cancellation"), (80, 13, 7))[0]
            if what == "sale" or not getattr(self, what)(clerk):
                self.sale(clerk)
                sold += 1
                if sold % MEETING == 0:
                    self.both_correct_one()

    # --- What people do ---------------------------------------------------------------------------

    def sale(self, clerk: Clerk) -> None:
        weight = Decimal(self.chance.randrange(1600, 3000)) / 200  # 8.000 to 14.995 kg
        before = {op["id"] for op in clerk.operations()}
        clerk.counter.type(f"{self.chance.choice(FARMERS):03}⏎*1⏎{weight.normalize():f}⏎⏎")

        def made() -> list[dict[str, Any]]:
            clerk.means_it()
            return [op for op in clerk.operations() if op["operation"] == "CREATE" and op["id"] not in before]

        wait_until(made, seconds=30, why="the sale is not saved")
        clerk.has_said_it()
        (op,) = made()
        self.book[op["entity_id"]] = Expected(weight, by={clerk.name})
        self.note("sale", id=op["entity_id"], weight=weight, tablet=clerk.name)

    def correction(self, clerk: Clerk, id: str | None = None) -> bool:
        """Put another weight in the place of the one on the screen; what he changed it by is what counts."""
        if id is None:
            his = [each for each in clerk.beads() if self._may(clerk, each)]
            if not his:
                return False
            id = self.chance.choice(his)
        page = clerk.counter.page
        before = len(clerk.operations())
        if not clerk.opens(id):
            return False
        page.locator("#line-correct").click()
        shown = Decimal(clerk.counter.weight.text_content() or "")
        line = self.book[id]
        # Two who weigh the same have weighed the same sack twice: that counts once, and is not what is asked here.
        eighths = [each for each in range(1, 8) if shown + Decimal(each) / 8 not in line.typed]
        added = Decimal(self.chance.choice(eighths or [8])) / 8
        for _ in range(8):
            page.locator('[data-key="backspace"]').click()
            if not clerk.counter.weight.text_content():
                break
        typed = f"{(shown + added).normalize():f}"
        clerk.counter.type(typed)
        expect(clerk.counter.weight).to_have_text(typed)

        def is_written() -> bool:
            clerk.means_it()
            # A tap so soon after the one that saved this very line is taken for a trembling finger.
            if page.locator("#save b").text_content() == "Correct it":
                clerk.counter.save()
            return len(clerk.operations()) > before

        wait_until(is_written, seconds=30, why="the correction is not saved")
        clerk.has_said_it()
        line.quantity += added
        line.typed.add(shown + added)
        line.by.add(clerk.name)
        self.note("correction", id=id, shown=shown, added=added, tablet=clerk.name)
        return True

    def _may(self, clerk: Clerk, id: str) -> bool:
        line = self.book.get(id)
        is_own = line is not None and clerk.name in line.by
        return line is not None and not line.is_void and (is_own or clerk.member.role == Role.ADMIN)

    def cancellation(self, clerk: Clerk) -> bool:
        """Strike out one that nobody else has corrected: who is right where both touch it, a person decides."""
        his = [
            each for each in clerk.beads() if self._may(clerk, each) and self.book[each].by == {clerk.name}
        ]
        if not his:
            return False
        page, before = clerk.counter.page, len(clerk.operations())
        if not clerk.opens(his[0]):
            return False
        page.locator("#line-cancel").click()
        wait_until(lambda: len(clerk.operations()) > before, seconds=30, why="the cancellation is not saved")
        self.book[his[0]].is_void = True
        self.note("cancellation", id=his[0], tablet=clerk.name)
        return True

    def both_correct_one(self) -> None:
        """The clerk and the owner weigh the same sack again, each without hearing of the other."""
        self.calm()
        clerk, owner = self.clerks
        wait_until(lambda: self.left() == 0, seconds=self.patience, why="the queues do not become empty")
        if (outcome := self.compared()).is_otherwise and not outcome.left:
            raise Otherwise(outcome)
        for each in self.clerks:
            each.open()

        def common() -> list[str]:
            return [id for id in clerk.beads() if id in owner.beads() and self._may(clerk, id)]

        # What the tablet kept is drawn first, and the other one's lines are not among it.
        with suppress(AssertionError):
            wait_until(common, seconds=10)
        both = common()
        if not both:
            return
        for each in self.clerks:
            each.line.set(REFUSE)
        done = [self.correction(each, both[0]) for each in self.clerks]
        if all(done):
            self.note("meeting", id=both[0])
        self.calm()

    # --- What breaks ------------------------------------------------------------------------------

    def something_breaks(self) -> None:
        clerk = self.chance.choice(self.clerks)
        if not clerk.is_signed_in and self.chance.random() < 0.5:
            clerk.line.clear()  # nobody signs in on a line that is dead
            clerk.signs_in()
            self.note("signed in", tablet=clerk.name)
        what = self.chance.choice((*FAULTS, *FAULTS, *EVENTS, "calm", "calm"))
        if self.often and self.chance.random() < 0.75:
            what = self.chance.choice(self.often)
        self.note(what, tablet=clerk.name)
        if what == "leaves" and clerk.is_signed_in:
            clerk.leaves()
        clerk.line.clear()
        match what:
            case "battery":
                clerk.battery_falls_out()
            case "server":
                self.server.end(signal.SIGKILL)
                self.server.start()
            case "session":
                clerk.is_signed_out()
            case "clock":
                clerk.clock_jumps(self.chance.choice((-37, -3, 3, 37)))
            case "calm" | "leaves":
                pass
            case _:
                fault = FAULTS[what]
                if fault in (REFUSE, BLACKHOLE):
                    clerk.line.set(fault)
                else:
                    clerk.line.on("^/sync/v1/", fault)

    def calm(self) -> None:
        """Everything works again."""
        for clerk in self.clerks:
            clerk.line.clear()
            if not clerk.is_signed_in:
                clerk.signs_in()

    # --- What came of it --------------------------------------------------------------------------

    def left(self) -> int:
        """What is still on the tablets, sealed or not."""
        return sum(len(clerk.tablet.unsent()) + clerk.tablet.sealed() for clerk in self.clerks)

    def outcome(self) -> Outcome:
        """What came of it when everything works again and there was time to send all."""
        stuck = ""
        try:
            self.calm()
            for clerk in self.clerks:
                clerk.open()
        except (AssertionError, PlaywrightError) as error:
            stuck = said_of(error)
        with suppress(AssertionError):
            wait_until(lambda: self.left() == 0, seconds=self.patience)
        outcome = self.compared()
        outcome.stuck = stuck
        return outcome

    def story(self, id: str) -> str:
        """What was done with a line, as people did it and as the server heard it."""
        done = [said for said in self.told if said.get("id") == id]
        ops = SyncOp.objects.filter(body__entity_id=id).order_by("received_at")
        heard = [
            f"{op.author} {op.seq} {op.body['operation']} on {op.body['base_version']} {op.body['set']}"
            f" → {op.result['status']} {op.result.get('version')}"
            for op in ops.select_related("author__user")
        ]
        return f"done: {done}; heard: {heard}"

    def compared(self) -> Outcome:
        """What the book says now, beside what people typed."""
        shop = self.clerks[0].member.shop
        rows = list(DailyEntry.objects.filter(shop=shop).values_list("id", "quantity", "amount", "status"))
        found: dict[str, list[tuple[Any, ...]]] = {}
        for key, *row in rows:
            found.setdefault(str(key), []).append(tuple(row))
        outcome = Outcome(self.seed, len(self.book), happened=self.happened)
        outcome.left = self.left()
        outcome.left += Conflict.objects.filter(shop=shop, resolved_at=None).count()
        outcome.lost = [id for id in self.book if id not in found]
        outcome.doubled = [id for id in found if id not in self.book or len(found[id]) > 1]
        for id, line in self.book.items():
            for kg, amount, status in found.get(id, [])[:1]:
                right = (line.quantity, line_amount(line.quantity, RATE), line.is_void)
                if (kg, amount, status == "voided") != right:
                    outcome.wrong.append(f"{id}: {kg} {amount} {status}; typed {right}; {self.story(id)}")
        standing = [line.quantity for line in self.book.values() if not line.is_void]
        booked = [(kg, amount) for _id, kg, amount, status in rows if status != "voided"]
        outcome.kilograms = (sum(standing, Decimal(0)), sum((kg for kg, _ in booked), Decimal(0)))
        outcome.rupees = (
            sum((line_amount(kg, RATE) for kg in standing), Decimal(0)),
            sum((amount or Decimal(0) for _, amount in booked), Decimal(0)),
        )
        return outcome


EVENTS = ("battery", "battery", "server", "session", "leaves", "leaves", "clock")
FAULTS: dict[str, Fault] = {
    "refused": REFUSE,
    "swallowed": BLACKHOLE,
    "answer lost": DROP_RESPONSE,
    "500": instead(500),
    "500 after": after(500),
    "302": instead(302, "", {"Location": "/accounts/login/"}),
    "portal": PORTAL,
    "cut": cut(300),
    "503": instead(503, "", {"Retry-After": "1"}),
    "413": instead(413),
}


def a_shop(name: str) -> tuple[Membership, Membership]:
    """A clerk and the owner of a shop with eight farmers, and one rate at every hour of every day."""
    shop = cast.a_shop(name)
    owner, clerk = (
        cast.a_member(shop, name, role) for name, role in (("Meena", Role.ADMIN), ("Kumar", Role.STAFF))
    )
    flower = cast.a_flower(shop, "MAL", "மல்லிகை", "Jasmine", glyph="malli")
    slot = cast.a_slot(shop, "00:00", "23:59:59")
    publish_rate(
        by=owner,
        key=uuid4(),
        flower=flower,
        slot=slot,
        rate=RATE,
        effective_from=timezone.now() - dt.timedelta(days=3),
    )
    for number in FARMERS:
        cast.a_farmer(shop, number, f"விவசாயி {number}", f"Farmer {number}")
    return clerk, owner


@contextmanager
def shipped(mutant: Mutant) -> Iterator[Path]:
    """A state folder with the static files as they are shipped, and the mutant's mistakes in them."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
        subprocess.run(command, env=os.environ | {"MALAR_HOME": home}, cwd=settings.BASE_DIR, check=True)
        for name, pattern, replacement in mutant.scripts:
            files = [
                path
                for path in Path(home).glob(f"**/js/offline/{name}*.js")
                if re.fullmatch(rf"{name}(\.[0-9a-f]{{12}})?\.js", path.name)
            ]
            if not files:
                raise CommandError(f"{name}.js is not shipped")
            for path in files:
                text, count = re.subn(pattern, replacement.replace("\\", r"\\"), path.read_text())
                if count != 1:
                    raise CommandError(f"{path.name}: the place of the mistake was found {count} times")
                path.write_text(text)
                for packed in path.parent.glob(f"{path.name}.*"):
                    packed.unlink()  # else the browser is served what was packed before
        yield Path(home)


def drop_keys() -> None:
    """Nothing in the database says any more that an operation, a line or a key is there once."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype IN ('p', 'u')"
            " AND conparentid = 0 AND conrelid IN ('sync_syncop'::regclass, 'ledger_dailyentry'::regclass,"
            " 'trail_answeredrequest'::regclass)"
        )
        for table, name in cursor.fetchall():
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}" CASCADE')


def end_sessions() -> None:
    """PostgreSQL drops no database with somebody in it: killed servers, which it notices late, and ourselves within
    Playwright's event loop, where Django opens a connection of its own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def soak(
    playwright: Playwright,
    path: str,
    folder: Path,
    *,
    seed: int,
    entries: int,
    mutant: Mutant,
    patience: float,
) -> Outcome:
    """One morning with one seed; `folder` keeps the oracle's file."""
    clerk, owner = a_shop(f"soak-{folder.name}")
    with ExitStack() as stack:
        home = stack.enter_context(shipped(mutant))
        server = Server(home, mutant.server, log=home / "granian.log", LOG_LEVEL="ERROR", API_RATE_LIMITS="0")
        stack.callback(server.end, signal.SIGKILL)
        server.start()
        clerks = []
        for name, member in (("clerk", clerk), ("owner", owner)):
            line = Proxy(server.port)
            stack.callback(line.close)
            tablet = Tablet(playwright, path, folder / name, line.url)
            stack.callback(tablet.close)
            clerks.append(Clerk(name, member, tablet, line))
        oracle = stack.enter_context((folder / "oracle.jsonl").open("w", encoding="utf-8"))

        def write(line: str) -> None:
            oracle.write(line)
            oracle.flush()

        morning = Morning(seed, clerks, server, write, often=mutant.often, patience=patience)
        stuck = ""
        try:
            morning.run(entries)
        except Otherwise as otherwise:
            return otherwise.outcome
        except (AssertionError, PlaywrightError) as error:
            stuck = said_of(error)
        outcome = morning.outcome()
        outcome.stuck = stuck or outcome.stuck
        return outcome


def soaks(*, entries: int, seeds: range, mutants: int, say: Callable[[str], None]) -> bool:
    """All seeds as shipped, then each mutant with `mutants` entries (0: none). Whether all came out as it must.

    Raises CommandError where there is no browser.
    """
    path = chromium.find()
    if path is None:
        raise CommandError(chromium.HELP)
    expect.set_options(timeout=PATIENCE_MS)
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's event loop; all of ours is one thread
    is_right = True
    with ExitStack() as stack:
        stack.enter_context(own_database())
        stack.callback(end_sessions)
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        playwright = stack.enter_context(sync_playwright())

        def morning(name: str, seed: int, count: int, mutant: Mutant, patience: float) -> Outcome:
            place = Path(folder) / name
            place.mkdir()
            return soak(playwright, path, place, seed=seed, entries=count, mutant=mutant, patience=patience)

        def one(name: str, seed: int, count: int, mutant: Mutant, patience: float) -> Outcome:
            outcome = morning(name, seed, count, mutant, patience)
            if not outcome.is_only_stuck:
                return outcome
            # A browser that did not do what it was told says nothing about the book; twice, and it is ours.
            say(f"STUCK, once more with another seed: {outcome}")
            return morning(f"{name}-again", seed + 1000, count, mutant, patience)

        for seed in seeds:
            began = time.monotonic()
            outcome = one(f"seed-{seed}", seed, entries, Mutant(), 90)
            is_right &= outcome.is_whole
            say(f"{'whole' if outcome.is_whole else 'BROKEN'}: {outcome} ({time.monotonic() - began:.0f} s)")
            for each in (*outcome.lost, *outcome.doubled, *outcome.wrong):
                say(f"  {each}")
        for name, mutant in MUTANTS.items() if mutants else ():
            began = time.monotonic()
            if mutant.drops_keys:
                drop_keys()
            outcome = one(name, seeds.start, mutants, mutant, 30)
            is_right &= outcome.is_otherwise  # a morning that only got stuck proves nothing
            found = "found" if outcome.is_otherwise else "NOT FOUND"
            say(f"{found}: {name}: {outcome} ({time.monotonic() - began:.0f} s)")
    return is_right
