"""What the coming days will cost, from how the days before went. Pure.

One model of the total: a level, of which the last weeks tell more and odd days less; a factor for each weekday; a
growth that fades. Every key is forecast with the same weights from its own days, so that the forecasts of keys add up
to that of the total, and a launch in one of them is as odd for the others as it is for the total.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TypeVar

import msgspec

__all__ = ["LEVEL_DAYS", "SEASON_DAYS", "WEEK", "Forecast", "early", "forecast", "spread", "weekday_factors"]

T = TypeVar("T")

WEEK = 7
SEASON_DAYS = 3 * WEEK
"""From this many full days on there are weekdays, growth and odd days; before, the last 7 days alone."""

LEVEL_DAYS = 4 * WEEK
"""How many full days tell the level, at most: none from before the month before."""

_WEEKS = 8
# What a week tells of what the week after it tells. Days of a week tell the same, so that it does not matter to a key
# that spends on Sundays alone how long ago the last Sunday was.
_LAST_WEEK = 0.4
# A day is odd when it is this many deviations from the middle of its week; deviations are of logarithms.
_ODD = 2.0
_LEAST_DEVIATION = 0.1
# What is added to a day of its week's mean day, so that a day of nothing has a logarithm, too.
_LITTLE = 0.05
# Growth of a day that is believed at most; how much of it is left on the next day; what may always be chance.
_MOST_GROWTH = 0.03
_FADES = 0.93
_CHANCE = 0.002
# No day is measured before an hour of it has passed.
_LEAST_SHARE = 1 / 24
# What days differ by from their level, and what the level moves by in a day, as variances: assumed until known, and
# for how many days and weeks of knowledge that stands.
_NOISE, _NOISE_DAYS = 0.06, 7
_DRIFT, _DRIFT_WEEKS = 0.002, 2
# By how much one day may add to it.
_MOST = 4.0
# How far a median's deviation is from a mean's where values are normal.
_NORMAL = 1.4826


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What a series will yield is the sum of its days times `weights`.

    `factors` are those of the weekdays; `length` is how many days are to come; `known` is how many days' worth of
    knowledge there is of the level.
    """

    weights: Mapping[int, float]
    factors: tuple[float, ...] = (1.0,) * WEEK
    length: float
    known: float


def early(shares: Mapping[int, float], ahead: Sequence[tuple[int, float]]) -> Forecast:
    """From the days there are and which share of each, while they are less than 7: all alike.

    `ahead` is (weekday, share) of the rest of today and of the days to come.
    """
    length = math.fsum(share for _, share in ahead)
    known = max(_LEAST_SHARE, math.fsum(shares.values()))
    return Forecast(weights=dict.fromkeys(shares, length / known), length=length, known=known)


