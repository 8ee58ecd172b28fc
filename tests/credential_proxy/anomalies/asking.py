"""Requests, and a detector that is asked about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from agent_observability.credential_proxy.anomalies import CONTAINER_FACT, Detector, Findings
from agent_observability.credential_proxy.config import AnomaliesConfig
from agent_observability.credential_proxy.record import Record, Records

SERVICES = {"github": ["clone", "push", "read"], "anthropic": ["api_call"]}
NOW = 1_790_000_100.0
"""The beginning of a bucket of the baseline."""

Told = tuple[str, str, float]
"""Type and container of an anomaly, and seconds after NOW at which it began."""


def asked(
    seconds: float,
    container: str = "one",
    service: str = "github",
    operation: str = "read",
    status: str = "granted",
    reason: str = "",
) -> Record:
    return Record(NOW + seconds, service, operation, status, reason, container, 0.002)


def refused(seconds: float, container: str = "one", reason: str = "operation_not_allowed") -> Record:
    return asked(seconds, container, operation="delete", status="rejected", reason=reason)


class Watching:
    """A detector with a clock, and facts as the ledger has them. By default it is always read what just happened."""

    def __init__(self, config: AnomaliesConfig | None = None, *, services: Iterable[str] = SERVICES) -> None:
        self.config = config or AnomaliesConfig()
        self.services = SERVICES if services is SERVICES else list(services)
        self.now = NOW
        self.facts: dict[str, bytes] = {}
        self.counts: dict[tuple[str, ...], int] = {}
        self.told: list[Told] = []
        self.detector = self._new()

    def _new(self) -> Detector:
        return Detector(self.config, self.services, "demo", clock=lambda: self.now)

    def see(self, *records: Record, now: float | None = None) -> list[Told]:
        """What begins; `now` in seconds after NOW, by default that of the newest record."""
        self.now = max([self.now, *(record.timestamp for record in records)]) if now is None else NOW + now
        findings = self.find(records)
        self.commit(findings)
        told = [told_of(event) for event in findings.events]
        self.told += told
        return told

    def find(self, records: Iterable[Record]) -> Findings:
        """What the detector finds, not committed."""
        return self.detector.see(Records(records))

    def each(self, *records: Record) -> list[Told]:
        """As they come, one by one."""
        return [told for record in records for told in self.see(record)]

    def commit(self, findings: Findings) -> None:
        for (kind, name), data in self.detector.facts().items():
            assert kind == CONTAINER_FACT
            if data is None:
                self.facts.pop(name, None)
            else:
                self.facts[name] = data
        for count in findings.counts:
            key = (count.metric.name.removeprefix("credential_proxy_"), *count.labels)
            self.counts[key] = self.counts.get(key, 0) + sum(amount for _, amount in count.steps)

    def restart(self) -> None:
        self.detector = self._new()
        self.detector.restore(self.facts)

    def active(self) -> dict[str, int]:
        return {type_: many for type_, many in self.detector.shown().active.items() if many}

    def named(self) -> list[tuple[str, str, bool]]:
        """Type and container, and whether the anomaly goes on."""
        named = self.detector.shown().named
        assert all(project == "demo" for (_, _, project), _ in named)
        return [(type_, container, goes_on) for (type_, container, _), goes_on in named]


def told_of(event: object) -> Told:
    told = msgspec.json.decode(event.data)
    return event.labels[0], told["container"], round(event.timestamp / 1000 - NOW, 3)


def evidence(findings: Findings) -> list[dict[str, object]]:
    return [msgspec.json.decode(event.data)["evidence"] for event in findings.events]


def every(seconds: float, many: int, begin: float = 0.0) -> Sequence[float]:
    return [begin + seconds * number for number in range(many)]
