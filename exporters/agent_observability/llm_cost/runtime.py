"""The LLM cost exporter: takes usage from the intake, polls the providers' reports, and shows what the books hold."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from collections.abc import Callable, Mapping, Sequence

from agent_observability.collector import Collector
from agent_observability.intake.formats import JsonFormat
from agent_observability.intake.otlp import formats
from agent_observability.ledger.families import LedgerFamilies
from agent_observability.ledger.lives import LOOK_SECONDS, LedgerRuntime
from agent_observability.ledger.queries import facts
from agent_observability.llm_cost import metrics as m
from agent_observability.llm_cost.billing.account import FACT as BILLED
from agent_observability.llm_cost.billing.poller import FACTS, Poller
from agent_observability.llm_cost.config import LlmCostConfig
from agent_observability.llm_cost.events import UnitEvent, UsageEvent
from agent_observability.llm_cost.folding import Folding
from agent_observability.llm_cost.life import Life
from agent_observability.llm_cost.pricing.pricer import Pricer
from agent_observability.llm_cost.pricing.prices import load as load_prices
from agent_observability.llm_cost.repricing import Repricing
from agent_observability.llm_cost.show import BillingCollector, BudgetCollector, PriceCollector, SpendCollector
from agent_observability.llm_cost.takers import TelemetryTaker, UnitsTaker, UsageTaker
from agent_observability.llm_cost.telemetry import FACT_SECONDS
from agent_observability.runtime import Action, Context, SourceStatus
from agent_observability.series import SeriesStore
from agent_observability.suite import EVENT_DELAY
from agent_observability.workers import Workers

__all__ = ["LlmCostRuntime", "create"]

_RUNNER_SECONDS = 3_600.0
_FOLDED = (m.PROVIDER, m.MODEL, m.PROJECT, m.FEATURE)


class LlmCostRuntime(LedgerRuntime[LlmCostConfig, Life]):
    """Usage is taken only while a life goes on."""

    def __init__(self, section: LlmCostConfig, context: Context, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__(context.ledger, clock)
        self._section = section
        self._pricer = _pricer(section)
        self._limits = context.limits
        ttl = {m.RUNNER_REQUESTS: _RUNNER_SECONDS, m.RUNNER_TOKENS: _RUNNER_SECONDS}
        self._counted = LedgerFamilies("counted", (*m.COUNTED, *m.RUNNER), context.limits, ttl)
        self._expect_units()
        self._ledger.keep(self._counted, FACT_SECONDS | FACTS)
        self._delays = SeriesStore("delays", (EVENT_DELAY,))
        self._workers = Workers("llm-cost")
        self._life: Life | None = None
        self.poller = self._poller()
        self._doubted = False
        self._reading: asyncio.Task[None] | None = None
        self._polling: asyncio.Task[None] | None = None
        self._repricing = Repricing(self._ledger, self._workers, self._current, self._doubt)
        self._take(context)
        self._collectors: Sequence[Collector] = (
            SpendCollector(self),
            BudgetCollector(self),
            BillingCollector(self),
            PriceCollector(self),
            self._counted,
            self._delays,
        )

    @property
    def collectors(self) -> Sequence[Collector]:
        return self._collectors

    def reload(self, section: LlmCostConfig) -> None:
        """Raises ConfigError for a file of prices that cannot be used."""
        self._pricer = _pricer(section)
        billing = self._section.billing
        self._section = section
        self._expect_units()
        self._changed.set()
        if section.billing != billing:
            self.poller = self._poller()
            if self._polling is not None:
                # What the old one may still commit makes what the new one has read stale, see `billing.watch`.
                self._polling.cancel()
                self._polling = asyncio.create_task(self.poller.run())

    async def start(self) -> None:
        self._reading = asyncio.create_task(self._lives())
        self._polling = asyncio.create_task(self.poller.run())

    async def stop(self) -> None:
        tasks = [task for task in (self._reading, self._polling) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def not_ready(self) -> str:
        return "" if self.shown is not None else "the books have not been read from the ledger yet"

    def sources(self) -> Sequence[SourceStatus]:
        return self.poller.sources()

    def actions(self) -> Mapping[str, Action]:
        return {"reprice": self._repricing.run}

    def _take(self, context: Context) -> None:
        intake = context.intake
        intake.take("usage", "/api/v1/usage", JsonFormat(UsageEvent), UsageTaker(self._current, self._doubt, "usage"))
        intake.take("units", "/api/v1/units", JsonFormat(UnitEvent), UnitsTaker(self._current, self._doubt, "units"))
        lives, doubt, lock = self._current, self._doubt, asyncio.Lock()
        traces = TelemetryTaker(lives, doubt, "otlp_traces", lambda life: life.telemetry.traces, lock)
        metrics = TelemetryTaker(lives, doubt, "otlp_metrics", lambda life: life.telemetry.metrics, lock)
        logs = TelemetryTaker(lives, doubt, "otlp_logs", lambda life: life.telemetry.logs, lock)
        intake.take("otlp_traces", "/v1/traces", formats.TRACES, traces)
        intake.take("otlp_metrics", "/v1/metrics", formats.METRICS, metrics)
        intake.take("otlp_logs", "/v1/logs", formats.LOGS, logs)

    def _expect_units(self) -> None:
        for feature in (*self._section.features, "other"):
            self._counted.expect(m.UNITS_DONE, {"feature": [feature]})

    def _current(self) -> Life | None:
        return self._life

    def _doubt(self) -> None:
        """The ledger may hold what the books do not: they are read again."""
        self._doubted = True
        self._changed.set()

    async def _live(self) -> None:
        """Until the ledger is lost, the books are in doubt, or the configuration has changed."""
        try:
            self._life = self.shown = await self._read()
            while self._ledger.state.up:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), LOOK_SECONDS)
                    return
        finally:
            self._life = None

    async def _read(self) -> Life:
        """The books, with everything in them that was let in before: meanwhile nobody is."""
        while True:
            self._changed.clear()
            self._doubted = False
            folding = Folding(_FOLDED, self._limits)
            admission = self._counted.admission
            folding.restore({label.name: admission.admitted(label.name) for label in _FOLDED})
            life = Life(self._section, self._pricer, folding, delayed=self._delayed, clock=self.clock)
            await self._workers.run(functools.partial(life.read, self._ledger.backend, self.clock()))
            # Else whoever was let in between two readings would make the next one needed, again and again.
            if not self._doubted:
                return life

    def _poller(self) -> Poller:
        ledger = self._ledger

        async def load() -> dict[str, bytes]:
            return await self._workers.run(lambda: facts(ledger.backend, BILLED))

        return Poller(self._section.billing, submit=ledger.submit, load=load, ready=ledger.ready)

    def _delayed(self, source: str, seconds: Sequence[float]) -> None:
        self._delays.observe_all(EVENT_DELAY, (source,), seconds)


def _pricer(section: LlmCostConfig) -> Pricer:
    return Pricer(load_prices(section.prices) if section.prices else ())


def create(section: LlmCostConfig, context: Context) -> LlmCostRuntime:
    """The registry's factory."""
    return LlmCostRuntime(section, context)
