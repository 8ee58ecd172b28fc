"""A tailer with a real ledger: one commit for lines and position, and what becomes of both when commits fail."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from agent_observability.exposition import Format, write
from agent_observability.ledger.batch import Batch, count
from agent_observability.ledger.config import LedgerConfig
from agent_observability.ledger.families import LedgerFamilies
from agent_observability.ledger.queries import facts
from agent_observability.ledger.sqlite import SqliteBackend
from agent_observability.metric import Kind, Label, Metric
from agent_observability.tail import tailer as module
from agent_observability.tail import trail as trail_module
from agent_observability.tail.config import TailConfig
from agent_observability.tail.metrics import TAIL_COUNTED, TAIL_LINES
from agent_observability.tail.part import Taken
from agent_observability.tail.state import Patience
from agent_observability.tail.tailer import Tailer
from agent_observability.units import Duration
from tests.collectors import scraped
from tests.ledger.faulty import FaultyLedger
from tests.support import wait_until_async
from tests.tail.following import append

WORDS = Metric("words_total", Kind.COUNTER, "Words", (Label("word"),))


class Words:
    """A reader. It remembers how many lines it has seen, which must be what is committed whenever it is told so."""

    def __init__(self, load: Callable[[], Mapping[str, bytes]]) -> None:
        self._load = load
        self.seen: Counter[str] = Counter()
        self.changed: set[str] = set()
        self.restored = 0
        self.told = 0
        self.threads: set[str] = set()
        self.paths: set[str] = set()
        self.raises = b""
        self.late = False

    def take(self, path: str, lines: Sequence[bytes]) -> Taken:
        lines = [line.removesuffix(b"\n") for line in lines]
        self.threads.add(threading.current_thread().name)
        self.paths.add(path)
        if self.raises and not self.late and self.raises in lines:
            raise RuntimeError("a fault of ours")

        def committed() -> None:
            self.told += len(lines)

        words = [line.decode() for line in lines]
        self.seen.update(words)
        self.changed.update(words)
        newest = 1_790_000_000.0 + len(lines)
        counts = [count(WORDS, (word,)) for word in words]
        return Taken(parsed=len(lines), newest=newest, counts=counts, committed=committed)

    def facts(self) -> Mapping[tuple[str, str], bytes | None]:
        """How often each word came, of those that came since the last call."""
        if self.raises.decode() in self.changed:
            raise RuntimeError("a fault of ours")
        facts = {("word", word): str(self.seen[word]).encode() for word in self.changed}
        self.changed.clear()
        return facts

    def restore(self) -> None:
        self.seen = Counter({word: int(number) for word, number in self._load().items()})
        self.changed.clear()
        self.restored += 1


class Case:
    """A tailer at work."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "words.log"
        self.words = Words(self.remembered)
        self.store = LedgerFamilies("words", (WORDS, *TAIL_COUNTED))
        for metric in TAIL_COUNTED:
            self.store.expect(metric, {"source": ["words"]})
        self.ledger = FaultyLedger(SqliteBackend(folder / "ledger.db"), LedgerConfig())
        self.ledger.keep(self.store)
        config = TailConfig(paths=[str(self.log)], interval=Duration(0.05))
        self.tailer = Tailer("words", config, self.ledger, self.words, patience=Patience(idle=1, missing=1, search=0.1))

    def counted(self) -> dict[str, int]:
        return self._sums(WORDS)

    def lines(self) -> dict[str, int]:
        return {name.partition("/")[2]: number for name, number in self._sums(TAIL_LINES).items()}

    def _sums(self, metric: Metric) -> dict[str, int]:
        return {
            "/".join(labels): int(series.values[0])
            for labels, series in self.store._families[metric].series.items()
            if series.values[0]
        }

    def shown(self) -> str:
        return write(scraped(self.tailer.collector), Format.TEXT).decode()

    def remembered(self) -> dict[str, bytes]:
        return facts(self.ledger.backend, "word")

    async def until(self, **words: int) -> None:
        """Until so many are counted. What the reader remembers was committed with that."""
        await wait_until_async(lambda: self.counted() == words, what=f"{words}, not {self.counted()}")
        assert {word: int(number) for word, number in self.remembered().items()} == words


