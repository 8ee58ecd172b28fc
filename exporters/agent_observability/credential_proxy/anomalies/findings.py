"""What is found in some records."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from agent_observability.credential_proxy.anomalies.container import Container
from agent_observability.credential_proxy.anomalies.evidence import Begun
from agent_observability.credential_proxy.metrics import ANOMALIES, CONTAINERS_EVICTED, REPLAYED_ANOMALIES
from agent_observability.credential_proxy.record import Record
from agent_observability.ledger.batch import Count, Event, count

__all__ = ["Chunk", "Findings"]


@dataclass(frozen=True)
class Findings:
    """What some records make known, to be committed together. `facts` is None for containers that are forgotten."""

    counts: list[Count]
    events: list[Event]
    facts: dict[tuple[str, str], bytes | None]


@dataclass(slots=True)
class Chunk:
    """What is found in the records of one call. What happened before `live_from` is history."""

    now: float
    live_from: float
    touched: dict[str, Container] = field(default_factory=dict)
    begun: list[Begun] = field(default_factory=list)
    scans: dict[str, list[Record]] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)
    evicted: int = 0

    def counts(self) -> list[Count]:
        """Anomalies that have begun, and containers that were driven out."""
        begun = Counter((ANOMALIES if one.live else REPLAYED_ANOMALIES, one.type) for one in self.begun)
        counts = [count(metric, (type_,), many) for (metric, type_), many in begun.items()]
        if self.evicted:
            counts.append(count(CONTAINERS_EVICTED, (), self.evicted))
        return counts
