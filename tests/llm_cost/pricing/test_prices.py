"""The user's own prices: what is read, what is refused and how that is said."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.errors import ConfigError
from agent_observability.llm_cost.pricing.prices import load, parse

EXAMPLE = Path(__file__).parents[3] / "docs" / "prices.example.yaml"


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, "prices.yaml")
    assert caught.value.file == "prices.yaml"
    return list(caught.value.problems)


def test_example() -> None:
    entries = load(EXAMPLE)
    assert [entry.model for entry in entries[:2]] == ["gpt-4o", "gpt-4o"]
    assert entries[0].since == datetime.date(2026, 7, 1)
    assert entries[0].per_million.input == Decimal("2.20")
    everything = entries[3]
    assert len(everything.given()) == 13
    assert everything.tiers["flex"].times == Decimal("0.5")
    assert entries[2].model_pattern is not None
    assert entries[4].key() == ("azure", "our-chat-deployment", "")


def test_numbers_are_exact_quoted_or_not() -> None:
    text = "prices:\n- {provider: a, model: b, per_million: {input: 0.1, output: '0.1', cache_read: 1e-7}}"
    (entry,) = parse(text, "f")
    assert entry.per_million.input == entry.per_million.output == Decimal("0.1")
    assert entry.per_million.cache_read == Decimal("0.0000001")


def test_all_problems_at_once() -> None:
    text = """
prices:
  - provider: openai
    model: a
    from: 2026-13-01
    per_million: {input: -0.1, outptu: 3, output: NaN, cache_read: 1e7, audio_input: [1]}
  - provider: openai
    model: b
    model_pattern: b.*
    each: {images: 1}
  - provider: openai
    model_pattern: "["
    each: {images: .inf}
  - {provider: openai, model: c, per_million: {characters: 1}, per_thousand: {characters: 1}}
  - {provider: openai, model: d}
  - {provider: openai, model: e, times: 2}
  - {provider: openai, model: f, batch: {times: 1, each: {images: 1}}}
  - {provider: openai, model: g, tiers: {Standard: {times: 1}}}
  - {provider: openai, model: h, each: {images: 0.0000000000001}}
  - {model: i, each: {images: 1}}
  - 5
"""
    number = "expected a number from 0 to 1000000, with at most 12 decimals, got"
    assert problems(text) == [
        "prices[0].from: expected a date such as 2026-07-01, got '2026-13-01'",
        f"prices[0].per_million.input: {number} '-0.1'",
        "prices[0].per_million.outptu: unknown key 'outptu'; did you mean 'output'?",
        f"prices[0].per_million.output: {number} 'NaN'",
        f"prices[0].per_million.cache_read: {number} '1e7'",
        f"prices[0].per_million.audio_input: {number} a list",
        "prices[1]: give either model or model_pattern",
        "prices[2].model_pattern: expected a regular expression (unterminated character set at position 0), got '['",
        f"prices[2].each.images: {number} '.inf'",
        "prices[3]: characters is priced by two measures; give one",
        "prices[4]: has no price",
        "prices[5]: times belongs below batch or tiers",
        "prices[6].batch: give either prices or times, not both",
        "prices[7]: tiers: 'Standard' is no tier of its own in lower case, such as flex",
        f"prices[8].each.images: {number} '0.0000000000001'",
        "prices[9].provider: missing",
        "prices[10]: expected a mapping, got '5'",
    ]


def test_the_same_model_and_day_twice() -> None:
    text = """
prices:
  - {provider: x_ai, model: Grok, each: {images: 1}}
  - {provider: xai, model: grok, from: 2026-01-01, each: {images: 1}}
  - {provider: XAI, model: grok, each: {images: 2}}
  - {provider: xai, model_pattern: grok, each: {images: 2}}
"""
    assert problems(text) == ["prices[2]: same provider, model and from as prices[0]"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- a", "expected a mapping with the key prices, got list"),
        ("prices: 5", "prices: expected a list, got '5'"),
        ("price: []", "price: unknown key 'price'; did you mean 'prices'?"),
        ("prices: [", "line 1, column 10: no valid YAML: expected the node content, but found '<stream end>'"),
        ("prices: []\nprices: []", "line 2, column 1: no valid YAML: the key 'prices' stands twice"),
        ("prices: [" + "{}," * 10_001 + "]", "prices: expected at most 10000 entries, got 10001"),
        ("prices: " + "[" * 5000, None),
    ],
)
def test_no_prices_at_all(text: str, problem: str | None) -> None:
    found = problems(text)
    assert problem is None or problem in found


def test_empty_files_have_no_prices() -> None:
    assert parse("", "f") == parse("# nothing yet\n", "f") == parse("prices: []", "f") == ()


def test_tags_run_nothing() -> None:
    assert parse("prices: !!python/object/apply:os.abort []", "f") == ()


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for file, problem in (
        (tmp_path / "missing.yaml", "cannot be read: No such file or directory"),
        (tmp_path / "large.yaml", "is larger than 4 MiB"),
        (tmp_path / "bytes.yaml", "is not UTF-8 text: byte 0"),
    ):
        if file.stem == "large":
            file.write_bytes(b"#" * (4 * 1024**2 + 1))
        if file.stem == "bytes":
            file.write_bytes(b"\xff")
        with pytest.raises(ConfigError) as caught:
            load(file)
        assert str(caught.value) == f"{file}: {problem}"


@given(st.decimals(0, 1_000_000, allow_nan=False, places=12))
def test_any_price_survives(price: Decimal) -> None:
    (entry,) = parse(f"prices: [{{provider: a, model: b, per_million: {{input: {price}}}}}]", "f")
    assert entry.per_million.input == price


@given(st.text(max_size=200))
def test_any_text_is_prices_or_a_problem(text: str) -> None:
    for document in (text, f"prices: [{{provider: a, model: b, per_million: {{input: {text}}}}}]"):
        try:
            parse(document, "f")
        except ConfigError as error:
            assert error.problems
