"""Make `.venv` and put the pinned requirements into it. Runs on the system's Python.

    python3 -m malar.ops.install [--tests]

Does nothing, quickly, when everything is in place. What it cannot do it says in one line.
"""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin/python"
OLDEST = (3, 11)


def install(*, tests: bool) -> None:
    """Bring the virtual environment up to date. Raises SystemExit with one line when it cannot."""
    wanted = [ROOT / "requirements.txt", *([ROOT / "requirements-dev.txt"] if tests else [])]
    if not works():
        make_venv()
    # What was installed last is kept beside it, to compare with.
    stale = [path for path in wanted if not same(path, VENV / path.name)]
    if not stale:
        return
    say("installing what Malar needs (about a minute the first time) …")
    # Wheels only: nothing is compiled here, and a missing wheel is said so instead of a compiler's novel.
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    options = ["--require-hashes", "--only-binary=:all:"]
    files = [word for path in stale for word in ("-r", str(path))]
    done = subprocess.run([*pip, *options, *files], cwd=ROOT, text=True, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise SystemExit(reason(done.stderr))
    for path in stale:
        shutil.copyfile(path, VENV / path.name)


def same(path: Path, copy: Path) -> bool:
    """Whether two files hold the same; a file that does not exist holds nothing."""
    return copy.exists() and copy.read_bytes() == path.read_bytes()


def works() -> bool:
    """Whether `.venv` holds a Python that runs; after an upgrade of the system it may not."""
    try:
        probe = f"import sys, pip; sys.exit(sys.version_info < {OLDEST})"
        return subprocess.run([str(PYTHON), "-c", probe], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def make_venv() -> None:
    """Make `.venv` anew."""
    if importlib.util.find_spec("ensurepip") is None:
        raise SystemExit("Python's venv is missing. On Debian and Ubuntu: sudo apt-get install python3-venv")
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)], text=True, capture_output=True, check=False
    )
    if made.returncode:
        raise SystemExit(reason(made.stdout + made.stderr))


def reason(said: str) -> str:
    """The one line that helps, from what venv or pip printed."""
    if "No space left on device" in said or shutil.disk_usage(ROOT).free < 50_000_000:
        return f"The disk that holds {ROOT} is full. Malar needs 700 MB, 1.5 GB with its tests."
    if "Permission denied" in said:
        return f"Cannot write to {VENV}. Run as the user who owns {ROOT}."
    if re.search(r"NewConnectionError|ConnectTimeout|name resolution|Max retries", said):
        return "pip cannot reach a package index. Check the network, or pip's settings: pip config list"
    errors = [line for line in said.splitlines() if "error" in line.lower()] or ["it gave no reason"]
    return f"Installing failed: {errors[0].removeprefix('ERROR: ')}"


def say(line: str) -> None:
    """One line of progress; make does not wait for the buffer to fill."""
    print(f"malar: {line}", flush=True)


if __name__ == "__main__":
    if sys.version_info < OLDEST:
        sys.exit(
            f"Malar needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version.split()[0]}. "
            "Name another one: make PYTHON=python3.12 …"
        )
    install(tests="--tests" in sys.argv)
