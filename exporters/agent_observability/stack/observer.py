"""What the running stack says of itself, read from Prometheus and from the receiver for the live panel."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from agent_observability.prometheus_api import ActiveAlert, ApiError, PrometheusApi, Target
from agent_observability.stack.kpis import Kpi
from agent_observability.stack.notifications import Notification
from agent_observability.stack.receiver_api import ReceiverApi, ReceiverError

__all__ = ["Observation", "Observer"]

_POLL_SECONDS = 2.0
_STEP_SECONDS = 5.0
_POINTS = 60
_NOTIFICATIONS = 50
_LONG_POLL_SECONDS = 30.0
HEARTBEAT = "Watchdog"


@dataclass(frozen=True, slots=True)
class Observation:
    """`histories` has the points of each KPI; `problem` says why something may be out of date, "" if nothing is."""

    targets: Sequence[Target] = ()
    alerts: Sequence[ActiveAlert] = ()
    histories: Sequence[tuple[Kpi, list[float]]] = ()
    problem: str = ""


class Observer:
    """Keeps `observation`, `notifications` (without the Watchdog's, newest last) and `heartbeat` up to date.

    `heartbeat` is when the Watchdog was last delivered, as Unix time; 0 before the first.
    """

    def __init__(self, prometheus: PrometheusApi, receiver: ReceiverApi, kpis: Sequence[Kpi]) -> None:
        self._kpis = kpis
        self._prometheus = prometheus
        self._receiver = receiver
        self.observation = Observation()
        self.notifications: deque[Notification] = deque(maxlen=_NOTIFICATIONS)
        self.heartbeat = 0.0
        self.changed = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        await asyncio.gather(self._watch_prometheus(), self._watch_receiver())

    async def _watch_prometheus(self) -> None:
        while True:
            old = self.observation
            try:
                self.observation = await self._observe()
            except ApiError as error:
                self.observation = Observation(old.targets, old.alerts, old.histories, str(error))
            self.changed.set()
            await asyncio.sleep(_POLL_SECONDS)

    async def _observe(self) -> Observation:
        now = time.time()
        start = now - _STEP_SECONDS * (_POINTS - 1)
        histories = asyncio.gather(
            *(self._prometheus.points(kpi.query, start, now, _STEP_SECONDS) for kpi in self._kpis)
        )
        targets, alerts, points = await asyncio.gather(self._prometheus.targets(), self._prometheus.alerts(), histories)
        return Observation(targets, alerts, list(zip(self._kpis, points, strict=True)))

    async def _watch_receiver(self) -> None:
        last = 0
        while True:
            try:
                news = await self._receiver.after(last, _LONG_POLL_SECONDS)
            except ReceiverError:
                # The supervisor shows a receiver that is down; here it only means no news.
                await asyncio.sleep(_POLL_SECONDS)
                continue
            for notification in news:
                last = notification.id
                if notification.message.group_labels.get("alertname") == HEARTBEAT:
                    self.heartbeat = notification.received
                else:
                    self.notifications.append(notification)
            self.changed.set()
