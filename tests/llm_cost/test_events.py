"""Usage in the suite's own JSON: what is believed, what is refused and why, and that no dollar is rounded away."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.intake.errors import RefusedError, Rejected
from agent_observability.intake.formats import Items, JsonFormat
from agent_observability.intake.part import Caller
from agent_observability.ledger.batch import check_text
from agent_observability.llm_cost.events import TimeBounds, UnitEvent, UsageEvent, key_of, usage_of
from agent_observability.llm_cost.metrics import PICO
from agent_observability.llm_cost.usage import Tokens, Usage

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
BOUNDS = TimeBounds(oldest=30 * 86_400, ahead=300)
ANYBODY = Caller("test", "")
FORMAT = JsonFormat(UsageEvent)


def decoded(body: str | bytes, query: str = "") -> Items[UsageEvent]:
    request = make_mocked_request("POST", f"/api/v1/usage{query}", {"Content-Type": "application/json"})
    FORMAT.check(request)
    return FORMAT.decode(request, body.encode() if isinstance(body, str) else body, 10_000)


def read(*events: dict[str, Any] | str, caller: Caller = ANYBODY) -> list[Usage | Rejected]:
    """What becomes of each event of one request."""
    body = ",".join(one if isinstance(one, str) else json.dumps(one) for one in events)
    items = decoded(f"[{body}]")
    found: dict[int, Usage | Rejected] = {one.index: one for one in items.rejected}
    for index, event in zip(items.indexes, items.values, strict=True):
        found[index] = usage_of(event, index, caller, BOUNDS, NOW, plain=items.plain)
    return [found[index] for index in sorted(found)]


def one(caller: Caller = ANYBODY, **fields: Any) -> Usage:
    [usage] = read({"model": "gpt-4o", **fields}, caller=caller)
    assert isinstance(usage, Usage), usage
    return usage


def refused(caller: Caller = ANYBODY, **fields: Any) -> tuple[str, str]:
    """Field and reason; the neighbours on both sides are taken."""
    good = {"model": "gpt-4o"}
    first, wrong, last = read(good, {"model": "gpt-4o", **fields}, good, caller=caller)
    assert isinstance(first, Usage)
    assert isinstance(last, Usage)
    assert isinstance(wrong, Rejected), wrong
    assert wrong.index == 1
    return wrong.field, wrong.reason


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"model": ""}, "model", "length >= 1"),
        ({"model": None}, "model", "expected text"),
        ({"model": "m" * 201}, "model", "length <= 200"),
        ({"model": "gpt\n"}, "model", "control characters"),
        ({"model": "gpt\x00"}, "model", "control characters"),
        ({"model": "é" * 126}, "model", "at most 250 bytes"),
        ({"provider": "🙂" * 26}, "provider", "at most 100 bytes"),
        ({"project": "工" * 67}, "project", "at most 200 bytes"),
        ({"project": "p" * 101}, "project", "length <= 100"),
        ({"id": "🙂" * 101, "timestamp": NOW}, "id", "at most 400 bytes"),
        ({"id": "", "timestamp": NOW}, "id", "length >= 1"),
        ({"agent": "a\x7fb"}, "agent", "control characters"),
        ({"id": "a\x1fb", "timestamp": NOW}, "id", "control characters"),
        ({"id": 7, "timestamp": NOW}, "id", "expected text"),
        ({"id": "x"}, "timestamp", "an id needs the timestamp"),
        ({"status": "failed"}, "status", "expected one of 'error', 'success', 'timeout', got 'failed'"),
        ({"tokens": {"input": -1}}, "tokens.input", ">= 0"),
        ({"tokens": {"input": 1.5}}, "tokens.input", "whole number"),
        ({"tokens": {"input": True}}, "tokens.input", "whole number"),
        ({"tokens": {"output": 1_000_000_001}}, "tokens.output", "<= 1000000000"),
        ({"tokens": {"output": 10**30}}, "tokens.output", "whole number"),
        ({"tokens": {"inputs": 1}}, "tokens.inputs", "did you mean 'input'"),
        ({"tokens": {"reasoning": 2, "output": 1}}, "tokens.reasoning", "cannot be more"),
        (
            {"tokens": {"input": 5, "cache_read": 6}, "input_includes_cache": True},
            "tokens.input",
            "less than the cached",
        ),
        ({"units": {"images": -1}}, "units.images", ">= 0"),
        ({"units": {"audio_seconds": 2e9}}, "units.audio_seconds", "<= 1000000000"),
        ({"duration_seconds": -0.1}, "duration_seconds", ">= 0"),
        ({"duration_seconds": 86_401}, "duration_seconds", "<= 86400"),
        ({"time_to_first_token_seconds": "1"}, "time_to_first_token_seconds", "number"),
        ({"cost_usd": -0.01}, "cost_usd", "0 to 1,000,000 dollars"),
        ({"cost_usd": 1_000_001}, "cost_usd", "0 to 1,000,000 dollars"),
        ({"cost_usd": "NaN"}, "cost_usd", "0 to 1,000,000 dollars"),
        ({"cost_usd": "sNaN"}, "cost_usd", "0 to 1,000,000 dollars"),
        ({"cost_usd": "Infinity"}, "cost_usd", "0 to 1,000,000 dollars"),
        ({"cost_usd": "cheap"}, "cost_usd", "decimal"),
        ({"cost": 1}, "cost", "did you mean 'cost_usd'"),
        ({"batch": "yes"}, "batch", "true or false"),
        ({"metadata": []}, "metadata", "object"),
        ({"timestamp": "2026-11-20T12:00:00"}, "timestamp", "with its offset"),
        ({"timestamp": "yesterday"}, "timestamp", "expected a time such as"),
        ({"timestamp": NOW + 301}, "timestamp", "more than 300 s in the future"),
        ({"timestamp": "2026-11-20T13:06:00+01:00"}, "timestamp", "2026-11-20T12:06:00+00:00 is more than 300 s"),
        ({"timestamp": NOW * 1000}, "timestamp", "is it in milliseconds?"),
        ({"timestamp": 1e300}, "timestamp", "1e+300 is more than 300 s in the future"),
        ({"timestamp": NOW - 30 * 86_400 - 1}, "timestamp", "more than 30 days ago"),
        ({"timestamp": 0}, "timestamp", "1970-01-01T00:00:00+00:00 is more than 30 days ago"),
        ({"timestamp": -1e18}, "timestamp", "more than 30 days ago"),
        ({"timestamp": "0001-01-01T00:00:00+14:00"}, "timestamp", "more than 30 days ago"),
    ],
)
def test_what_is_wrong_with_an_event(fields: dict[str, Any], field: str, reason: str) -> None:
    found, said = refused(**fields)
    assert found == field
    assert reason in said


def test_what_json_cannot_say() -> None:
    """Python's own library writes NaN; its neighbours are stored all the same."""
    good = '{"model": "gpt-4o"}'
    for text, field in (
        ('{"model": "gpt-4o", "duration_seconds": NaN}', "duration_seconds"),
        ('{"model": "gpt-4o", "cost_usd": Infinity}', "cost_usd"),
        ('{"model": "gpt-4o", "tokens": {"input": -Infinity}}', "tokens.input"),
        ('{"model": "\\ud800"}', ""),
    ):
        first, wrong, last = read(good, text, good)
        assert isinstance(first, Usage)
        assert isinstance(last, Usage)
        assert isinstance(wrong, Rejected)
        assert (wrong.index, wrong.field) == (1, field)


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        (NOW, NOW),
        (None, NOW),
        (int(NOW) - 60, NOW - 60),
        (NOW + 299.5, NOW + 299.5),
        (NOW - 30 * 86_400, NOW - 30 * 86_400),
        ("2026-11-20T12:00:00Z", NOW),
        ("2026-11-20T12:00:00.123Z", NOW + 0.123),
        ("2026-11-20T17:30:00+05:30", NOW),
        ("2026-11-20T03:59:59.9994-08:00", NOW - 0.001),
    ],
)
def test_times(timestamp: object, expected: float) -> None:
    assert one(timestamp=timestamp).timestamp == round(expected * 1000)


