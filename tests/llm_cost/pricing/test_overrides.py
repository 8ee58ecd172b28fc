"""What the user's own prices do to those of the library."""

from __future__ import annotations

from agent_observability.llm_cost.metrics import PICO
from agent_observability.llm_cost.pricing.pricer import Priced
from agent_observability.llm_cost.usage import Tokens, Units

from .uses import M, at, pricer, total, usage


def test_only_what_is_given_is_overridden() -> None:
    own = pricer("prices: [{provider: openai, model: GPT-4o, per_million: {input: 2}}]")
    tokens = Tokens(input=1000, cache_read=1000, output=1000)
    assert total(own.price(usage("openai", "gpt-4o", tokens))) == (2 + 10) * M * 1000 + M * 1250


def test_dated() -> None:
    own = pricer("""
prices:
  - {provider: me, model: m, from: 2026-03-01, per_million: {input: 3}}
  - {provider: me, model: m, from: 2026-02-01, per_million: {input: 2, output: 9}}
""")
    prices = [
        own.price(usage("me", "m", Tokens(input=1), timestamp=at(moment)))
        for moment in ("2026-01-31T23:59:59.999", "2026-02-01", "2026-02-28T23:59:59", "2026-03-01", "2027-01-01")
    ]
    assert prices[0] == Priced((), "estimated", "no_date")
    assert [total(price) for price in prices[1:]] == [2 * M, 2 * M, 3 * M, 3 * M]
    # The newest entry holds as a whole: the price of output is gone.
    assert own.price(usage("me", "m")).reason == "no_price"


def test_before_a_dated_override_the_library_holds() -> None:
    own = pricer("prices: [{provider: openai, model: gpt-4, from: 2026-03-01, per_million: {input: 20}}]")
    assert total(own.price(usage("openai", "gpt-4", Tokens(input=1), timestamp=at("2026-02-28")))) == 30 * M
    assert total(own.price(usage("openai", "gpt-4", Tokens(input=1), timestamp=at("2026-03-01")))) == 20 * M


def test_names_go_before_patterns_and_patterns_match_whole_names() -> None:
    own = pricer("""
prices:
  - {provider: me, model_pattern: 'llama-\\d+', per_million: {input: 1}}
  - {provider: me, model_pattern: 'llama-.*', per_million: {input: 2}}
  - {provider: me, model: llama-3, per_million: {input: 4}}
""")
    names = {"llama-3": 4, "LLAMA-3": 4, "llama-4": 1, "llama-4-chat": 2}
    assert {name: total(own.price(usage("me", name, Tokens(input=1)))) // M for name in names} == names
    assert own.price(usage("me", "a-llama-4")).reason == "unknown_model"
    assert own.price(usage("you", "llama-4")).reason == "unknown_provider"


def test_every_measure() -> None:
    own = pricer("""
prices:
  - provider: me
    model: m
    per_million: {input: 1, output: 10, reasoning: 4, characters: 15}
    per_thousand: {tool_calls: 5, requests: 2}
    each: {images: 0.04}
    per_minute: {audio: 0.006}
""")
    units = Units(characters=100, audio_seconds=30.5, images=2, tool_calls=3)
    priced = own.price(
        usage("me", "m", Tokens(input=7, output=10, reasoning=4), units=units, requests=2, aggregated=True)
    )
    assert dict(priced.amounts) == {
        "input": 7 * M,
        "output": (6 * 10 + 4 * 4) * M,
        "characters": 1500 * M,
        "images": 2 * 4 * PICO // 100,
        "tool_calls": 15 * PICO // 1000,
        "audio_seconds": 305 * PICO * 6 // 1000 // 600,
        "unsplit": 2 * 2 * PICO // 1000,
    }


def test_batch_and_tiers_of_ones_own() -> None:
    own = pricer("""
prices:
  - provider: me
    model: m
    per_million: {input: 4, output: 8}
    batch: {times: 0.25}
    tiers:
      priority: {per_million: {output: 20}}
""")
    assert total(own.price(usage("me", "m", batch=True))) == 1000 * M + 200 * M
    assert total(own.price(usage("me", "m", tier="Priority"))) == 4000 * M + 2000 * M
    assert own.price(usage("me", "m", tier="flex")).reason == "unknown_tier"


def test_ones_own_price_keeps_the_proportion_of_a_tier() -> None:
    own = pricer("prices: [{provider: openai, model: gpt-5, per_million: {input: 1}}]")
    # Published: 1.25 and 10, flex at half; batches, too.
    assert total(own.price(usage("openai", "gpt-5", tier="flex"))) == 500 * M + 500 * M
    assert total(own.price(usage("openai", "gpt-5", batch=True))) == 500 * M + 500 * M


def test_times_of_a_tier_that_the_library_knows() -> None:
    own = pricer("prices: [{provider: openai, model: gpt-5, tiers: {flex: {times: 0.1}}}]")
    assert total(own.price(usage("openai", "gpt-5", tier="flex"))) == 125 * M + 100 * M
    assert total(own.price(usage("openai", "gpt-5"))) == 1250 * M + 1000 * M


def test_models_of_ones_own_at_a_provider_that_halves_batches() -> None:
    own = pricer("prices: [{provider: azure, model: our-chat, per_million: {input: 2, output: 4}}]")
    assert total(own.price(usage("azure", "our-chat", batch=True))) == 1000 * M + 200 * M


def test_free() -> None:
    own = pricer("prices: [{provider: vllm, model: m, per_million: {input: 0, output: 0}}]")
    assert own.price(usage("vllm", "m")) == Priced((), "estimated")


def test_prices_below_a_pico_dollar_round_once() -> None:
    own = pricer("prices: [{provider: me, model: m, per_million: {input: 0.0000003, output: 0.0000004}}]")
    # 0.3 and 0.4 pico-dollars per token.
    priced = own.price(usage("me", "m", Tokens(input=3, output=4)))
    assert total(priced) == 2  # 2.5, half to even
    assert total(own.price(usage("me", "m", Tokens(input=1_000_000, output=1)))) == 300_000
