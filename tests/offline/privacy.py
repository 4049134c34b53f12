"""What a browser has kept of people: nothing may be found by whoever takes the tablet next.

`leaks(tablet, names, asked)` is for every test in a browser; `leaks_on_disk(profile, names)` for after it is closed.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from malar.pwa.middleware import PUBLIC
from tests.offline.tablet import Tablet

# Everything a page can read back, as text. Entries in IndexedDB may hold names; keys to the server may not be there.
DUMP = """async (asked) => {
  const found = { caches: [], storages: {}, http: [], databases: [] };
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      const answer = await cache.match(request);
      const type = answer.headers.get("Content-Type") ?? "";
      found.caches.push({ name, path: new URL(request.url).pathname, type, text: await answer.text() });
    }
  }
  found.storages = { local: { ...localStorage }, session: { ...sessionStorage }, cookie: document.cookie };
  for (const path of asked) {
    // Answered only from the browser's own cache, and never by the worker.
    const answer = await fetch(path, { cache: "only-if-cached", mode: "same-origin" }).catch(() => null);
    if (answer?.ok) found.http.push(path);
  }
  for (const { name } of await indexedDB.databases()) {
    const opened = await new Promise((go) => {
      const asked = indexedDB.open(name);
      asked.onsuccess = () => go(asked.result);
    });
    for (const store of opened.objectStoreNames) {
      const rows = await new Promise((go) => {
        const asked = opened.transaction(store).objectStore(store).getAll();
        asked.onsuccess = () => go(asked.result);
      });
      found.databases.push({ name, store, text: JSON.stringify(rows) });
    }
    opened.close();
  }
  return found;
}"""
FOLDERS = ("Cache", "Service Worker", "Local Storage", "Session Storage")


def leaks(tablet: Tablet, names: Iterable[str], asked: Iterable[str] = ()) -> list[str]:
    """Where something of `names` is kept, or a page that is not for everybody; one line for each find.

    `asked`: paths that the tablet has fetched (`proxy.seen` has them); those of data must not be in HTTP's cache.
    The cookies of the session and of CSRF count as names, too.
    """
    private = sorted({path for path in asked if path.split("?")[0] not in PUBLIC and _is_data(path)})
    kept: dict[str, Any] = tablet.evaluate(DUMP, private)
    cookies = tablet.context.cookies()
    tokens = [cookie["value"] for cookie in cookies if cookie["name"] in {"sessionid", "csrftoken"}]
    secrets = [*names, *tokens]
    found = []
    for row in kept["caches"]:
        is_page = "html" in row["type"] and row["path"] not in PUBLIC
        if is_page or row["path"].startswith(("/api/", "/sync/")):
            found.append(f"cache {row['name']}: {row['path']}")
        found += [
            f"cache {row['name']}: {row['path']}: {secret}" for secret in secrets if secret in row["text"]
        ]
    for place, rows in kept["storages"].items():
        # Scripts may read the CSRF cookie; the session's they may not.
        hidden = [secret for secret in secrets if place != "cookie" or secret not in tokens]
        hidden += [cookie["value"] for cookie in cookies if cookie["name"] == "sessionid"]
        found += [f"{place}: {secret}" for secret in hidden if secret in str(rows)]
        found += [f"{place}: a page" for _ in range("<html" in str(rows) or "<body" in str(rows))]
    found += [f"HTTP cache: {path}" for path in kept["http"]]
    for row in kept["databases"]:
        found += [f"{row['name']}.{row['store']}: a token" for token in tokens if token in row["text"]]
    return found


def _is_data(path: str) -> bool:
    return not path.startswith(("/static/", "/manifest.json"))


def leaks_on_disk(profile: Path, names: Iterable[str]) -> list[str]:
    """Files of a closed browser's caches and storages in which a name stands, in either way browsers write text."""
    spellings = {name: (name.encode(), name.encode("utf-16-le")) for name in names}
    found = []
    for folder in FOLDERS:
        for file in (profile / "Default" / folder).rglob("*"):
            content = file.read_bytes() if file.is_file() else b""
            found += [
                f"{file.relative_to(profile)}: {name}"
                for name, spelled in spellings.items()
                if any(each in content for each in spelled)
            ]
    return found
