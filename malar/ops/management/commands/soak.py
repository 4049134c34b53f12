"""Two tablets, one morning, everything breaks: is each line in the book once? (docs/offline.md)"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = (
        "Type a morning on two tablets while line, server, battery and clock fail; exit 1 on any difference."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--entries", type=int, default=150, help="sales of each seed")
        parser.add_argument("--seeds", type=int, default=3)
        parser.add_argument("--first-seed", type=int, default=1)
        parser.add_argument(
            "--mutants",
            type=int,
            default=0,
            help="sales with each of four known mistakes, which must be found",
        )

    def handle(self, **options: Any) -> None:
        try:
            from tests.offline.soak import soaks
        except ImportError as error:
            raise CommandError("This needs the browser of the tests: make setup-tests") from error
        first = options["first_seed"]
        is_right = soaks(
            entries=options["entries"],
            seeds=range(first, first + options["seeds"]),
            mutants=options["mutants"],
            say=self.stdout.write,
        )
        if not is_right:
            raise CommandError("The book says something else than the people who typed.")