@contextlib.asynccontextmanager
async def _running(case: Case, *, start: bool = True) -> AsyncIterator[Case]:
    if start:
        case.ledger.start()
    task = asyncio.create_task(case.tailer.run())
    try:
        yield case
        assert not task.done(), task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await case.ledger.stop()


@pytest.fixture
async def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Case]:
    monkeypatch.setattr(module, "_AGAIN_SECONDS", 0.02)
    case = Case(tmp_path)
    append(case.log, "a", "b", "a")
    async with _running(case):
        await case.until(a=2, b=1)
        yield case


async def test_lines_and_position_in_one_commit(case: Case) -> None:
    assert all(name.startswith("tail-words") for name in case.words.threads)
    assert case.words.paths == {str(case.log)}
    # That the log is known; then all of it.
    assert case.ledger.commits == 2
    assert case.lines() == {"parsed": 3}
    await wait_until_async(lambda: case.words.told == 3)
    append(case.log, "c")
    await case.until(a=2, b=1, c=1)
    assert case.words.restored == 1
    # Another process goes on from there.
    await case.ledger.stop()
    other = Case(case.folder)
    append(case.log, "d")
    async with _running(other):
        await other.until(a=2, b=1, c=1, d=1)
        await wait_until_async(lambda: other.words.told == 1)


async def test_what_is_shown(case: Case) -> None:
    assert case.tailer.collector.name == "tail_words"
    await wait_until_async(lambda: case.tailer.not_ready() == "")
    append(case.log, *"ab" * 5)
    await case.until(a=7, b=6)
    await wait_until_async(lambda: 'agent_obs_tail_lag_bytes{source="words"} 0' in case.shown())
    assert 'agent_obs_tail_up{source="words"} 1' in case.shown()
    assert 'agent_obs_tail_last_event_timestamp_seconds{source="words"} 1790000010' in case.shown()
    assert case.tailer.size() == 26
    [status] = case.tailer.sources()
    assert (status.name, status.healthy, status.lag, status.detail) == (str(case.log), True, "", "is followed")
    case.log.unlink()
    await wait_until_async(lambda: 'agent_obs_tail_up{source="words"} 0' in case.shown())
    [status] = case.tailer.sources()
    assert (status.healthy, status.detail) == (False, f"{case.log} is not there")


async def test_before_there_is_a_ledger(tmp_path: Path) -> None:
    case = Case(tmp_path)
    append(case.log, "a")
    async with _running(case, start=False):
        await asyncio.sleep(0)
        assert case.tailer.not_ready() == "the log was not looked at yet"
        assert case.shown() == ""
        case.ledger.start()
        await case.until(a=1)
        await wait_until_async(lambda: case.tailer.not_ready() == "")


async def test_the_ledger_is_down_and_the_log_is_rotated(case: Case) -> None:
    """Files come and go meanwhile: what was open can be read later."""
    case.ledger.down = True
    append(case.log, "c")
    await wait_until_async(lambda: case.ledger.refused > 3)
    case.log.rename(case.folder / "words.log.1")
    append(case.log, "d")
    refused = case.ledger.refused
    await wait_until_async(lambda: case.ledger.refused > refused + 3)
    (case.folder / "words.log.1").unlink()
    case.log.unlink()
    append(case.log, "e")
    refused = case.ledger.refused
    await wait_until_async(lambda: case.ledger.refused > refused + 3)
    assert case.counted() == {"a": 2, "b": 1}
    assert case.words.restored > 3
    case.ledger.down = False
    await case.until(a=2, b=1, c=1, d=1, e=1)
    assert case.lines() == {"parsed": 6}


@pytest.mark.parametrize("answers", [1, 2])
async def test_an_answer_that_is_lost(case: Case, answers: int) -> None:
    """The ledger's position tells what became of the commit: it is told to the reader, and not counted again."""
    case.ledger.lost_answers = answers
    for number, word in enumerate("cdef"):
        append(case.log, word)
        case.log.rename(case.folder / f"words.log-{number:08}")
        case.log.touch()
        await asyncio.sleep(0.03)
    await case.until(a=2, b=1, c=1, d=1, e=1, f=1)
    assert case.ledger.lost_answers == 0
    assert case.words.restored > 1
    append(case.log, "g")
    await case.until(a=2, b=1, c=1, d=1, e=1, f=1, g=1)
    await wait_until_async(lambda: case.words.told == 8)