def test_ids_are_of_a_project() -> None:
    moment = NOW - 1
    mine, yours = (one(id="x", timestamp=moment, project=name).id for name in ("mine", "yours"))
    assert mine != yours
    assert one(id="x", timestamp=moment, project="mine").id == mine
    # Whatever names are made of, no two come to the same.
    assert one(id="b/c", timestamp=moment, project="a").id != one(id="c", timestamp=moment, project="a/b").id
    assert key_of("unit", "p") not in {key_of("p", "p", kind="unit"), key_of("p", "", kind="unit")}


def test_without_an_id_nothing_is_a_duplicate() -> None:
    assert len({one(timestamp=NOW).id for _ in range(100)}) == 100


def test_a_key_has_its_project() -> None:
    mine = Caller("key", "mine")
    assert one(mine).project == "mine"
    assert one(mine, project="mine").project == "mine"
    assert refused(mine, project="yours") == ("project", "this key is for 'mine' only")
    assert one().project == "unknown"
    assert one(project="yours").project == "yours"


def test_cached_tokens_are_taken_out_of_the_input() -> None:
    counts = {"input": 100, "cache_read": 60, "cache_write": 30, "cache_write_1h": 10, "output": 5, "reasoning": 5}
    assert one(tokens=counts).tokens == Tokens(**counts)
    assert one(tokens=counts, input_includes_cache=True).tokens == Tokens(**{**counts, "input": 0})


