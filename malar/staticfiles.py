"""Static files under names that carry their content's hash, so that browsers may keep them for ever."""

from django.contrib.staticfiles.apps import StaticFilesConfig
from django.contrib.staticfiles.storage import HashedFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage


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


class OurStaticFiles(StaticFilesConfig):
    """Leaves out what no page of ours loads; compressing ReDoc alone takes half a minute."""

    ignore_patterns = [
        *StaticFilesConfig.ignore_patterns,
        "rest_framework",
        "redoc",
        "*.map",
        "oauth2-redirect*",
    ]