async def test_somebody_else_has_read_on(case: Case) -> None:
    """What a new leader counted meanwhile is not counted again."""
    [key] = [key for key in case.ledger.positions if "/file" in key]
    append(case.log, "c")
    await case.until(a=2, b=1, c=1)
    before = case.ledger.positions[key]
    append(case.log, "d")
    await case.until(a=2, b=1, c=1, d=1)
    after = case.ledger.positions[key]
    await case.ledger.submit(Batch(positions={key: before}, after={key: after}))
    append(case.log, "e")
    # It goes on from where the ledger is, wherever that is.
    await case.until(a=2, b=1, c=1, d=2, e=1)


@pytest.mark.parametrize("number", [1, 200])
async def test_what_cannot_be_stored_is_given_up(case: Case, number: int, caplog: pytest.LogCaptureFixture) -> None:
    """And nothing else."""
    words = [f"w{n}" for n in range(number)]
    append(case.log, *words, "\0bad\0", *words, "bad\0", "end")
    await wait_until_async(lambda: case.counted().get("end") == 1)
    assert case.lines() == {"parsed": 3 + 2 * number + 1, "malformed": 2}
    assert case.counted() == {"a": 2, "b": 1, "end": 1, **dict.fromkeys(words, 2)}
    assert caplog.text.count("a line of words cannot be counted and is given up") == 2
    commits = case.ledger.commits
    append(case.log, *words, "later")
    await wait_until_async(lambda: case.counted().get("later") == 1)
    assert case.ledger.commits == commits + 1


@pytest.mark.parametrize("late", [False, True])
async def test_a_reader_with_a_fault(case: Case, caplog: pytest.LogCaptureFixture, late: bool) -> None:
    """Be it when it takes a line, or when it tells what it remembers of that."""
    case.words.raises, case.words.late = b"worse", late
    append(case.log, "c", "worse", "d")
    await wait_until_async(lambda: case.lines() == {"parsed": 5, "malformed": 1})
    append(case.log, "e")
    await wait_until_async(lambda: case.counted().get("e") == 1)
    assert "a fault of ours" in caplog.text


async def test_a_file_system_that_hangs(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds up neither the event loop nor scrapes, nor the end."""
    monkeypatch.setattr(module, "_HANG_SECONDS", 0.1)
    go_on, entered = threading.Event(), threading.Event()

    def hang(*_: Any) -> os.stat_result:
        entered.set()
        assert go_on.wait(30)
        raise FileNotFoundError

    with monkeypatch.context() as patch:
        patch.setattr(trail_module.os, "stat", hang)
        await wait_until_async(entered.is_set)
        await wait_until_async(lambda: 'agent_obs_tail_up{source="words"} 0' in case.shown())
        [status] = case.tailer.sources()
        assert "the file system has not answered for" in status.detail
    go_on.set()
    append(case.log, "c")
    await case.until(a=2, b=1, c=1)
    await wait_until_async(lambda: 'agent_obs_tail_up{source="words"} 1' in case.shown())


async def test_it_leaves_no_file_open(tmp_path: Path) -> None:
    def held() -> list[str]:
        links = []
        for descriptor in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):
                links.append(str(descriptor.readlink()))
        return [link for link in links if "words.log" in link]

    case = Case(tmp_path)
    append(case.log, "a")
    async with _running(case):
        await case.until(a=1)
        for turn in range(3):
            case.log.rename(tmp_path / f"words.log.{turn}")
            append(case.log, f"r{turn}")
            await wait_until_async(lambda turn=turn: f"r{turn}" in case.counted())  # type: ignore[misc]
        assert len(held()) == 4
        await wait_until_async(lambda: len(held()) == 1)
    await wait_until_async(lambda: not held())
