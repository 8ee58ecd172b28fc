"""Reports as providers write them: table tests of what they come to, and anything else said to be wrong by its path."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_observability.ledger.batch import check_text
from agent_observability.llm_cost.billing import anthropic, openai
from agent_observability.llm_cost.billing.errors import AnswerError
from agent_observability.llm_cost.billing.reports import (
    Page,
    calendar,
    day_of,
    model_name,
    pico_dollars,
    text_of,
    total_costs,
    total_usage,
)
from tests.llm_cost.billing.bodies import AT, BODIES, DAY, START, page
from tests.support import examples

DECODERS: dict[str, Callable[[bytes], Page[Any]]] = {
    "openai usage": openai.decode_usage,
    "openai costs": openai.decode_costs,
    "anthropic usage": anthropic.decode_usage,
    "anthropic costs": anthropic.decode_costs,
}

# Calls, then input, cache_read, cache_write, output, audio_input, audio_output.
OPENAI_USAGE = {
    "text, older form": (
        {"input_tokens": 1_000, "input_cached_tokens": 800, "output_tokens": 500, "num_model_requests": 5},
        (5, 200, 800, 0, 500, 0, 0),
    ),
    "audio beside text, older form": (
        {"input_tokens": 100, "input_audio_tokens": 40, "output_tokens": 20, "output_audio_tokens": 30},
        (0, 100, 0, 0, 20, 40, 30),
    ),
    "audio within the totals, newer form": (
        {
            "input_tokens": 1_000,
            "input_uncached_tokens": 350,
            "input_cached_tokens": 600,
            "input_cache_write_tokens": 50,
            "input_text_tokens": 250,
            "input_audio_tokens": 100,
            "output_tokens": 90,
            "output_text_tokens": 60,
            "output_audio_tokens": 30,
        },
        (0, 250, 600, 50, 60, 100, 30),
    ),
    "newer form without the uncached": (
        {"input_tokens": 1_000, "input_cached_tokens": 600, "input_text_tokens": 300, "input_audio_tokens": 100},
        (0, 300, 600, 0, 0, 100, 0),
    ),
    "embeddings": ({"input_tokens": 7, "num_model_requests": 2}, (2, 7, 0, 0, 0, 0, 0)),
    "speech: only calls": ({"characters": 900, "num_model_requests": 3}, (3, 0, 0, 0, 0, 0, 0)),
    "numbers in other forms": ({"input_tokens": "12", "output_tokens": 3.0}, (0, 12, 0, 0, 3, 0, 0)),
    "null": ({"input_tokens": None, "output_tokens": 1, "batch": None}, (0, 0, 0, 0, 1, 0, 0)),
    "more cached than taken": ({"input_tokens": 5, "input_cached_tokens": 9}, (0, 0, 9, 0, 0, 0, 0)),
    "nothing": ({}, (0, 0, 0, 0, 0, 0, 0)),
    "unknown fields": ({"input_tokens": 1, "input_image_tokens": 3, "more": [{}]}, (0, 1, 0, 0, 0, 0, 0)),
}


@pytest.mark.parametrize(("result", "expected"), OPENAI_USAGE.values(), ids=OPENAI_USAGE)
def test_openai_usage(result: dict[str, Any], expected: tuple[int, ...]) -> None:
    assert openai.decode_usage(page({"model": "gpt", **result})) == Page({DAY: {"gpt": expected}}, "")


ANTHROPIC_USAGE = {
    "all": (
        {
            "uncached_input_tokens": 1_500,
            "cache_creation": {"ephemeral_1h_input_tokens": 1_000, "ephemeral_5m_input_tokens": 500},
            "cache_read_input_tokens": 200,
            "output_tokens": 400,
            "server_tool_use": {"web_search_requests": 10},
        },
        (0, 1_500, 200, 1_500, 400, 0, 0),
    ),
    "null": ({"cache_creation": None, "uncached_input_tokens": None, "output_tokens": 1}, (0, 0, 0, 0, 1, 0, 0)),
    "half of a creation": ({"cache_creation": {"ephemeral_5m_input_tokens": 2}}, (0, 0, 0, 2, 0, 0, 0)),
}


@pytest.mark.parametrize(("result", "expected"), ANTHROPIC_USAGE.values(), ids=ANTHROPIC_USAGE)
def test_anthropic_usage(result: dict[str, Any], expected: tuple[int, ...]) -> None:
    assert anthropic.decode_usage(page({"model": "claude", **result})) == Page({DAY: {"claude": expected}}, "")


OPENAI_AMOUNTS = {
    "a number": (0.06, 60_000_000_000),
    "text": ("12.50", 12_500_000_000_000),
    "more digits than count": ("0.0000000000014999", 1),
    "half of the smallest, to even": ("0.0000000000005", 0),
    "an exponent": (1.5e-9, 1_500),
    "large": (1_234_567.89, 1_234_567_890_000_000_000),
    "a credit": (-3.25, -3_250_000_000_000),
    "zero with an exponent": ("0E+900", 0),
    "null": (None, 0),
}


@pytest.mark.parametrize(("value", "expected"), OPENAI_AMOUNTS.values(), ids=OPENAI_AMOUNTS)
def test_openai_amounts_are_dollars(value: object, expected: int) -> None:
    body = page({"amount": {"value": value, "currency": "usd"}, "line_item": "gpt, input"})
    assert openai.decode_costs(body) == Page({DAY: expected}, "")


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("123.78912", 1_237_891_200_000), (50, 500_000_000_000), ("0.00000000015", 2), (None, 0), ("-1", -(10**10))],
)
def test_anthropic_amounts_are_cents(amount: object, expected: int) -> None:
    assert anthropic.decode_costs(page({"amount": amount, "currency": "USD"})) == Page({DAY: expected}, "")


def test_results_of_a_day_are_summed_up_and_days_told_apart() -> None:
    results = [{"amount": {"value": value, "currency": "usd"}} for value in ("0.1", "0.2", 0.3)]
    body = json.loads(page(*results))
    body["data"].append({"start_time": START + 86_400, "results": []})
    body["data"].append({"start_time": START + 2 * 86_400, "results": None})
    assert openai.decode_costs(json.dumps(body).encode()).report == {
        DAY: 600_000_000_000,
        DAY + 1: 0,
        DAY + 2: 0,
    }
    halves = [{"model": "gpt", "batch": batch, "input_tokens": 5, "num_model_requests": 1} for batch in (True, False)]
    assert openai.decode_usage(page(*halves)).report == {DAY: {"gpt": (2, 10, 0, 0, 0, 0, 0)}}


def test_reports_of_pages_and_endpoints_are_summed_up() -> None:
    one, other = {1: {"a": (1, 2), "b": (0, 1)}}, {1: {"a": (1, 3)}, 2: {"c": (9, 9)}}
    assert total_usage([one, other]) == {1: {"a": (2, 5), "b": (0, 1)}, 2: {"c": (9, 9)}}
    assert one == {1: {"a": (1, 2), "b": (0, 1)}}
    assert total_costs([{1: 2}, {1: 3, 2: -1}]) == {1: 5, 2: -1}


@pytest.mark.parametrize("name", DECODERS)
def test_pages_follow_each_other(name: str) -> None:
    decode = DECODERS[name]
    assert decode(page(has_more=True, next_page="page_2")).following == "page_2"
    assert decode(page(has_more=False, next_page="page_2")).following == ""
    with pytest.raises(AnswerError, match="expected a next_page"):
        decode(page(has_more=True))


WRONG = {
    "no JSON": (b"<html>sk-secret</html>", "22 bytes that are no JSON"),
    "cut": (page({"model": "gpt"})[:-9], "bytes that are no JSON"),
    "nothing": (b"", "0 bytes that are no JSON"),
    "a list": (b"[]", "Expected `object`"),
    "no data": (b'{"object": "page"}', "missing required field `data`"),
    "null data": (b'{"data": null}', "got `null` - at `$.data`"),
    "not UTF-8": (b'{"data": "\xff"}', ""),
    "too deep": (b'{"data": [{"start_time": 1, "starting_at": 1, "results":' + b"[" * 100_000, ""),
}


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize(("body", "expected"), WRONG.values(), ids=WRONG)
def test_what_is_no_report_is_said(name: str, body: bytes, expected: str) -> None:
    with pytest.raises(AnswerError) as error:
        DECODERS[name](body)
    assert expected in str(error.value)
    assert "secret" not in str(error.value)


WRONG_RESULTS = {
    "a negative count": ("openai usage", {"input_tokens": -1}, ">= 0 - at `$.data[0].results[0].input_tokens`"),
    "half a token": (
        "openai usage",
        {"output_tokens": 1.5},
        "got `float` - at `$.data[0].results[0].output_tokens`",
    ),
    "an absurd count": ("openai usage", {"input_tokens": 10**30}, "<= 1000000000000000"),
    "true": ("anthropic usage", {"output_tokens": True}, "got `bool`"),
    "a model that is a number": ("anthropic usage", {"model": 5}, "at `$.data[0].results[0].model`"),
    "words for an amount": ("openai costs", {"amount": {"value": "sk-secret"}}, "Invalid decimal string"),
    "NaN": ("openai costs", {"amount": {"value": "NaN"}}, "amount.value: expected an amount below 10 billion"),
    "infinity": ("anthropic costs", {"amount": "-Infinity"}, "results[0].amount: expected an amount"),
    "an endless number": ("openai costs", {"amount": {"value": "1e999999999"}}, "expected an amount below"),
    "an absurd amount": ("anthropic costs", {"amount": "1000000000000"}, "expected an amount below"),
    "euros": ("openai costs", {"amount": {"value": 1, "currency": "eur"}}, "amount.currency: expected usd"),
    "yen": ("anthropic costs", {"amount": "1", "currency": "JPY"}, "results[0].currency: expected usd"),
}


@pytest.mark.parametrize(("name", "result", "expected"), WRONG_RESULTS.values(), ids=WRONG_RESULTS)
def test_what_is_wrong_in_a_result_is_said_by_its_path(name: str, result: dict[str, Any], expected: str) -> None:
    with pytest.raises(AnswerError) as error:
        DECODERS[name](page(result))
    assert expected in str(error.value)
    assert "secret" not in str(error.value)


def test_the_smallest_numbers_come_to_nothing() -> None:
    assert pico_dollars(Decimal("1e-999999999"), 12, "") == 0
    assert pico_dollars(Decimal("9999999999.999999999999"), 12, "") == 9_999_999_999_999_999_999_999


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("gpt-4o", "gpt-4o"),
        (None, "other"),
        ("", "other"),
        ("\0\n", "other"),
        ("a\0b\u202ec", "abc"),
        ("x" * 999, "x" * 200),
    ],
)
def test_names_of_models(found: str | None, expected: str) -> None:
    assert model_name(found) == expected


@given(st.text())
def test_any_name_fits_into_a_ledger(found: str) -> None:
    check_text(model_name(found))


def test_days() -> None:
    assert (day_of(START), day_of(START - 0.001), day_of(START + 86_399)) == (DAY, DAY - 1, DAY)
    assert (calendar(DAY).isoformat(), text_of(DAY)) == ("2026-03-18", AT)


@pytest.mark.parametrize("name", DECODERS)
@settings(max_examples=examples(400), deadline=None)
@given(body=BODIES)
def test_anything_is_a_report_or_an_error(name: str, body: bytes) -> None:
    try:
        report = DECODERS[name](body).report
    except AnswerError:
        return
    for day, found in report.items():
        assert type(day) is int
        counts = [found] if isinstance(found, int) else [one for used in found.values() for one in used]
        assert all(type(one) is int for one in counts)
