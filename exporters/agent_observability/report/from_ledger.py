"""Figures out of the ledger: exact, by event time, and there for as long as daily sums are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import func, select

from agent_observability.ledger.backend import Backend
from agent_observability.ledger.queries import DailySum, daily
from agent_observability.ledger.schema import DAILY
from agent_observability.llm_cost.booking import AMOUNTS, KIND
from agent_observability.llm_cost.config import BudgetConfig
from agent_observability.llm_cost.usage import TOKEN_TYPES
from agent_observability.report.figures import DIMENSIONS, BudgetUse, Counts, Figures, Key, Slots, pico_of
from agent_observability.report.period import Period, containing, date_of

__all__ = ["from_ledger"]

_UNITS = "units"
_REQUESTS, _FAILED, _PICO, _UNPRICED = (AMOUNTS.index(name) for name in ("requests", "failed", "pico_usd", "unpriced"))
_TOKENS = {name: AMOUNTS.index(name) for name in TOKEN_TYPES}
# Days that are read at a time: each may have some 20,000 rows.
_STEP = 7


def from_ledger(backend: Backend, period: Period, today: int, budgets: Sequence[BudgetConfig]) -> Figures:
    """The figures of `period` and those before it. Raises what the driver raises."""
    slots = period.history()
    end = min(period.last, today)
    month = containing("monthly", end).first
    since = _since(backend)
    sums = _Sums(slots, month, end, budgets)
    for row in _rows(backend, KIND, min(month, slots[0].first), end):
        sums.add(row)
    units: dict[Key, list[int]] = {}
    for row in _rows(backend, _UNITS, slots[-2].first, end):
        units.setdefault(row.labels, [0, 0])[row.day < period.first] += row.amounts[0]
    # A period of which the ledger has only a part would compare well with a whole one.
    known = [slot in sums.days and since is not None and since <= slot.first for slot in slots[:-1]]
    known.append(period in sums.days)
    return Figures(
        source="ledger",
        end=end,
        slots=slots,
        total=_shown(sums.total, known),
        money={
            dimension: {key: _shown(amounts, known) for key, amounts in sums.money[dimension].items()}
            for dimension in DIMENSIONS
        },
        counts=_counts(sums.amounts[1]) if known[-1] else None,
        counts_before=_counts(sums.amounts[0]) if known[-2] else None,
        unpriced={key: number for key, number in sums.unpriced.items() if number > 0},
        units={
            key: (now if known[-1] else None, before if known[-2] else None) for key, (now, before) in units.items()
        },
        budgets=sums.used(since),
        month=sums.month if since is not None and since <= end else None,
        since=since,
        empty_days=end - period.first + 1 - len(sums.days.get(period, ())),
        notes=tuple(_notes(period, month, since)),
    )


class _Sums:
    """Adds rows up. `days` are those that have any, by slot; `amounts` of the period before and of the reported one."""

    def __init__(self, slots: Sequence[Period], month: int, end: int, budgets: Sequence[BudgetConfig]) -> None:
        self._slot_of = {day: number for number, slot in enumerate(slots) for day in range(slot.first, slot.last + 1)}
        self._slots, self._month_first, self._end, self._budgets = slots, month, end, budgets
        self.days: dict[Period, set[int]] = {}
        self.total = [0] * len(slots)
        self.money: dict[str, dict[Key, list[int]]] = {dimension: {} for dimension in DIMENSIONS}
        self.amounts = ([0] * len(AMOUNTS), [0] * len(AMOUNTS))
        self.unpriced: dict[Key, int] = {}
        self.month = 0
        self._by_day: list[dict[int, int]] = [{} for _ in budgets]

    def add(self, row: DailySum) -> None:
        provider, model, project, feature = row.labels
        pico = row.amounts[_PICO]
        if row.day >= self._month_first:
            self.month += pico
        for budget, by_day in zip(self._budgets, self._by_day, strict=True):
            if budget.scope == "total" or budget.key == {"provider": provider, "project": project}.get(
                budget.scope, feature
            ):
                by_day[row.day] = by_day.get(row.day, 0) + pico
        number = self._slot_of.get(row.day)
        if number is None:
            return
        self.days.setdefault(self._slots[number], set()).add(row.day)
        self.total[number] += pico
        keys: dict[str, Key] = {
            "provider": (provider,),
            "model": (provider, model),
            "project": (project,),
            "feature": (feature,),
            "driver": row.labels,
        }
        for dimension, key in keys.items():
            amounts = self.money[dimension].get(key)
            if amounts is None:
                amounts = self.money[dimension][key] = [0] * len(self._slots)
            amounts[number] += pico
        before_last = len(self._slots) - 2
        if number >= before_last:
            sums = self.amounts[number - before_last]
            for index, amount in enumerate(row.amounts):
                sums[index] += amount
        if number > before_last and row.amounts[_UNPRICED]:
            known = self.unpriced.get((provider, model), 0)
            self.unpriced[provider, model] = known + row.amounts[_UNPRICED]

    def used(self, since: int | None) -> list[BudgetUse]:
        """What became of the budgets."""
        period = self._slots[-1]
        none = since is None or since > self._end
        found = []
        for budget, by_day in zip(self._budgets, self._by_day, strict=True):
            limit = pico_of(budget.usd)
            spent, over = sum(pico for day, pico in by_day.items() if day >= self._month_first), None
            if budget.period == "day":
                days = [by_day.get(day, 0) for day in range(period.first, self._end + 1)]
                spent, over = max(days), sum(pico > limit for pico in days)
            found.append(
                BudgetUse(
                    name=budget.name,
                    scope=budget.scope,
                    key=budget.key,
                    period=budget.period,
                    limit=limit,
                    spent=None if none else spent,
                    over=None if none else over,
                )
            )
        return found


def _rows(backend: Backend, kind: str, first: int, last: int) -> Iterator[DailySum]:
    for day in range(first, last + 1, _STEP):
        yield from daily(backend, kinds=[kind], first=day, last=min(last, day + _STEP - 1))


def _since(backend: Backend) -> int | None:
    """The first day that has any usage."""
    with backend.read() as connection:
        day: int | None = connection.scalar(select(func.min(DAILY.c.day)).where(DAILY.c.kind == KIND))
    return day


def _shown(amounts: Sequence[int], known: Sequence[bool]) -> Slots:
    return tuple(amount if is_known else None for amount, is_known in zip(amounts, known, strict=True))


def _counts(amounts: Sequence[int]) -> Counts:
    return Counts(
        requests=amounts[_REQUESTS],
        failed=amounts[_FAILED],
        tokens={name: amounts[index] for name, index in _TOKENS.items()},
        unpriced=max(0, amounts[_UNPRICED]),
    )


def _notes(period: Period, month: int, since: int | None) -> Iterator[str]:
    if since is None:
        yield "The ledger holds no usage at all."
    elif since > period.last:
        yield f"The ledger begins on {date_of(since).isoformat()}, after this period."
    elif since > period.first:
        yield f"The ledger begins on {date_of(since).isoformat()}: the days of this period before are missing."
    elif since > month:
        yield f"The ledger begins on {date_of(since).isoformat()}: the days of the month before are missing."
