"""Prices uses of models. All caches are bounded: names of models, providers and tiers are input."""

from __future__ import annotations

import bisect
import datetime
import functools
import time
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from agent_observability.llm_cost.pricing.prices import Entry
from agent_observability.llm_cost.pricing.providers import UNKNOWN, canonical
from agent_observability.llm_cost.pricing.published import amendment_days, tier_of
from agent_observability.llm_cost.pricing.sheets import Sheet, charges, rounded, share
from agent_observability.llm_cost.usage import NO_UNITS, TOKEN_TYPES, Tokens, Usage

if TYPE_CHECKING:
    from agent_observability.llm_cost.pricing.library import Found, Library

__all__ = ["Priced", "Pricer"]

_PLANS = 4096
_SHEETS = 256
_LONGEST_NAME = 300
_DAY = 86_400_000
_MILLION = 10**6
_Key = tuple[str, str, str, bool]


class Priced(msgspec.Struct, frozen=True, gc=False):
    """`amounts` are pico-dollars by cost type, without zeros. `source` is "reported" or "estimated".

    `reason` is "" or why nothing could be priced, one of metrics.UNPRICED_REASONS; then `amounts` is empty.
    """

    amounts: tuple[tuple[str, int], ...] = ()
    source: str = "estimated"
    reason: str = ""


_NOTHING = Priced()
_REPORTED_NOTHING = Priced((), "reported")
_NO_TOKENS = Tokens()


