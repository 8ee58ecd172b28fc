"""Sheets of prices, and the multiplication done for every use of a model: integers, so nothing is rounded early."""

from __future__ import annotations

from bisect import bisect_left
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import msgspec

from agent_observability.llm_cost.usage import NO_UNITS, Units, Usage

__all__ = ["Rates", "Sheet", "charges", "rounded", "share"]

Parts = list[tuple[str, int]]
_counts = msgspec.structs.astuple


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Pico-dollars per unit, times `scale`, which is 1 unless a price has fractions of pico-dollars per unit.

    `tokens` are in the order of the fields of `Tokens`, 0 where there is no price; `missing` are the indexes of those.
    `tokens` has for reasoning what it costs more than other output, and so has `image`, a pair of rates that takes the
    place of output and reasoning where the output is an image. Units without a price are None. `by_units`: the model is
    charged by units alone, so that tokens it reports besides cost nothing.
    """

    scale: int
    tokens: tuple[int, ...]
    missing: tuple[int, ...] = ()
    image: tuple[int, int] | None = None
    characters: int | None = None
    audio_seconds: int | None = None
    images: int | None = None
    tool_calls: int | None = None
    requests: int = 0
    least_seconds: int = 0
    by_units: bool = False


class Sheet(NamedTuple):
    """What holds at a moment: rates by size of the request, or the reason why there are none.

    `rates[0]` holds up to `starts[0]` input tokens, `rates[1]` above it, and so on.
    """

    reason: str
    starts: tuple[int, ...] = ()
    rates: tuple[Rates, ...] = ()

    def of(self, usage: Usage) -> Rates:
        """The rates by the request's own size; for a sum of requests, whose sizes are unknown, the lowest ones."""
        if not self.starts or usage.aggregated:
            return self.rates[0]
        tokens = usage.tokens
        size = tokens.input + tokens.cache_read + tokens.cache_write + tokens.cache_write_1h + tokens.audio_input
        return self.rates[bisect_left(self.starts, size)]


def charges(rates: Rates, usage: Usage) -> tuple[Parts, int] | None:
    """Amounts by cost type, zeros left out, and their scale; None if something that was used has no price."""
    counts = _counts(usage.tokens)
    units, scale = usage.units, rates.scale
    pictures = rates.image is not None and (usage.operation == "image" or units.images > 0)
    parts = _tokens(counts, rates.tokens, rates.image if pictures else None)
    missing = bool(rates.missing) and any(counts[index] for index in rates.missing)
    if units is not NO_UNITS and units != NO_UNITS:
        charged = _units(rates, usage, units)
        if charged is None or (missing and not (rates.by_units and charged[2])):
            return None
        parts = [(kind, amount * charged[1]) for kind, amount in parts] + charged[0]
        scale *= charged[1]
    elif missing:
        return None
    elif rates.requests and not any(counts):
        return parts, scale
    if rates.requests and usage.requests:
        parts.append(("unsplit", usage.requests * rates.requests * (scale // rates.scale)))
    return parts, scale


def _tokens(counts: tuple[int, ...], rates: tuple[int, ...], image: tuple[int, int] | None) -> Parts:
    # Written out: this is most of what a use costs, and a loop takes three times as long.
    text, cached, written, hour, output, reasoning, heard, spoken = counts
    per_text, per_cached, per_written, per_hour, per_output, more, per_heard, per_spoken = rates
    parts: Parts = []
    if text and per_text:
        parts.append(("input", text * per_text))
    if cached and per_cached:
        parts.append(("cache_read", cached * per_cached))
    if (written or hour) and (amount := written * per_written + hour * per_hour):
        parts.append(("cache_write", amount))
    if output:
        if image:
            per_output, more = image
        if amount := output * per_output + (min(reasoning, output) * more if more else 0):
            parts.append(("output", amount))
    if heard and per_heard:
        parts.append(("audio_input", heard * per_heard))
    if spoken and per_spoken:
        parts.append(("audio_output", spoken * per_spoken))
    return parts


def _units(rates: Rates, usage: Usage, units: Units) -> tuple[Parts, int, bool] | None:
    """Amounts of units, a factor of their scale, whether any has a price; None if something has none.

    Characters, audio seconds and images without a price of their own are what the tokens beside them are charged for.
    """
    tokens = usage.tokens
    parts: Parts = []
    factor, priced = 1, False
    if units.characters:
        if rates.characters is not None:
            priced = True
            parts.append(("characters", units.characters * rates.characters))
        elif not (tokens.input or tokens.cache_read or tokens.audio_input):
            return None
    if units.images:
        if rates.images is not None:
            priced = True
            parts.append(("images", units.images * rates.images))
        elif not tokens.output:
            return None
    if units.tool_calls:
        if rates.tool_calls is None:
            return None
        priced = True
        parts.append(("tool_calls", units.tool_calls * rates.tool_calls))
    if units.audio_seconds:
        if rates.audio_seconds is not None:
            priced = True
            # The shortest text of a float is what the source has written: 0.1 is a tenth of a second.
            seconds = Fraction(Decimal(repr(units.audio_seconds)))
            seconds = max(seconds, Fraction(rates.least_seconds * usage.requests))
            factor = seconds.denominator
            parts = [(kind, amount * factor) for kind, amount in parts]
            parts.append(("audio_seconds", seconds.numerator * rates.audio_seconds))
        elif not (tokens.input or tokens.audio_input or tokens.audio_output):
            return None
    return [part for part in parts if part[1]], factor, priced


def rounded(parts: Parts, scale: int) -> tuple[tuple[str, int], ...]:
    """Whole pico-dollars that sum to the exact total, rounded once, half to even."""
    if scale == 1:
        return tuple(parts)
    return share(round(Fraction(sum(amount for _, amount in parts), scale)), parts)


def share(total: int, weights: Parts) -> tuple[tuple[str, int], ...]:
    """`total` in proportion to weights of which one at least is not 0; largest remainders first, zeros left out."""
    whole = sum(weight for _, weight in weights)
    amounts = [total * weight // whole for _, weight in weights] if whole else []
    by_remainder = sorted(range(len(amounts)), key=lambda index: -(total * weights[index][1] % whole))
    for index in by_remainder[: total - sum(amounts)]:
        amounts[index] += 1
    return tuple((kind, amount) for (kind, _), amount in zip(weights, amounts, strict=False) if amount)
