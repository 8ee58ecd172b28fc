"""What is found in some records."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from agent_observability.credential_proxy.anomalies.evidence import Asked, Begun
from agent_observability.credential_proxy.metrics import ANOMALIES, CONTAINERS_EVICTED, REPLAYED_ANOMALIES
from agent_observability.ledger.batch import Count, Event, count

__all__ = ["Chunk", "Findings"]


@dataclass(frozen=True)
class Findings:
    """What some records make known, to be committed together."""

    counts: list[Count]
    events: list[Event]


@dataclass(slots=True)
class Chunk:
    """What is found in the records of one call. What happened before `live_from` is history."""

    now: float
    live_from: float
    begun: list[Begun] = field(default_factory=list)
    scans: dict[str, list[Asked]] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)
    evicted: int = 0

    def counts(self) -> list[Count]:
        """Anomalies that have begun, and containers that were driven out."""
        begun = Counter((ANOMALIES if one.live else REPLAYED_ANOMALIES, one.type) for one in self.begun)
        counts = [count(metric, (type_,), many) for (metric, type_), many in begun.items()]
        if self.evicted:
            counts.append(count(CONTAINERS_EVICTED, (), self.evicted))
        return counts
