"""The credential proxy exporter: follows the audit log, watches for attacks, and probes the proxy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from agent_observability.collector import Collector
from agent_observability.credential_proxy import metrics as m
from agent_observability.credential_proxy.anomalies import CONTAINER_FACT
from agent_observability.credential_proxy.config import CredentialProxyConfig
from agent_observability.credential_proxy.hours import HOUR_FACT
from agent_observability.credential_proxy.life import SOURCE, Life
from agent_observability.credential_proxy.probes import Probes
from agent_observability.credential_proxy.show import AnomalyCollector, LogCollector, TrafficCollector
from agent_observability.ledger.batch import Batch
from agent_observability.ledger.families import LedgerFamilies
from agent_observability.ledger.lives import LOOK_SECONDS, LedgerRuntime
from agent_observability.metric import OTHER
from agent_observability.runtime import Context, SourceStatus
from agent_observability.series import SeriesStore
from agent_observability.suite import EVENT_DELAY
from agent_observability.tail.metrics import TAIL_COUNTED
from agent_observability.workers import Workers

__all__ = ["CredentialProxyRuntime", "create"]

_DAY = 86_400.0
# Longer than either is looked at: a cooldown may take a week, and the hours of the day are those of a week.
_FACT_SECONDS = {CONTAINER_FACT: 8 * _DAY, HOUR_FACT: 9 * _DAY}


class CredentialProxyRuntime(LedgerRuntime[CredentialProxyConfig, Life]):
    """The probes need no life, and no ledger."""

    def __init__(
        self, section: CredentialProxyConfig, context: Context, *, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(context.ledger, clock)
        self._section = section
        self._counted = LedgerFamilies("counted", (*m.COUNTED, *TAIL_COUNTED), context.limits)
        self._expect()
        self._ledger.keep(self._counted, _FACT_SECONDS)
        self._delays = SeriesStore("delays", (EVENT_DELAY,))
        self._delays.expect(EVENT_DELAY, {"source": [SOURCE]})
        self._probes = Probes(section.probes)
        self._workers = Workers("tail-audit", idle_max=1)
        self._caught_up = False
        self._tasks: Sequence[asyncio.Task[None]] = ()
        self._collectors: Sequence[Collector] = (
            self._counted,
            AnomalyCollector(self),
            TrafficCollector(self),
            LogCollector(self),
            self._probes,
            self._delays,
        )

    @property
    def collectors(self) -> Sequence[Collector]:
        return self._collectors

    def reload(self, section: CredentialProxyConfig) -> None:
        """What is being committed is committed, and whoever follows the log next goes on behind it."""
        self._section = section
        self._expect()
        self._probes.update(section.probes)
        self._changed.set()

    async def start(self) -> None:
        self._tasks = (asyncio.create_task(self._lives()), asyncio.create_task(self._probes.run()))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def not_ready(self) -> str:
        """Until the log has been read up to its end once, or was looked for and is not there.

        A proxy that has not written anything yet may depend on this very process being ready. So a log that is not
        there, or cannot be read, is told by `sources` and `agent_obs_tail_up`. Nor is it to take the exporter out of
        service if it falls behind, or has another log to read, later.
        """
        if self._caught_up:
            return ""
        life = self.shown
        reason = life.tailer.not_ready() if life is not None else "the ledger has not been read yet"
        self._caught_up = not reason
        return reason

    def sources(self) -> Sequence[SourceStatus]:
        life = self.shown
        if problem := self._section.missing_source():
            logs: Sequence[SourceStatus] = (SourceStatus(SOURCE, healthy=False, lag="", detail=problem),)
        elif life is None:
            logs = (SourceStatus(SOURCE, healthy=False, lag="", detail="is not followed: the ledger cannot be read"),)
        else:
            logs = life.tailer.sources()
        return [*logs, *self._probes.sources()]

    def _expect(self) -> None:
        """Bear every series that the configuration lets come."""
        for service, operations in self._section.services.items():
            self._counted.expect(m.REQUESTS, {"target_service": [service], "operation": [*operations, OTHER]})
        self._counted.expect(m.REQUESTS, {"target_service": [OTHER], "operation": [OTHER]})
        for metric in (m.REJECTIONS, m.RESPONSE_DURATION):
            self._counted.expect(metric, {"target_service": [*self._section.services, OTHER]})
        for metric in TAIL_COUNTED:
            self._counted.expect(metric, {"source": [SOURCE]})

    def _lost(self) -> None:
        super()._lost()
        self._caught_up = False

    async def _live(self) -> None:
        # What the life before this one has sent is decided once this is, and only then is there a state of things to go
        # on from.
        await self._ledger.submit(Batch(kind=SOURCE))
        self._changed.clear()
        life = Life(self._section, self._ledger, delayed=self._delayed, workers=self._workers, clock=self.clock)
        await self._workers.run(life.reader.restore)
        self.shown = life
        await self._follow(life)

    async def _follow(self, life: Life) -> None:
        """Until the configuration has changed, or somebody else may lead."""
        following = asyncio.create_task(life.tailer.run())
        changed = asyncio.create_task(self._changed.wait())
        try:
            while not self.withheld:
                done, _ = await asyncio.wait(
                    (following, changed), timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                if following in done:
                    following.result()
                if done:
                    return
        finally:
            following.cancel()
            changed.cancel()
            await asyncio.wait((following, changed))

    def _delayed(self, seconds: Sequence[float]) -> None:
        self._delays.observe_all(EVENT_DELAY, (SOURCE,), seconds)


def create(section: CredentialProxyConfig, context: Context) -> CredentialProxyRuntime:
    """The registry's factory."""
    return CredentialProxyRuntime(section, context)
