"""Integers give what the library's own decimal arithmetic gives."""

from __future__ import annotations

import datetime
from decimal import ROUND_HALF_EVEN, Decimal

import genai_prices
from genai_prices.types import ModelPrice
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agent_observability.llm_cost.metrics import PICO
from agent_observability.llm_cost.pricing.pricer import Pricer
from agent_observability.llm_cost.pricing.published import WEEKDAY_PEAKS, amendment_days, is_free
from agent_observability.llm_cost.usage import Tokens, Units, Usage
from tests.support import examples

from .librarys import NAMES, PROVIDERS

PRICER = Pricer()
names = st.sampled_from(NAMES)
counts = st.one_of(st.just(0), st.integers(0, 400_000))
MOMENTS = st.datetimes(datetime.datetime(2024, 1, 1), datetime.datetime(2027, 6, 1), timezones=st.just(datetime.UTC))
# In the library a tier begins when it was looked up; before that, ours differs on purpose.
TIMES_OF_TIERS = st.datetimes(
    datetime.datetime(2026, 11, 1), datetime.datetime(2027, 6, 1), timezones=st.just(datetime.UTC)
)


def usage(
    name: tuple[str, str],
    moment: datetime.datetime,
    tokens: Tokens,
    units: Units,
    *,
    tier: str = "",
    batch: bool = False,
) -> Usage:
    stamp = int(moment.timestamp() * 1000)
    return Usage(
        timestamp=stamp, id="x", provider=name[0], model=name[1], tokens=tokens, units=units, tier=tier, batch=batch
    )


def library_usage(tokens: Tokens, units: Units) -> genai_prices.Usage:
    written = tokens.cache_write + tokens.cache_write_1h
    seconds = units.audio_seconds
    return genai_prices.Usage(
        input_tokens=tokens.input + tokens.cache_read + written + tokens.audio_input,
        cache_read_tokens=tokens.cache_read,
        cache_write_tokens=written,
        cache_write_1h_tokens=tokens.cache_write_1h,
        input_audio_tokens=tokens.audio_input,
        cache_audio_read_tokens=0,  # asked for where both are given; we have cached text only
        output_tokens=tokens.output + tokens.audio_output,
        output_reasoning_tokens=tokens.reasoning,
        output_audio_tokens=tokens.audio_output,
        input_characters=units.characters,
        audio_seconds=seconds,
        input_audio_seconds=seconds,
        web_searches=units.tool_calls,
    )


def differs_on_purpose(found_model: str, name: tuple[str, str], used: Usage, prices: ModelPrice) -> bool:
    """Where the library is incomplete or wrong: see `published.py`."""
    return (
        bool(amendment_days(*name))
        or "audio-preview" in found_model
        or found_model in WEEKDAY_PEAKS
        or (used.tokens.cache_write_1h > 0 and "claude" in found_model and "cache_write_1h_mtok" not in prices.__dict__)
        or (used.tokens.cache_write > 0 and "claude" in found_model and "cache_write_mtok" not in prices.__dict__)
    )


def lacks_price(prices: ModelPrice, used: Usage, *, free: bool) -> bool:
    """Whether something that was used has no price in the library."""
    keys = set(prices.__dict__)
    tokens, units = used.tokens, used.units
    inputs = tokens.input + tokens.cache_read + tokens.cache_write + tokens.cache_write_1h + tokens.audio_input
    lacks = [
        inputs > 0 and not {"input_mtok"} & keys and not free,
        tokens.output + tokens.audio_output > 0 and "output_mtok" not in keys and not free,
        units.characters > 0 and "input_mchars" not in keys,
        units.audio_seconds > 0 and "audio_hours" not in keys,
        units.tool_calls > 0 and "web_searches_kcount" not in keys,
    ]
    return any(lacks)


