"""What a start needs done once: the database's tables and demo, the static files.

    python -m malar.ops.prepare database | static

`prepare()` runs these, both at a time, only where their inputs changed since they last succeeded in
this state folder: starting Django costs a second that most starts need not pay.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from malar.ops.state import CannotStartError, disk_full, given, speaks_of_full_disk

ROOT = Path(__file__).resolve().parent.parent.parent
INPUTS = {
    "database": ["requirements.txt", "malar/settings/*.py", "*/migrations/*.py", "malar/*/migrations/*.py"],
    "static": ["requirements.txt", "malar/settings/*.py", "malar/staticfiles.py", "static/**/*"],
}
SIGN_INS = ["admin@malar.demo", "staff@malar.demo", "farmer@malar.demo"]


def prepare(
    home: Path, environment: Mapping[str, str], *, own_database: bool, new_password: bool = False
) -> None:
    """Bring tables, demo and static files up to date; with `new_password`, the demo's sign-ins too.

    Raises CannotStartError with the last line of what went wrong.
    """
    steps = []
    for name in INPUTS:
        inputs = fingerprint(name, home, environment, own_database=own_database)
        done = json.loads(_stamp(home, name).read_text()) if _stamp(home, name).exists() else {}
        # A database that others can reach may have changed without us; static files may be swept away.
        if name == "database":
            always = new_password or not own_database
        else:
            always = not (home / "static/staticfiles.json").exists()
        if always or done.get("inputs") != inputs:
            _stamp(home, name).unlink(missing_ok=True)
            log = (home / f"log/{name}.log").open("w+")
            argv = [sys.executable, "-u", "-m", "malar.ops.prepare", name, inputs, str(int(new_password))]
            process = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=log, stderr=log)
            steps.append((name, log, process))
    if steps:
        print(f"malar: preparing {' and '.join(name for name, _, _ in steps)} …", flush=True)
    try:
        for name, log, process in steps:
            if process.wait():
                log.seek(0)
                raise _failure(name, home, log.read())
    finally:
        # After a failure of one, or a Ctrl-C, the other is of no use.
        for _, log, process in steps:
            process.terminate()
            process.wait()
            log.close()


def _failure(name: str, home: Path, said: str) -> CannotStartError:
    if speaks_of_full_disk(said):
        return disk_full(home)
    last = (said.strip().splitlines() or ["no reason given"])[-1]
    return CannotStartError(f"Preparing the {name} failed: {last} (see {home}/log/{name}.log)")


def has_demo(home: Path) -> bool:
    """Whether the demo's sign-ins are in the database."""
    return bool(json.loads(_stamp(home, "database").read_text())["demo"])


def fingerprint(name: str, home: Path, environment: Mapping[str, str], *, own_database: bool) -> str:
    """A hash of everything the step's outcome depends on."""
    digest = hashlib.sha256()
    if name == "database":
        # Which database: of ours, the moment it was made; it may have been thrown away in between.
        made = (home / "postgres/PG_VERSION").stat().st_mtime_ns if own_database else 0
        digest.update(f"{made} {given(environment, 'DATABASE_URL')}".encode())
    for pattern in INPUTS[name]:
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file():
                digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _stamp(home: Path, name: str) -> Path:
    return home / f"prepared-{name}.json"


def _main(name: str, inputs: str, new_password: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "malar.settings.dev")
    import django
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.contrib.auth.hashers import make_password
    from django.core.management import call_command

    django.setup()
    demo = False
    if name == "database":
        call_command("migrate", interactive=False)
        call_command("demo", if_empty=True)
        people = get_user_model().objects.filter(email__in=SIGN_INS)
        demo = people.exists()
        if int(new_password):
            people.update(password=make_password(os.environ["DEMO_PASSWORD"]))
    else:
        call_command("collectstatic", interactive=False, verbosity=0)
    _stamp(settings.MALAR_HOME, name).write_text(json.dumps({"inputs": inputs, "demo": demo}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
