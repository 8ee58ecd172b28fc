"""Gauges read from the books, the budgets, the bills and the prices at the time of a scrape."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from agent_observability.collector import LiveCollector, Sample
from agent_observability.llm_cost import metrics as m
from agent_observability.llm_cost.billing.sums import capture_days, capture_ratio
from agent_observability.llm_cost.books import Key, Scope, Snapshot
from agent_observability.llm_cost.budgets import budgets
from agent_observability.llm_cost.projection import Projection
from agent_observability.metric import OVERFLOW, Metric

if TYPE_CHECKING:
    from agent_observability.llm_cost.life import Life
    from agent_observability.llm_cost.runtime import LlmCostRuntime

__all__ = ["BillingCollector", "BudgetCollector", "PriceCollector", "SpendCollector"]

# Prices change by the day: there is no need to look them up for every scrape.
_PRICES_SECONDS = 300.0
_PROJECTION_SECONDS = 10.0
_REST: Key = (OVERFLOW, OVERFLOW, OVERFLOW)


class _OfLife(LiveCollector):
    """Shows nothing before the books have been read, and nothing while somebody else shows them."""

    def __init__(self, runtime: LlmCostRuntime) -> None:
        super().__init__()
        self._runtime = runtime

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        life = self._runtime.shown
        return [] if life is None or self._runtime.withheld else self._of(life, self._runtime.clock())

    @abc.abstractmethod
    def _of(self, life: Life, now: float) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        """Families with their samples at `now`."""


class SpendCollector(_OfLife):
    """What was spent, and what the month will come to."""

    name = "spend"
    metrics = m.SPEND

    def __init__(self, runtime: LlmCostRuntime) -> None:
        super().__init__(runtime)
        self._last: tuple[Life, float, Projection] | None = None

    def _of(self, life: Life, now: float) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        snapshot = life.books.snapshot(now)
        if snapshot is None:
            return
        yield m.LAST_HOUR, _dollars(snapshot.last_hour)
        yield m.TODAY, _dollars(snapshot.today)
        yield m.YESTERDAY, _dollars(snapshot.yesterday)
        yield m.MONTH, _dollars(snapshot.month_to_date)
        projection = self._projection(life, snapshot)
        yield m.PROJECTED, _dollars(projection.by_key)
        yield m.PROJECTED_LOW, _ends(projection.bands, 0)
        yield m.PROJECTED_HIGH, _ends(projection.bands, 1)

    def _projection(self, life: Life, snapshot: Snapshot) -> Projection:
        """Of some seconds ago, if that is enough: with a thousand keys one takes a while."""
        last = self._last
        if last is None or last[0] is not life or snapshot.now - last[1] > _PROJECTION_SECONDS:
            last = self._last = (life, snapshot.now, life.projector.project(snapshot))
        return last[2]


class BudgetCollector(_OfLife):
    """What is left of the budgets."""

    name = "budgets"
    metrics = m.BUDGETS

    def _of(self, life: Life, now: float) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        states = budgets(life.section.budgets, life.calendar, now, life.books.snapshot(now))
        spent = [(one.labels, one.spent / m.PICO) for one in states if one.spent is not None]
        remaining = [(one.labels, one.remaining / m.PICO) for one in states if one.remaining is not None]
        yield m.BUDGET_LIMIT, [(one.labels, one.limit / m.PICO) for one in states]
        yield m.BUDGET_SPENT, spent
        yield m.BUDGET_REMAINING, remaining
        yield m.BUDGET_RESET, [(one.labels, one.reset) for one in states]


class BillingCollector(_OfLife):
    """What the providers have billed, how much of it was metered, and how polling them goes."""

    name = "billing"
    metrics = m.BILLING

    def _of(self, life: Life, now: float) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        poller = self._runtime.poller
        yield from poller.snapshot()
        ratios: list[Sample] = []
        for provider in poller.providers:
            first, last = capture_days(poller.today(provider))
            if not life.books.covers(first):
                # Providers also bill what was used before anybody metered.
                continue
            billed = poller.billed_between(provider, first, last)
            ratio = capture_ratio(life.books.metered(provider, first, last), billed)
            if ratio is not None:
                ratios.append(((provider,), ratio))
        yield m.CAPTURE_RATIO, ratios


class PriceCollector(_OfLife):
    """Prices of the models that were seen."""

    name = "prices"
    metrics = m.PRICES

    def __init__(self, runtime: LlmCostRuntime) -> None:
        super().__init__(runtime)
        self._looked_up: tuple[Life, int, float] | None = None
        self._prices: Sequence[Sample] = []

    def _of(self, life: Life, now: float) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        # A copy, made at once: others add to it.
        models = life.models.copy()
        last = self._looked_up
        if last is None or last[0] is not life or last[1] != len(models) or now - last[2] > _PRICES_SECONDS:
            self._looked_up = (life, len(models), now)
            self._prices = [
                ((provider, model, type_), float(price))
                for provider, model in sorted(models)
                if OVERFLOW not in (provider, model)
                for type_, price in life.pricer.prices_of(provider, model, round(now * 1000)).items()
            ][: m.PRICE.series_cap]
        yield m.PRICE, self._prices
        yield m.PRICE_DATA, [((), life.pricer.data_timestamp())]


def _dollars(sums: Mapping[Key, int]) -> Sequence[Sample]:
    """Past the cap of the families, what is left over in one sum, so that the total stays true."""
    most = m.TODAY.series_cap or len(sums)
    samples = [(key, pico / m.PICO) for key, pico in sums.items()]
    if len(samples) <= most:
        return samples
    kept = [key for key in sums if key != _REST][: most - 1]
    rest = sum(sums.values()) - sum(sums[key] for key in kept)
    return [*((key, sums[key] / m.PICO) for key in kept), (_REST, rest / m.PICO)]


def _ends(bands: Mapping[Scope, tuple[int, int]], end: int) -> Sequence[Sample]:
    return [(scope, band[end] / m.PICO) for scope, band in bands.items()][: m.PROJECTED_LOW.series_cap]
