"""A database to copy: with all migrations and nothing else, for making one anew takes a minute and more."""

import hashlib
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql

INPUTS = ("requirements.txt", "*/migrations/*.py", "malar/*/migrations/*.py")
PREFIX = "migrated_"
ONE_AT_A_TIME = 470_001


def begin_with_a_copy() -> None:
    """Let Django make its test databases as copies of the migrated one, which is made where there is none."""
    connection.settings_dict["TEST"]["TEMPLATE"] = migrated_database()


def migrated_database() -> str:
    """The name of a database with all of today's migrations. Others of earlier days are dropped."""
    name = PREFIX + _fingerprint()
    with psycopg.connect(**server(), autocommit=True) as outside:
        # Until this connection ends: two processes of one test run want it at the same moment.
        outside.execute("SELECT pg_advisory_lock(%s)", [ONE_AT_A_TIME])
        asked = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
        found = {row[0] for row in outside.execute(asked, [PREFIX])}
        if name not in found:
            making = f"{name}_making"
            _migrate(making)
            outside.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*map(sql.Identifier, (making, name)))
            )
        for old in found - {name}:
            outside.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(old)))
    return name


def _migrate(name: str) -> None:
    test, ours = connection.settings_dict["TEST"], connection.settings_dict["NAME"]
    before, test["NAME"] = test["NAME"], name
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        connection.close()
    finally:
        test["NAME"] = before
        connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = ours


def server() -> dict[str, Any]:
    """How psycopg gets to the server that Django uses, in the database that is always there."""
    known = connection.settings_dict
    named = {
        "host": known["HOST"],
        "port": known["PORT"],
        "user": known["USER"],
        "password": known["PASSWORD"],
    }
    return {**named, "dbname": "postgres"}


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for pattern in INPUTS:
        for path in sorted(settings.BASE_DIR.glob(pattern)):
            digest.update(f"{path.relative_to(settings.BASE_DIR)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]
