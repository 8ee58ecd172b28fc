"""What the pricer makes of costs that were reported, of the user's prices, of time, and of hostile names."""

from __future__ import annotations

import datetime
import subprocess
import sys
import tracemalloc
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.llm_cost.metrics import PICO
from agent_observability.llm_cost.pricing.pricer import Priced, Pricer
from agent_observability.llm_cost.pricing.prices import parse
from agent_observability.llm_cost.pricing.sheets import share
from agent_observability.llm_cost.usage import Tokens, Units

from .uses import NOW, M, at, total, usage

PRICER = Pricer()


def test_amounts_by_type() -> None:
    tokens = Tokens(input=10, cache_read=20, cache_write=30, cache_write_1h=40, output=50, reasoning=50)
    units = Units(tool_calls=1)
    priced = PRICER.price(usage("anthropic", "claude-haiku-4-5", tokens, units=units))
    assert priced.amounts == (
        ("input", 10 * M),
        ("cache_read", 20 * M // 10),
        ("cache_write", 30 * M * 5 // 4 + 40 * M * 2),
        ("output", 50 * M * 5),
        ("tool_calls", PICO // 100),
    )


class TestReported:
    def test_split_like_the_estimate(self) -> None:
        # Estimated: 3,000 and 1,500 parts.
        priced = PRICER.price(usage("anthropic", "claude-3-5-sonnet-20241022", cost=100))
        assert priced == Priced((("input", 67), ("output", 33)), "reported")

    def test_unknown_models_are_not_split(self) -> None:
        for name in ("unheard-of", "text-embedding-3-small"):  # the second has no price of output
            assert PRICER.price(usage("openai", name, cost=100)) == Priced((("unsplit", 100),), "reported")

    def test_free_models_that_cost_something_are_not_split(self) -> None:
        assert PRICER.price(usage("google", "gemma-3-27b-it", cost=5)).amounts == (("unsplit", 5),)

    def test_nothing(self) -> None:
        assert PRICER.price(usage("openai", "gpt-4o", cost=0)) == Priced((), "reported")
        assert PRICER.price(usage("nobody", "nothing", Tokens(), cost=0)) == Priced((), "reported")
        assert PRICER.price(usage("nobody", "nothing", Tokens())) == Priced((), "estimated")

    @given(st.integers(1, 10**18), st.lists(st.integers(0, 10**15), min_size=1, max_size=8).filter(any))
    def test_parts_sum_to_the_cost(self, cost: int, weights: list[int]) -> None:
        parts = share(cost, [(str(index), weight) for index, weight in enumerate(weights)])
        assert sum(amount for _, amount in parts) == cost
        for name, amount in parts:
            assert abs(amount * sum(weights) - cost * weights[int(name)]) < sum(weights)


def test_times_outside_the_calendar() -> None:
    for timestamp in (-(10**18), 0, 10**18):
        assert total(PRICER.price(usage("openai", "o3", timestamp=timestamp))) > 0
        assert total(PRICER.price(usage("deepseek", "deepseek-flash", timestamp=timestamp))) > 0


def test_peak_hours_to_the_millisecond() -> None:
    before, peak = at("2026-11-18T00:59:59.999"), at("2026-11-18T01:00")
    assert total(PRICER.price(usage("deepseek", "deepseek-flash", timestamp=before))) == 1000 * 150_000 + 100 * 600_000
    assert total(PRICER.price(usage("deepseek", "deepseek-flash", timestamp=peak))) == 1000 * 300_000 + 100 * 1_200_000


def test_a_fee_per_request() -> None:
    # Perplexity: $12 per thousand requests, $1 per million tokens.
    priced = PRICER.price(usage("perplexity", "sonar"))
    assert dict(priced.amounts) == {"input": 1000 * M, "output": 100 * M, "unsplit": 12 * PICO // 1000}
    assert PRICER.price(usage("perplexity", "sonar", Tokens())).amounts == ()


def test_prices_of() -> None:
    now = NOW
    assert PRICER.prices_of("anthropic", "claude-sonnet-4-5", now) == {
        "input": Decimal(3),
        "cache_read": Decimal("0.3"),
        "cache_write": Decimal("3.75"),
        "output": Decimal(15),
    }
    assert PRICER.prices_of("openai", "gpt-realtime", now)["audio_output"] == 64
    assert PRICER.prices_of("openai", "o3", at("2025-06-01"))["cache_read"] == Decimal("2.5")
    assert PRICER.prices_of("openai", "whisper-1", now) == PRICER.prices_of("openai", "unheard-of", now) == {}
    own = Pricer(
        parse("prices: [{provider: me, model: m, from: 2026-03-01, per_million: {input: 3}}]", "f"), lambda: NOW / 1000
    )
    assert own.prices_of("me", "m") == {"input": Decimal(3)}
    assert own.prices_of("me", "m", at("2026-02-01")) == {}


def test_the_data_have_a_date() -> None:
    newest = datetime.datetime.fromtimestamp(PRICER.data_timestamp(), datetime.UTC)
    assert datetime.datetime(2026, 10, 1, tzinfo=datetime.UTC) < newest <= datetime.datetime.now(datetime.UTC)


@pytest.mark.parametrize("provider", ["openai", "openrouter", "nobody", ""])
def test_junk_names_do_not_stay(provider: str) -> None:
    junk = Pricer()
    for index in range(5_000):
        junk.price(usage(provider, f"warm-{index}"))
    tracemalloc.start()
    try:
        for index in range(20_000):
            assert junk.price(usage(provider, f"junk-{index}")).reason.startswith("unknown_")
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert grown < 8 * 1024**2


def test_junk_that_matches_known_models_does_not_stay_either() -> None:
    junk = Pricer()
    sizes = []
    tracemalloc.start()
    try:
        for index in range(9_000):
            assert junk.price(usage("openai", "gpt-4", tier=f"tier-{index}")).reason == "unknown_tier"
            if index % 1_000 == 999:
                sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert max(sizes[4:]) <= 1.2 * max(sizes[:4])


def test_names_beyond_all_measure_are_not_kept() -> None:
    assert PRICER.price(usage("openai", "gpt" * 100_000)).reason == "unknown_model"


def test_importing_does_not_import_the_library() -> None:
    code = (
        "import sys, agent_observability.llm_cost.config, agent_observability.llm_cost.pricing.pricer as p; p.Pricer();"
        "print('genai_prices' in sys.modules, 'pydantic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["False", "False"]
