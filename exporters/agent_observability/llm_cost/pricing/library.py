"""genai-prices as this package uses it: models found fast and without unbounded caches, prices of a moment.

The library's own lookups keep every name they ever saw and walk all models of a provider; names are input here, so they
are indexed once per provider and remembered by nobody. Its updater is never started: no prices come over the network.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import (
    ClauseEquals,
    ClauseOr,
    ClauseStartsWith,
    MatchLogic,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    Provider,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

from agent_observability.llm_cost.pricing.providers import canonical
from agent_observability.llm_cost.pricing.published import WEEKDAY_PEAKS

__all__ = [
    "Found",
    "Library",
    "day_times",
    "own_prices",
    "size_steps",
    "standard_prices",
    "start_days",
    "tier_prices",
    "variants_of",
]

_PATH = re.compile(r"(?:projects/[^/]+/locations/[^/]+/)?publishers/[^/]+/models/|models/")
_CONTEXT_MARK = re.compile(r"\[\d+[km]\]$")
_COMPACT_DATE = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")
_CHECKED = re.compile(r"(?:verified on|as of|last checked|checked on) (20\d\d-\d\d-\d\d)")

# Our type: the library's keys, the most specific first, and for how many units its price is.
_KEYS: dict[str, tuple[tuple[str, ...], int]] = {
    "input": (("input_text_mtok", "input_mtok"), 10**6),
    "cache_read": (("cache_text_read_mtok", "cache_read_mtok"), 10**6),
    "cache_write": (
        ("cache_text_write_5m_mtok", "cache_write_5m_mtok", "cache_text_write_mtok", "cache_write_mtok"),
        10**6,
    ),
    "cache_write_1h": (("cache_text_write_1h_mtok", "cache_write_1h_mtok"), 10**6),
    "output": (("output_text_mtok", "output_mtok"), 10**6),
    "reasoning": (("output_text_reasoning_mtok", "output_reasoning_mtok"), 10**6),
    "audio_input": (("input_audio_mtok",), 10**6),
    "audio_output": (("output_audio_mtok",), 10**6),
    "image_output": (("output_image_mtok",), 10**6),
    "characters": (("input_mchars",), 10**6),
    "audio_seconds": (("input_audio_hours", "audio_hours"), 3600),
    "tool_calls": (("web_searches_kcount",), 1000),
    "requests": (("requests_kcount",), 1000),
}


class Found(NamedTuple):
    """A model and the name it was found by; `guest` if the provider serves another maker's, at the maker's prices."""

    provider: str
    model: ModelInfo
    name: str
    guest: bool = False


class _Index:
    """The models of one provider by name. Finds what `Provider.find_model` would: the first model that matches."""

    def __init__(self, provider: Provider) -> None:
        self.models = provider.models
        self._equal: dict[str, int] = {}
        self._prefixes: dict[str, int] = {}
        self._clauses: list[tuple[int, MatchLogic]] = []
        for number, model in enumerate(provider.models):
            for clause in _alternatives(model.match):
                if isinstance(clause, ClauseEquals):
                    self._equal.setdefault(clause.equals.lower(), number)
                elif isinstance(clause, ClauseStartsWith):
                    self._prefixes.setdefault(clause.starts_with.lower(), number)
                else:
                    self._clauses.append((number, clause))
        self._lengths = sorted({len(prefix) for prefix in self._prefixes})

    def find(self, name: str) -> ModelInfo | None:
        best = self._equal.get(name, len(self.models))
        for length in self._lengths:
            best = min(best, self._prefixes.get(name[:length], best))
        for number, clause in self._clauses:
            if number >= best:
                break
            if clause.is_match(name):
                best = number
        return self.models[best] if best < len(self.models) else None


class Library:
    """The prices that come with the installed genai-prices."""

    def __init__(self) -> None:
        self._providers = {provider.id: provider for provider in get_snapshot().providers}
        self._indexes: dict[str, _Index] = {}

    def has(self, provider: str) -> bool:
        return provider in self._providers

    def find(self, provider: str, model: str) -> Found | None:
        """The model, by the name as reported or as other parts of the provider's API write it."""
        known = self._providers.get(provider)
        if known is None:
            return None
        for name in _spellings(provider, model):
            if (found := self._index(provider).find(name)) is not None:
                return Found(provider, found, name)
            for maker in known.fallback_model_providers or ():
                if maker in self._providers and (found := self._index(maker).find(name)) is not None:
                    return Found(provider, found, name, guest=True)
        return None

    def checked(self) -> float:
        """Unix time of the newest day on which the data say that prices were checked, or else changed."""
        now = datetime.datetime.now(datetime.UTC).date().isoformat()
        days: set[str] = set()
        changes: set[str] = set()
        for provider in self._providers.values():
            days.update(_CHECKED.findall(provider.price_comments or ""))
            for model in provider.models:
                days.update(_CHECKED.findall(model.price_comments or ""))
                changes.update(day.isoformat() for day in start_days(model))
        newest = max((day for day in days or changes if day <= now), default="1970-01-01")
        return datetime.datetime.fromisoformat(newest).replace(tzinfo=datetime.UTC).timestamp()

    def _index(self, provider: str) -> _Index:
        index = self._indexes.get(provider)
        if index is None:
            index = self._indexes[provider] = _Index(self._providers[provider])
        return index


