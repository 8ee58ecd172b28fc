"""JSON as it is sent, well or badly: what is decoded, and what is said of the rest."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
import pytest
from aiohttp.test_utils import make_mocked_request

from agent_observability.intake.errors import RefusedError, Rejected
from agent_observability.intake.formats import Items, JsonFormat, media_type

MIB = 1024**2


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    input: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    output: int = 0


class Thing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field of every kind that exporters use."""

    model: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    tokens: Part = Part()
    status: Literal["success", "error"] = "success"
    cost_usd: Decimal | None = None
    seconds: Annotated[float, msgspec.Meta(ge=0)] | None = None
    moment: float | None = None
    batch: bool = False
    metadata: dict[str, Any] = {}
    parts: list[Part] = []
    sizes: dict[str, int] = {}


THINGS = JsonFormat(Thing)


def decode(body: bytes | str, most: int = 1_000, content_type: str = "application/json") -> Items[Thing]:
    request = make_mocked_request("POST", "/", {"Content-Type": content_type})
    THINGS.check(request)
    return THINGS.decode(request, body if isinstance(body, bytes) else body.encode(), most)


def refused(body: bytes | str, most: int = 1_000, content_type: str = "application/json") -> tuple[int, str]:
    with pytest.raises(RefusedError) as caught:
        decode(body, most, content_type)
    assert caught.value.result == ("too_large" if caught.value.status == 413 else "invalid")
    return caught.value.status, caught.value.reason


def models(items: Items[Thing]) -> list[str]:
    return [value.model for value in items.values]


@pytest.mark.parametrize(
    ("content_type", "body", "found"),
    [
        ("application/json", '{"model":"a"}', ["a"]),
        ("application/json", ' \r\n\t{"model":"a"} ', ["a"]),
        ("application/json", '[{"model":"a"},{"model":"b"}]', ["a", "b"]),
        ("application/json", ' [ {"model":"a"} , {"model":"b"} ] ', ["a", "b"]),
        ("application/json", "[]", []),
        ("application/json", " [ ] ", []),
        ("", '{"model":"a"}', ["a"]),
        ("Application/JSON; charset=utf-8", '{"model":"a"}', ["a"]),
        ("text/json", '{"model":"a"}', ["a"]),
        ("application/json", '\ufeff{"model":"a"}', ["a"]),
        ("application/json", '\ufeff[{"model":"ä"}]', ["ä"]),
        ("application/json", '{"model":"a","model":"b"}', ["b"]),
        ("application/json", r'{"model":"\ud83d\ude80"}', ["🚀"]),
        ("application/json", '{"model":"},{","metadata":{"a":[{},{}]}}', ["},{"]),
        ("application/x-ndjson", '{"model":"a"}\n{"model":"b"}', ["a", "b"]),
        ("application/ndjson", '{"model":"a"}\r\n\r\n  \n\n{"model":"b"}\r\n', ["a", "b"]),
        ("application/jsonl", '\ufeff{"model":"a"}\n', ["a"]),
        ("application/x-jsonlines; charset=utf-8", ' {"model":"a"} ', ["a"]),
    ],
)
def test_what_is_decoded(content_type: str, body: str, found: list[str]) -> None:
    items = decode(body, content_type=content_type)
    assert models(items) == found
    assert (list(items.indexes), items.rejected, items.number) == (list(range(len(found))), [], len(found))


def test_amounts_are_exact() -> None:
    """Also where the neighbour's NaN means that a lenient parser splits them."""
    for rest in ("", ',{"model":"b","seconds":NaN}'):
        items = decode('[{"model":"a","cost_usd":0.1000000000000000055511151231257827}' + rest + "]")
        assert items.values[0].cost_usd == Decimal("0.1000000000000000055511151231257827")


