"""Telemetry made by hand, and a stand-in for the ledger that keeps what telemetry has told."""

from __future__ import annotations

from collections import Counter
from typing import Any

from agent_observability.intake.otlp import model
from agent_observability.intake.otlp.model import Attributes, Group, Log, Point, Span, SpanEvent
from agent_observability.llm_cost.config import OtlpConfig
from agent_observability.llm_cost.telemetry import FACT_KINDS, Taken, Telemetry
from agent_observability.llm_cost.usage import Tokens, Usage
from agent_observability.metric import Metric

NOW_MS = 1_790_000_000_000
NOW_NS = NOW_MS * 1_000_000
SECOND = 1_000_000_000


def span(attributes: Attributes, index: int = 0, **fields: Any) -> Span:
    """A span of one second that has just ended."""
    given: dict[str, Any] = {
        "trace_id": b"t" * 16,
        "span_id": (index + 1).to_bytes(8, "big"),
        "parent_id": b"",
        "name": "chat gpt-4o",
        "kind": 3,
        "start_ns": NOW_NS - SECOND,
        "end_ns": NOW_NS,
    }
    return Span(index=index, attributes=attributes, **(given | fields))


def span_event(name: str, at: int, **attributes: Any) -> SpanEvent:
    return SpanEvent(at, name, attributes)


def point(metric: str, value: float | None, attributes: Attributes, *, until: int = NOW_NS, **fields: Any) -> Point:
    """A point of a monotonic sum, cumulative since an hour ago if nothing else is said."""
    given: dict[str, Any] = {
        "index": 0,
        "unit": "",
        "kind": model.SUM,
        "temporality": model.CUMULATIVE,
        "monotonic": True,
        "start_ns": NOW_NS - 3600 * SECOND,
    }
    return Point(metric=metric, value=value, time_ns=until, attributes=attributes, **(given | fields))


def log(event: str, attributes: Attributes, at: int = NOW_NS, index: int = 0, **fields: Any) -> Log:
    given: dict[str, Any] = {"observed_ns": at, "event_name": event, "severity": 9, "body": event}
    return Log(index=index, time_ns=at, attributes=attributes, **(given | fields))


class Keeper:
    """Takes telemetry as a ledger would: an event once, counts and facts with it, and what it knows after a restart."""

    def __init__(self, config: OtlpConfig | None = None, resource: Attributes | None = None) -> None:
        self.config = config or OtlpConfig()
        self.resource: Attributes = resource or {"service.name": "app", "service.instance.id": "1"}
        self.telemetry = Telemetry(self.config)
        self.events: dict[tuple[int, str], Usage] = {}
        self.counts: Counter[tuple[str, tuple[str, ...], int]] = Counter()
        self.facts: dict[str, dict[str, bytes]] = {kind: {} for kind in FACT_KINDS}

    def spans(self, *spans: Span, resource: Attributes | None = None, now: int = NOW_MS) -> Taken:
        return self.keep(
            self.telemetry.traces([Group(resource or self.resource, "lib", list(spans))], "", now), len(spans)
        )

    def points(self, *points: Point, resource: Attributes | None = None, now: int = NOW_MS) -> Taken:
        groups = [Group(resource or self.resource, "lib", list(points))]
        return self.keep(self.telemetry.metrics(groups, "", now), len(points))

    def logs(self, *logs: Log, resource: Attributes | None = None, now: int = NOW_MS) -> Taken:
        return self.keep(self.telemetry.logs([Group(resource or self.resource, "lib", list(logs))], "", now), len(logs))

    def restart(self) -> None:
        """Another process, which knows what is stored and no more."""
        self.telemetry = Telemetry(self.config)
        self.telemetry.load(self.facts)

    @property
    def tokens(self) -> dict[str, int]:
        """Sums of all that is counted, without zeros."""
        sums: Counter[str] = Counter()
        for usage in self.events.values():
            for name in Tokens.__struct_fields__:
                sums[name] += getattr(usage.tokens, name)
        return {name: number for name, number in sums.items() if number}

    @property
    def pico(self) -> int:
        return sum(usage.cost or 0 for usage in self.events.values())

    @property
    def requests(self) -> Counter[str]:
        """By status."""
        found: Counter[str] = Counter()
        for usage in self.events.values():
            found[usage.status] += usage.requests
        return +found

    def slots(self, metric: Metric, labels: tuple[str, ...]) -> dict[int, int]:
        """What was added to a series, by slot."""
        return {slot: number for (name, of, slot), number in self.counts.items() if (name, of) == (metric.name, labels)}

    def keep(self, taken: Taken, items: int) -> Taken:
        assert taken.accepted + taken.ignored + len(taken.rejected) == items
        assert len(taken.indexes) == len(taken.usages)
        self.telemetry.commit(taken)
        for usage in taken.usages:
            self.events.setdefault((usage.timestamp, usage.id), usage)
        for metric, labels, steps, _ in taken.counts:
            for slot, amount in steps:
                assert amount >= 0
                self.counts[metric.name, labels, slot] += amount
        for (kind, key), data in taken.facts.items():
            if data is None:
                self.facts[kind].pop(key, None)
            else:
                self.facts[kind][key] = data
        return taken
