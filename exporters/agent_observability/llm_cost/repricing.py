"""`agent-obs reprice`: calls that had no price when they came get one, once somebody knows it.

Nothing that was counted changes. The cost is added, as `cost_source="repriced"`, by an event of its own beside the one
that had none, at the same time and under an id that follows from its: a call is repriced once, however often one asks.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import itertools
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from agent_observability.ledger.backend import Backend
from agent_observability.ledger.batch import Batch
from agent_observability.ledger.errors import LedgerBusyError, LedgerUnavailableError, words
from agent_observability.ledger.ledger import Ledger
from agent_observability.ledger.queries import StoredEvent, events
from agent_observability.llm_cost.booking import KIND, REPRICED, Booked, Stored
from agent_observability.llm_cost.life import Life
from agent_observability.llm_cost.metrics import PICO
from agent_observability.metric import OVERFLOW
from agent_observability.workers import Workers

__all__ = ["Repricing"]

_BATCH = 500
# Events that are looked at in one step, however few of them have no price.
_TELL_EVENTS = 20_000
# Between two tellings: a share of the time, or seconds.
_TELL_SHARE = 0.001
_TELL_SECONDS = 1.0
_PATIENCE_SECONDS = 30.0
_LOOK_SECONDS = 0.1
# That are told apart.
_MODELS = 200
_DAY_MS = 86_400_000

_stored = msgspec.json.Decoder(Stored)


class _Reason(msgspec.Struct):
    """Of a stored event, whether it has a price."""

    reason: str = ""


_reason = msgspec.json.Decoder(_Reason)

Found = tuple[int, list[StoredEvent]]
"""How far one has looked (ms), and what was found without a price on the way."""

Repriced = list[tuple[Stored, Booked | None]]


class Repricing:
    """One at a time. `lives` tells the books that are in force, `doubt` that they may lack something."""

    def __init__(self, ledger: Ledger, workers: Workers, lives: Callable[[], Life | None], doubt: Callable[[], None]):
        self._ledger = ledger
        self._workers = workers
        self._lives = lives
        self._doubt = doubt
        self._running = False

    async def run(self, parameters: Mapping[str, str]) -> AsyncGenerator[Mapping[str, Any], None]:
        """`since` and `until` are UTC days (2026-01-31), both included; `dry_run=true` changes nothing.

        Tells the share of the time that is done, and per model how many calls have a price now, how many have not, and
        the dollars. Raises ValueError for wrong parameters, LedgerUnavailableError when the ledger is lost on the way.
        """
        start, end, dry = _span(parameters)
        if self._running:
            raise ValueError("prices are being worked out already; wait for that to end")
        self._running = True
        try:
            # Nothing is to be found in what is left of today.
            summary = Summary(min(end, round(time.time() * 1000)))
            yield {"progress": 0.0, "models": {}}
            found = _unpriced(self._ledger.backend, start, end)
            told = time.monotonic()
            while True:
                life = await self._living()
                step = await self._workers.run(functools.partial(self._step, life, found))
                if step is None:
                    break
                at, repriced = step
                new = [one for _, one in repriced if one is not None]
                if new and not dry:
                    await self._commit(life, new)
                for stored, one in repriced:
                    summary.add(stored, one)
                # A line for each step would be megabytes where there is much.
                if summary.moved(at) or time.monotonic() - told > _TELL_SECONDS:
                    told = time.monotonic()
                    yield summary.tell(at)
            yield summary.tell(end) | {"done": True}
        finally:
            self._running = False

    async def _living(self) -> Life:
        """The books in force; after a reload they are read for a while."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (life := self._lives()) is None:
            if time.monotonic() > deadline:
                raise LedgerUnavailableError("the books cannot be read from the ledger now")
            await asyncio.sleep(_LOOK_SECONDS)
        return life

    def _step(self, life: Life, found: Iterator[Found]) -> tuple[int, Repriced] | None:
        """The next events without a price, and what they cost by now."""
        unreadable: tuple[type[Exception], ...] = (SQLAlchemyError, OSError, *self._ledger.backend.driver_errors)
        try:
            at, unpriced = next(found)
        except StopIteration:
            return None
        except unreadable as error:
            raise LedgerUnavailableError(f"the ledger cannot be read: {words(error)}") from error
        decoded = [(event, _stored.decode(event.data)) for event in unpriced]
        return at, [
            (stored, life.booker.reprice(event.timestamp, event.id, event.labels, stored)) for event, stored in decoded
        ]

    async def _commit(self, life: Life, booked: Sequence[Booked]) -> None:
        try:
            outcome = await self._ledger.submit(Batch(events=[one.event for one in booked], kind="repriced"))
        except LedgerBusyError:
            # Nothing of it was let in.
            raise
        except BaseException:
            # Also where this is cancelled: nobody here knows whether it is stored.
            self._doubt()
            raise
        life.settle([one for one, is_new in zip(booked, outcome.stored, strict=True) if is_new])
        if self._lives() is not life:
            self._doubt()


