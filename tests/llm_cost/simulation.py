"""Months of spending, simulated day by day, and what the books would have known at some time of them."""

from __future__ import annotations

import math
import random
import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from agent_observability.llm_cost.books import HISTORY_DAYS, Key, Snapshot
from agent_observability.llm_cost.calendar import Calendar

__all__ = [
    "CALENDAR",
    "FIRST_DAY",
    "KEYS",
    "MONTHS",
    "PICO",
    "PLAIN",
    "SCENARIOS",
    "Spending",
    "months",
    "seen",
    "simulate",
]

PICO = 10**12
MONTHS = 24
CALENDAR = Calendar(zoneinfo.ZoneInfo("Europe/Berlin"))
FIRST_DAY = 20_089  # 2025-01-01
KEYS: tuple[Key, ...] = (
    ("openai", "shop", "e2e_generation"),
    ("openai", "shop", "voice_interface"),
    ("openai", "search", "agent_execution"),
    ("anthropic", "shop", "agent_execution"),
    ("anthropic", "search", "voice_architect"),
    ("anthropic", "lab", "other"),
)

Spending = dict[int, dict[Key, int]]
"""Pico-dollars by day and key."""


@dataclass
class World:
    """What a scenario may change of a simulated history of `days` days: the level of each, and how it varies."""

    random: random.Random
    days: int
    level: list[float] = field(default_factory=list)
    weekend: float = 0.4
    noise: float = 0.18
    drift: float = 0.012

    def __post_init__(self) -> None:
        self.level = [self.random.uniform(20, 80)] * self.days

    def grow(self, first: int, days: int, factor: float) -> None:
        """The level moves to `factor` times itself within some days, and stays there."""
        for day in range(first, self.days):
            self.level[day] *= factor ** min(1.0, (day - first + 1) / days)

    def launch(self, first: int, height: float, days: int, left: float) -> None:
        """A spike of `height` times the level that dies down within some days to `left` times what was before."""
        for day in range(first, self.days):
            self.level[day] *= left + (height - left) * math.exp(-3 * (day - first) / days)

    def dip(self, first: int, days: int, factor: float) -> None:
        for day in range(first, min(first + days, self.days)):
            self.level[day] *= factor


def months(days: int) -> Iterator[int]:
    """Where months begin, as days since the first one."""
    day = 0
    while day < days:
        yield day
        day = CALENDAR.next_month(FIRST_DAY + day) - FIRST_DAY


def _weekly(world: World) -> None:
    world.weekend = world.random.uniform(0.15, 0.5)


def _growth(world: World) -> None:
    for first in months(world.days):
        world.grow(first, 30, world.random.uniform(1.05, 1.45))


def _decline(world: World) -> None:
    for first in months(world.days):
        world.grow(first, 30, world.random.uniform(0.7, 0.97))


def _launches(world: World) -> None:
    """One in most months, on any day of it."""
    for first in months(world.days):
        if world.random.random() < 0.7:
            day = first + world.random.randrange(30)
            world.launch(day, world.random.uniform(2, 5), world.random.randint(3, 8), world.random.uniform(0.9, 1.4))


