"""What is counted arrives in the ledger once: when answers are lost, the ledger is down, or somebody else writes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from agent_observability.cr_state import metrics as m
from agent_observability.cr_state import recorder as module
from agent_observability.cr_state.follower import AnyFollower
from agent_observability.cr_state.lists import ScopeSink
from agent_observability.cr_state.recorder import Recorder
from agent_observability.cr_state.scene import SCOPE, Baselines, Namespaces, Scene
from agent_observability.exposition import Format, write
from agent_observability.ledger import queries
from agent_observability.ledger.config import LedgerConfig
from agent_observability.ledger.errors import LedgerStaleError
from agent_observability.ledger.families import LedgerFamilies
from agent_observability.ledger.ledger import Ledger
from agent_observability.ledger.sqlite import SqliteBackend
from agent_observability.metric import Metric
from tests.collectors import scraped
from tests.ledger.faulty import FaultyLedger
from tests.support import wait_until_async

Kind = Literal["ADDED", "MODIFIED", "DELETED"]


@dataclass(frozen=True, slots=True)
class Books:
    """A recorder at work, and the ledger it writes to."""

    ledger: FaultyLedger
    families: LedgerFamilies
    recorder: Recorder

    def scene(self, *names: str) -> Scene:
        """Of all namespaces, or of some."""
        baselines = Baselines(self.facts(SCOPE), self.recorder)
        return Scene(self.recorder, baselines, Namespaces(every=not names, names=names))

    def facts(self, kind: str) -> dict[str, bytes]:
        return queries.facts(self.ledger.backend, kind)

    async def shows(self, metric: Metric, *expected: str) -> None:
        """All that was handed in is committed; and then these are the family's lines, without its name."""
        await asyncio.wait_for(self.recorder.recorded(), 10)

        def lines() -> list[str]:
            text = write(scraped(self.families), Format.TEXT).decode()
            return sorted(line for line in text.splitlines() if line.startswith(metric.name))

        wanted = sorted(metric.name + one for one in expected)
        # A new series shows 0 for a scrape.
        with contextlib.suppress(AssertionError):
            await wait_until_async(lambda: lines() == wanted, 3)
        assert lines() == wanted


@contextlib.asynccontextmanager
async def recording(directory: Path) -> AsyncIterator[Books]:
    """One life of the exporter; the next one finds the same ledger."""
    ledger = FaultyLedger(SqliteBackend(directory / "ledger.db"), LedgerConfig())
    families = LedgerFamilies("counted", m.COUNTED)
    ledger.keep(families)
    ledger.start()
    recorder = Recorder(ledger)
    await recorder.start()
    try:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(recorder.run())
            yield Books(ledger, families, recorder)
            if not ledger.down:
                await asyncio.wait_for(recorder.recorded(), 10)
            task.cancel()
    finally:
        await ledger.stop()


def raw(given: object) -> msgspec.Raw:
    return msgspec.Raw(given if isinstance(given, bytes) else json.dumps(given).encode())


async def listed(follower: AnyFollower, *objects: object, scope: str = "") -> None:
    """A whole list."""
    listing = ScopeSink(follower, scope).listing()
    for one in objects:
        listing.add(raw(one))
    await listing.finish()


async def watched(follower: AnyFollower, *objects: object, kind: Kind = "MODIFIED") -> None:
    for one in objects:
        await ScopeSink(follower).changed(kind, raw(one))


def idle(tmp_path: Path) -> Recorder:
    """One whose ledger is never opened: what is handed in stays there."""
    return Recorder(Ledger(SqliteBackend(tmp_path / "ledger.db"), LedgerConfig()))


async def test_counts_and_facts_are_committed_together(tmp_path: Path) -> None:
    async with recording(tmp_path) as books:
        recorder = books.recorder
        for _ in range(3):
            recorder.count(m.RESTARTS, ("p",))
        recorder.count(m.RESTARTS, ("q",), 5)
        recorder.observe(m.QUEUE_DURATION, ("p", "batch"), 7.5)
        recorder.observe(m.QUEUE_DURATION, ("p", "batch"), 0.25)
        recorder.fact("thing", "a", b"1")
        recorder.fact("thing", "b", b"2")
        recorder.fact("thing", "a", b"3")
        await books.shows(m.RESTARTS, '{project="p"} 3', '{project="q"} 5')
        assert books.ledger.commits == 1
        assert books.facts("thing") == {"a": b"3", "b": b"2"}
        text = write(scraped(books.families), Format.TEXT).decode()
        assert 'vteam_session_queue_duration_seconds_sum{project="p",mode="batch"} 7.75' in text
        recorder.fact("thing", "b", None)
        await recorder.recorded()
        assert books.facts("thing") == {"a": b"3"}
    async with recording(tmp_path) as books:
        books.recorder.count(m.RESTARTS, ("p",))
        await books.shows(m.RESTARTS, '{project="p"} 4', '{project="q"} 5')


