"""Gauges read at the time of a scrape: anomalies that go on, who asks how much, and how the log is followed."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from agent_observability.collector import LiveCollector, Sample
from agent_observability.credential_proxy import metrics as m
from agent_observability.exposition import RenderedFamily
from agent_observability.metric import Metric
from agent_observability.tail.metrics import TAIL_LAG, TAIL_LAST_EVENT, TAIL_UP

if TYPE_CHECKING:
    from agent_observability.credential_proxy.life import Life
    from agent_observability.credential_proxy.runtime import CredentialProxyRuntime

__all__ = ["AnomalyCollector", "LogCollector", "TrafficCollector"]

_HOURS = m.HOUR_OF_DAY.labels[0].values
_NAMED = m.CONTAINER_REQUESTS.series_cap or 0


class _OfLife(LiveCollector):
    """Shows nothing before the ledger has been read, and nothing while somebody else leads and shows it."""

    def __init__(self, runtime: CredentialProxyRuntime) -> None:
        super().__init__()
        self._runtime = runtime

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        life = self._runtime.shown
        return [] if life is None or self._runtime.withheld else self._of(life)

    @abc.abstractmethod
    def _of(self, life: Life) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        """Families with their samples as they are now."""


class AnomalyCollector(_OfLife):
    """Anomalies that have not ended, and who behaves strangely."""

    name = "anomalies"
    metrics = (m.ANOMALY_ACTIVE, m.ANOMALY_INFO, m.CONTAINER_ANOMALY)

    def _of(self, life: Life) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        # All of one moment: with numbers older than the names, an anomaly that has just ended would seem nameless.
        shown = life.detector.shown()
        yield m.ANOMALY_ACTIVE, [((type_,), many) for type_, many in shown.active.items()]
        yield m.ANOMALY_INFO, [(who, 1) for who, _ in shown.named]
        yield m.CONTAINER_ANOMALY, [(who, int(goes_on)) for who, goes_on in shown.named]


class TrafficCollector(_OfLife):
    """Who asks how much, when of the day, and where that is told."""

    name = "traffic"
    metrics = (m.ACTIVE_CONTAINERS, m.CONTAINER_REQUESTS, m.HOUR_OF_DAY, m.LAST_EVENT, m.LOG_SIZE)

    def _of(self, life: Life) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        yield m.ACTIVE_CONTAINERS, [((), life.detector.active_containers())]
        busiest = life.detector.busiest(_NAMED)
        yield m.CONTAINER_REQUESTS, [((container,), requests) for container, requests in busiest]
        hours = life.reader.hours()
        yield m.HOUR_OF_DAY, [((hour,), hours.get(hour, 0)) for hour in _HOURS]
        if (last := life.reader.last_event) > 0:
            yield m.LAST_EVENT, [((), last)]
        yield m.LOG_SIZE, [((), life.tailer.size())]


class LogCollector:
    """How the log is followed, as the tailer of the configuration in use tells it; nothing where there is none."""

    name = "tail"
    metrics = (TAIL_UP, TAIL_LAG, TAIL_LAST_EVENT)

    def __init__(self, runtime: CredentialProxyRuntime) -> None:
        self._runtime = runtime

    def collect(self) -> Iterable[RenderedFamily]:
        life = self._runtime.shown
        if life is None or self._runtime.withheld or life.section.missing_source():
            return ()
        return life.tailer.collector.collect()
