"""Makes sheets: the user's, published and library prices of one model, in one tier, at one moment.

Prices merge by type. A type without a price of its own falls back: cached input to input (writes of Claude to what
Anthropic publishes in terms of input), writes for an hour to other writes, reasoning to output, audio to the text of
its direction.
"""

from __future__ import annotations

import datetime
import math
from fractions import Fraction

from agent_observability.llm_cost.metrics import PICO
from agent_observability.llm_cost.pricing import library, published
from agent_observability.llm_cost.pricing.library import Found
from agent_observability.llm_cost.pricing.prices import Entry, Prices
from agent_observability.llm_cost.pricing.sheets import Rates, Sheet
from agent_observability.llm_cost.usage import Tokens

__all__ = ["BATCH", "context", "own", "sheet"]

BATCH = "batch"
Own = dict[str, Fraction]

_FIELDS = Tokens.__struct_fields__


def context(provider: str, mode: str) -> dict[str, str]:
    """The library's price context of a mode: `BATCH` or a service tier."""
    if mode == BATCH:
        return {"processing": "batch"}
    return {"speed": "fast"} if (provider, mode) == ("anthropic", "fast") else {"service_tier": mode}


def sheet(found: Found | None, entry: Entry | None, provider: str, mode: str, moment: datetime.datetime) -> Sheet:
    """What holds at a moment. `mode` is "" (standard), `BATCH` or a tier; of `found` and `entry` one is given."""
    standard = library.standard_prices(found.model, moment) if found else None
    tiered = None
    if found and mode:
        same = published.same_as_standard(provider, mode)
        tiered = standard if same else library.tier_prices(found, moment, context(provider, mode))
    starts = library.size_steps(standard, tiered)
    rates = []
    for size in (0, *(start + 1 for start in starts)):
        prices = own(found, entry, moment, size)
        if mode:
            listed = library.own_prices(tiered, size) if tiered else None
            plain = library.own_prices(standard, size) if standard else {}
            chosen = _in_mode(prices, plain, listed, found=found, entry=entry, provider=provider, mode=mode)
            if chosen is None:
                return Sheet("unknown_tier")
            prices = chosen
        rates.append(_rates(_complete(prices, found), found))
    return Sheet("", tuple(starts), tuple(rates))


def own(found: Found | None, entry: Entry | None, moment: datetime.datetime, size: int) -> Own:
    """Dollars per unit without tiers, by type, of those that have a price of their own."""
    return _base(found, moment, size) | _given(entry)


def _base(found: Found | None, moment: datetime.datetime, size: int) -> Own:
    """What the library has, with what it lacks."""
    if found is None:
        return {}
    model = found.model
    prices = library.own_prices(library.standard_prices(model, moment), size)
    if not prices and published.is_free(found.provider, model.id, model.price_comments):
        prices = dict.fromkeys(_FIELDS, Fraction(0))
    if prices and "output" not in prices and published.free_output(model.price_comments):
        prices["output"] = Fraction(0)
    amended = published.amendment(found.provider, found.name, moment.date().isoformat())
    return prices | {kind: price / 10**6 for kind, price in amended.items()}


def _given(prices: Prices | None) -> Own:
    return {kind: Fraction(price) / per for kind, (price, per) in prices.given()} if prices else {}


def _in_mode(
    prices: Own, plain: Own, listed: Own | None, *, found: Found | None, entry: Entry | None, provider: str, mode: str
) -> Own | None:
    """The prices of a batch or tier; None if nobody knows them.

    The user's factor goes before everything. Otherwise the library's prices of the tier (`listed`), where a price that
    is not the library's standard one (`plain`) changes in the same proportion, or the provider's general discount for
    batches; and the user's own ones on top.
    """
    model = found.model.id if found else ""
    special = (entry.batch if mode == BATCH else entry.tiers.get(mode)) if entry else None
    if special and special.times is not None:
        return {kind: price * Fraction(special.times) for kind, price in prices.items()}
    if listed is not None:
        before, after = _complete(plain, found), _complete(listed, found)
        chosen = dict(listed)
        for kind, price in prices.items():
            if plain.get(kind) != price:
                chosen[kind] = price * after[kind] / before[kind] if before.get(kind) and kind in after else price
    elif mode == BATCH and published.batch_price(provider, model, "input", Fraction(0)) is not None:
        halved = {kind: published.batch_price(provider, model, kind, price) for kind, price in prices.items()}
        chosen = {kind: price for kind, price in halved.items() if price is not None}
    elif special:
        chosen = prices
    else:
        return None
    return chosen | _given(special)


def _complete(prices: Own, found: Found | None) -> Own:
    """With every price that follows from another one."""
    full = dict(prices)
    text = full.get("input")
    if text is not None:
        claude = found is not None and "claude" in found.model.id
        full.setdefault("cache_read", text)
        full.setdefault("cache_write", text * published.CLAUDE_WRITE if claude else text)
        full.setdefault("cache_write_1h", text * published.CLAUDE_1H if claude else full["cache_write"])
        full.setdefault("audio_input", text)
    elif "cache_write" in full:
        full.setdefault("cache_write_1h", full["cache_write"])
    if "output" in full:
        full.setdefault("audio_output", full["output"])
    return full


def _rates(prices: Own, found: Found | None) -> Rates:
    pico = {kind: price * PICO for kind, price in prices.items()}
    scale = math.lcm(*(price.denominator for price in pico.values()))
    whole = {kind: int(price * scale) for kind, price in pico.items()}
    output, image = whole.get("output", 0), whole.get("image_output")
    reasoning = whole.get("reasoning", output)
    per_token = {kind: whole.get(kind, 0) for kind in _FIELDS} | {"reasoning": reasoning - output}
    return Rates(
        scale=scale,
        tokens=tuple(per_token.values()),
        missing=tuple(index for index, kind in enumerate(_FIELDS) if kind != "reasoning" and kind not in whole),
        image=None if image is None else (image, reasoning - image),
        characters=whole.get("characters"),
        audio_seconds=whole.get("audio_seconds"),
        images=whole.get("images"),
        tool_calls=whole.get("tool_calls"),
        requests=whole.get("requests", 0),
        least_seconds=published.least_seconds(found.provider, found.model.id) if found else 0,
        by_units=bool(whole) and not any(kind in whole for kind in _FIELDS),
    )
