"""Requests for credentials, as every format of the audit log tells them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

__all__ = ["Record", "Records", "Row"]


class Record(NamedTuple):
    """`timestamp` is event time, Unix seconds. `status` is one of metrics.STATUSES, `reason` one of metrics.REASONS or
    "" for a grant. `service` and `operation` are as the client said them, cut at 200 characters; "" where it said
    nothing. `container` is who asked: the container's id, `pid:<n>` where the log knows only that, "" where it knows
    nobody. `duration` is in seconds, None where the log does not tell.

    Nothing of the credential itself is in it: that never leaves the parser.
    """

    timestamp: float
    service: str
    operation: str
    status: str
    reason: str
    container: str
    duration: float | None


Row = tuple[float, str, str, str, str, str]
"""Timestamp, service, operation, status, reason and container of a record."""


class Records:
    """Requests in the order of the log, by column: seven lists cost less than an object per request."""

    __slots__ = ("containers", "durations", "operations", "reasons", "services", "statuses", "timestamps")

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.timestamps: list[float] = []
        self.services: list[str] = []
        self.operations: list[str] = []
        self.statuses: list[str] = []
        self.reasons: list[str] = []
        self.containers: list[str] = []
        self.durations: list[float | None] = []
        for at, record in enumerate(records):
            self.insert(at, record)

    def insert(self, at: int, record: Record) -> None:
        """Put one before the `at`-th."""
        self.timestamps.insert(at, record.timestamp)
        self.services.insert(at, record.service)
        self.operations.insert(at, record.operation)
        self.statuses.insert(at, record.status)
        self.reasons.insert(at, record.reason)
        self.containers.insert(at, record.container)
        self.durations.insert(at, record.duration)

    def __len__(self) -> int:
        return len(self.timestamps)

    def rows(self) -> Iterator[Row]:
        """What there is to judge them by."""
        return zip(
            self.timestamps,
            self.services,
            self.operations,
            self.statuses,
            self.reasons,
            self.containers,
            strict=True,
        )

    def __iter__(self) -> Iterator[Record]:
        return itertools.starmap(_record, zip(self.rows(), self.durations, strict=True))


def _record(row: Row, duration: float | None) -> Record:
    return Record(*row, duration)