@pytest.mark.parametrize(
    ("item", "field", "reason"),
    [
        ("{}", "model", "missing"),
        ("5", "", "expected an object, got 5"),
        ("null", "", "expected an object, got null"),
        ('"text"', "", "expected an object, got 'text'"),
        ("[]", "", "expected an object, got a list"),
        ('{"model":1}', "model", "expected text, got 1"),
        ('{"model":null}', "model", "expected text, got null"),
        ('{"model":""}', "model", "expected text of length >= 1, got ''"),
        (
            '{"model":"' + "m" * 50 + '"}',
            "model",
            f"expected text of length <= 20, got '{'m' * 38}…",
        ),
        ('{"model":"a","cots_usd":1}', "cots_usd", "unknown field; did you mean 'cost_usd'?"),
        ('{"model":"a","tokens":{"inptu":1}}', "tokens.inptu", "unknown field; did you mean 'input'?"),
        ('{"model":"a","parts":[{},{"ouput":1}]}', "parts[1].ouput", "unknown field; did you mean 'output'?"),
        ('{"model":"a","tokens":{"x`y":1}}', "tokens.x`y", "unknown field; known: input, output"),
        (
            '{"model":"a","' + "k" * 500 + '":1}',
            "k" * 99 + "…",
            "unknown field; known: model, tokens, status, cost_usd, seconds, moment, batch, metadata, parts, sizes",
        ),
        ('{"model":"a","tokens":{"input":-1}}', "tokens.input", "expected a whole number >= 0, got -1"),
        ('{"model":"a","tokens":{"input":101}}', "tokens.input", "expected a whole number <= 100, got 101"),
        ('{"model":"a","tokens":{"input":1.5}}', "tokens.input", "expected a whole number, got 1.5"),
        ('{"model":"a","tokens":{"input":"1"}}', "tokens.input", "expected a whole number, got '1'"),
        (
            '{"model":"a","tokens":{"output":1e400}}',
            "tokens.output",
            "expected a number that 64 bits can hold, got 1e400",
        ),
        (
            '{"model":"a","tokens":{"output":' + "9" * 5_000 + "}}",
            "tokens.output",
            f"expected a whole number of up to 64 bits, got {'9' * 39}…",
        ),
        ('{"model":"a","tokens":null}', "tokens", "expected an object, got null"),
        ('{"model":"a","status":"ok"}', "status", "expected one of 'error', 'success', got 'ok'"),
        ('{"model":"a","cost_usd":"much"}', "cost_usd", "expected a decimal number, got 'much'"),
        ('{"model":"a","seconds":-0.5}', "seconds", "expected a number >= 0.0, got -0.5"),
        ('{"model":"a","seconds":"1s"}', "seconds", "expected a number, got '1s'"),
        ('{"model":"a","batch":"yes"}', "batch", "expected true or false, got 'yes'"),
        ('{"model":"a","sizes":{"s":"x"}}', "sizes[...]", "expected a whole number, got text"),
        ('{"model":"a","parts":[{"input":{}}]}', "parts[0].input", "expected a whole number, got an object"),
        ('{"model":"a","seconds":NaN}', "seconds", "expected a number, got NaN"),
        ('{"model":"a","tokens":{"input":-Infinity}}', "tokens.input", "expected a number, got -Infinity"),
        (
            '{"model":"a","metadata":{"a":[1,{"b":Infinity}],"c":NaN}}',
            "metadata.a.1.b",
            "expected a number, got Infinity",
        ),
        (r'{"model":"\ud800"}', "", "no valid JSON: text that is no Unicode"),
    ],
)
def test_an_item_that_is_wrong_is_named(item: str, field: str, reason: str) -> None:
    """Alone, in an array between neighbours, and in a line: they are taken."""
    assert decode(item if item != "[]" else "[[]]").rejected == [Rejected(0, field, reason)]
    array = decode(f'[{{"model":"a"}},{item},{{"model":"b"}}]')
    by_lines = decode(f'{{"model":"a"}}\n{item}\n{{"model":"b"}}', content_type="application/x-ndjson")
    for items in (array, by_lines):
        assert items.rejected == [Rejected(1, field, reason)]
        assert (models(items), list(items.indexes), items.number) == (["a", "b"], [0, 2], 3)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "no valid JSON: Input data was truncated"),
        ('{"model":"a"} x', "no valid JSON: trailing characters (byte 15)"),
        ('{"model":"a"}{"model":"b"}', "no valid JSON: trailing characters (byte 14)"),
        ("hello", "no valid JSON: invalid character (byte 0)"),
        ('{"model":"a\x01"}', "no valid JSON: invalid character (byte 11)"),
        ('{"model":"a","metadata":{"a":' + "[" * 3_000 + "]" * 3_000 + "}}", "no valid JSON: nested too deeply"),
    ],
)
def test_a_line_that_is_no_json(line: str, reason: str) -> None:
    items = decode(f'{{"model":"a"}}\n{line}\n{{"model":"b"}}', content_type="application/x-ndjson")
    assert items.rejected == [Rejected(1, "", reason)]
    assert models(items) == ["a", "b"]
    assert refused(line) == (400, reason)


def test_text_that_is_no_utf8() -> None:
    bad = b'{"model":"\xff"}'
    assert refused(bad) == (400, "no valid JSON: not UTF-8")
    for items in (
        decode(b'[{"model":"\xc3\xa4"},' + bad + b',{"model":"b"}]'),
        decode(b'{"model":"\xc3\xa4"}\n' + bad + b'\n{"model":"b"}', content_type="application/jsonl"),
    ):
        assert items.rejected == [Rejected(1, "", "no valid JSON: not UTF-8")]
        assert models(items) == ["ä", "b"]
    assert refused('{"model":"a"}'.encode("utf-16"))[0] == 400


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "the body is empty"),
        (" \n\t", "the body is empty"),
        ("\ufeff", "the body is empty"),
        ("[", "item 0: Expecting value"),
        ('[{"model":"a"}', "expected a comma or ] after item 0"),
        ('[{"model":"a"},', "item 1: Expecting value"),
        ('[{"model":"a"},]', "item 1: Expecting value"),
        ('[{"model":"a"} {"model":"b"}]', "expected a comma or ] after item 0"),
        ('[{"model":"a"}] x', "expected nothing after the array"),
        ('[{"model":"a"}][]', "expected nothing after the array"),
        ('[{"model":1},{', "item 1: Expecting property name enclosed in double quotes"),
        ('[{"model":1},{"model":"a"', "item 1: Expecting ',' delimiter"),
        ("[" * 100_000, "item 0 is nested too deeply"),
        ('{"metadata":{"a":' + '{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_a_body_that_is_no_json(body: str, reason: str) -> None:
    assert refused(body) == (400, f"no valid JSON: {reason}")


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/x-protobuf", "application/jsonx", "x" * 500],
)
def test_content_types_that_are_not_read(content_type: str) -> None:
    status, reason = refused("{}", content_type=content_type)
    assert (status, reason) == (415, f"expected application/json or application/x-ndjson, got {content_type[:60]!r}")


def test_the_media_type() -> None:
    for header, found in (("A/B ;c=d", "a/b"), ("", ""), (";x", "")):
        assert media_type(make_mocked_request("POST", "/", {"Content-Type": header})) == found
    assert media_type(make_mocked_request("POST", "/")) == ""
