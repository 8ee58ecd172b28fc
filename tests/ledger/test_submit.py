"""Batches on their way into a ledger: pushed back, cancelled, stale, and those that get no answer."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest

from agent_observability.exposition import Format, write
from agent_observability.ledger import queries
from agent_observability.ledger.batch import Batch, Outcome
from agent_observability.ledger.config import LedgerConfig
from agent_observability.ledger.errors import LedgerBusyError, LedgerStaleError, LedgerUnavailableError
from agent_observability.ledger.ledger import Ledger
from tests.collectors import scraped
from tests.ledger.storage import Storage, batch, families, opened
from tests.ledger.test_contract import shown
from tests.support import wait_until_async


async def test_a_stale_batch_changes_nothing(storage: Storage) -> None:
    """Its source was read on in the meantime: by another process, or by a task that was cancelled too late."""
    store = families()
    async with opened(storage.backend(), store) as ledger:
        first = batch(1, positions={"file": "10"}, after={"file": ""})
        assert (await ledger.submit(first)).stored == (True,)
        for stale in (first, Batch(counts=first.events[0].counts, positions={"file": "20"}, after={"file": "5"})):
            with pytest.raises(LedgerStaleError, match=r"file was read from .*, and the ledger is at '10'"):
                await ledger.submit(stale)
        second, third = (Batch(positions={"file": b}, after={"file": a}) for a, b in (("10", "20"), ("20", "30")))
        await asyncio.gather(ledger.submit(second), ledger.submit(third))
        assert ledger.positions == {"file": "30"}
        assert shown(store, "requests_total{") == ['requests_total{model="m",ok="yes"} 1']
        await ledger.submit(Batch(positions={"file": None, "other": "1"}, after={"file": "30"}))
        assert ledger.positions == {"other": "1"}
    async with opened(storage.backend(), families()) as ledger:
        assert ledger.positions == {"other": "1"}


async def test_what_was_cancelled_in_the_queue_never_happens(storage: Storage) -> None:
    store = families()
    async with opened(storage.backend(), store) as ledger:
        ledger._queue.take = hold = _Held(ledger._queue.take)  # type: ignore[method-assign,assignment]
        await asyncio.to_thread(hold.entered.wait)
        cancelled, kept = (asyncio.create_task(ledger.submit(batch(number))) for number in (1, 2))
        await asyncio.sleep(0)
        cancelled.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await cancelled
        hold.let_go.set()
        await kept
        assert [one.id for one in queries.events(ledger.backend)] == ["e2"]


async def test_a_storage_that_hangs_is_said_to_be_down(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """It raises nothing; senders are told to come again, and the end of the process does not wait for it."""
    monkeypatch.setattr("agent_observability.ledger.ledger._HANG_SECONDS", 0.2)
    monkeypatch.setattr("agent_observability.ledger.ledger._ANSWER_SECONDS", 2.0)
    monkeypatch.setattr("agent_observability.ledger.ledger._STOP_SECONDS", 0.2)
    go_on = threading.Event()
    async with opened(storage.backend(), families()) as ledger:
        insert = ledger._books.write
        monkeypatch.setattr(ledger._books, "write", lambda *arguments: go_on.wait(30) and insert(*arguments))
        with pytest.raises(LedgerUnavailableError, match="does not say whether it has stored this"):
            await ledger.submit(batch(1))
        await wait_until_async(
            lambda: "agent_obs_ledger_up 0" in write(scraped(ledger.reports.store), Format.TEXT).decode()
        )
        go_on.set()
        await wait_until_async(
            lambda: "agent_obs_ledger_up 1" in write(scraped(ledger.reports.store), Format.TEXT).decode()
        )
        assert await ledger.submit(batch(1)) == Outcome((False,))
        go_on.clear()
        waiting = asyncio.ensure_future(ledger.submit(batch(2)))
        await wait_until_async(lambda: ledger._writer.busy_since is not None)
    go_on.set()
    with contextlib.suppress(LedgerUnavailableError):
        await waiting


def _up(ledger: Ledger) -> str:
    lines = write(scraped(ledger.reports.store), Format.TEXT).decode().splitlines()
    return next(line for line in lines if line.startswith("agent_obs_ledger_up ")).split()[-1]


async def test_the_queue_pushes_back(storage: Storage) -> None:
    """One batch larger than the queue gets in alone; what finds no place in time is refused, and later welcome."""
    config = LedgerConfig(queue=10, patience=0.2)  # type: ignore[arg-type]
    async with opened(storage.backend(), families(), config=config) as ledger:
        assert (await ledger.submit(batch(*range(100)))).stored == (True,) * 100
        ledger._queue.take = hold = _Held(ledger._queue.take)  # type: ignore[method-assign,assignment]
        await asyncio.to_thread(hold.entered.wait)
        waiting = asyncio.create_task(ledger.submit(batch(*range(200, 210))))
        await asyncio.sleep(0)
        with pytest.raises(LedgerBusyError, match="wait to be written"):
            await ledger.submit(batch(300))
        hold.let_go.set()
        assert all((await waiting).stored)
        assert (await ledger.submit(batch(300))).stored == (True,)


class _Held:
    """A `take` that waits until it is let go."""

    def __init__(self, take: object) -> None:
        self._take = take
        self.entered = threading.Event()
        self.let_go = threading.Event()

    def __call__(self, *arguments: object) -> object:
        self.entered.set()
        assert self.let_go.wait(30)
        return self._take(*arguments)  # type: ignore[operator]


async def test_nothing_is_taken_before_and_after_its_time(storage: Storage) -> None:
    async with opened(storage.backend(), families(), wait=False) as ledger:
        with pytest.raises(LedgerUnavailableError, match="being opened"):
            await ledger.submit(batch(1))
        assert ledger.not_ready() == "the ledger is being opened"
        await ledger.ready()
        assert ledger.not_ready() == ""
        last = asyncio.ensure_future(ledger.submit(batch(2)))
        await asyncio.sleep(0)
    assert (await last).stored == (True,)
    with pytest.raises(LedgerUnavailableError, match="stopping"):
        await ledger.submit(batch(3))
