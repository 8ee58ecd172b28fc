"""One request for a credential, as every format of the audit log tells it."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Record"]


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
