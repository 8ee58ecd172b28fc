"""When honest containers ask, each after a habit of its own. As quickly as they like: the day makes them wait."""

from __future__ import annotations

import random
from collections.abc import Callable

__all__ = ["BEGIN", "DAY", "HABITS", "HOUR", "quiet"]

BEGIN = 1_790_035_200.0
HOUR = 3_600.0
DAY = 24 * HOUR


def _steady(chance: random.Random) -> list[float]:
    """At a pace of its own, day and night."""
    moment, pace = BEGIN + chance.uniform(0, 600), chance.uniform(20, 200)
    moments = []
    while moment < BEGIN + DAY:
        moments.append(moment)
        moment += pace * chance.uniform(0.7, 1.3)
    return moments


def _at_the_limit(chance: random.Random) -> list[float]:
    """Ten a minute to the microsecond, for an hour or so."""
    begin = BEGIN + chance.uniform(0, 12) * HOUR
    return [begin + 6.0 * number for number in range(chance.randrange(200, 900))]


def _builds(chance: random.Random) -> list[float]:
    """Now and then a build, which asks as quickly as it may."""
    moment, moments = BEGIN + chance.uniform(0, 1) * HOUR, []
    while moment < BEGIN + DAY:
        moments += [moment + chance.uniform(0, 240) for _ in range(chance.randrange(10, 35))]
        moment += chance.uniform(0.3, 1.5) * HOUR
    return moments


def _talks(chance: random.Random) -> list[float]:
    """Somebody works with it in the daytime: some minutes of many requests, a break, a long one at noon."""
    moment, moments = BEGIN + chance.uniform(7, 10) * HOUR, []
    while moment < BEGIN + chance.uniform(16, 19) * HOUR:
        for _ in range(chance.randrange(1, 12)):
            moments.append(moment)
            moment += chance.lognormvariate(2.7, 0.8)
        moment += chance.lognormvariate(5.2, 1.0)
        if chance.random() < 0.03:
            moment += HOUR
    return moments


def _by_the_clock(chance: random.Random) -> list[float]:
    """Every so many minutes the same few requests."""
    every, many = chance.choice((300, 600, 900, 1_800)), chance.randrange(1, 7)
    first = BEGIN + chance.uniform(0, every)
    rounds = int(DAY // every)
    return [first + every * number + chance.uniform(0, 40) for number in range(rounds) for _ in range(many)]


def _starts(chance: random.Random) -> list[float]:
    """Comes up some time, fetches all that it needs, and has little to ask from then on. It starts again once."""
    up = BEGIN + chance.uniform(0, 16) * HOUR
    moments = []
    for begin in (up, up + chance.uniform(3, 6) * HOUR):
        moments += [begin + chance.uniform(0, 90) for _ in range(chance.randrange(6, 14))]
        moments += [begin + chance.uniform(0, 3) * HOUR for _ in range(chance.randrange(20, 100))]
    return moments


def _grows(chance: random.Random) -> list[float]:
    """From a request every few minutes to several a minute in the course of the day."""
    moment, moments = BEGIN, []
    first, last = chance.uniform(0.2, 0.6), chance.uniform(1.5, 4)
    while moment < BEGIN + DAY:
        moments.append(moment)
        moment += chance.expovariate((first + (last - first) * (moment - BEGIN) / DAY) / 60)
    return moments


def quiet(chance: random.Random) -> list[float]:
    """A request every few minutes, never two within a minute."""
    moment, moments = BEGIN + chance.uniform(0, 300), []
    pace = chance.uniform(90, 400)
    while moment < BEGIN + DAY:
        moments.append(moment)
        moment += 60 + chance.expovariate(1 / pace)
    return moments


def _has_zeal(chance: random.Random) -> list[float]:
    """Quiet, but that two or three times a day it has as much to ask within some minutes as else in an hour or two."""
    moments = quiet(chance)
    for _ in range(chance.randrange(2, 4)):
        begin = BEGIN + chance.uniform(2, 22) * HOUR
        moments += [begin + chance.uniform(0, 360) for _ in range(chance.randrange(8, 19))]
    return moments


HABITS: tuple[Callable[[random.Random], list[float]], ...] = (
    _steady,
    _at_the_limit,
    _builds,
    _talks,
    _by_the_clock,
    _starts,
    _grows,
    quiet,
    _has_zeal,
)