class Pricer:
    """The prices of the library under those of `overrides` (see `prices.py`). genai-prices is read at first use.

    `clock` gives Unix seconds, for `prices_of` without a time.
    """

    def __init__(self, overrides: Iterable[Entry] = (), clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._overrides = _Overrides(overrides)
        self._plans: dict[_Key, _Plan] = {}
        self._unpriced: dict[_Key, _Plan] = {}

    @functools.cached_property
    def _library(self) -> Library:
        from agent_observability.llm_cost.pricing.library import Library

        return Library()

    def price(self, usage: Usage) -> Priced:
        """What a use costs: as the caller reports it, or as estimated from the prices of its time."""
        key = (usage.provider, usage.model, usage.tier, usage.batch)
        plan = self._plans.get(key) or self._unpriced.get(key) or self._plan(key)
        sheet = plan.only or plan.at(usage.timestamp)
        if usage.cost is not None:
            return _reported(sheet, usage, usage.cost)
        if sheet.reason:
            return Priced((), "estimated", sheet.reason) if _uses(usage) else _NOTHING
        charged = charges(sheet.of(usage), usage)
        if charged is None:
            return Priced((), "estimated", "no_price")
        parts, scale = charged
        return Priced(tuple(parts) if scale == 1 else rounded(parts, scale))

    def prices_of(self, provider: str, model: str, now_ms: int | None = None) -> dict[str, Decimal]:
        """Dollars per million tokens by token type: standard tier, smallest size, only types that are priced apart."""
        from agent_observability.llm_cost.pricing import derive

        key = (provider, model, "", False)
        plan = self._plans.get(key) or self._unpriced.get(key) or self._plan(key)
        if plan.reason:
            return {}
        moment = int(self._clock() * 1000) if now_ms is None else now_ms
        own = derive.own(plan.found, plan.entry_at(moment), _moment(moment), 0)
        dollars = {kind: own[kind] * _MILLION for kind in TOKEN_TYPES if kind in own}
        return {kind: Decimal(price.numerator) / Decimal(price.denominator) for kind, price in dollars.items()}

    def data_timestamp(self) -> float:
        """Unix time from when the library's prices are: the newest day on which its data say they were checked."""
        return self._checked

    @functools.cached_property
    def _checked(self) -> float:
        return self._library.checked()

    def _plan(self, key: _Key) -> _Plan:
        provider_name, model, tier_name, batch = key
        if len(model) > _LONGEST_NAME or len(provider_name) > _LONGEST_NAME or len(tier_name) > _LONGEST_NAME:
            return _TOO_LONG
        provider = canonical(provider_name, model)
        series = self._overrides.of(provider, model)
        found = self._library.find(provider, model)
        tier = tier_of(tier_name)
        reason = ""
        if found is None and not series:
            known = provider != UNKNOWN and (self._library.has(provider) or provider in self._overrides.providers)
            reason = "unknown_model" if known else "unknown_provider"
        elif batch and tier not in ("", "batch"):
            reason = "unknown_tier"
        plan = _Plan(provider, found, series, "batch" if batch else tier, reason)
        kept = self._unpriced if reason else self._plans
        if len(kept) >= _PLANS:
            kept.clear()
        kept[key] = plan
        return plan


class _Overrides:
    """The user's entries by model; those of one model by the day they begin."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.providers: set[str] = set()
        series: dict[tuple[str, str, str], list[Entry]] = {}
        for entry in entries:
            key = entry.key()
            self.providers.add(key[0])
            series.setdefault(key, []).append(entry)
        self._named: dict[tuple[str, str], tuple[Entry, ...]] = {}
        self._patterns: list[tuple[str, tuple[Entry, ...]]] = []
        for (provider, model, pattern), listed in series.items():
            dated = tuple(sorted(listed, key=lambda entry: entry.since or datetime.date.min))
            if pattern:
                self._patterns.append((provider, dated))
            else:
                self._named[provider, model] = dated

    def of(self, provider: str, model: str) -> tuple[Entry, ...]:
        name = model.strip()
        if found := self._named.get((provider, name.lower())):
            return found
        for maker, dated in self._patterns:
            pattern = dated[0].model_pattern
            if maker == provider and pattern is not None and pattern.fullmatch(name):
                return dated
        return ()


class _Plan:
    """The sheets of one (provider, model, tier, batch) by time. `only` is set if there is but one."""

    __slots__ = ("_days", "_peaks", "_sheets", "_since", "entries", "found", "mode", "only", "provider", "reason")

    def __init__(self, provider: str, found: Found | None, entries: tuple[Entry, ...], mode: str, reason: str) -> None:
        self.provider, self.found, self.entries, self.mode, self.reason = provider, found, entries, mode, reason
        self._since = [_midnight(entry.since) if entry.since else -(2**62) for entry in entries]
        self._sheets: dict[tuple[int, int, bool], Sheet] = {}
        self._days: list[int] = []
        self._peaks: list[int] = []
        self.only: Sheet | None = Sheet(reason) if reason else None
        if not reason:
            self._find_changes()
            if not self._days and not self._peaks:
                self.only = self.at(0)

    def _find_changes(self) -> None:
        days = set(self._since)
        if self.found is not None:
            from agent_observability.llm_cost.pricing import derive, library

            model = self.found.model
            variants = library.variants_of(self.found, derive.context(self.provider, self.mode)) if self.mode else []
            days.update(map(_midnight, library.start_days(model, variants)))
            days.update(
                _midnight(datetime.date.fromisoformat(day)) for day in amendment_days(self.provider, self.found.name)
            )
            self._peaks = sorted({_day_ms(hour) for hour in library.day_times(model)})
        self._days = sorted(days - {-(2**62)})

    def entry_at(self, timestamp: int) -> Entry | None:
        """The user's entry that holds at a time (ms)."""
        index = bisect.bisect_right(self._since, timestamp)
        return self.entries[index - 1] if index else None

    def at(self, timestamp: int) -> Sheet:
        """The sheet of a time (ms)."""
        day = bisect.bisect_right(self._days, timestamp)
        key = (day, 0, False)
        if self._peaks:
            key = (day, bisect.bisect_right(self._peaks, timestamp % _DAY), (timestamp // _DAY + 3) % 7 >= 5)
        sheet = self._sheets.get(key)
        return self._sheet(key, timestamp) if sheet is None else sheet

    def _sheet(self, key: tuple[int, int, bool], timestamp: int) -> Sheet:
        from agent_observability.llm_cost.pricing import derive

        entry = self.entry_at(timestamp)
        if self.found is None and entry is None:
            made = Sheet("no_date")
        else:
            made = derive.sheet(self.found, entry, self.provider, self.mode, _moment(timestamp))
        if len(self._sheets) >= _SHEETS:
            self._sheets.clear()
        self._sheets[key] = made
        return made


_TOO_LONG = _Plan(UNKNOWN, None, (), "", "unknown_model")


def _reported(sheet: Sheet, usage: Usage, cost: int) -> Priced:
    """The caller's cost, split in proportion to the estimate where there is one."""
    if cost == 0:
        return _REPORTED_NOTHING
    charged = None if sheet.reason else charges(sheet.of(usage), usage)
    parts = charged[0] if charged else []
    return Priced(share(cost, parts) if parts else (("unsplit", cost),), "reported")


def _uses(usage: Usage) -> bool:
    return usage.tokens != _NO_TOKENS or usage.units != NO_UNITS


def _moment(timestamp: int) -> datetime.datetime:
    """The time of a timestamp (ms), at the ends of the calendar if it lies outside."""
    seconds = min(max(timestamp // 1000, 0), 253_402_300_799)
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def _midnight(day: datetime.date) -> int:
    return (day.toordinal() - datetime.date(1970, 1, 1).toordinal()) * _DAY


def _day_ms(moment: datetime.time) -> int:
    return ((moment.hour * 60 + moment.minute) * 60 + moment.second) * 1000 + moment.microsecond // 1000
