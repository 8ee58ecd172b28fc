"""What an anomaly is told with: how much of what, and what was asked for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from agent_observability.credential_proxy.anomalies.baseline import BUCKET_SECONDS
from agent_observability.credential_proxy.anomalies.container import Container
from agent_observability.credential_proxy.anomalies.names import Vocabulary, tally
from agent_observability.credential_proxy.config import AnomaliesConfig

__all__ = ["Asked", "Begun", "Evidence", "asked", "of"]

Evidence = dict[str, object]
Asked = tuple[str, str, str]
"""Service, operation and status, the first two as they may be shown."""


@dataclass(slots=True)
class Begun:
    """An anomaly that has begun with a record of `moment`. `unknown` has requests of unknown services since."""

    type: str
    container: str
    moment: float
    live: bool
    evidence: Evidence
    unknown: list[Asked] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The same, however often its record is read."""
        return f"{self.type}:{self.container}:{round(self.moment * 1000)}"


def of(type_: str, container: Container, moment: float, config: AnomaliesConfig, vocabulary: Vocabulary) -> Evidence:
    """Of an anomaly that begins at this moment, but for what is only known later: see `asked`."""
    if type_ == "high_request_rate":
        return _rate(container, moment, config, vocabulary)
    if type_ == "repeated_rejections":
        return _rejections(container, moment, config)
    return _outlier(container, moment, vocabulary) if type_ == "rate_outlier" else {}


def asked(unknown: Sequence[Asked]) -> Evidence:
    """Of requests for services that there are not."""
    return {
        "requests": len(unknown),
        "statuses": tally(status for _, _, status in unknown),
        **_named([(service, operation) for service, operation, _ in unknown]),
    }


def _rate(container: Container, moment: float, config: AnomaliesConfig, vocabulary: Vocabulary) -> Evidence:
    requests = container.requests
    span = requests.span(moment)
    times = requests.times[span]
    return {
        "requests": len(times),
        "seconds": round(times[-1] - times[0], 3),
        "limit": config.requests_per_minute,
        **_named([vocabulary[mark] for mark in requests.marks[span]]),
    }


def _rejections(container: Container, moment: float, config: AnomaliesConfig) -> Evidence:
    rejections = container.rejections
    if rejections is None:
        return {}
    span = rejections.span(moment)
    times, marks = rejections.times[span], rejections.marks[span]
    return {
        "rejections": len(times),
        "seconds": round(times[-1] - times[0], 3),
        "limit": config.rejections,
        "reasons": tally(reason for _, _, reason in marks),
        **_named([(service, operation) for service, operation, _ in marks]),
    }


def _outlier(container: Container, moment: float, vocabulary: Vocabulary) -> Evidence:
    """What they were for is told of the newest requests only: no more are known."""
    past = container.past
    first = max(0, len(container.requests.times) - past.count)
    return {
        "requests": past.count,
        "seconds": round(moment - past.bucket * BUCKET_SECONDS, 3),
        "before": past.before,
        "usual": round(past.usual, 1),
        **_named([vocabulary[mark] for mark in container.requests.marks[first:]]),
    }


def _named(what: Sequence[tuple[str, str]]) -> Evidence:
    return {
        "services": tally(service for service, _ in what),
        "operations": tally(f"{service}/{operation}" for service, operation in what),
    }