def test_everything_is_kept() -> None:
    usage = one(
        id="x",
        timestamp=NOW,
        provider="azure.ai.openai",
        project="p",
        feature="f",
        agent="a",
        operation="embeddings",
        status="timeout",
        error_type="overloaded",
        units={"characters": 1, "audio_seconds": 0.5, "images": 2, "tool_calls": 3},
        duration_seconds=1,
        time_to_first_token_seconds=0.25,
        service_tier="flex",
        batch=True,
        session="s",
        metadata={"anything": [1, {"deep": None}]},
    )
    assert (usage.feature, usage.agent, usage.operation, usage.status) == ("f", "a", "embeddings", "timeout")
    assert (usage.error_type, usage.duration, usage.first_token) == ("overloaded", 1.0, 0.25)
    assert (usage.units.characters, usage.units.audio_seconds, usage.units.images, usage.units.tool_calls) == (
        1,
        0.5,
        2,
        3,
    )
    assert (usage.tier, usage.batch, usage.session, usage.requests, usage.cost) == ("flex", True, "s", 1, None)


@pytest.mark.parametrize(
    ("written", "pico"),
    [
        ("0", 0),
        ("-0", 0),
        ("1000000", 10**18),
        ("0.000000000001", 1),
        ('"0.000000000001"', 1),
        ("0.1", 10**11),
        ("1e-7", 10**5),
        ('"123456.789012345678"', 123_456_789_012_345_678),
        ("123456.789012345678", 123_456_789_012_345_678),
        ("999999.999999999999", 999_999_999_999_999_999),
        ("0.0000000000005", 0),
        ("0.0000000000015", 2),
        ('"1E-400"', 0),
    ],
)
def test_dollars_are_exact(written: str, pico: int) -> None:
    """Never by way of a float, which holds no more than 15 digits."""
    [usage] = read(f'{{"model": "gpt-4o", "cost_usd": {written}}}')
    assert isinstance(usage, Usage)
    assert usage.cost == pico


@given(st.integers(0, 10**18), st.booleans())
def test_any_amount_of_pico_dollars(pico: int, quoted: bool) -> None:
    text = f"{Decimal(pico) / PICO:f}"
    [usage] = read(f'{{"model": "m", "cost_usd": {json.dumps(text) if quoted else text}}}')
    assert isinstance(usage, Usage)
    assert usage.cost == pico


_TEXTS = st.text(max_size=210)
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(UsageEvent.__struct_fields__), _ANY | _TEXTS))
def test_whatever_is_sent_is_taken_or_refused(fields: dict[str, Any]) -> None:
    """And what is taken can be stored: its names fit into the ledger's keys."""
    [found] = read({"model": "gpt-4o", **fields})
    if isinstance(found, Rejected):
        assert found.reason
    else:
        check_text(found.id, "\x1frepriced")
        check_text(found.provider, found.model, found.project, "feature" * 10, "text_completion", "success")
        assert found.tokens.reasoning <= found.tokens.output


@given(st.datetimes(datetime(2026, 10, 22), datetime(2026, 11, 20, 12), timezones=st.just(UTC)))
def test_a_retry_comes_to_the_same_millisecond(moment: datetime) -> None:
    for written in (moment, moment.astimezone(tz=UTC), moment + timedelta(0)):
        assert one(timestamp=written.isoformat()).timestamp == round(moment.timestamp() * 1000)
    assert abs(one(timestamp=moment.timestamp()).timestamp - moment.timestamp() * 1000) <= 0.5


def test_history_is_said_to_be_some() -> None:
    assert decoded("{}", "?backfill=true").backfill
    assert not decoded("{}", "?backfill=false").backfill
    assert not decoded("[]").backfill


@pytest.mark.parametrize(
    ("query", "field", "reason"),
    [
        ("?backfil=true", "backfil", "'backfil' is no parameter here; known: backfill"),
        ("?backfill=yes", "backfill", "expected true or false, got 'yes'"),
        ("?backfill", "backfill", "expected true or false, got ''"),
        ("?backfill=true&project=x", "project", "'project' is no parameter here"),
    ],
)
def test_parameters_that_nobody_knows(query: str, field: str, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason.replace("?", r"\?")) as caught:
        decoded("[]", query)
    assert (caught.value.status, caught.value.field) == (400, field)


def test_units_are_of_three_kinds() -> None:
    request = make_mocked_request("POST", "/api/v1/units", {"Content-Type": "application/json"})
    items = JsonFormat(UnitEvent).decode(
        request, b'[{"feature": "f", "unit": "test"}, {"feature": "f", "unit": "tests"}, {"feature": "f"}]', 10
    )
    assert [unit.count for unit in items.values] == [1]
    assert [(wrong.index, wrong.field) for wrong in items.rejected] == [(1, "unit"), (2, "unit")]
