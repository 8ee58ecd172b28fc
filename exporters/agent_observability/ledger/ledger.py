"""One process's ledger, as its exporters use it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from agent_observability.errors import StartError
from agent_observability.ledger.backend import Backend
from agent_observability.ledger.batch import Batch, Outcome
from agent_observability.ledger.books import Books
from agent_observability.ledger.config import LedgerConfig
from agent_observability.ledger.errors import LedgerBusyError, LedgerUnavailableError
from agent_observability.ledger.families import LedgerFamilies
from agent_observability.ledger.queue import Queue
from agent_observability.ledger.reports import Reports
from agent_observability.ledger.retention import Retention
from agent_observability.ledger.standing import Standing, State
from agent_observability.ledger.writer import Writer
from agent_observability.workers import Workers

__all__ = ["Ledger", "open_backend", "require_driver"]

log = logging.getLogger(__name__)

_STOP_SECONDS = 4.0
_BUSY_SECONDS = 0.02
_MEASURE_SECONDS = 30.0
# A commit that takes longer than this is shown as a ledger that is down, and waited for this long at most.
_HANG_SECONDS = 15.0
_ANSWER_SECONDS = 45.0


def open_backend(config: LedgerConfig, process: str, default: Path) -> Backend:
    """The storage of `process` that the configuration names; `default` is the folder where it names none.

    Nothing is connected yet. Raises ConfigError for an address that is none, StartError for a folder that cannot be.
    """
    if config.url.reveal():
        require_driver()
        from agent_observability.ledger.postgresql import PostgresqlBackend, parse_url

        return PostgresqlBackend(parse_url(config.url), process)
    from agent_observability.ledger.sqlite import SqliteBackend

    directory = config.directory or default
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"cannot create {directory} for the ledger: {error.strerror}; set ledger.directory") from error
    return SqliteBackend(directory / f"{process}.db")


def require_driver() -> None:
    """Raise StartError where PostgreSQL's driver, an extra of the package, is not installed."""
    if importlib.util.find_spec("psycopg") is None:
        raise StartError("ledger.url needs PostgreSQL's driver: pip install 'agent-observability[postgres]'")


class Ledger:
    """Durable events, counters and positions, shared by the exporters of a process."""

    def __init__(self, backend: Backend, config: LedgerConfig, *, clock: Callable[[], float] = time.time) -> None:
        self.backend = backend
        self.reports = Reports()
        self._config = config
        self._books = Books()
        self._queue = Queue(config.queue)
        self._retention = Retention(config.retention)
        self._standing = Standing(backend.name, self._books, self.reports, self._on_change)
        self._writer = Writer(
            backend,
            self._books,
            self._queue,
            retention=self._retention,
            standing=self._standing,
            reports=self.reports,
            clock=clock,
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._up = asyncio.Event()
        # The standard executor would keep the process alive for as long as a query hangs.
        self._workers = Workers("ledger-look")
        self._measuring: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """Where it is, without credentials."""
        return self.backend.name

    @property
    def state(self) -> State:
        """Whether this process writes to it."""
        return self._standing.state

    @property
    def positions(self) -> Mapping[str, str]:
        """How far each source has been read, as of the last commit."""
        return self._books.positions

    def keep(self, families: LedgerFamilies, facts: Mapping[str, float] | None = None) -> None:
        """Keep an exporter's families, and its facts for so many seconds by kind. Only before `start`."""
        self._books.register(families)
        families.wake = self._queue.poke
        self._retention.facts.update(facts or {})

    def start(self) -> None:
        """Open it in the background, and try again for as long as that fails. Needs a running event loop."""
        self._loop = asyncio.get_running_loop()
        self._measuring = self._loop.create_task(self._measure())
        self._watching = self._loop.create_task(self._watch())
        self._writer.thread.start()

    async def stop(self) -> None:
        """Commit what waits, then close; give up after some seconds."""
        if self._measuring is None:
            return
        self._measuring.cancel()
        self._watching.cancel()
        self._queue.stop()
        await self._workers.run(lambda: self._writer.thread.join(_STOP_SECONDS))

    async def ready(self) -> Mapping[str, str]:
        """Wait until it can be written; the positions from which sources go on."""
        while not self.state.up:
            await self._up.wait()
            # Where the state has changed again, the loop has to hear of it first.
            await asyncio.sleep(0)
        return self.positions

    async def submit(self, batch: Batch) -> Outcome:
        """Commit a batch; what it counts is published by then. Waits for a place in the queue for a while.

        Raises LedgerBusyError, LedgerUnavailableError, or LedgerDataError for a batch that cannot be stored.
        """
        deadline = time.monotonic() + self._config.patience
        while True:
            try:
                job = self._queue.submit(batch)
            except LedgerBusyError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(_BUSY_SECONDS)
            else:
                break
        # `asyncio.timeout` would take twice as long, for each request.
        timer = asyncio.get_running_loop().call_later(_ANSWER_SECONDS, _expire, job.future)
        try:
            return await job.future
        except asyncio.CancelledError:
            self._queue.withdraw(job)
            raise
        except TimeoutError:
            self._queue.withdraw(job)
            raise LedgerUnavailableError("the ledger does not say whether it has stored this") from None
        finally:
            timer.cancel()

    def not_ready(self) -> str:
        """Why its exporters cannot serve yet, or "": a standby does not, one whose storage is down for a while does."""
        if time.monotonic() >= self._standing.exposed_until:
            return f"the ledger {self.state.reason}"
        return ""

    def _on_change(self, state: State) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended before the writer
                self._loop.call_soon_threadsafe(self._up.set if state.up else self._up.clear)

    async def _measure(self) -> None:
        while True:
            await self._up.wait()
            try:
                rows, size = await self._workers.run(lambda: (self.backend.rows(), self.backend.size()))
                self.reports.sizes(rows, size)
            except Exception as error:
                log.warning("cannot measure the ledger: %s", type(error).__name__)
            await asyncio.sleep(_MEASURE_SECONDS)

    async def _watch(self) -> None:
        """A storage that hangs raises nothing, so that somebody has to look."""
        while True:
            await asyncio.sleep(1)
            busy = self._writer.busy_since
            hangs = busy is not None and time.monotonic() - busy > _HANG_SECONDS
            if hangs and self.state.up:
                self.reports.state(up=False, standby=False)
            elif not hangs:
                self.reports.state(up=self.state.up, standby=self.state.standby)


def _expire(future: asyncio.Future[Outcome]) -> None:
    if not future.done():
        future.set_exception(TimeoutError())
