"""What can happen to a SQLite ledger: full and read-only disks, locks, damage, loss. Nothing needs a restart."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import event as listen

from agent_observability.exposition import Format, write
from agent_observability.ledger import queries
from agent_observability.ledger.backend import Backend
from agent_observability.ledger.batch import Batch, Event, Outcome
from agent_observability.ledger.errors import LedgerStandbyError, LedgerUnavailableError
from agent_observability.ledger.ledger import Ledger
from tests.collectors import scraped
from tests.ledger.storage import NOW, Storage, batch, event, families, opened, place
from tests.ledger.test_contract import settled, shown
from tests.support import wait_until_async

_PAGE = 4096
_HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


def large(number: int) -> Batch:
    return Batch((Event(NOW + number, f"large{number}", "usage", ("p", "m"), bytes(200_000)),))


def reports(ledger: Ledger) -> dict[str, float]:
    for _ in range(2):
        text = write(scraped(ledger.reports.store), Format.TEXT).decode()
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name.removeprefix("agent_obs_"): float(value) for name, value in lines}


def driver(backend: Backend) -> sqlite3.Connection:
    """The writer's own connection, below SQLAlchemy."""
    assert backend._connection
    connection = backend._connection.connection.driver_connection
    assert isinstance(connection, sqlite3.Connection)
    return connection


async def accepted(ledger: Ledger, one: Batch) -> Outcome:
    """Send it as a source does: again and again until it is taken."""
    while True:
        try:
            return await ledger.submit(one)
        except LedgerUnavailableError:
            await ledger.ready()
            await asyncio.sleep(0.02)


async def begin(ledger: Ledger) -> None:
    """Something is counted, and every scraper has seen its birth."""
    await ledger.submit(batch(1))
    [store] = ledger._books.stores
    await settled(store)


@contextlib.asynccontextmanager
async def outage(ledger: Ledger, one: Batch, says: str) -> AsyncIterator[None]:
    """While it lasts a batch is refused, the last state is shown, and the metrics tell; afterwards it is taken."""
    with pytest.raises(LedgerUnavailableError, match=says):
        await ledger.submit(one)
    [store] = ledger._books.stores
    before = shown(store, "requests_total{")
    assert before
    await wait_until_async(lambda: reports(ledger)["ledger_commit_failures_total"] > 0, what="a failure")
    yield
    assert shown(store, "requests_total{") == before
    assert not ledger.not_ready()


def test_disks_are_really_full() -> None:
    """The limit used below raises what a full disk raises."""
    connection = sqlite3.connect(":memory:")
    connection.execute("PRAGMA max_page_count = 4")
    connection.execute("CREATE TABLE t (x)")
    with pytest.raises(sqlite3.OperationalError, match="database or disk is full"):
        connection.execute("INSERT INTO t VALUES (zeroblob(100000))")


