"""Simulated months, projected on several days of each, and what came of it.

`python -m tests.llm_cost.backtest [SEED…]` prints, by scenario, the mean absolute percentage error of the projection,
of the plain run-rate (month to date by what has passed of the month) and of the mean of the last 7 full days; how
often months ended in their bands, in total and of providers, projects and features; and how wide bands were.

The constants of the forecast were chosen with seeds from 1001 on; the seeds of the tests were not looked at for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from agent_observability.llm_cost.books import by_scope
from agent_observability.llm_cost.projection import Projector
from tests.llm_cost.simulation import CALENDAR, FIRST_DAY, KEYS, MONTHS, SCENARIOS, Spending, months, seen, simulate

SEEDS = (4, 5, 6)
WAYS = ("projection", "run-rate", "7-day mean")
# Days of the month, and the share of the day that has passed.
ASKED = ((1, 0.02), (1, 0.6), (2, 0.4), (3, 0.5), (6, 0.1), (10, 0.75), (14, 0.3), (18, 0.95), (22, 0.5), (26, 0.4))


class Asked(NamedTuple):
    """One projection, and how the month ended: errors, as shares of the end, in the order of `WAYS`."""

    scenario: str
    number: int
    """Of the day in its month."""
    errors: tuple[float, ...]
    inside: bool
    parts_inside: tuple[bool, ...]
    width: float


def ask(scenario: str, projector: Projector, spending: Spending, day: int, share: float) -> Asked:
    """Project in every way when a share of a day has passed."""
    month, length = CALENDAR.month_of(day)
    ends = dict.fromkeys(KEYS, 0)
    for other in range(month, month + length):
        for key, pico in spending[other].items():
            ends[key] += pico
    end = sum(ends.values())
    snapshot = seen(spending, day, share)
    to_date = sum(snapshot.month_to_date.values())
    passed = day - month + share
    # On the first day of all there is no full day yet.
    week = snapshot.history(min(7, day - FIRST_DAY)) or [round(sum(snapshot.today.values()) / share)]
    projection = projector.project(snapshot)
    projected = (
        sum(projection.by_key.values()),
        to_date / passed * length,
        to_date + sum(week) / len(week) * (length - passed),
    )
    ended = by_scope(ends)
    inside = {scope: low <= ended[scope] <= high for scope, (low, high) in projection.bands.items()}
    low, high = projection.bands["total", ""]
    return Asked(
        scenario,
        day - month + 1,
        tuple(abs(guess - end) / end for guess in projected),
        inside.pop(("total", "")),
        tuple(inside.values()),
        (high - low) / end,
    )


def backtest(seeds: Sequence[int] = SEEDS, scenarios: Sequence[str] = tuple(SCENARIOS)) -> list[Asked]:
    """Every month of every scenario and seed, the first one without any history."""
    found = []
    for scenario in scenarios:
        for seed in seeds:
            spending, projector = simulate(scenario, seed), Projector(CALENDAR)
            for first in months(len(spending)):
                for number, share in ASKED:
                    found.append(ask(scenario, projector, spending, FIRST_DAY + first + number - 1, share))
    return found


def error(asked: Sequence[Asked], way: str) -> float:
    """The mean absolute percentage error of a way to project, as a share."""
    return sum(one.errors[WAYS.index(way)] for one in asked) / len(asked)


def coverage(asked: Sequence[Asked]) -> float:
    """How many months ended in the band of the total."""
    return sum(one.inside for one in asked) / len(asked)


def table(asked: Sequence[Asked]) -> str:
    """By scenario, as text."""
    head = f"{'':16}{'asked':>7}" + "".join(f"{way:>12}" for way in WAYS) + f"{'in band':>9}{'parts':>8}{'width':>8}"

    def line(name: str, chosen: Sequence[Asked]) -> str:
        parts = [inside for one in chosen for inside in one.parts_inside]
        width = sum(one.width for one in chosen) / len(chosen)
        errors = "".join(f"{error(chosen, way):12.2%}" for way in WAYS)
        return f"{name:16}{len(chosen):7}{errors}{coverage(chosen):9.1%}{sum(parts) / len(parts):8.1%}{width:8.1%}"

    scenarios = dict.fromkeys(one.scenario for one in asked)
    lines = [line(scenario, [one for one in asked if one.scenario == scenario]) for scenario in scenarios]
    return "\n".join([head, *lines, line("all", asked)])


def report(asked: Sequence[Asked], show: Callable[[str], None] = print) -> None:
    """All days of the month, and those after its first two."""
    for since in (1, 3):
        show(f"\nasked from day {since} of the month on: mean absolute percentage errors, and bands")
        show(table([one for one in asked if one.number >= since]))


if __name__ == "__main__":
    chosen = tuple(map(int, sys.argv[1:])) or SEEDS
    print(f"{MONTHS} months of each scenario with seeds {', '.join(map(str, chosen))}")
    report(backtest(chosen))