@pytest.mark.parametrize("lost", [1, 2])
async def test_a_commit_whose_answer_is_lost_counts_once(lost: int, tmp_path: Path) -> None:
    """The second try is stale, and that is the answer; what comes then is taken as ever."""
    async with recording(tmp_path) as books:
        books.recorder.count(m.RESTARTS, ("before",))
        await books.recorder.recorded()
        for number in range(lost):
            books.ledger.lost_answers = 1
            books.recorder.count(m.RESTARTS, ("p",), 2)
            books.recorder.fact("thing", "a", b"%d" % number)
            await asyncio.wait_for(books.recorder.recorded(), 10)
            assert not books.ledger.lost_answers
        books.recorder.count(m.RESTARTS, ("after",))
        await books.shows(m.RESTARTS, '{project="before"} 1', f'{{project="p"}} {2 * lost}', '{project="after"} 1')
        assert books.facts("thing") == {"a": b"%d" % (lost - 1)}


async def test_somebody_elses_write_makes_it_stale(tmp_path: Path) -> None:
    with pytest.raises(ExceptionGroup) as raised:
        async with recording(tmp_path) as books:
            other = Recorder(books.ledger)
            await other.start()
            task = asyncio.create_task(other.run())
            other.count(m.RESTARTS, ("theirs",))
            await asyncio.wait_for(other.recorded(), 10)
            task.cancel()
            books.recorder.count(m.RESTARTS, ("ours",))
            await asyncio.wait_for(books.recorder.recorded(), 10)
    assert [type(one) for one in raised.value.exceptions] == [LedgerStaleError]
    async with recording(tmp_path) as books:
        books.recorder.count(m.RESTARTS, ("theirs",))
        await books.shows(m.RESTARTS, '{project="theirs"} 2')


@pytest.mark.parametrize("commits", [1, 2])
async def test_somebody_elses_writes_before_the_next_try(commits: int, tmp_path: Path) -> None:
    """Another leader has gone on in the meantime, maybe by just as many commits."""
    with pytest.raises(ExceptionGroup) as raised:
        async with recording(tmp_path) as books:
            other = Recorder(books.ledger)
            await other.start()
            books.recorder.count(m.RESTARTS, ("ours",))
            books.ledger.down = True
            await wait_until_async(lambda: books.ledger.refused)
            for _ in range(commits):
                other.count(m.RESTARTS, ("theirs",))
                await Ledger.submit(books.ledger, batch := other._take())
                other._number, other._at = other._number + 1, str(batch.positions["cr_state"])
            books.ledger.down = False
            await asyncio.wait_for(books.recorder.recorded(), 10)
    assert [type(one) for one in raised.value.exceptions] == [LedgerStaleError]


async def test_counts_add_up_while_the_ledger_is_down(tmp_path: Path) -> None:
    """However much happens, what waits is as much as there are series and facts."""
    async with recording(tmp_path) as books:
        recorder = books.recorder
        books.ledger.down = True
        recorder.count(m.RESTARTS, ("p",))
        await wait_until_async(lambda: books.ledger.refused)
        for number in range(500):
            recorder.count(m.RESTARTS, ("p",), 2)
            recorder.observe(m.QUEUE_DURATION, ("p", "batch"), 1.0)
            recorder.fact("thing", "a", b"%d" % number)
        assert (len(recorder._steps), len(recorder._facts)) == (2, 1)
        assert not recorder._none.is_set()
        await wait_until_async(lambda: books.ledger.refused > 1, what="another try")
        books.ledger.down = False
        await books.shows(m.RESTARTS, '{project="p"} 1001')
        assert books.facts("thing") == {"a": b"499"}
        assert books.ledger.commits == 2
        text = write(scraped(books.families), Format.TEXT).decode()
        assert 'vteam_session_queue_duration_seconds_count{project="p",mode="batch"} 500' in text


async def test_what_cannot_be_stored_does_not_stop_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with recording(tmp_path) as books:
        with pytest.raises(ValueError, match="cannot observe"):
            books.recorder.observe(m.QUEUE_DURATION, ("p", "batch"), float("nan"))
        for number in range(3):
            for project in ("with", "a\0b"):
                books.recorder.count(m.RESTARTS, (project,))
            await asyncio.wait_for(books.recorder.recorded(), 10)
            books.recorder.count(m.RESTARTS, ("after",))
            await books.shows(m.RESTARTS, *(f'{{project="{name}"}} {number + 1}' for name in ("with", "after")))
    assert caplog.text.count("1 counts and facts are lost: cannot be stored: a key holds NUL") == 3


async def test_what_happens_together_shares_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GATHER_SECONDS", 0.3)
    async with recording(tmp_path) as books:
        for _ in range(20):
            books.recorder.count(m.RESTARTS, ("p",))
            await asyncio.sleep(0)
        await books.shows(m.RESTARTS, '{project="p"} 20')
        assert books.ledger.commits == 1
