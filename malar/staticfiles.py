"""Static files under names that carry their content's hash, so that browsers may keep them for ever."""

import re
from collections.abc import Iterator
from typing import IO, Any

import rjsmin
from django.contrib.staticfiles.apps import StaticFilesConfig
from django.contrib.staticfiles.storage import HashedFilesMixin
from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

OURS = ("css/", "js/")


def as_served(name: str, source: str) -> str:
    """A sheet or script of ours without comments and indentation: near half of it, on a slow line, is words for us."""
    if name.endswith(".js"):
        return str(rjsmin.jsmin(source))
    return re.sub(r"\s*\n\s*", "\n", re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL))


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage, with imports between our own ES modules rewritten to hashed names.

    Django's rewriting of imports is switched on for `js/` only: over all files it trips on a
    comment inside a vendored script. Source maps are left out (below), so nothing may ask for them.
    """

    patterns = (
        *(
            (files, tuple(rule for rule in rules if "sourceMappingURL" not in str(rule)))
            for files, rules in CompressedManifestStaticFilesStorage.patterns
        ),
        # Private in Django, and the only way to name the files it acts on; the build fails if it goes.
        ("js/*.js", HashedFilesMixin._js_module_import_aggregation_patterns[1]),  # type: ignore[attr-defined]
    )

    def save(self, name: str | None, content: IO[Any], max_length: int | None = None) -> str:
        """Take a file in; ours go as they are served."""
        if name and name.startswith(OURS) and name.endswith((".css", ".js")):
            content = ContentFile(as_served(name, content.read().decode()).encode())
        return str(super().save(name, content, max_length))

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """Give hashed names to the files as they were taken in, not as they lie in their folders."""
        taken = {name: (self, name) if name.startswith(OURS) else found for name, found in paths.items()}
        yield from super().post_process(taken, dry_run, **options)


class OurStaticFiles(StaticFilesConfig):
    """Leaves out what no page of ours loads; compressing ReDoc alone takes half a minute."""

    ignore_patterns = [
        *StaticFilesConfig.ignore_patterns,
        "rest_framework",
        "redoc",
        "*.map",
        "oauth2-redirect*",
        # django-pwa's own page and icons.
        "django-pwa-app.css",
        "bootstrap",
        "icons",
    ]
