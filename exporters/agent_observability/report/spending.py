"""The tables about money: cost drivers, by provider, model, project and feature, the month, budgets, cost per unit."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from agent_observability.report.figures import BudgetUse, Figures, Key, Live
from agent_observability.report.period import Period, containing, date_of
from agent_observability.report.sections import Cell, Column, Row, Section, Trend
from agent_observability.report.words import NO_DATA, change, money, named, number, share

__all__ = ["spending"]

_ROWS = 10
_DRIVERS = 3
_TITLES = {
    "driver": "Top cost drivers",
    "provider": "Providers",
    "model": "Models",
    "project": "Projects",
    "feature": "Features",
}
_PLAIN = (Column("Cost"), Column("Share", wide=True))


def spending(period: Period, figures: Figures, live: Live, over: bool) -> Iterator[Section]:
    """The tables, in order. Nothing is compared with a period that is not `over`."""
    for dimension, title in _TITLES.items():
        yield _table(dimension, title, period, figures, over)
    yield _month(figures, live)
    yield _budgets(period, figures)
    yield _units(period, figures, live, over)


def _table(dimension: str, title: str, period: Period, figures: Figures, over: bool) -> Section:
    money_of = figures.money.get(dimension, {})
    most = _DRIVERS if dimension == "driver" else _ROWS
    columns = [*_PLAIN, *([Column(f"vs {period.before().short}")] if over else ()), Column("Trend", right=False)]
    if over and period.kind == "daily":
        columns.insert(3, Column("a week ago", wide=True))
    known = [(key, slots) for key, slots in money_of.items() if slots[-1]]
    known.sort(key=lambda item: (-(item[1][-1] or 0), item[0]))
    rows = []
    for key, slots in known[:most]:
        cells: list[Cell] = [money(slots[-1]), share(slots[-1], figures.total[-1])]
        if over:
            cells.append(change(slots[-1], slots[-2]))
            if period.kind == "daily":
                cells.append(change(slots[-1], slots[-8]))
        seen = [amount for amount in slots if amount is not None]
        cells.append(Trend(slots, f"{money(min(seen))} to {money(max(seen))}"))
        name, detail = _names(key)
        rows.append(Row(name, cells, detail))
    rest = known[most:]
    if rest and dimension != "driver":
        total = sum(slots[-1] or 0 for _, slots in rest)
        blank: list[Cell] = [None] * (len(columns) - 2)
        rows.append(Row(f"{len(rest):,} more", [money(total), share(total, figures.total[-1]), *blank]))
    empty = NO_DATA if figures.total[-1] is None or not money_of else "nothing spent"
    return Section(title=title, columns=columns, rows=rows, empty=empty)


def _names(key: Key) -> tuple[str, str]:
    if len(key) == 1:
        return named(key[0]), ""
    if len(key) == 2:
        return named(key[1]), named(key[0])
    provider, model, project, feature = key
    whose = f"{named(provider)} · {named(project)}" if project else named(provider)
    return named(model), f"{whose} · {named(feature)}"


def _month(figures: Figures, live: Live) -> Section:
    month = containing("monthly", figures.end)
    monthly = [budget for budget in figures.budgets if budget.period == "month" and budget.scope == "total"]
    limit = min((budget.limit for budget in monthly), default=None)
    rows = [Row("Month to date", [money(figures.month), _of(figures.month, limit)])]
    if figures.end < month.last:
        rows.append(Row("Projected at its end", [money(live.projected), _of(live.projected, limit)]))
        if live.low is not None and live.high is not None:
            rows.append(Row("Four of five months end within", [f"{money(live.low)} to {money(live.high)}", ""]))
    if limit is not None:
        rows.append(Row("Budget of the month", [money(limit), ""]))
    return Section(
        title=f"{month.title} up to the {_ordinal(date_of(figures.end).day)}",
        columns=(Column(""), Column("of the budget")),
        rows=rows,
        note="" if figures.end < month.last else "The month is over: there is nothing to project.",
    )


def _budgets(period: Period, figures: Figures) -> Section:
    rows = []
    for budget in figures.budgets:
        what = "total" if budget.scope == "total" else f"{budget.scope} {named(budget.key)}"
        rows.append(
            Row(
                f"{named(budget.name)} ({what})",
                [money(budget.spent), money(budget.limit), _of(budget.spent, budget.limit)],
                _budget_words(budget, period),
                loud=budget.spent is not None and budget.spent >= budget.limit,
            )
        )
    columns = (Column("Spent"), Column("Limit"), Column("Used"))
    return Section(title="Budgets", columns=columns, rows=rows, empty="no budgets known")


def _budget_words(budget: BudgetUse, period: Period) -> str:
    if budget.period == "month":
        return "per month, month to date"
    if period.kind == "daily":
        return "per day"
    words = "per day, the dearest day"
    return words if budget.over is None else f"{words}; over on {budget.over} of {period.length} days"


def _units(period: Period, figures: Figures, live: Live, over: bool) -> Section:
    rows = []
    features = figures.money.get("feature", {})
    for (feature, unit), (now, before) in sorted(figures.units.items()):
        if not now:
            continue
        spent = features.get((feature,))
        cost = _per(spent[-1] if spent else None, now)
        was = _per(spent[-2] if spent else None, before)
        cells: list[Cell] = [money(cost), number(now)]
        if over:
            cells.append(_change(cost, was))
        rows.append(Row(f"{named(unit)} of {named(feature)}", cells))
    done = (live.sessions or {}).get("completed")
    done_before = (live.sessions_before or {}).get("completed")
    if done:
        cost, was = _per(figures.total[-1], done), _per(figures.total[-2], done_before)
        cells = [money(cost), number(done), *([_change(cost, was)] if over else ())]
        rows.append(Row("completed session", cells, "all cost, whatever for"))
    columns = [Column("Cost each"), Column("Number"), *([Column(f"vs {period.before().short}")] if over else ())]
    return Section(
        title="Cost per session, test and issue",
        columns=columns,
        rows=rows,
        empty=f"{NO_DATA}: nothing was reported that cost could be shared among",
    )


def _per(pico: int | None, count: int | None) -> Fraction | None:
    return Fraction(pico, count) if pico is not None and count else None


def _change(now: Fraction | None, before: Fraction | None) -> Cell:
    # Whole pico-dollars are far finer than what is shown.
    return change(round(now) if now is not None else None, round(before) if before is not None else None)


def _of(spent: int | None, limit: int | None) -> str:
    return "" if spent is None or limit is None else share(spent, limit)


def _ordinal(day: int) -> str:
    suffix = "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{suffix}"
