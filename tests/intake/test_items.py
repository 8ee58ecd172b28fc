"""JSON without end, and any JSON at all: bounded in number, memory and time, and nobody loses a neighbour."""

from __future__ import annotations

import json
import math
import time
import tracemalloc
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.intake import formats as module
from agent_observability.intake.errors import RefusedError, Rejected
from agent_observability.intake.formats import JsonFormat
from agent_observability.intake.items import Number, array_items, is_plain, lax, lines, surely_at_most
from agent_observability.intake.reasons import Reasons
from tests.intake.test_formats import MIB, THINGS, Thing, decode, refused

TOO_MANY = (413, "a request may have 1,000 items")


def test_no_more_items_than_allowed() -> None:
    """Counted as what they are: objects within objects, and what strings look like, are none."""
    one, bad = '{"model":"a"}', '{"modle":"a"}'
    rich = '{"model":"},{","tokens":{"input":1},"parts":[{},{},{},{}],"metadata":{"a":{},"b":{}}}'
    for item in (one, rich):
        assert decode(f"[{','.join([item] * 1_000)}]").number == 1_000
        assert decode("\n".join([item] * 1_000), content_type="application/jsonl").number == 1_000
        assert refused(f"[{','.join([item] * 1_001)}]") == TOO_MANY
        assert refused("\n\n".join([item] * 1_001), content_type="application/jsonl") == TOO_MANY
    assert len(decode(f"[{','.join([bad] * 1_000)}]").rejected) == 1_000
    for item in (bad, "0", "[]", '""', "NaN"):
        assert refused(f"[{','.join([item] * 1_001)}]") == TOO_MANY
        assert refused("\n".join([item] * 1_001), content_type="application/jsonl") == TOO_MANY


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        pytest.param("application/json", b"[" + b"0," * (8 * MIB) + b"0]", id="numbers"),
        pytest.param("application/json", b"[" + b'{"model":"a"},' * MIB + b'{"model":"a"}]', id="objects"),
        pytest.param("application/json", b"[" + b"[]," * (4 * MIB) + b"0]", id="lists"),
        pytest.param("application/x-ndjson", b"0\n" * (8 * MIB), id="lines"),
        pytest.param("application/x-ndjson", b"\n" * (16 * MIB) + b"0", id="blank lines"),
    ],
)
def test_far_too_many_take_neither_memory_nor_time(content_type: str, body: bytes) -> None:
    """Sixteen million numbers in a list would take a gigabyte."""
    tracemalloc.start()
    started = time.monotonic()
    if body.endswith(b"\n0"):
        assert decode(body, 10_000, content_type).number == 1
    else:
        assert refused(body, 10_000, content_type) == (413, "a request may have 10,000 items")
    seconds, peak = time.monotonic() - started, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(f"{len(body) / MIB:.0f} MiB: {seconds:.2f} s, {peak / MIB:.0f} MiB")
    assert peak < 3 * len(body)
    assert seconds < 10


def test_whether_there_are_few_at_a_glance() -> None:
    assert surely_at_most(b"[{},{},{}]", 3)
    assert not surely_at_most(b"[{},{},{},{}]", 3)
    assert surely_at_most(b'[{"a":{},"b":{}},{"a":{},"b":{}}]', 2)
    assert not surely_at_most(b'[{"a":"},{"},{"a":{}}]', 2)


def test_errors_beyond_the_hundredth_are_brief_and_cheap() -> None:
    """They are counted, not listed; what takes time to find out is not looked for."""
    item = '{"model":"a","cots_usd":1}'
    items = decode(f"[{','.join([item] * 1_000)}]")
    reasons = [one.reason for one in items.rejected]
    assert reasons[:100] == ["unknown field; did you mean 'cost_usd'?"] * 100
    assert reasons[100:] == ["unknown field"] * 900
    assert [one.index for one in items.rejected] == list(range(1_000))


def test_the_answer_lists_a_hundred_errors_and_says_how_many_there_are() -> None:
    request = make_mocked_request("POST", "/")
    rejected = [Rejected(index, "field", "reason") for index in range(250)]
    response = THINGS.answer(request, 5, 2, 0, rejected)
    body = json.loads(response.body)  # type: ignore[arg-type]
    assert response.status == 200
    assert (body["accepted"], body["duplicates"], body["rejected"]) == (5, 2, 250)
    assert body["errors"] == [{"index": i, "field": "field", "reason": "reason"} for i in range(100)]


@pytest.mark.parametrize(
    ("accepted", "duplicates", "ignored", "rejected", "status"),
    [(0, 0, 0, 0, 200), (1, 0, 0, 1, 200), (0, 1, 0, 1, 200), (0, 0, 1, 0, 200), (0, 0, 0, 1, 422), (0, 0, 1, 1, 422)],
)
def test_the_status_of_an_answer(accepted: int, duplicates: int, ignored: int, rejected: int, status: int) -> None:
    errors = [Rejected(0, "f", "r")] * rejected
    response = THINGS.answer(make_mocked_request("POST", "/"), accepted, duplicates, ignored, errors)
    assert response.status == status
    assert response.content_type == "application/json"
    assert ("errors" in json.loads(response.body)) == bool(rejected)  # type: ignore[arg-type]


