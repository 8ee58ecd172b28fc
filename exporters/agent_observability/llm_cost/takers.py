"""What the exporter takes from the intake: usage and units in JSON, and OTLP's three signals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from agent_observability.intake.errors import RefusedError, Rejected
from agent_observability.intake.formats import Items
from agent_observability.intake.otlp.model import Decoded, Group, Log, Point, Span
from agent_observability.intake.part import Caller, Part
from agent_observability.ledger.batch import Count, Event, count
from agent_observability.llm_cost import metrics as m
from agent_observability.llm_cost.events import (
    NO_PROJECT,
    UnitEvent,
    UsageEvent,
    key_of,
    project_of,
    unfit,
    usage_of,
)
from agent_observability.llm_cost.life import Life
from agent_observability.llm_cost.telemetry import Taken
from agent_observability.llm_cost.usage import Usage
from agent_observability.metric import OTHER

__all__ = ["TelemetryTaker", "UnitsTaker", "UsageTaker"]

InputT = TypeVar("InputT")
ItemT = TypeVar("ItemT", Span, Point, Log)

Lives = Callable[[], Life | None]
"""The one that books now, or None while there is none."""


class _Taker(Generic[InputT]):
    """`doubt` is called when the ledger may hold what the books do not."""

    def __init__(self, lives: Lives, doubt: Callable[[], None], source: str) -> None:
        self.lock = asyncio.Lock()
        self._lives = lives
        self._doubt = doubt
        self._source = source

    def not_ready(self) -> str:
        return "" if self._lives() else "the books are being read from the ledger"

    def _life(self) -> Life:
        life = self._lives()
        if life is None:
            # It has ended since the request was let in.
            raise RefusedError(503, "unavailable", self.not_ready(), seconds=1)
        return life

    def _part(
        self,
        life: Life,
        items: int,
        usages: Sequence[Usage],
        rejected: Sequence[Rejected],
        *,
        counts: Sequence[Count] = (),
        facts: Mapping[tuple[str, str], bytes | None] | None = None,
        ignored: int = 0,
        late: bool = False,
        commit: Callable[[], None] = lambda: None,
    ) -> Part:
        """`late` on purpose: of history nobody wants to know how late it is."""
        source = "" if late else self._source
        booked = life.booker.book_all(usages)

        def stored(new: Sequence[bool]) -> None:
            commit()
            life.settle(
                booked if all(new) else [one for one, is_new in zip(booked, new, strict=True) if is_new], source
            )
            if self._lives() is not life:
                # The next one may have read the books before this was in them.
                self._doubt()

        return Part(
            items=items,
            events=[one.event for one in booked],
            counts=counts,
            facts=facts or {},
            rejected=rejected,
            ignored=ignored,
            exclusive=bool(facts),
            stored=stored,
            failed=self._doubt,
        )


class UsageTaker(_Taker[Items[UsageEvent]]):
    """`POST /api/v1/usage`."""

    def take(self, given: Items[UsageEvent], caller: Caller, now: float) -> Part:
        life = self._life()
        usages: list[Usage] = []
        rejected = list(given.rejected)
        for index, event in zip(given.indexes, given.values, strict=True):
            usage = usage_of(event, index, caller, life.bounds, now, plain=given.plain)
            if isinstance(usage, Rejected):
                rejected.append(usage)
            else:
                usages.append(usage)
        return self._part(life, given.number, usages, rejected, late=given.backfill)


class UnitsTaker(_Taker[Items[UnitEvent]]):
    """`POST /api/v1/units`."""

    def take(self, given: Items[UnitEvent], caller: Caller, now: float) -> Part:
        life = self._life()
        events: list[Event] = []
        rejected = list(given.rejected)
        for index, unit in zip(given.indexes, given.values, strict=True):
            event = self._event(unit, index, caller, life, now)
            if isinstance(event, Rejected):
                rejected.append(event)
            else:
                events.append(event)

        def stored(new: Sequence[bool]) -> None:
            if not given.backfill:
                life.note_delays([event for event, is_new in zip(events, new, strict=True) if is_new], self._source)

        return Part(items=given.number, events=events, rejected=rejected, stored=stored)

    @staticmethod
    def _event(unit: UnitEvent, index: int, caller: Caller, life: Life, now: float) -> Event | Rejected:
        at = life.bounds.check(unit.timestamp, now)
        if isinstance(at, str):
            return Rejected(index, "timestamp", at)
        if unit.id is not None and unit.timestamp is None:
            return Rejected(index, "timestamp", "an id needs the timestamp of the event: both together tell a retry")
        project = project_of(unit.project, index, caller)
        if isinstance(project, Rejected):
            return project
        if wrong := unfit(index, unit, project):
            return wrong
        feature = unit.feature if unit.feature in life.features else OTHER
        labels = (feature, unit.unit)
        timestamp = round(at * 1000)
        return Event(
            timestamp,
            key_of(project, unit.id, kind="unit"),
            "units",
            labels,
            msgspec.json.encode({"project": project, "count": unit.count}),
            (count(m.UNITS_DONE, labels, unit.count),),
            life.calendar.day_of(timestamp),
            (unit.count,),
        )


class TelemetryTaker(_Taker[Decoded[ItemT]], Generic[ItemT]):
    """One signal of OTLP. `read` makes usage of it, given the project of the key and the time in ms.

    `lock` is that of all three: what one signal tells decides whether another one counts.
    """

    def __init__(
        self,
        lives: Lives,
        doubt: Callable[[], None],
        source: str,
        read: Callable[[Life], Callable[[Sequence[Group[ItemT]], str, int], Taken]],
        lock: asyncio.Lock,
    ) -> None:
        super().__init__(lives, doubt, source)
        self.lock = lock
        self._read: Callable[[Life], Callable[[Sequence[Group[ItemT]], str, int], Taken]] = read

    def take(self, given: Decoded[ItemT], caller: Caller, now: float) -> Part:
        life = self._life()
        taken: Taken = self._read(life)(given.groups, caller.project, round(now * 1000))
        usages: list[Usage] = []
        rejected = [*given.rejected, *taken.rejected]
        for usage, index in zip(taken.usages, taken.indexes, strict=True):
            at = life.bounds.check(usage.timestamp / 1000, now)
            if isinstance(at, str):
                rejected.append(Rejected(index, "time", at))
            else:
                usages.append(usage if usage.project else msgspec.structs.replace(usage, project=NO_PROJECT))
        return self._part(
            life,
            given.total,
            usages,
            rejected,
            counts=taken.counts,
            facts=taken.facts,
            ignored=taken.ignored,
            commit=lambda: life.telemetry.commit(taken),
        )
