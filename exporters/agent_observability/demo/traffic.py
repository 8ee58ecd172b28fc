"""Calls of models as the demo's applications make them: more on a weekday's afternoon than at night, some that fail."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from agent_observability.demo.billing import Spent
from agent_observability.demo.models import LINES, PRICES, Line
from agent_observability.llm_cost.usage import Tokens, Units

__all__ = ["Call", "Traffic", "spent"]

_DAY = 86_400
_HOUR = 3_600
# In one event of the past stand many calls, but never so much that a price by size would apply.
_MOST_TOKENS = 100_000
_FAILURES = (
    ("success", "", 0.97),
    ("error", "rate_limited", 0.015),
    ("error", "overloaded", 0.01),
    ("timeout", "timeout", 0.005),
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `at` is when it was over (Unix time)."""

    line: Line
    number: int
    at: float
    input: int
    cached: int
    output: int
    characters: int
    audio_seconds: int
    seconds: float
    status: str
    error_type: str

    @property
    def pico_usd(self) -> int:
        """What the provider charges for it, in pico-dollars."""
        price = PRICES[self.line.model]
        tokens = self.input * price.input + self.cached * price.cached + self.output * price.output
        return round((tokens + (self.characters + self.audio_seconds) * price.other) * 10**6)


class Traffic:
    """The same seed makes the same calls of a past hour, whenever it is asked: told again, they are duplicates."""

    def __init__(self, seed: int = 1, pace: float = 1.0) -> None:
        self._seed = seed
        self._random = random.Random(seed)  # noqa: S311 - made up, not secret
        self._pace = pace
        self._number = 0

    def calls(self, since: float, until: float) -> list[Call]:
        """What is over between two moments."""
        found: list[Call] = []
        for line in LINES:
            expected = line.per_minute * self._pace * (until - since) / 60 * load(until)
            for _ in range(_poisson(self._random, expected)):
                self._number += 1
                found.append(_call(self._random, line, self._number, self._random.uniform(since, until)))
        return sorted(found, key=lambda call: call.at)

    def past(self, now: float, days: int) -> Iterator[Call]:
        """The same, summed up by hours, since the beginning of a day."""
        hour = int(now // _DAY - days) * _DAY
        while hour < now:
            end = min(hour + _HOUR, now)
            for line in LINES:
                choose = random.Random(f"{self._seed} {hour} {line.model}")  # noqa: S311 - made up, not secret
                calls = round(line.per_minute * (end - hour) / 60 * load(hour) * choose.uniform(0.8, 1.2))
                yield from _sums(choose, line, calls, hour, end)
            hour += _HOUR


def _sums(choose: random.Random, line: Line, calls: int, begin: int, end: float) -> Iterator[Call]:
    most = max(1, _MOST_TOKENS // max(1, line.input + line.cached))
    # Numbers of hours are far above those that are given while the demo runs.
    number = begin
    while calls > 0:
        part = min(calls, most)
        calls -= part
        number += 1
        one = _call(choose, line, number, choose.uniform(begin, end))
        yield replace(
            one,
            input=line.input * part,
            cached=line.cached * part,
            output=line.output * part,
            characters=line.characters * part,
            audio_seconds=line.audio_seconds * part,
            status="success",
            error_type="",
        )


def _call(choose: random.Random, line: Line, number: int, at: float) -> Call:
    status, error_type, _ = choose.choices(_FAILURES, [chance for _, _, chance in _FAILURES])[0]
    size = choose.lognormvariate(0, 0.4) if status == "success" else 0.0
    return Call(
        line,
        number,
        at,
        input=round(line.input * size),
        cached=round(line.cached * size),
        output=round(line.output * size * choose.uniform(0.6, 1.4)),
        characters=round(line.characters * size),
        audio_seconds=round(line.audio_seconds * size),
        seconds=line.seconds * choose.lognormvariate(0, 0.3),
        status=status,
        error_type=error_type,
    )


def spent(call: Call) -> Spent:
    """As its provider meters it."""
    line = call.line
    return Spent(
        provider=line.provider,
        model=line.model,
        timestamp=call.at,
        tokens=Tokens(input=call.input, cache_read=call.cached, output=call.output),
        units=Units(characters=call.characters, audio_seconds=call.audio_seconds),
        cost=call.pico_usd,
        project=line.project,
    )


def load(at: float) -> float:
    """How busy a moment is, from 0.1 at night to 1 in the afternoon; weekends are quiet."""
    weekday = dt.datetime.fromtimestamp(at, dt.UTC).weekday()
    daily = 0.55 + 0.45 * math.sin(2 * math.pi * (at % _DAY / _DAY - 0.3))
    return daily * (0.4 if weekday > 4 else 1.0)


def _poisson(choose: random.Random, expected: float) -> int:
    """How many of something happen that is expected so often. Expectations here are small."""
    limit, product, number = math.exp(-expected), choose.random(), 0
    while product > limit:
        product *= choose.random()
        number += 1
    return number
