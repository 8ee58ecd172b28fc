"""`agent-obs ledger`: what it shows, exports and makes smaller, on both engines and beside a running exporter."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agent_observability.cli import app
from agent_observability.decode import Secret
from agent_observability.errors import StartError
from agent_observability.ledger.batch import Batch, Event
from agent_observability.ledger.config import LedgerConfig
from agent_observability.ledger.ledger import open_backend
from agent_observability.ledger.places import find
from tests.ledger.storage import DAY_MS, NOW, TODAY, Storage, batch, event, families, opened


class Shell:
    """Runs commands with the configuration of one storage, whose process is called `p`."""

    def __init__(self, storage: Storage, folder: Path) -> None:
        self.storage = storage
        self.process = storage.process if storage.cluster else storage.path.stem
        self.config = folder / "config.yml"
        where = {"url": storage.cluster.url().reveal()} if storage.cluster else {"directory": str(storage.path.parent)}
        self.config.write_text(json.dumps({"ledger": where}))

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, ["ledger", *arguments, "--config", str(self.config)])

    def out(self, *arguments: str) -> str:
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output + repr(result.exception)
        return result.stdout


@pytest.fixture
def shell(storage: Storage, tmp_path: Path) -> Shell:
    return Shell(storage, tmp_path)


async def fill(storage: Storage) -> None:
    async with opened(storage.backend(), families()) as ledger:
        first = event(1, day=TODAY, amounts=(10**30, 1))._replace(data=b'{"a": [1]}')
        await ledger.submit(Batch((first, event(DAY_MS, model='n "x"')), positions={"file": "17"}))
        await ledger.submit(Batch((Event(NOW + 5, "a", "audit", ("x",), b"\xff\x00"),), facts={("seen", "k"): b"v"}))


async def test_status(shell: Shell) -> None:
    await fill(shell.storage)
    text = shell.out("status", shell.process)
    assert text.startswith(f"{shell.process}: {shell.storage.backend().name}, format 1\n")
    for line in (
        "  events     3, 2026-09-21 14:13:20Z to 2026-09-22 14:13:20Z",
        "  rows       dimension 3, family 3, series 2, admitted 2, position 1, fact 1, daily 1",
        "  counters   requests_total  2 series",
        "  facts      seen  1",
        "  positions  file  17",
        "  writers    former on here, last seen ",
    ):
        assert line in text
    [found] = json.loads(shell.out("status", shell.process, "--output", "json"))
    assert (found["oldest"], found["newest"], found["rows"]["event"]) == (NOW + 1, NOW + DAY_MS, 3)
    assert found["size_bytes"] > 4096


async def test_beside_a_running_exporter(shell: Shell) -> None:
    """Looking and exporting disturb nothing; a SQLite file in use is not rewritten."""
    async with opened(shell.storage.backend(), families()) as ledger:
        await ledger.submit(batch(1))
        assert "  writers    leader on here" in shell.out("status", shell.process)
        assert len(shell.out("export", shell.process).splitlines()) == 1
        if not shell.storage.cluster:
            result = shell.run("vacuum", shell.process)
            assert result.exit_code == 1
            assert "is written by process" in str(result.exception)
        assert (await ledger.submit(batch(2))).stored == (True,)


async def test_vacuum(shell: Shell) -> None:
    async with opened(shell.storage.backend(), families()) as ledger:
        await ledger.submit(Batch(tuple(event(n)._replace(data=bytes(500)) for n in range(4_000))))
        await ledger.submit(batch(5_000))
        ledger._writer._next_retention = float("inf")
    if not shell.storage.cluster:
        with sqlite3.connect(shell.storage.path) as other:
            other.execute("DELETE FROM event WHERE timestamp < ?", (NOW + 5_000,))
    out = shell.out("vacuum", shell.process)
    before, after = (int(word.replace(",", "")) for word in out.split() if word.replace(",", "").isdecimal())
    assert after < before / 5 if not shell.storage.cluster else after <= before * 2
    async with opened(shell.storage.backend(), families()) as ledger:
        assert (await ledger.submit(batch(5_000))).stored == (False,)


EVENTS = [
    {"time": "2026-09-21T14:13:20.001+00:00", "id": "e1", "kind": "usage", "labels": ["p", "m"], "data": {"a": [1]}},
    {"time": "2026-09-21T14:13:20.005+00:00", "id": "a", "kind": "audit", "labels": ["x"], "data": "/wA="},
    {
        "time": "2026-09-22T14:13:20.000+00:00",
        "id": f"e{DAY_MS}",
        "kind": "usage",
        "labels": ["p", 'n "x"'],
        "data": DAY_MS,
    },
]


async def test_export(shell: Shell, tmp_path: Path) -> None:
    """Everything comes out, exact; CSV as spreadsheets read it."""
    await fill(shell.storage)
    lines = [json.loads(line) for line in shell.out("export", shell.process).splitlines()]
    assert lines == EVENTS
    file = tmp_path / "events.csv"
    assert shell.out("export", shell.process, "events", "--format", "csv", "--output", str(file)) == ""
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert [row["labels"] for row in rows] == [json.dumps(one["labels"]) for one in EVENTS]
    assert rows[0]["data"] == '{"a": [1]}'
    tables = {
        "daily": {
            "day": "2026-09-21",
            "kind": "usage",
            "labels": ["p", "m"],
            "events": 1,
            "amounts": [str(10**30), "1"],
        },
        "counters": {"metric": "requests_total", "labels": ["m", "yes"], "value": ["1"], "updated": NOW},
        "facts": {"kind": "seen", "key": "k", "data": "dg==", "updated": NOW},
        "positions": {"source": "file", "position": "17"},
    }
    for table, first in tables.items():
        assert json.loads(shell.out("export", shell.process, table).splitlines()[0]) == first


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--kind", "audit"], ["a"]),
        (["--kind", "none"], []),
        (["--start", "2026-09-22"], [f"e{DAY_MS}"]),
        (["--end", "2026-09-22T00:00:00+02:00"], ["e1", "a"]),
        (["--start", "2026-09-21T14:13:20.002Z", "--end", "2026-09-22"], ["a"]),
    ],
)
async def test_export_of_a_part(sqlite: Storage, tmp_path: Path, options: list[str], ids: list[str]) -> None:
    await fill(sqlite)
    lines = Shell(sqlite, tmp_path).out("export", "ledger", *options).splitlines()
    assert [json.loads(line)["id"] for line in lines] == ids


async def test_what_there_is_not(shell: Shell, tmp_path: Path) -> None:
    await fill(shell.storage)
    result = shell.run("status", "nobody")
    assert isinstance(result.exception, StartError)
    assert "has no ledger of nobody; there " in str(result.exception)
    for arguments, says in (
        (("status", "--output", "xml"), "expected one of text, json, got xml"),
        (("export", shell.process, "everything"), "expected one of events, daily, counters, facts, positions"),
        (("export", shell.process, "--start", "yesterday"), "expected a date or time such as 2026-11-01"),
    ):
        result = shell.run(*arguments)
        assert result.exit_code == 2
        assert says in " ".join(result.output.replace("│", "").split())


def test_without_any_ledger(sqlite: Storage, tmp_path: Path) -> None:
    result = Shell(sqlite, tmp_path).run("status")
    assert f"{tmp_path} has no ledgers; name the configuration of the exporters with --config" in str(result.exception)
    assert list(tmp_path.glob("*.db")) == []


def test_without_the_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is an extra of the package."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    config = LedgerConfig(url=Secret("postgresql://a:b@c/d"))
    for attempt in (lambda: open_backend(config, "p", tmp_path), lambda: find(config, tmp_path)):
        with pytest.raises(StartError, match=r"pip install 'agent-observability\[postgres\]'"):
            attempt()


async def test_a_damaged_ledger_is_named(sqlite: Storage, tmp_path: Path) -> None:
    sqlite.path.write_bytes(b"no database" * 1000)
    result = Shell(sqlite, tmp_path).run("status")
    assert str(result.exception) == f"{sqlite.path}: file is not a database"