def _holidays(world: World) -> None:
    """Two weeks off at the year's end and in summer, long weekends, and a dead day here and there."""
    for first in range(0, world.days, 365):
        world.dip(first + 356, 12, world.random.uniform(0.15, 0.4))
        world.dip(first + 210, 14, world.random.uniform(0.4, 0.7))
    for _ in range(world.days // 40):
        world.dip(world.random.randrange(world.days), world.random.randint(1, 3), world.random.uniform(0.02, 0.4))


def _month_starts(world: World) -> None:
    """Reports are made on the first days of each month."""
    for first in months(world.days):
        world.dip(first, 2, world.random.uniform(1.3, 2.2))


def _mixed(world: World) -> None:
    """Everything at some time."""
    _weekly(world)
    _holidays(world)
    for first in months(world.days):
        what = world.random.randrange(5)
        if what == 0:
            world.grow(first, 30, world.random.uniform(1.1, 1.7))
        elif what == 1:
            world.grow(first, 30, world.random.uniform(0.6, 0.95))
        elif what == 2:
            world.launch(
                first + world.random.randrange(28), world.random.uniform(2, 5), 5, world.random.uniform(0.9, 1.5)
            )
        elif what == 3:
            world.grow(first + world.random.randrange(28), 1, world.random.uniform(0.6, 1.6))


def _flat(world: World) -> None:
    world.weekend, world.drift = 1.0, 0.0


def _wandering(world: World) -> None:
    """No week, and a level that goes anywhere."""
    world.weekend, world.drift, world.noise = 1.0, 0.04, 0.3


SCENARIOS: dict[str, Callable[[World], None]] = {
    "weekly pattern": _weekly,
    "growth": _growth,
    "decline": _decline,
    "launches": _launches,
    "holidays": _holidays,
    "month starts": _month_starts,
    "mixed": _mixed,
    "flat": _flat,
    "wandering": _wandering,
}
PLAIN = ("flat", "wandering")
"""Those without a weekly pattern."""


def simulate(scenario: str, seed: int, count: int = MONTHS) -> Spending:
    """What was spent in `count` months, nothing before. Shares of keys wander; some begin late, or end."""
    chance = random.Random(f"{scenario}/{seed}")
    days = next(first for number, first in enumerate(months(10_000)) if number == count)
    world = World(chance, days)
    SCENARIOS[scenario](world)
    lives = [(0, days)] * 4 + [(chance.randrange(days // 2), days), (0, chance.randrange(days // 2, days))]
    weights = [chance.uniform(0.2, 2) for _ in KEYS]
    found: Spending = {}
    wander = 0.0
    for day in range(days):
        wander += chance.gauss(0, world.drift)
        weekend = CALENDAR.weekday(FIRST_DAY + day) >= 5
        total = world.level[day] * math.exp(wander) * (world.weekend if weekend else 1.0)
        total *= math.exp(chance.gauss(0, world.noise) - world.noise**2 / 2)
        weights = [weight * math.exp(chance.gauss(0, 0.03)) for weight in weights]
        parts = [
            weight * math.exp(chance.gauss(0, 0.25)) if begin <= day < end else 0.0
            for weight, (begin, end) in zip(weights, lives, strict=True)
        ]
        found[FIRST_DAY + day] = {
            key: round(PICO * total * part / sum(parts)) for key, part in zip(KEYS, parts, strict=True) if part
        }
    return found


def spent_by(share: float) -> float:
    """Which share of a day's money is spent when a share of the day has passed: most of it in working hours."""
    working = min(1.0, max(0.0, (share - 0.3) / 0.45))
    return 0.35 * share + 0.65 * working * working * (3 - 2 * working)


def seen(spending: Spending, day: int, share: float) -> Snapshot:
    """What the books would have known of it when `share` of a day had passed."""
    begin = CALENDAR.begin_of(day)
    month, _ = CALENDAR.month_of(day)
    month_before, _ = CALENDAR.month_of(month - 1)
    known = {key: 0 for other in range(month_before, day) for key in spending.get(other, ())}
    today = {key: int(pico * spent_by(share)) for key, pico in spending[day].items()}
    to_date = dict.fromkeys((*known, *today), 0)
    for sums in (today, *(spending[other] for other in range(month, day))):
        for key, pico in sums.items():
            to_date[key] += pico
    none = dict.fromkeys(to_date, 0)
    return Snapshot(
        now=begin + share * CALENDAR.seconds(day),
        day=day,
        last_hour=none,
        today=none | today,
        yesterday=none | spending.get(day - 1, {}),
        month_to_date=to_date,
        days={other: spending[other] for other in range(day - HISTORY_DAYS, day) if other in spending},
        begun=CALENDAR.begin_of(FIRST_DAY),
    )
