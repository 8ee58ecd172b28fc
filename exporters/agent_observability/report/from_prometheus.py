"""Figures out of Prometheus, for where the ledger cannot be read: as good as what was scraped and kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from agent_observability.llm_cost.calendar import Calendar
from agent_observability.llm_cost.metrics import PICO
from agent_observability.prometheus_api import ApiError
from agent_observability.report.days import ByDay, by_day, increase_of, spent_on
from agent_observability.report.figures import BudgetUse, Counts, Figures, Key, Slots, pico_of
from agent_observability.report.period import Period, date_of
from agent_observability.report.prometheus import Prometheus
from agent_observability.report.selector import selector

__all__ = ["from_prometheus"]

_DRIVER = ("provider", "model", "project", "feature")
# Of the many combinations there is no long history: as much as a day and the same weekday before need.
_DRIVER_SLOTS = 8


async def from_prometheus(
    prometheus: Prometheus, calendar: Calendar, period: Period, now: float, cluster: str = ""
) -> Figures:
    """The figures of `period`. Raises ApiError if the sums of money are refused; what else is missing is noted."""
    asking = _Asking(prometheus, calendar, period, now, cluster)
    total = (await asking.spent())[0]
    provider, project, feature = await asyncio.gather(*(asking.spent(by) for by in ("provider", "project", "feature")))
    model, driver = await asking.models()
    requests = await asking.counted("llm_requests_total", "status")
    tokens = await asking.counted("llm_tokens_total", "type")
    unpriced = await asking.counted("llm_unpriced_requests_total", "provider", "model")
    units = await asking.counted("llm_feature_units_total", "feature", "unit")
    reported, before = asking.slots[-1], asking.slots[-2]
    return Figures(
        source="prometheus",
        end=min(period.last, calendar.today(now)),
        slots=asking.slots,
        total=next(iter(total.values()), (None,) * len(asking.slots)),
        money={
            "provider": provider[0],
            "project": project[0],
            "feature": feature[0],
            "model": model,
            "driver": driver,
        },
        counts=_counts(requests, tokens, unpriced, reported),
        counts_before=_counts(requests, tokens, unpriced, before),
        unpriced={key: number for key, days in (unpriced or {}).items() if (number := _sum(days, reported))},
        units={
            key: (_sum(days, reported), _sum(days, before) if _whole(requests, before) else None)
            for key, days in (units or {}).items()
        },
        budgets=await asking.budgets(),
        month=await asking.month(),
        approximate=True,
        notes=tuple(asking.notes),
    )


class _Asking:
    """Asks, and notes what is refused."""

    def __init__(self, prometheus: Prometheus, calendar: Calendar, period: Period, now: float, cluster: str) -> None:
        self.slots = period.history()
        self.notes: list[str] = []
        self._prometheus, self._calendar, self._now = prometheus, calendar, now
        self._period = period
        self._of = selector("llm_cost", cluster)
        self._end = min(now, calendar.begin_of(period.last + 1) - 1)

    async def spent(self, *labels: str) -> tuple[dict[Key, Slots], ByDay]:
        """Money by slot, and by day."""
        by = ", ".join(labels)

        def query(gauge: str, window: str) -> str:
            # A pod's successor may have come with another instance: each sum once.
            each = f"max by (cluster, provider, project, feature) (last_over_time({gauge}{self._of}[{window}]))"
            return f"sum by ({by}) ({each})"

        moments = spent_on(self._calendar, self._days(len(self.slots)), self._now, query)
        days = await by_day(self._prometheus, moments, *labels)
        if not labels:
            self._miss(days)
        return self._by_slot(days, days), days

    async def models(self) -> tuple[dict[Key, Slots], dict[Key, Slots]]:
        """Money by provider and model, and by driver. Counters know models, the books do not."""
        try:
            model = await self._grown(_raw(self._of), len(self.slots), "provider", "model")
            driver = await self._grown(_raw(self._of), _DRIVER_SLOTS, *_DRIVER)
        except ApiError as error:
            self.notes.append(f"Cost drivers are not told apart by project: {error}.")
        else:
            return self._by_slot(model, model), self._by_slot(driver, model, _DRIVER_SLOTS)
        try:
            days = await self._grown(_recorded(self._of), len(self.slots), "provider", "model", "feature")
        except ApiError as error:
            self.notes.append(f"Cost by model is missing: {error}.")
            return {}, {}
        model = {}
        for (provider, name, _), values in days.items():
            sums = model.setdefault((provider, name), {})
            for day, value in values.items():
                sums[day] = sums.get(day, 0.0) + value
        driver = {(provider, name, "", feature): values for (provider, name, feature), values in days.items()}
        return self._by_slot(model, model), self._by_slot(driver, model)

    async def counted(self, family: str, *labels: str) -> ByDay | None:
        """How much a counter grew on each day of this period and the one before."""
        try:
            return await self._grown(lambda window: f"increase({family}{self._of}[{window}])", 2, *labels)
        except ApiError as error:
            self.notes.append(f"{family} is missing: {error}.")
            return None

    async def month(self) -> int | None:
        """What was spent from the month's beginning to the period's end."""
        try:
            found = await self._prometheus.at(f"sum(llm_cost_month_to_date_usd{self._of})", self._end)
        except ApiError as error:
            self.notes.append(f"The month to date is missing: {error}.")
            return None
        return _pico(next(iter(found.values()))) if found else None

    async def budgets(self) -> list[BudgetUse]:
        """What became of the budgets; of those per day, on the dearest one."""
        labels = ("budget", "scope", "key", "period")
        by = ", ".join(labels)
        begin = self._calendar.begin_of(self._period.first)
        # Right after midnight, a sample may still be the day before's.
        window = f"{max(1, self._end - begin - 60):.0f}s"
        try:
            limits = await self._prometheus.at(f"max by ({by}) (llm_budget_limit_usd{self._of})", self._end, *labels)
            spent = await self._prometheus.at(f"max by ({by}) (llm_budget_spent_usd{self._of})", self._end, *labels)
            dearest = await self._prometheus.at(
                f"max by ({by}) (max_over_time(llm_budget_spent_usd{self._of}[{window}]))", self._end, *labels
            )
        except ApiError as error:
            self.notes.append(f"Budgets are missing: {error}.")
            return []
        return [
            BudgetUse(
                name=key[0],
                scope=key[1],
                key=key[2],
                period=key[3],
                limit=pico_of(limit),
                spent=None if (used := (dearest if key[3] == "day" else spent).get(key)) is None else _pico(used),
            )
            for key, limit in sorted(limits.items())
        ]

    async def _grown(self, expression: Callable[[str], str], slots: int, *labels: str) -> ByDay:
        by = ", ".join(labels)
        moments = increase_of(
            self._calendar, self._days(slots), self._now, lambda window: f"sum by ({by}) ({expression(window)})"
        )
        return await by_day(self._prometheus, moments, *labels)

    def _days(self, slots: int) -> range:
        return range(self.slots[-slots].first, self._period.last + 1)

    def _by_slot(self, days: ByDay, presence: ByDay, asked: int = 99) -> dict[Key, Slots]:
        """Sums by slot, of the last `asked` ones; `presence` tells which of them Prometheus knows as a whole."""
        known = [number >= len(self.slots) - asked and _whole(presence, slot) for number, slot in enumerate(self.slots)]
        known[-1] = any(day in values for values in presence.values() for day in _range(self.slots[-1]))
        found: dict[Key, Slots] = {}
        for key, values in days.items():
            sums = [round(PICO * sum(values.get(day, 0.0) for day in _range(slot))) for slot in self.slots]
            found[key] = tuple(pico if is_known else None for pico, is_known in zip(sums, known, strict=True))
        return found

    def _miss(self, days: ByDay) -> None:
        """Note the days of the period that Prometheus knows nothing of."""
        there = {day for values in days.values() for day in values}
        due = [day for day in _range(self._period) if self._calendar.begin_of(day) < self._now]
        missing = [day for day in due if day not in there]
        if missing and len(missing) < len(due):
            listed = ", ".join(date_of(day).isoformat() for day in missing[:7])
            more = f" and {len(missing) - 7} more" if len(missing) > 7 else ""
            self.notes.append(f"Prometheus has nothing of {listed}{more}: sums are without those days.")


def _raw(of: str) -> Callable[[str], str]:
    return lambda window: f"increase(llm_cost_usd_total{of}[{window}])"


def _recorded(of: str) -> Callable[[str], str]:
    return lambda window: f"increase(vteam:llm_cost_micros:sum{of}[{window}]) / 1e6"


def _range(period: Period) -> range:
    return range(period.first, period.last + 1)


def _whole(days: ByDay | None, period: Period) -> bool:
    """Whether there is something of every day of a period."""
    return days is not None and all(any(day in values for values in days.values()) for day in _range(period))


def _sum(values: Mapping[int, float], period: Period) -> int:
    return round(sum(values.get(day, 0.0) for day in _range(period)))


def _pico(usd: float) -> int:
    return round(usd * PICO)


def _counts(requests: ByDay | None, tokens: ByDay | None, unpriced: ByDay | None, period: Period) -> Counts | None:
    if not requests or not any(day in values for values in requests.values() for day in _range(period)):
        return None
    by_status = {key[0]: _sum(values, period) for key, values in requests.items()}
    return Counts(
        requests=sum(by_status.values()),
        failed=sum(count for status, count in by_status.items() if status != "success"),
        tokens={key[0]: _sum(values, period) for key, values in tokens.items()} if tokens else None,
        unpriced=None if unpriced is None else sum(_sum(values, period) for values in unpriced.values()),
    )
