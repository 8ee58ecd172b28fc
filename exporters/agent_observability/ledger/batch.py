"""What sources hand to the ledger: events, what they count, and how far the source has been read."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from agent_observability.exemplar import Exemplar
from agent_observability.metric import Kind, Metric

__all__ = ["MAX_TEXT", "Batch", "Count", "DailyShare", "Event", "Outcome", "Shape", "check_text", "count", "observe"]

MAX_TEXT = 1_000
"""Bytes that an id, a key, a source's name, or all values of a label tuple may have: what an index can hold."""

Labels = tuple[str, ...]


class Count(NamedTuple):
    """What is added to one series: `steps` are (slot, amount) pairs, exact integers in 1/`metric.scale` units.

    A counter has one slot; a histogram one per bucket, `+Inf` last, and then its sum.
    """

    metric: Metric
    labels: Labels
    steps: tuple[tuple[int, int], ...]
    exemplar: Exemplar | None = None


def count(metric: Metric, labels: Labels, amount: int = 1, exemplar: Exemplar | None = None) -> Count:
    """Add `amount` (in 1/`metric.scale` units) to a counter.

    Raises ValueError for a negative amount, which would be a reset, and TypeError for one that is not exact.
    """
    if type(amount) is not int:
        raise TypeError(f"{metric.name} counts whole units, not {amount!r}")
    if amount < 0:
        raise ValueError(f"{metric.name} cannot count {amount}")
    return Count(metric, labels, ((0, amount),), exemplar)


def observe(metric: Metric, labels: Labels, value: float, exemplar: Exemplar | None = None) -> Count:
    """Count `value` (base units) in a histogram; its sum is kept in 1/`metric.scale` units.

    Raises ValueError for what belongs to no bucket or would lower the sum: NaN, infinities and negative values.
    """
    if metric.kind is not Kind.HISTOGRAM or not math.isfinite(value) or value < 0:
        raise ValueError(f"{metric.name} cannot observe {value}")
    slots = ((bisect.bisect_left(metric.buckets, value), 1), (len(metric.buckets) + 1, round(value * metric.scale)))
    return Count(metric, labels, slots, exemplar)


def check_text(*texts: str) -> None:
    """Raise ValueError for what a key cannot hold: more than `MAX_TEXT` bytes, NUL, or no Unicode at all."""
    text = "".join(texts)
    if len(text) > MAX_TEXT or len(text.encode()) > MAX_TEXT:
        raise ValueError(f"a key is longer than {MAX_TEXT} bytes: {text[:40]!r}…")
    if "\0" in text:
        raise ValueError(f"a key holds NUL: {text[:40]!r}")


class Shape:
    """Slots of series that many events add to together, as (metric, labels, slot); see `Count` for slots.

    Compared by identity: whoever makes events keeps shapes and uses them again. Then a slot costs a tenth of what a
    `Count` does.
    """

    __slots__ = ("slots",)

    def __init__(self, slots: Iterable[tuple[Metric, Labels, int]]) -> None:
        self.slots = tuple(slots)


class DailyShare(NamedTuple):
    """What an event adds to one more daily aggregate than that of its own kind and labels."""

    day: int
    kind: str
    labels: Labels
    amounts: tuple[int, ...]


class Event(NamedTuple):
    """One thing that happened, stored once: a second event of the same (`timestamp`, `id`) is a duplicate.

    `timestamp` is milliseconds since the epoch, in event time. `kind` names what `labels` and `data` mean (`usage`,
    `audit`, …); label tuples are interned, `data` is opaque. `counts` are added only if the event is new, and so are
    `added`, one amount to each slot of a `shape`: exact, and not negative. `day` (days since the epoch, in the books'
    own time zone) and `amounts` (exact integers) go into the daily aggregate of (`day`, `kind`, `labels`); no amounts,
    no aggregate; `shares` go into others. The labels must be bounded: each tuple is kept forever.
    """

    timestamp: int
    id: str
    kind: str
    labels: Labels
    data: bytes
    counts: Sequence[Count] = ()
    day: int = 0
    amounts: tuple[int, ...] = ()
    shares: Sequence[DailyShare] = ()
    shape: Shape | None = None
    added: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything that is committed together.

    `counts` are added whatever becomes of the events, for things that are counted but not stored. `positions` say how
    far sources have been read, opaque text by source, None to forget one; `after` says from where they were read (""
    for a new one): if the ledger is not there, the batch is stale and nothing of it happens. `facts` are durable
    records by (kind, key), None to delete one.
    `digest`, with the time it may be forgotten (ms), makes the whole batch a duplicate if it was seen before.
    `kind` names the batch in `agent_obs_ledger_events_total`.

    What makes a batch safe to send again is one of: ids of its events, a digest, or positions with `after`.
    """

    events: Sequence[Event] = ()
    counts: Sequence[Count] = ()
    positions: Mapping[str, str | None] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[tuple[str, str], bytes | None] = field(default_factory=dict)
    digest: tuple[bytes, int] | None = None
    kind: str = "events"

    @property
    def size(self) -> int:
        """Events, counts and facts: what the queue is bounded by. At least 1."""
        return len(self.events) + len(self.counts) + len(self.facts) + 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch: per event whether it was new; False for all where the whole batch was a duplicate."""

    stored: tuple[bool, ...]
    duplicate: bool = False
