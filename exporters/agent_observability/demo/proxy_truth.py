"""What a perfect reader of the demo's audit logs would have counted, from what was written, not from the files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from agent_observability.demo.proxy_lines import Line

__all__ = ["ProxyTruth"]

_STATUSES = {"GRANTED": "granted", "REJECTED": "rejected", "ERROR": "error"}


class ProxyTruth:
    """`requests` by service, operation and status; `rejections` by service and reason; `answers` and `milliseconds`
    by service, for answers whose duration is told. Services and operations beyond `services` are `other`.
    """

    def __init__(self, services: Mapping[str, Collection[str]]) -> None:
        self._services = services
        self.requests: Counter[tuple[str, str, str]] = Counter()
        self.rejections: Counter[tuple[str, str]] = Counter()
        self.answers: Counter[str] = Counter()
        self.milliseconds: Counter[str] = Counter()
        self.parsed = 0
        self.ignored = 0

    def written(self, lines: Sequence[Line]) -> None:
        """These are in a log."""
        for line in lines:
            ask = line.ask
            if ask is None:
                self.ignored += 1
                continue
            self.parsed += 1
            service = ask.service if ask.service in self._services else "other"
            operation = ask.operation if ask.operation in self._services.get(service, ()) else "other"
            self.requests[service, operation, _STATUSES[ask.status]] += 1
            if ask.reason:
                # The shortest format does not tell why.
                told = line.form != "flat" or ask.status == "ERROR"
                self.rejections[service, ask.reason if told else "other"] += 1
            if line.form == "documented":
                self.answers[service] += 1
                self.milliseconds[service] += ask.milliseconds

    def summary(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "requests": {"/".join(key): number for key, number in self.requests.items()},
            "rejections": {"/".join(key): number for key, number in self.rejections.items()},
            "answers": dict(self.answers),
            "milliseconds": dict(self.milliseconds),
            "parsed": self.parsed,
            "ignored": self.ignored,
        }