def check(name: tuple[str, str], used: Usage, moment: datetime.datetime, context: dict[str, str]) -> None:
    calculated = genai_prices.calc_price(
        library_usage(used.tokens, used.units),
        name[1],
        provider_id=name[0],
        genai_request_timestamp=moment,
        price_context=context,
    )
    ours = PRICER.price(used)
    model = calculated.model
    assume(not differs_on_purpose(model.id, name, used, calculated.model_price))
    if ours.reason:
        free = is_free(name[0], model.id, model.price_comments)
        assert ours.reason == "no_price"
        assert lacks_price(calculated.model_price, used, free=free)
        return
    expected = (calculated.total_price * PICO).quantize(Decimal(1), ROUND_HALF_EVEN)
    assert sum(amount for _, amount in ours.amounts) == expected


def found(name: tuple[str, str]) -> bool:
    return PROVIDERS[name[0]].find_model(name[1], all_providers=list(PROVIDERS.values())) is not None


@settings(max_examples=examples(800), deadline=None)
@given(names, MOMENTS, counts, counts, counts, counts, counts, counts, st.integers(0, 400_000))
def test_tokens(
    name: tuple[str, str],
    moment: datetime.datetime,
    text: int,
    read: int,
    write: int,
    hour: int,
    heard: int,
    spoken: int,
    out: int,
) -> None:
    assume(found(name))
    tokens = Tokens(
        input=text + 1,
        cache_read=read,
        cache_write=write,
        cache_write_1h=hour,
        output=out,
        reasoning=out // 3,
        audio_input=heard,
        audio_output=spoken,
    )
    check(name, usage(name, moment, tokens, Units()), moment, {})


UNIT_NAMES = [
    name
    for name in NAMES
    if (model := PROVIDERS[name[0]].find_model(name[1])) is not None
    and isinstance(model.prices, ModelPrice)
    and {"audio_hours", "input_mchars", "web_searches_kcount", "requests_kcount"} & set(model.prices.__dict__)
]


@settings(max_examples=examples(300), deadline=None)
@given(
    st.sampled_from(UNIT_NAMES),
    MOMENTS,
    st.one_of(st.just(0), st.integers(1, 10**6)),
    st.one_of(st.just(0.0), st.floats(0.001, 1e5)),
    st.integers(0, 50),
    st.integers(0, 1000),
)
def test_units(
    name: tuple[str, str], moment: datetime.datetime, characters: int, seconds: float, calls: int, text: int
) -> None:
    prices = PROVIDERS[name[0]].find_model(name[1]).prices
    by_tokens = "input_mtok" in prices.__dict__
    units = Units(characters=characters, audio_seconds=seconds, tool_calls=calls)
    tokens = Tokens(input=text + 1 if by_tokens else 0)
    if by_tokens or units != Units():
        check(name, usage(name, moment, tokens, units), moment, {})


VARIANTS = sorted(
    {
        (name, tuple(sorted(variant.when.items())))
        for name in NAMES
        if (model := PROVIDERS[name[0]].find_model(name[1])) is not None
        for variant in model.price_variants or ()
        if set(variant.when) <= {"processing", "service_tier", "speed"}
    }
)


@settings(max_examples=examples(500), deadline=None)
@given(st.sampled_from(VARIANTS), TIMES_OF_TIERS, st.integers(1, 400_000), counts, counts, counts)
def test_batches_and_tiers(
    variant: tuple[tuple[str, str], tuple[tuple[str, str], ...]],
    moment: datetime.datetime,
    text: int,
    read: int,
    write: int,
    out: int,
) -> None:
    name, when = variant
    context = dict(when)
    tier = context.get("service_tier") or context.get("speed") or ""
    model = PROVIDERS[name[0]].find_model(name[1])
    tokens = Tokens(
        input=text, cache_read=read, cache_write=write, output=out if "output_mtok" in str(vars(model)) else 0
    )
    check(name, usage(name, moment, tokens, Units(), tier=tier, batch="processing" in context), moment, context)


def test_every_model_with_a_price_in_some_tier_is_compared() -> None:
    assert len(VARIANTS) > 300
    assert len(UNIT_NAMES) > 100
