"""What the demo's providers have metered: the usage that their admin APIs report and bill.

A traffic generator calls `Meter.add` for each call of a model that it simulates, or for a sum of some, past ones too.
Reports follow with a delay, and some days are restated.
"""

from __future__ import annotations

import time
import zlib
from collections import Counter
from collections.abc import Callable

import msgspec

from agent_observability.llm_cost.usage import NO_UNITS, Tokens, Units

__all__ = ["Meter", "Part", "Spent"]

_MINUTE = 60
_HOUR = 3_600
_DAY = 86_400
# As long as providers answer for, and far more than anybody asks.
_KEPT_DAYS = 62
_FINE_DAYS = 2
# Until noon of the next day a restated day is this many thousandths of what it comes to.
_RESTATED = {0: 960, 1: 1_030}


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a model, or a sum of some. `timestamp`: Unix time; `cost`: pico-dollars, as metered."""

    provider: str
    model: str
    timestamp: float
    tokens: Tokens = Tokens()
    units: Units = NO_UNITS
    cost: int = 0
    project: str = ""
    requests: int = 1
    batch: bool = False


class Part(msgspec.Struct, frozen=True):
    """What a provider can group by."""

    model: str
    project: str
    batch: bool


class Meter:
    """`ratio`: dollars that are billed per metered dollar. `late`: seconds after which usage appears in reports.

    `restates`: some of the days change once more on the day after.
    """

    def __init__(
        self,
        *,
        ratio: float = 0.99,
        late: float = 240.0,
        restates: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self._thousandths = round(ratio * 1000)
        self._late = late
        self._restates = restates
        self._restated: dict[tuple[str, int], int] = {}
        # By provider, minute and part. Of days long past, the first minute of an hour stands for all of it.
        self._sums: dict[str, dict[int, dict[Part, Counter[str]]]] = {}
        self._tidied = 0

    def add(self, spent: Spent) -> None:
        """One call, or a sum of some."""
        minute = self._place(int(spent.timestamp // _MINUTE))
        part = Part(spent.model, spent.project, spent.batch)
        sums = self._sums.setdefault(spent.provider, {}).setdefault(minute, {}).setdefault(part, Counter())
        sums.update(msgspec.structs.asdict(spent.tokens))
        sums.update({name: round(value) for name, value in msgspec.structs.asdict(spent.units).items()})
        sums.update({"cost": spent.cost, "requests": spent.requests})
        self._tidy()

    def restate(self, provider: str, day: int, thousandths: int) -> None:
        """Report a UTC day (since the epoch) as so many thousandths of what was metered, from now on."""
        self._restated[provider, day] = thousandths

    def reported(self, provider: str, start: int, end: int) -> dict[Part, Counter[str]]:
        """Tokens, units, calls and billed pico-dollars of a time (Unix, whole minutes), as the provider has them now.

        The time must lie within one day.
        """
        end = min(end, int(self.clock() - self._late))
        found: dict[Part, Counter[str]] = {}
        by_minute = self._sums.get(provider, {})
        for minute in range(start // _MINUTE, end // _MINUTE):
            for part, sums in by_minute.get(minute, {}).items():
                found.setdefault(part, Counter()).update(sums)
        thousandths = self._thousandths_of(provider, start // _DAY)
        return {part: self._restate(sums, thousandths) for part, sums in found.items()}

    def metered(self, provider: str, first: int, last: int) -> int:
        """Pico-dollars of the UTC days `first` to `last`, as recorded: what a faithful exporter has metered."""
        by_minute = self._sums.get(provider, {})
        minutes = range(first * _DAY // _MINUTE, (last + 1) * _DAY // _MINUTE)
        return sum(sums["cost"] for minute in minutes for sums in by_minute.get(minute, {}).values())

    def _restate(self, sums: Counter[str], thousandths: int) -> Counter[str]:
        restated = Counter({name: amount * thousandths // 1000 for name, amount in sums.items()})
        restated["cost"] = sums["cost"] * thousandths * self._thousandths // 1_000_000
        return restated

    def _thousandths_of(self, provider: str, day: int) -> int:
        given = self._restated.get((provider, day))
        if given is not None:
            return given
        if not self._restates or self.clock() >= (day + 1.5) * _DAY:
            return 1000
        return _RESTATED.get(zlib.crc32(f"{provider} {day}".encode()) % 4, 1000)

    def _place(self, minute: int) -> int:
        fine = int(self.clock() - _FINE_DAYS * _DAY) // _HOUR * (_HOUR // _MINUTE)
        return minute if minute >= fine else minute - minute % (_HOUR // _MINUTE)

    def _tidy(self) -> None:
        """Once an hour: sum up minutes that are days old, forget what is months old."""
        hour = int(self.clock()) // _HOUR
        if hour == self._tidied:
            return
        self._tidied = hour
        oldest = (hour * _HOUR - _KEPT_DAYS * _DAY) // _MINUTE
        for by_minute in self._sums.values():
            for minute in [one for one in by_minute if one < oldest]:
                del by_minute[minute]
            for minute in [one for one in by_minute if self._place(one) != one]:
                hourly = by_minute.setdefault(self._place(minute), {})
                for part, sums in by_minute.pop(minute).items():
                    hourly.setdefault(part, Counter()).update(sums)