def test_a_refusal_names_the_field() -> None:
    request = make_mocked_request("POST", "/")
    response = THINGS.refusal(request, RefusedError(415, "invalid", "no", field="Content-Type"))
    assert (response.status, response.body) == (415, b'{"error":"no","field":"Content-Type"}')
    assert THINGS.refusal(request, RefusedError(413, "too_large", "no")).body == b'{"error":"no"}'


def test_only_structs_can_be_decoded() -> None:
    with pytest.raises(TypeError, match="expected a struct, got <class 'int'>"):
        JsonFormat(int)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda some: (
        st.lists(some, max_size=4) | st.dictionaries(st.text() | st.sampled_from(["model", "tokens"]), some, max_size=4)
    ),
    max_leaves=12,
)


@given(st.binary(max_size=200), st.sampled_from(["application/json", "application/x-ndjson"]))
def test_any_bytes_are_decoded_or_refused(body: bytes, content_type: str) -> None:
    try:
        items = decode(body, content_type=content_type)
    except RefusedError as error:
        assert error.status in (400, 413)
    else:
        assert sorted([*items.indexes, *(one.index for one in items.rejected)]) == list(range(items.number))


@given(st.lists(_json, max_size=6), st.booleans())
def test_any_array_is_split_into_its_items(values: list[Any], ascii_: bool) -> None:
    """Also with NaN and the infinities, and half surrogate pairs where they are escaped."""
    try:
        body = json.dumps(values, ensure_ascii=ascii_, indent=2 if ascii_ else None).encode()
    except UnicodeEncodeError:
        return
    found = [json.loads(item) for item in array_items(body, 10)]
    assert _same(found, values)
    assert decode(body).number == len(values)


@given(st.lists(st.tuples(_json, st.booleans()), max_size=6))
def test_good_neighbours_are_taken_whatever_the_others_are(values: list[tuple[Any, bool]]) -> None:
    """In the order in which they were sent, with their own indexes."""
    items = [{"model": f"m{index}"} if good else value for index, (value, good) in enumerate(values)]
    expected = [index for index, (_, good) in enumerate(values) if good]
    bodies = [json.dumps(items), "\n".join(map(json.dumps, items))]
    for body, content_type in zip(bodies, ("application/json", "application/x-ndjson"), strict=True):
        if not items and content_type != "application/json":
            continue
        found = decode(body, content_type=content_type)
        taken = [index for index, value in zip(found.indexes, found.values, strict=True) if value.model == f"m{index}"]
        assert set(expected) <= set(taken)
        assert found.number == len(items)
        assert all(len(one.field) <= 100 and 0 < len(one.reason) <= 300 for one in found.rejected)


@given(_json)
def test_reasons_are_found_for_whatever_is_wrong(value: Any) -> None:
    text = json.dumps({"model": "a", "tokens": value}).encode()
    try:
        msgspec.json.decode(text, type=Thing)
    except (msgspec.DecodeError, RecursionError) as error:
        for brief in (False, True):
            found = Reasons(Thing).rejected(3, text, error, brief=brief)
            assert found is not None
            assert (found.index, bool(found.reason)) == (3, True)


def test_numbers_are_kept_as_they_are_written() -> None:
    assert lax(b'[1.50, -2, 1e400, NaN, "NaN"]') == ["1.50", "-2", "1e400", "NaN", "NaN"]
    assert [isinstance(one, Number) for one in lax(b'[1, "1"]')] == [True, False]
    assert not Number("Infinity").is_one


def test_lines_are_split_as_they_are_written() -> None:
    assert list(lines(b"\n a \r\n\t\nb\nc", 3)) == [b"a \r", b"b", b"c"]
    assert list(lines(b"", 3)) == []


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and math.isnan(one):
        return isinstance(other, float) and math.isnan(other)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(one == other)


def test_what_is_named_is_bounded() -> None:
    assert module._NAMED == 100


@pytest.mark.parametrize(
    ("body", "plain"),
    [
        (b'[{"name": "a b~"}]\r\n\t', True),
        (b"", True),
        ('{"name": "é"}'.encode(), False),
        (b'{"name": "\\n"}', False),
        (b'{"name": "\\u0041"}', False),
        (b'{"name": "\x7f"}', False),
    ],
)
def test_what_is_plain(body: bytes, plain: bool) -> None:
    assert is_plain(body) is plain


@given(st.text(), st.booleans())
def test_a_plain_body_has_plain_texts(text: str, escaped: bool) -> None:
    body = json.dumps({"name": text}, ensure_ascii=escaped).encode(errors="surrogatepass")
    if is_plain(body):
        assert text.isascii()
        assert text.isprintable()


@given(st.binary())
def test_no_bytes_at_all_make_a_plain_body_with_other_texts(inside: bytes) -> None:
    body = b'[{"model":"' + inside + b'"}]'
    try:
        found = decode(body)
    except RefusedError:
        return
    if found.plain:
        assert all(thing.model.isascii() and thing.model.isprintable() for thing in found.values)
