"""The database that those of tests, benches and soaks are copies of."""

from typing import LiteralString

import psycopg
import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from malar.ops import migrated

pytestmark = pytest.mark.django_db


def told(database: str, statement: LiteralString) -> list[tuple[object, ...]]:
    with psycopg.connect(**migrated.server() | {"dbname": database}, autocommit=True) as outside:
        answer = outside.execute(statement)
        return answer.fetchall() if answer.description else []


def test_it_has_every_migration_and_nobody_in_it() -> None:
    name = migrated.migrated_database()
    assert set(told(name, "SELECT app, name FROM django_migrations")) == set(
        MigrationRecorder(connection).applied_migrations()
    )
    assert told(name, "SELECT count(*) FROM accounts_shop") == [(0,)]


def test_it_is_made_once_and_anew_when_a_migration_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def make(name: str) -> None:
        made.append(name)
        told("postgres", f"CREATE DATABASE {name}")

    monkeypatch.setattr(migrated, "_migrate", make)
    monkeypatch.setattr(migrated, "PREFIX", "test_migrated_")
    there = "SELECT datname FROM pg_database WHERE starts_with(datname, 'test_migrated_')"
    try:
        first = migrated.migrated_database()
        assert (migrated.migrated_database(), made) == (first, [f"{first}_making"])
        monkeypatch.setattr(migrated, "_fingerprint", lambda: "another")
        assert migrated.migrated_database() == "test_migrated_another"
        assert told("postgres", there) == [("test_migrated_another",)]
    finally:
        for (left,) in told("postgres", there):
            told("postgres", f"DROP DATABASE {left}")
