"""Tells of anomalies: one line of the log and one event for the ledger each."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from agent_observability.credential_proxy.anomalies.evidence import Begun, asked
from agent_observability.ledger.batch import Event

__all__ = ["EVENT_KIND", "Teller"]

log = logging.getLogger("agent_observability.credential_proxy.anomalies")

EVENT_KIND = "anomaly"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Lines a minute. Whoever invents containers can make any number of anomalies, and all of them are in the ledger.
_LINES = 100
_LINES_SECONDS = 60.0
_REMEMBERED = 1_000


class Teller:
    """`project` is named with every container. An anomaly that is read again is not logged again."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._told: dict[str, None] = {}
        self._minute = 0.0
        self._lines = 0

    def tell(self, begun: Sequence[Begun], now: float) -> list[Event]:
        """The events of anomalies, which are logged, as far as there is room."""
        events, untold = [], 0
        for one in begun:
            data = self._data(one)
            events.append(Event(round(one.moment * 1000), one.id, EVENT_KIND, (one.type,), data))
            untold += not self._log(one, data, now)
        if untold:
            log.warning("too many anomalies to log each: %d more, which the ledger has as events", untold)
        return events

    def _data(self, one: Begun) -> bytes:
        return msgspec.json.encode(
            {
                "type": one.type,
                "container": one.container,
                "project": self._project,
                "since": _iso(one.moment),
                "replayed": not one.live,
                "evidence": asked(one.unknown) if one.unknown else one.evidence,
            }
        )

    def _log(self, one: Begun, data: bytes, now: float) -> bool:
        """Whether it is logged, now or before."""
        if one.id in self._told:
            return True
        if not 0 <= now - self._minute < _LINES_SECONDS:
            self._minute = now
            self._lines = 0
        if self._lines >= _LINES:
            return False
        self._lines += 1
        if len(self._told) >= _REMEMBERED:
            del self._told[next(iter(self._told))]
        self._told[one.id] = None
        if one.live:
            log.warning("anomaly %s", data.decode())
        else:
            log.info("past anomaly %s", data.decode())
        return True


def _iso(moment: float) -> str:
    return (_EPOCH + timedelta(seconds=moment)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