async def test_a_full_disk(sqlite: Storage) -> None:
    backend = sqlite.backend()
    full = True

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        if full:
            connection.execute("PRAGMA max_page_count = 60")

    listen.listen(backend._engine, "connect", limit)
    async with opened(backend, families()) as ledger:
        await begin(ledger)
        async with outage(ledger, large(1), "database or disk is full"):
            full = False
        assert await accepted(ledger, large(1)) == Outcome((True,))
        assert await accepted(ledger, batch(1, 2)) == Outcome((False, True))
        await wait_until_async(lambda: reports(ledger)["ledger_up"] == 1)
        assert [one.id for one in queries.events(ledger.backend)] == ["e1", "large1", "e2"]


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB of its own."""
    path = tmp_path / "volume"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(path)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting needs root with CAP_SYS_ADMIN")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


async def test_a_full_volume(volume: Path) -> None:
    store = families()
    async with opened(place(volume, None).backend(), store) as ledger:
        await begin(ledger)
        (volume / "other").write_bytes(bytes(volume_free(volume) - 2 * _PAGE))
        async with outage(ledger, large(1), "full|disk I/O"):
            assert shown(store, "requests_total{") == ['requests_total{model="m",ok="yes"} 1']
            (volume / "other").unlink()
        assert await accepted(ledger, large(1)) == Outcome((True,))


def volume_free(path: Path) -> int:
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


async def test_a_read_only_file(sqlite: Storage) -> None:
    """Held by SQLite itself, since root may write to any file."""
    backend = sqlite.backend()
    frozen = False

    def freeze(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA query_only = {int(frozen)}")

    listen.listen(backend._engine, "connect", freeze)
    async with opened(backend, families()) as ledger:
        await begin(ledger)
        frozen = True
        driver(backend).execute("PRAGMA query_only = 1")
        async with outage(ledger, batch(2), "readonly"):
            await wait_until_async(lambda: reports(ledger)["ledger_up"] == 0)
            frozen = False
        assert await accepted(ledger, batch(2)) == Outcome((True,))


async def test_a_lock_held_by_another_process(sqlite: Storage) -> None:
    """A backup or a shell that forgot its transaction; one that is quick goes unnoticed."""
    async with opened(sqlite.backend(), families()) as ledger:
        await begin(ledger)
        command = [sys.executable, "-c", _HOLD, str(sqlite.path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            assert holder.stdout
            assert holder.stdin
            assert await asyncio.to_thread(holder.stdout.readline) == b"held\n"
            async with outage(ledger, batch(2), "database is locked"):
                assert reports(ledger)["ledger_up"] == 0
                holder.stdin.close()
            assert await accepted(ledger, batch(2)) == Outcome((True,))


async def test_a_second_process_stands_by(sqlite: Storage) -> None:
    """It exposes nothing, is not ready, and takes over with everything once the first has ended."""
    first, second = families(), families()
    async with (
        opened(sqlite.backend(), first) as leader,
        opened(sqlite.backend(), second, wait=False) as standby,
    ):
        await leader.submit(batch(1, 2))
        await wait_until_async(lambda: standby.state.standby)
        assert f"is written by process {os.getpid()}" in standby.not_ready()
        assert second.collect() == []
        assert (reports(standby)["leader"], reports(standby)["ledger_up"]) == (0, 1)
        assert (reports(leader)["leader"], reports(leader)["ledger_up"]) == (1, 1)
        with pytest.raises(LedgerUnavailableError):
            await standby.submit(batch(3))
        await leader.stop()
        assert await accepted(standby, batch(2, 3)) == Outcome((False, True))
        assert shown(second, "requests_total{") == ['requests_total{model="m",ok="yes"} 3']


async def test_the_lock_is_kept_over_failures(sqlite: Storage) -> None:
    """A process that goes on showing what it counted must not be overtaken meanwhile."""
    backend = sqlite.backend()
    async with opened(backend, families()) as ledger:
        await begin(ledger)
        driver(backend).execute("PRAGMA query_only = 1")
        other = sqlite.backend()
        with pytest.raises(LedgerUnavailableError):
            await ledger.submit(batch(2))
        with pytest.raises(LedgerStandbyError):
            other.open()
        assert await accepted(ledger, batch(2)) == Outcome((True,))


async def test_a_standby_never_moves_its_leaders_file(sqlite: Storage) -> None:
    """However it looks to it."""
    async with opened(sqlite.backend(), families()) as leader:
        await leader.submit(batch(1))
        standby = sqlite.backend()
        standby.notice(sqlite3_error(sqlite3.SQLITE_CORRUPT))
        for _ in range(2):
            with pytest.raises(LedgerStandbyError, match="is written by process"):
                standby.open()
        assert (await leader.submit(batch(2))).stored == (True,)
    assert not list(sqlite.path.parent.glob("*corrupt*"))


def sqlite3_error(code: int) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError("made up")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize("content", [b"no database at all" * 1000, b""], ids=["garbage", "empty"])
async def test_a_damaged_file_at_the_start(sqlite: Storage, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """It is kept aside and said loudly; an empty file is a ledger not begun."""
    sqlite.path.write_bytes(content)
    async with opened(sqlite.backend(), families()) as ledger:
        assert await ledger.submit(batch(1)) == Outcome((True,))
    aside = [file for file in sqlite.path.parent.iterdir() if ".corrupt-" in file.name]
    assert [file.read_bytes() for file in aside] == ([content] if content else [])
    assert ("is damaged: kept as ledger.db.corrupt-" in caplog.text) == bool(content)


async def test_damage_while_running(sqlite: Storage, caplog: pytest.LogCaptureFixture) -> None:
    """Counters and positions go on from memory in a new file; the damaged one is kept."""
    store = families()
    async with opened(sqlite.backend(), store) as ledger:
        for number in range(3):
            await ledger.submit(large(number))
        await ledger.submit(Batch((event(1, model="n"),), positions={"file": "9"}))
        with sqlite3.connect(sqlite.path) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = sqlite.path.stat().st_size
        with sqlite.path.open("r+b") as file:
            file.seek(_PAGE)
            file.write(b"\xff" * (size - _PAGE))
        await wait_until_async(lambda: _breaks(ledger), 30)
        assert (await accepted(ledger, Batch((event(2, model="n"),)))).stored == (True,)
        assert ledger.positions == {"file": "9"}
        assert 'requests_total{model="n",ok="yes"} 2' in shown(store)
    assert "counters go on from memory" in caplog.text
    assert len([file for file in sqlite.path.parent.iterdir() if "db.corrupt-" in file.name]) == 1
    again = families()
    async with opened(sqlite.backend(), again) as ledger:
        assert ledger.positions == {"file": "9"}
        assert 'requests_total{model="n",ok="yes"} 2' in shown(again)


def _breaks(ledger: Ledger) -> bool:
    """Provoke writes, of which one meets the damage; true once the ledger has noticed."""
    number = int.from_bytes(os.urandom(4), "big")
    with contextlib.suppress(LedgerUnavailableError):
        ledger._queue.submit(Batch(facts={("provoke", f"{number}"): bytes(3000)}))
    return ".corrupt-" in " ".join(file.name for file in Path(ledger.name).parent.iterdir())


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_file_that_is_gone(sqlite: Storage, replaced: bool, tmp_path: Path) -> None:
    """Deleted by hand, or another put in its place; counters of the running process are the better truth."""
    store = families()
    async with opened(sqlite.backend(), store) as ledger:
        await ledger.submit(batch(1, 2, positions={"file": "2"}))
        for file in ("", "-wal", "-shm"):
            sqlite.path.with_name(f"ledger.db{file}").unlink()
        if replaced:
            sqlite3.connect(sqlite.path).close()
        with pytest.raises(LedgerUnavailableError, match="was removed or replaced"):
            await ledger.submit(batch(3))
        assert (await accepted(ledger, batch(3))).stored == (True,)
    again = families()
    async with opened(sqlite.backend(), again) as ledger:
        assert shown(again, "requests_total{") == ['requests_total{model="m",ok="yes"} 3']
        assert ledger.positions == {"file": "2"}


async def test_a_newer_format_is_left_alone(sqlite: Storage, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(sqlite.backend(), families()) as ledger:
        await ledger.submit(batch(1))
    with sqlite3.connect(sqlite.path) as other:
        other.execute("UPDATE meta SET value = 99 WHERE name = 'schema_version'")
    before = sqlite.path.read_bytes()
    async with opened(sqlite.backend(), families(), wait=False) as ledger:
        await wait_until_async(lambda: "run the newer version" in ledger.not_ready())
    assert sqlite.path.read_bytes() == before
    assert "run the newer version" in caplog.text