def _unpriced(backend: Backend, start: int, end: int) -> Iterator[Found]:
    """Events without a price, some at a time; now and then none, to tell of. At first from where there are any."""
    waiting: list[StoredEvent] = []
    seen = 0
    first = True
    stored = events(backend, kinds=[KIND], start=start, end=end)
    for timestamp, group in itertools.groupby(stored, key=lambda event: event.timestamp):
        if first:
            first = False
            yield timestamp, []
        together = list(group)
        seen += len(together)
        ids = {event.id for event in together}
        waiting += [
            event for event in together if f"{event.id}{REPRICED}" not in ids and _reason.decode(event.data).reason
        ]
        if len(waiting) >= _BATCH or seen >= _TELL_EVENTS:
            yield timestamp, waiting
            waiting, seen = [], 0
    if waiting:
        yield end, waiting


class Summary:
    """What has been found so far. Of a great many models, the later ones are summed up."""

    def __init__(self, end: int, most: int = _MODELS) -> None:
        self._start: int | None = None
        self._end = end
        self._most = most
        self._progress = 0.0
        self._models: set[str] = set()
        self._priced: Counter[str] = Counter()
        self._unpriced: Counter[str] = Counter()
        self._pico: Counter[str] = Counter()

    def add(self, stored: Stored, booked: Booked | None) -> None:
        """One event, and what it costs by now."""
        model = f"{stored.provider}/{stored.model}"
        if model not in self._models:
            model = model if len(self._models) < self._most else OVERFLOW
            self._models.add(model)
        calls = max(1, stored.requests)
        if booked is None:
            self._unpriced[model] += calls
        else:
            self._priced[model] += calls
            self._pico[model] += booked.pico

    def moved(self, at: int) -> bool:
        """Whether that is far enough from where was last told of to tell again."""
        return self._done(at) - self._progress >= _TELL_SHARE

    def tell(self, at: int) -> dict[str, Any]:
        """By how far one has looked."""
        self._progress = self._done(at)
        models = {
            model: {
                "priced": self._priced[model],
                "unpriced": self._unpriced[model],
                "usd": self._pico[model] / PICO,
            }
            for model in sorted(self._models)
        }
        return {"progress": round(self._progress, 4), "models": models}

    def _done(self, at: int) -> float:
        if at >= self._end:
            return 1.0
        if self._start is None:
            self._start = at
        return (at - self._start) / (self._end - self._start)


def _span(parameters: Mapping[str, str]) -> tuple[int, int, bool]:
    if strange := parameters.keys() - {"since", "until", "dry_run"}:
        raise ValueError(f"{min(strange)}: not a parameter; known: since, until, dry_run")
    dry = parameters.get("dry_run", "false")
    if dry not in ("true", "false"):
        raise ValueError(f"dry_run: expected true or false, got {dry[:40]!r}")
    start = _day(parameters, "since") if "since" in parameters else 0
    end = _day(parameters, "until") + _DAY_MS if "until" in parameters else round(time.time() * 1000) + _DAY_MS
    if end <= start:
        raise ValueError("until: is before since")
    return start, end, dry == "true"


def _day(parameters: Mapping[str, str], name: str) -> int:
    try:
        day = dt.date.fromisoformat(parameters[name])
    except ValueError:
        raise ValueError(f"{name}: expected a day such as 2026-01-31, got {parameters[name][:40]!r}") from None
    return round(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp() * 1000)