def forecast(days: Sequence[tuple[int, int, float]], ahead: Sequence[tuple[int, float]]) -> Forecast:
    """From (day, weekday, amount) of 7 or more full days, oldest first; `ahead` as for `early`."""
    if len(days) < SEASON_DAYS:
        return early({day: 1.0 for day, _, _ in days[-WEEK:]}, ahead)
    factors = weekday_factors([(weekday, amount) for _, weekday, amount in days])
    levels = _levels([(factors[weekday], amount) for _, weekday, amount in days])
    trusts = [trust for week in _trusts(levels) for trust in week][-LEVEL_DAYS:]
    used = [(day, factors[weekday]) for day, weekday, _ in days[-LEVEL_DAYS:]][-len(trusts) :]
    ages = range(len(used), 0, -1)
    weights = [trust * _LAST_WEEK ** ((age - 1) // WEEK) for age, trust in zip(ages, trusts, strict=True)]
    total = math.fsum(weights)
    lag = math.fsum(age * weight for age, weight in zip(ages, weights, strict=True)) / total
    growth = _growth(levels)
    coming = math.fsum(
        share * factors[weekday] * math.exp(growth * (lag + (1 - _FADES**number) / (1 - _FADES)))
        for number, (weekday, share) in enumerate(ahead)
    )
    # Amounts are taken as they are: a key that spends on Sundays alone is not blown up by how small Sundays are.
    taken = math.fsum(weight * factor for weight, (_, factor) in zip(weights, used, strict=True))
    return Forecast(
        weights={day: weight * coming / taken for weight, (day, _) in zip(weights, used, strict=True)},
        factors=factors,
        length=math.fsum(share for _, share in ahead),
        known=total**2 / math.fsum(weight**2 for weight in weights),
    )


def weekday_factors(days: Sequence[tuple[int, float]]) -> tuple[float, ...]:
    """From (weekday, amount) of consecutive days: what each weekday, Monday first, is of the mean day.

    They are as near to 1 as their differences may be chance. Odd days hardly move them: each is the middle of what
    that weekday was of the 7 days around it.
    """
    amounts = [amount for _, amount in days]
    ratios: list[list[float]] = [[] for _ in range(WEEK)]
    for at in range(3, len(days) - 3):
        mean = math.fsum(amounts[at - 3 : at + 4]) / WEEK
        if mean > 0:
            ratios[days[at][0]].append(amounts[at] / mean)
    if any(len(found) < 2 for found in ratios):
        return (1.0,) * WEEK
    middles = [_median(found) for found in ratios]
    mean = math.fsum(middles) / WEEK
    between = math.fsum((middle - mean) ** 2 for middle in middles) / (WEEK - 1)
    if not between or mean <= 0:
        return (1.0,) * WEEK
    # A middle is that of one of its days, or is between two: one deviation of each weekday tells nothing of chance.
    offs = [
        off
        for found, middle in zip(ratios, middles, strict=True)
        for off in sorted(abs(one - middle) for one in found)[1:]
    ]
    number = math.fsum(1 / len(found) for found in ratios) / WEEK
    chance = math.pi / 2 * (_NORMAL * _median(offs)) ** 2 * number
    trust = max(0.0, 1 - chance / between)
    return tuple(max(0.0, 1 + trust * (middle / mean - 1)) for middle in middles)


def spread(made: Forecast, weekdays: Sequence[int], amounts: Iterable[Sequence[float]]) -> list[float]:
    """The deviations of what series will yield, as shares of it, from the weekdays and amounts of their full days."""
    shares = _weeks([made.factors[weekday] for weekday in weekdays])
    sums = [max(math.fsum(week), 1e-9) for week in shares]
    seen = 1 / max(made.length, 1e-9) + 1 / made.known
    found = []
    for series in amounts:
        weeks = _weeks(series)
        means = [sum(week) / share for week, share in zip(weeks, sums, strict=True)]
        off, number = 0.0, 0
        for week, mean, usual in zip(weeks, means, shares, strict=True):
            if mean > 0:
                number += WEEK
                off += sum(
                    [min((amount / mean - share) ** 2, _MOST) for amount, share in zip(week, usual, strict=True)]
                )
        noise = (_NOISE * _NOISE_DAYS + off * WEEK / (WEEK - 1)) / (_NOISE_DAYS + number)
        steps = [(2 * (new - old) / (new + old)) ** 2 for old, new in pairwise(means) if new + old > 0]
        # The mean weeks of a level that wanders differ by 14/3 of what it moves by in a day, and by the noise of both.
        moved = max(0.0, sum(steps) - len(steps) * 2 * noise / WEEK) * 3 / 14
        drift = (_DRIFT * _DRIFT_WEEKS + moved) / (_DRIFT_WEEKS + len(steps))
        found.append(math.sqrt(noise * seen + drift * (made.length / 3 + WEEK / 2)))
    return found


def _weeks(values: Sequence[T]) -> list[Sequence[T]]:
    """The last 8 weeks at most, oldest first, the last one ending with the last value."""
    ends = range(len(values), WEEK - 1, -WEEK)
    return [values[end - WEEK : end] for end in ends[:_WEEKS]][::-1]


def _levels(days: Sequence[tuple[float, float]]) -> list[list[float]]:
    """From (factor, amount) of days, by weeks: what a mean day would have cost.

    A weekday of next to nothing tells next to nothing of it: it is taken for as good as what its week cost.
    """
    levels = []
    for week in _weeks(days):
        little = (
            _LITTLE * math.fsum(amount for _, amount in week) / max(_LITTLE, math.fsum(factor for factor, _ in week))
        )
        levels.append([(amount + little) / (factor + _LITTLE) for factor, amount in week])
    return levels


def _trusts(levels: Sequence[Sequence[float]]) -> list[list[float]]:
    """How much each day tells: 1, or less the odder it is in its week."""
    middles = [_median(week) for week in levels]
    offs = [
        [abs(math.log(level / middle)) if level > 0 and middle > 0 else 0.0 for level in week]
        for week, middle in zip(levels, middles, strict=True)
    ]
    least = _ODD * max(_LEAST_DEVIATION, _NORMAL * _median([off for week in offs for off in week]))
    return [[min(1.0, least / off) if off else 1.0 for off in week] for week in offs]


def _growth(levels: Sequence[Sequence[float]]) -> float:
    """Of the logarithm, per day: the mean step between the middles of weeks, as far as steps are alike."""
    middles = [_median(week) for week in levels]
    if min(middles) <= 0:
        return 0.0
    steps = [math.log(new / old) for old, new in pairwise(middles)]
    mean = math.fsum(steps) / len(steps)
    if not mean:
        return 0.0
    variance = math.fsum((step - mean) ** 2 for step in steps) / (len(steps) - 1)
    trust = max(0.0, 1 - (variance + _CHANCE) / len(steps) / mean**2)
    return max(-_MOST_GROWTH, min(_MOST_GROWTH, trust * mean / WEEK))


def _median(values: Sequence[float]) -> float:
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