def standard_prices(model: ModelInfo, moment: datetime.datetime) -> ModelPrice:
    """The prices of a moment without tiers. Peak hours of weekdays spare weekends, and days before them."""
    since = WEEKDAY_PEAKS.get(model.id)
    if since and (moment.weekday() >= 5 or moment.date() < since):
        moment = moment.replace(hour=12)  # noon is in no peak hour
    return model.get_prices(moment)


def tier_prices(found: Found, moment: datetime.datetime, context: dict[str, str]) -> ModelPrice | None:
    """The prices of a moment in a tier; None if the library does not know them.

    Tiers often begin in the library on the day they were looked up, long after they were offered. Before, they hold as
    long as the standard price has been what it was on that day.
    """
    variants = variants_of(found, context)
    if not variants:
        return None
    if any(variant.constraint is None or variant.constraint.active(moment) for variant in variants):
        return found.model.get_prices(moment, context)
    days = [
        variant.constraint.start_date for variant in variants if isinstance(variant.constraint, StartDateConstraint)
    ]
    if not days:
        return None
    first = datetime.datetime.combine(min(days), datetime.time(12), datetime.UTC)
    same = standard_prices(found.model, moment) == standard_prices(found.model, first)
    return found.model.get_prices(first, context) if same else None


def variants_of(found: Found, context: dict[str, str]) -> list[PriceVariant]:
    """The price variants of a context. A guest's are its maker's and do not hold here."""
    if found.guest:
        return []
    return [variant for variant in found.model.price_variants or () if variant.when == context]


def start_days(model: ModelInfo, variants: Sequence[PriceVariant] = ()) -> list[datetime.date]:
    """The days on which a price or a variant begins."""
    listed = model.prices if isinstance(model.prices, list) else []
    constraints = [price.constraint for price in listed] + [variant.constraint for variant in variants]
    return [constraint.start_date for constraint in constraints if isinstance(constraint, StartDateConstraint)]


def day_times(model: ModelInfo) -> list[datetime.time]:
    """The times of the day (UTC) at which peak hours begin or end."""
    listed = model.prices if isinstance(model.prices, list) else []
    hours = [price.constraint for price in listed if isinstance(price.constraint, TimeOfDateConstraint)]
    return [time for hour in hours for time in (hour.start_time, hour.end_time)]


def size_steps(*prices: ModelPrice | None) -> list[int]:
    """The numbers of input tokens above which other prices hold."""
    tables = [value for price in prices if price for value in price.__dict__.values()]
    return sorted({tier.start for table in tables if isinstance(table, TieredPrices) for tier in table.tiers})


def own_prices(prices: ModelPrice, size: int) -> dict[str, Fraction]:
    """Dollars per unit by our types, for a request of `size` input tokens; only what has a price of its own."""
    own: dict[str, Fraction] = {}
    for kind, (keys, per) in _KEYS.items():
        for key in keys:
            value = prices.__dict__.get(key)
            if value is not None:
                own[kind] = Fraction(_at_size(value, size)) / per
                break
    return own


def _at_size(value: Decimal | TieredPrices, size: int) -> Decimal:
    if not isinstance(value, TieredPrices):
        return value
    return next((tier.price for tier in reversed(value.tiers) if size > tier.start), value.base)


def _alternatives(logic: MatchLogic) -> list[MatchLogic]:
    return [part for each in logic.or_ for part in _alternatives(each)] if isinstance(logic, ClauseOr) else [logic]


def _spellings(provider: str, model: str) -> list[str]:
    """The name as it stands, then without what APIs, gateways and agents put around it."""
    name = _CONTEXT_MARK.sub("", model.strip().lower())
    names = [name, _PATH.sub("", name, count=1)]
    prefix, slash, rest = name.partition("/")
    if slash and canonical(prefix) == provider:
        names.append(rest)
    names += [each.replace("@", "-") for each in names if "@" in each]
    # Gateways write gpt-5.2-20251211 for gpt-5.2-2025-12-11.
    names += [dashed for each in names if (dashed := _COMPACT_DATE.sub(r"-\1-\2-\3", each)) != each]
    return list(dict.fromkeys(names))
