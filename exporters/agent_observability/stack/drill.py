"""`agent-obs drill`: breaks something small for real, follows the alert to its delivery, and mends it again."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp
from rich.console import Console
from rich.table import Table

from agent_observability.errors import StartError
from agent_observability.prometheus_api import ApiError, PrometheusApi
from agent_observability.stack import holds
from agent_observability.stack.drills import Drill, chosen_drills
from agent_observability.stack.notifications import Notification, Status
from agent_observability.stack.receiver_api import ReceiverApi, ReceiverError
from agent_observability.stack.record import RunRecord, read_record
from agent_observability.stack.state import StateDirectory

__all__ = ["drill"]

_POLL_SECONDS = 0.5
_STOP_SECONDS = 20.0
_SCRAPE_SECONDS = 30.0
_DELIVERY_SECONDS = 45.0
_INTERRUPTED = 130


class _LateError(Exception):
    """A stage missed its deadline. The message names the stage and what was seen instead."""


@dataclass(slots=True)
class _Progress:
    """Stages and when (Unix seconds) each was reached."""

    console: Console
    times: list[tuple[str, float]] = field(default_factory=list)

    def reached(self, stage: str, at: float | None = None) -> None:
        self.times.append((stage, at or time.time()))
        elapsed = self.times[-1][1] - self.times[0][1]
        self.console.print(f"{elapsed:6.1f} s  {stage}", highlight=False, markup=False)

    def table(self, title: str) -> Table:
        table = Table("stage", "at", "after", title=title, title_justify="left")
        for stage, at in self.times:
            clock = time.strftime("%H:%M:%S", time.localtime(at))
            table.add_row(stage, clock, f"{at - self.times[0][1]:.1f} s")
        return table


def drill(alerts: list[str]) -> int:
    """Drill these alerts, or the quickest, one after the other, on the running `up`; returns the exit code.

    Raises StartError without a running `up` or for an alert that has no drill.
    """
    chosen = chosen_drills(alerts)
    state = StateDirectory.locate()
    record = read_record(state.record)
    if record is None or not record.supervisor.alive:
        raise StartError("no `agent-obs up` is running; start it in another terminal, then drill")
    if not record.ready:
        raise StartError("`agent-obs up` is still starting; drill once its panel shows every part as ready")
    holds.hold(state.hold)
    try:
        return asyncio.run(_drill_all(chosen, state, record))
    finally:
        holds.release(state.hold)


async def _drill_all(chosen: list[Drill], state: StateDirectory, record: RunRecord) -> int:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("not in a task")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    console = Console()
    try:
        async with aiohttp.ClientSession() as session:
            prometheus = PrometheusApi(record.urls["prometheus"], session)
            receiver = ReceiverApi(record.urls["receiver"], session)
            for one in chosen:
                progress = _Progress(console)
                await _Run(one, state, prometheus, receiver, progress).run()
                console.print(progress.table(f"{one.alert}: fired, delivered and resolved"))
    except asyncio.CancelledError:
        console.print("interrupted; everything is released")
        return _INTERRUPTED
    except (_LateError, ApiError, ReceiverError) as error:
        console.print(f"FAILED: {error}", markup=False, highlight=False, soft_wrap=True)
        return 1
    return 0


class _Run:
    """One drill."""

    def __init__(
        self, one: Drill, state: StateDirectory, prometheus: PrometheusApi, receiver: ReceiverApi, progress: _Progress
    ) -> None:
        self._drill = one
        self._state = state
        self._prometheus = prometheus
        self._receiver = receiver
        self._progress = progress
        self._last = 0

    async def run(self) -> None:
        """Raises _LateError, ApiError or ReceiverError; the part is released in every case."""
        one = self._drill
        evaluation, patience = await self._rule_times()
        await self._until("healthy before the drill", _SCRAPE_SECONDS + evaluation, self._healthy)
        self._last = max((known.id for known in await self._receiver.after(0)), default=0)
        self._progress.reached("started")
        holds.hold(self._state.hold, one.part)
        try:
            await self._stage(f"{one.part} stopped", _STOP_SECONDS, self._stopped)
            await self._stage("seen by a scrape", _SCRAPE_SECONDS, self._scraped)
            await self._stage("alert pending", evaluation, lambda: self._alert_is("pending", "firing"))
            await self._stage("alert firing", patience + evaluation, lambda: self._alert_is("firing"))
            await self._delivered("firing", _DELIVERY_SECONDS)
        finally:
            holds.hold(self._state.hold)
        self._progress.reached("released")
        await self._delivered("resolved", _SCRAPE_SECONDS + patience + 2 * evaluation + _DELIVERY_SECONDS)

    async def _rule_times(self) -> tuple[float, float]:
        """Seconds: how long the rule's group may take to evaluate it, and its `for` and `keep_firing_for`."""
        for group in await self._prometheus.rule_groups():
            for rule in group.rules:
                if rule.name == self._drill.alert and rule.type == "alerting":
                    return group.interval + _SCRAPE_SECONDS, rule.duration + rule.keep_firing_for
        raise _LateError(f"Prometheus has no rule {self._drill.alert}: was it loaded?")

    async def _healthy(self) -> str:
        """Nothing of an earlier drill is left, and the exporter watches what is about to stop."""
        value = await self._prometheus.value(self._drill.series)
        state = await self._alert_state()
        if value == self._drill.healthy and not state:
            return ""
        return (
            f"{self._drill.series} is {_shown(value)}, expected {self._drill.healthy:g}; alert: {state or 'inactive'}"
        )

    async def _stopped(self) -> str:
        record = read_record(self._state.record)
        if record is None or not record.supervisor.alive:
            raise _LateError("`agent-obs up` has ended")
        return f"{self._drill.part} still runs" if self._drill.part in record.parts else ""

    async def _scraped(self) -> str:
        value = await self._prometheus.value(self._drill.series)
        return f"{self._drill.series} is {_shown(value)}" if value in (None, self._drill.healthy) else ""

    async def _alert_is(self, *states: str) -> str:
        state = await self._alert_state()
        return "" if state in states else f"the alert is {state or 'inactive'}"

    async def _alert_state(self) -> str:
        wanted = self._drill.labels.items()
        for alert in await self._prometheus.alerts():
            if alert.name == self._drill.alert and wanted <= alert.labels.items():
                return alert.state
        return ""

    async def _delivered(self, status: Status, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            for notification in await self._receiver.after(self._last, left):
                self._last = notification.id
                if self._carries(notification, status):
                    self._progress.reached(f"{status}: delivered to {notification.receiver}", notification.received)
                    return
        state = await self._alert_state()
        raise _LateError(
            f"stage `{status}: delivered` not reached within {seconds:.0f} s: nothing arrived at the receiver; "
            f"in Prometheus the alert is {state or 'inactive'}"
        )

    def _carries(self, notification: Notification, status: Status) -> bool:
        wanted = {"alertname": self._drill.alert, **self._drill.labels}.items()
        return any(alert.status == status and wanted <= alert.labels.items() for alert in notification.message.alerts)

    async def _stage(self, name: str, seconds: float, check: Callable[[], Awaitable[str]]) -> None:
        await self._until(name, seconds, check)
        self._progress.reached(name)

    async def _until(self, name: str, seconds: float, check: Callable[[], Awaitable[str]]) -> None:
        """Wait until `check` returns "", else what it still sees. Raises _LateError after `seconds`."""
        deadline = time.monotonic() + seconds
        while seen := await check():
            if time.monotonic() >= deadline:
                raise _LateError(f"stage `{name}` not reached within {seconds:.0f} s: {seen}")
            await asyncio.sleep(_POLL_SECONDS)


def _shown(value: float | None) -> str:
    return "absent" if value is None else f"{value:g}"
