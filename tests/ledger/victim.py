"""An exporter that counts a known stream into its ledger, and what it must have counted up to any position.

`python -m tests.ledger.victim run victim --config FILE` runs it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from agent_observability import registry
from agent_observability.collector import Collector
from agent_observability.ledger.batch import Batch, Count, Event, count, observe
from agent_observability.ledger.errors import LedgerUnavailableError
from agent_observability.ledger.families import LedgerFamilies
from agent_observability.metric import OVERFLOW, Kind, Label, Metric
from agent_observability.registry import Exporter
from agent_observability.runtime import Context, Runtime

CAP = 6
PICO = 10**12
_MODEL = Label("model", cap=CAP)
RECORDS = Metric("victim_records_total", Kind.COUNTER, "Records", (_MODEL, Label("ok", ("yes", "no"))))
COST = Metric("victim_cost_usd_total", Kind.COUNTER, "Cost", (_MODEL,), scale=PICO)
WAIT = Metric("victim_wait_seconds", Kind.HISTOGRAM, "Wait", (_MODEL,), buckets=(0.1, 1, 10), scale=10**9)
METRICS = (RECORDS, COST, WAIT)
BASE = 1_790_000_000_000


class VictimConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`records` is where the stream ends; `pause` slows it down, so that it lasts as long as a test."""

    records: int = 10_000
    pause: float = 0.002


@dataclass(frozen=True, slots=True)
class Record:
    """One of the stream; `stored` ones are events, others are only counted."""

    number: int

    @property
    def stored(self) -> bool:
        return self.number % 7 != 3

    def facts(self) -> tuple[str, str, int, float]:
        """Model, outcome, pico-dollars, seconds. New models come up as the stream goes on, above the cap, too."""
        choice = random.Random(self.number)
        model = f"m{choice.randrange(min(2 * CAP, 1 + self.number // 250))}"
        seconds = choice.choice((0.05, 0.1, 0.5, 2.25, 30.0))
        return model, choice.choice(("yes", "no")), choice.randrange(10**15), seconds

    def counts(self) -> tuple[Count, ...]:
        model, ok, cost, seconds = self.facts()
        return count(RECORDS, (model, ok)), count(COST, (model,), cost), observe(WAIT, (model,), seconds)

    @property
    def id(self) -> str:
        return f"r{self.number}"


@dataclass(slots=True)
class Truth:
    """What the first `position` records come to."""

    position: int = 0
    models: list[str] = field(default_factory=list)
    records: Counter[tuple[str, str]] = field(default_factory=Counter)
    cost: Counter[str] = field(default_factory=Counter)
    waits: dict[str, list[int]] = field(default_factory=dict)
    stored: int = 0

    def advance(self, position: int) -> Truth:
        """Read on to `position`, which is never behind."""
        assert position >= self.position
        for number in range(self.position, position):
            model, ok, cost, seconds = Record(number).facts()
            if model not in self.models and len(self.models) < CAP:
                self.models.append(model)
            shown = model if model in self.models else OVERFLOW
            self.records[shown, ok] += 1
            self.cost[shown] += cost
            waits = self.waits.setdefault(shown, [0] * 5)
            waits[sum(seconds > edge for edge in WAIT.buckets)] += 1
            waits[-1] += round(seconds * 10**9)
            self.stored += Record(number).stored
        self.position = position
        return self

    def series(self) -> dict[tuple[str, tuple[str, ...]], list[int]]:
        """As the ledger keeps it: exact integers by family and labels."""
        return {
            **{(RECORDS.name, labels): [number] for labels, number in self.records.items()},
            **{(COST.name, (model,)): [pico] for model, pico in self.cost.items()},
            **{(WAIT.name, (model,)): slots for model, slots in self.waits.items()},
        }

    def samples(self) -> Iterator[tuple[tuple[str, ...], float]]:
        """As scrapes show it, by sample name and label values."""
        for labels, number in self.records.items():
            yield (RECORDS.name, *labels), float(number)
        for model, pico in self.cost.items():
            yield (COST.name, model), pico / PICO
        for model, slots in self.waits.items():
            yield (f"{WAIT.name}_count", model), float(sum(slots[:-1]))
            yield (f"{WAIT.name}_sum", model), slots[-1] / 10**9


class VictimRuntime(Runtime[VictimConfig]):
    """Reads the stream from its position, in batches of any size, sometimes sending events twice."""

    def __init__(self, section: VictimConfig, context: Context) -> None:
        self._section = section
        self._ledger = context.ledger
        self._store = LedgerFamilies("stream", METRICS, context.limits)
        self._ledger.keep(self._store)
        self._task: asyncio.Task[None] | None = None

    @property
    def collectors(self) -> Sequence[Collector]:
        return (self._store,)

    def reload(self, section: VictimConfig) -> None:
        self._section = section

    async def start(self) -> None:
        self._task = asyncio.create_task(self._read())

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _read(self) -> None:
        choice = random.Random()
        while True:
            positions = await self._ledger.ready()
            position = int(positions.get("stream", "0"))
            with contextlib.suppress(LedgerUnavailableError):
                while position < self._section.records:
                    last = min(position + choice.randint(1, 40), self._section.records)
                    await self._ledger.submit(_batch(position, last))
                    if choice.random() < 0.1:
                        await self._ledger.submit(Batch(tuple(_events(position, last))))
                    position = last
                    await asyncio.sleep(self._section.pause)
                await asyncio.sleep(3600)


def _events(first: int, last: int) -> Iterator[Event]:
    for record in map(Record, range(first, last)):
        if record.stored:
            model = record.facts()[0]
            yield Event(BASE + record.number, record.id, "record", (model,), b"x" * 20, record.counts())


def _batch(first: int, last: int) -> Batch:
    others = [one for record in map(Record, range(first, last)) if not record.stored for one in record.counts()]
    after = {"stream": str(first) if first else ""}
    return Batch(tuple(_events(first, last)), others, {"stream": str(last)}, after, kind="record")


def create(section: VictimConfig, context: Context) -> VictimRuntime:
    """The factory."""
    return VictimRuntime(section, context)


VICTIM = Exporter("victim", 19803, "Counts a known stream", METRICS, VictimConfig, "tests.ledger.victim:create")


if __name__ == "__main__":
    # Before the modules that copy these names are imported.
    registry.EXPORTERS = (VICTIM,)
    registry.BY_NAME = {VICTIM.name: VICTIM}
    from agent_observability.cli import main

    main()
