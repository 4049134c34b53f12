"""The dispatcher: waits for events and hands them to Celery."""

import signal
import time
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone
from psycopg import OperationalError as ConnectionLost

from malar.kernel.jobs import BrokerAway
from malar.trail.models import CHANNEL
from malar.trail.services.events import hand_over, hand_over_again
from malar.trail.services.pulse import beat

log = structlog.get_logger(__name__)

PAUSE_S = 1.0
"""How long to leave a broker or a database alone that does not answer."""


class Command(BaseCommand):
    help = "Listen for events and hand them to Celery, for as long as it runs."

    def handle(self, *args: Any, **options: Any) -> None:
        # SIGTERM ends it as Ctrl-C does, wherever it is: whatever is half handed over is handed over again.
        self.is_ending = False
        for asked in (signal.SIGTERM, signal.SIGINT):
            signal.signal(asked, self.end)
        self.away = ""
        try:
            while not self.is_ending:
                try:
                    self.listen()
                except BrokerAway as error:
                    self.note_away("broker_away", error)
                # Django's errors, and psycopg's own while waiting for a NOTIFY.
                except (OperationalError, InterfaceError, ConnectionLost) as error:
                    self.note_away("database_away", error)
                    connection.close()
                time.sleep(PAUSE_S)
        except KeyboardInterrupt:
            pass
        except Exception:
            # Whatever an interrupted statement makes of it: at the end of a transaction psycopg says that it cannot
            # end now, and the interrupt is only that error's context. Nothing is hidden while nobody asked to end.
            if not self.is_ending:
                raise
        log.info("dispatcher_stopped")

    def end(self, *_asked: object) -> None:
        """Stop where it stands."""
        self.is_ending = True
        raise KeyboardInterrupt

    def listen(self) -> None:
        """Hand over what waits; then sleep until woken. Listening comes first, so nothing falls between.

        Every few seconds it looks without being woken, for what was lost on the way.
        """
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        swept = 0.0
        while True:
            if time.monotonic() - swept >= settings.EVENT_SWEEP_S:
                swept = time.monotonic()
                beat("dispatcher", at=timezone.now())
                hand_over_again()
            while hand_over():
                pass
            self.note_back()
            for _ in connection.connection.notifies(timeout=settings.EVENT_SWEEP_S, stop_after=1):
                pass

    def note_away(self, what: str, error: Exception) -> None:
        """Say once that something does not answer, not every second."""
        if self.away != what:
            self.away = what
            log.warning(what, error=str(error))

    def note_back(self) -> None:
        """Say that it answers again."""
        if self.away:
            log.info("answers_again", after=self.away)
            self.away = ""
