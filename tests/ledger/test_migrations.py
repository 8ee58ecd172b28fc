"""Migrations: forward only, step by step, with data in every older version; a newer one is refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from agent_observability.ledger import queries
from agent_observability.ledger.backend import Backend
from agent_observability.ledger.errors import LedgerFormatError
from agent_observability.ledger.migrations import MIGRATIONS, migrate
from agent_observability.ledger.schema import VERSION
from tests.ledger.storage import Storage, batch, families, opened
from tests.ledger.test_contract import shown

OLD = Path(__file__).parent / "old"


def test_every_older_version_has_a_way_and_a_sample() -> None:
    """A sample is a dump of a ledger with something in every table, made by the version itself."""
    assert set(MIGRATIONS) == set(range(1, VERSION))
    assert {file.stem for file in OLD.glob("*.sql")} == {f"v{version}" for version in range(1, VERSION + 1)}


@pytest.mark.parametrize("version", range(1, VERSION + 1))
async def test_from_each_version_with_data_in_it(sqlite: Storage, version: int) -> None:
    """What was counted, stored and read is as it was, and goes on."""
    with sqlite3.connect(sqlite.path) as old:
        old.executescript((OLD / f"v{version}.sql").read_text())
    store = families()
    async with opened(sqlite.backend(), store) as ledger:
        assert ledger.positions == {"file": "17"}
        assert [(one.id, one.labels, one.data) for one in queries.events(ledger.backend)] == [
            ("e1", ("p", "m"), b"1"),
            ("e2", ("p", "m"), b"2"),
        ]
        assert queries.facts(ledger.backend, "seen") == {"a": b"A"}
        [sums] = queries.daily(ledger.backend, kinds=["usage"], first=0, last=99_999)
        assert (sums.events, sums.amounts) == (2, (10**30, 2))
        assert 'requests_total{model="m",ok="yes"} 2' in shown(store)
        assert (await ledger.submit(batch(2, 3))).stored == (False, True)
        assert (await ledger.submit(batch(4, digest=(b"digest", 9_999_999_999_999)))).duplicate
        assert 'requests_total{model="m",ok="yes"} 3' in shown(store)


def _step(name: str) -> Callable[[Connection], None]:
    def step(connection: Connection) -> None:
        connection.execute(text(f"ALTER TABLE fact ADD COLUMN {name} integer NOT NULL DEFAULT 7"))

    return step


def _fail(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE fact ADD COLUMN lost integer"))
    raise RuntimeError("power cut")


async def _seeded(storage: Storage) -> Backend:
    async with opened(storage.backend(), families()) as ledger:
        await ledger.submit(batch(1, facts={("seen", "a"): b"A"}))
    return storage.backend()


def _columns(connection: Connection) -> list[str]:
    with connection.begin():
        return list(connection.execute(text("SELECT * FROM fact")).keys())


async def test_steps_are_taken_one_by_one_and_stay(storage: Storage) -> None:
    """One that fails leaves the tables at the version before it, whole; the next start goes on from there."""
    backend = await _seeded(storage)
    steps = {VERSION: _step("one"), VERSION + 1: _fail}
    with backend._engine.connect() as connection:
        with pytest.raises(RuntimeError, match="power cut"):
            migrate(connection, steps, VERSION + 2)
        assert _columns(connection)[-1] == "one"
        migrate(connection, {VERSION + 1: _step("two")}, VERSION + 2)
        assert _columns(connection)[-2:] == ["one", "two"]
        with connection.begin():
            assert connection.execute(text("SELECT key, one, two FROM fact")).one() == ("a", 7, 7)
    with pytest.raises(LedgerFormatError, match=f"has format {VERSION + 2}, and this program knows formats up to"):
        backend.open()


async def test_a_gap_is_refused(storage: Storage) -> None:
    backend = await _seeded(storage)
    with backend._engine.connect() as connection, pytest.raises(LedgerFormatError, match="from which there is no way"):
        migrate(connection, {}, VERSION + 1)


async def test_what_is_no_ledger(sqlite: Storage) -> None:
    backend = await _seeded(sqlite)
    with backend._engine.connect() as connection, connection.begin():
        connection.execute(text("DELETE FROM meta WHERE name = 'schema_version'"))
    with pytest.raises(LedgerFormatError, match="has no schema_version"):
        backend.open()
