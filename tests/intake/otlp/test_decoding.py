"""Both decoders: they agree with each other on anything valid, and refuse everything else in their own words."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from agent_observability.intake.otlp import json, protobuf
from agent_observability.intake.otlp.errors import OtlpError
from agent_observability.intake.otlp.model import Decoded, Span
from tests.intake.otlp import messages

Decode = Callable[[bytes], Decoded[Any]]
DECODERS: list[Decode] = [
    protobuf.decode_traces,
    protobuf.decode_metrics,
    protobuf.decode_logs,
    json.decode_traces,
    json.decode_metrics,
    json.decode_logs,
]


def comparable(value: Any) -> Any:
    """With NaN equal to itself, and numbers apart from others of the same value."""
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, bool | int | float):
        return type(value).__name__, value
    if isinstance(value, list | tuple):
        return [comparable(one) for one in value]
    if isinstance(value, dict):
        return {key: comparable(one) for key, one in value.items()}
    if isinstance(value, msgspec.Struct):
        return comparable(msgspec.structs.asdict(value))
    return value


def agree(message: Message, from_protobuf: Decode, from_json: Decode) -> Decoded[Any]:
    binary, text = from_protobuf(message.SerializeToString()), from_json(messages.as_json(message))
    assert comparable(text.groups) == comparable(binary.groups)
    assert text.total == binary.total
    assert [(one.index, one.field) for one in text.rejected] == [(one.index, one.field) for one in binary.rejected]
    assert binary.total == sum(len(group.items) for group in binary.groups) + len(binary.rejected)
    return binary


@given(messages.traces_requests)
@settings(deadline=None)
def test_traces_read_the_same_in_both_encodings(message: ExportTraceServiceRequest) -> None:
    found = agree(message, protobuf.decode_traces, json.decode_traces)
    sent = [span for one in message.resource_spans for scope in one.scope_spans for span in scope.spans]
    assert found.total == len(sent)
    for group in found.groups:
        for span in group.items:
            assert (span.trace_id, span.span_id) == (sent[span.index].trace_id, sent[span.index].span_id)
            assert (span.start_ns, span.name) == (sent[span.index].start_time_unix_nano, sent[span.index].name)
            assert list(span.attributes) == [pair.key for pair in sent[span.index].attributes]


@given(messages.metrics_requests)
@settings(deadline=None)
def test_metrics_read_the_same_in_both_encodings(message: Message) -> None:
    agree(message, protobuf.decode_metrics, json.decode_metrics)


@given(messages.logs_requests)
@settings(deadline=None)
def test_logs_read_the_same_in_both_encodings(message: Message) -> None:
    agree(message, protobuf.decode_logs, json.decode_logs)


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_raise_nothing_else(body: bytes) -> None:
    for decode in DECODERS:
        try:
            decode(body)
        except OtlpError as error:
            assert error.reason


@given(messages.metrics_requests, st.data())
@settings(deadline=None)
def test_protobuf_that_is_cut_or_changed_raises_nothing_else(message: Message, data: st.DataObject) -> None:
    body = bytearray(message.SerializeToString())
    for _ in range(data.draw(st.integers(0, 3))):
        if body:
            body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(body[: data.draw(st.integers(0, len(body)))])
    for decode in DECODERS[:3]:
        try:
            decode(cut)
        except OtlpError as error:
            assert error.reason


_leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
)
_names = st.sampled_from(
    [
        *(
            "resourceSpans",
            "scopeSpans",
            "spans",
            "resourceMetrics",
            "scopeMetrics",
            "metrics",
            "resourceLogs",
            "scopeLogs",
        ),
        *("logRecords", "attributes", "key", "value", "stringValue", "intValue", "arrayValue", "kvlistValue", "values"),
        *("traceId", "spanId", "sum", "histogram", "dataPoints", "asInt", "bucketCounts", "explicitBounds", "count"),
    ]
)
_trees = st.recursive(
    _leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_names, inner, max_size=6)),
    max_leaves=30,
)


@given(st.dictionaries(_names, _trees, max_size=4))
@settings(deadline=None)
def test_json_of_any_shape_raises_nothing_else(tree: dict[str, Any]) -> None:
    body = msgspec.json.encode(tree)
    for decode in DECODERS[3:]:
        try:
            decode(body)
        except OtlpError as error:
            assert error.reason


IDS = {"traceId": "00112233445566778899aabbccddeeff", "spanId": "0011223344556677"}


def spans_of(*spans: Any) -> bytes:
    return msgspec.json.encode({"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]})


BAD_SPANS = [
    ("no object", 7, "", "expected object, got int"),
    ("no ids", {}, "traceId", "expected 16 bytes, not all of them 0"),
    ("ids of zeros", {**IDS, "spanId": "0" * 16}, "spanId", "expected 8 bytes, not all of them 0"),
    (
        "an id in Base64",
        {**IDS, "traceId": "ABEiM0RVZneImaq7zN3u/w=="},
        "traceId",
        "expected 16 bytes, not all of them 0",
    ),
    ("an id with spaces", {**IDS, "spanId": "00112233 4455667"}, "spanId", "expected 8 bytes, not all of them 0"),
    ("a name of numbers", {**IDS, "name": 5}, "name", "expected str | null, got int"),
    (
        "a time in words",
        {**IDS, "startTimeUnixNano": "today"},
        "startTimeUnixNano",
        "expected a whole number, got 'today'",
    ),
    ("a negative time", {**IDS, "endTimeUnixNano": -1}, "endTimeUnixNano", "expected a number of 64 bits, got -1"),
    (
        "an unknown kind",
        {**IDS, "kind": "SPAN_KIND_ODD"},
        "kind",
        "expected a number or one of SPAN_KIND_UNSPECIFIED, ",
    ),
    (
        "a number beyond 64 bits",
        {**IDS, "attributes": [{"key": "a", "value": {"intValue": "9223372036854775808"}}]},
        "intValue",
        "expected a number of 63 bits, got 9223372036854775808",
    ),
    (
        "half a number",
        {**IDS, "attributes": [{"key": "a", "value": {"intValue": 1.5}}]},
        "attributes[0].value.intValue",
        "expected int | str | null, got float",
    ),
    (
        "a double in words",
        {**IDS, "attributes": [{"key": "a", "value": {"doubleValue": "much"}}]},
        "doubleValue",
        "expected a number, got 'much'",
    ),
    ("no Base64", {**IDS, "attributes": [{"key": "a", "value": {"bytesValue": "%"}}]}, "bytesValue", "expected Base64"),
    (
        "too many attributes",
        {**IDS, "attributes": [{"key": str(at)} for at in range(1001)]},
        "",
        "expected at most 1,000",
    ),
]


@pytest.mark.parametrize(
    ("span", "field", "reason"), [case[1:] for case in BAD_SPANS], ids=[case[0] for case in BAD_SPANS]
)
def test_a_span_that_cannot_be_read_loses_no_other(span: Any, field: str, reason: str) -> None:
    found = json.decode_traces(spans_of(IDS, span, {**IDS, "name": "last"}))
    assert [(one.index, one.name) for group in found.groups for one in group.items] == [(0, ""), (2, "last")]
    [rejected] = found.rejected
    path = "resourceSpans[0].scopeSpans[0].spans[1]"
    assert (rejected.index, rejected.field) == (1, f"{path}.{field}" if field else path)
    assert rejected.reason.startswith(reason)


def test_text_that_is_no_unicode_loses_only_its_span() -> None:
    message = ExportTraceServiceRequest()
    scope = message.resource_spans.add().scope_spans.add()
    for name in ("one", "NAME", "three"):
        scope.spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name=name)
    found = protobuf.decode_traces(message.SerializeToString().replace(b"NAME", b"\xff\xfe\xfd\xfc"))
    assert [(one.index, one.name) for group in found.groups for one in group.items] == [(0, "one"), (2, "three")]
    assert [(one.index, one.field) for one in found.rejected] == [(1, "resourceSpans[0].scopeSpans[0].spans[1]")]


def test_names_of_enumerations_and_numbers_as_numbers_are_read() -> None:
    span = {**IDS, "kind": "SPAN_KIND_CLIENT", "status": {"code": "STATUS_CODE_ERROR", "message": "no"}}
    times = {
        "startTimeUnixNano": 1_790_000_000_000_000_000,
        "endTimeUnixNano": "1790000000000000001",
        "extra": {"a": [1]},
    }
    [group] = json.decode_traces(spans_of({**span, **times})).groups
    [found] = group.items
    assert (found.kind, found.status, found.message) == (3, 2, "no")
    assert (found.start_ns, found.end_ns) == (1_790_000_000_000_000_000, 1_790_000_000_000_000_001)


def nested(depth: int) -> AnyValue:
    value = AnyValue(int_value=1)
    for _ in range(depth):
        outer = AnyValue()
        outer.array_value.values.append(value)
        value = outer
    return value


@pytest.mark.parametrize(("depth", "taken"), [(20, True), (21, False), (40, False)])
def test_values_are_nested_twenty_deep_at_most(depth: int, taken: bool) -> None:
    message = ExportTraceServiceRequest()
    span = SpanMessage(trace_id=b"t" * 16, span_id=b"s" * 8, attributes=[KeyValue(key="a", value=nested(depth))])
    message.resource_spans.add().scope_spans.add().spans.append(span)
    found = agree(message, protobuf.decode_traces, json.decode_traces)
    assert [len(group.items) for group in found.groups] == ([1] if taken else [])


@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"resourceSpans":' * 50_000, b'{"a":' * 100_000])
def test_nesting_without_end_is_refused(body: bytes) -> None:
    with pytest.raises(OtlpError):
        json.decode_traces(body)


@pytest.mark.parametrize("decode", [protobuf.decode_traces, json.decode_traces])
def test_items_are_bounded(decode: Callable[..., Decoded[Span]]) -> None:
    message = ExportTraceServiceRequest()
    scope = message.resource_spans.add().scope_spans.add()
    for at in range(11):
        scope.spans.add(trace_id=b"t" * 16, span_id=at.to_bytes(8, "big"))
    body = message.SerializeToString() if decode is protobuf.decode_traces else messages.as_json(message)
    with pytest.raises(OtlpError, match="expected at most 10 items in a request"):
        decode(body, most=10)
    assert decode(body, most=11).total == 11


def _wrapped(tag: int, content: bytes) -> bytes:
    size, found = len(content), bytearray([tag])
    while size >= 0x80:
        found.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*found, size]) + content


EMPTY = 1_000_000
BOMBS = [
    ("resources", b"\x0a\x00" * EMPTY),
    ("scopes", _wrapped(0x0A, b"\x12\x00" * EMPTY)),
    ("spans", _wrapped(0x0A, _wrapped(0x12, b"\x12\x00" * EMPTY))),
    ("attributes", _wrapped(0x0A, _wrapped(0x12, _wrapped(0x12, b"\x4a\x00" * EMPTY)))),
    ("events", _wrapped(0x0A, _wrapped(0x12, _wrapped(0x12, b"\x5a\x00" * EMPTY)))),
    ("values", _wrapped(0x0A, _wrapped(0x12, _wrapped(0x12, _wrapped(0x4A, _wrapped(0x12, b"\x2a\x00" * EMPTY)))))),
]


@pytest.mark.parametrize("body", [bomb for _, bomb in BOMBS], ids=[name for name, _ in BOMBS])
def test_millions_of_empty_messages_fill_no_memory(body: bytes) -> None:
    """Two megabytes that protobuf would make hundreds of."""
    tracemalloc.start()
    try:
        found = protobuf.decode_traces(body)
        assert not found.groups
        assert [one.reason.startswith("expected at most") for one in found.rejected] == [True]
    except OtlpError as error:
        assert error.reason.startswith("expected at most")
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 32 * 2**20


_EMPTY_SCOPES = _wrapped(0x0A, b"\x12\x00" * 40)
_EMPTY_METRICS = _wrapped(0x0A, _wrapped(0x12, b"\x12\x00" * 40))
HOLLOW: list[tuple[str, Decode, bytes]] = [
    *((f"{decode.__name__} resources", decode, b"\x0a\x00" * 1_001) for decode in DECODERS[:3]),
    *((f"{decode.__name__} scopes", decode, _EMPTY_SCOPES * 25) for decode in DECODERS[:3]),
    ("metrics", protobuf.decode_metrics, _EMPTY_METRICS * 25),
    ("metrics, all in one scope", protobuf.decode_metrics, _wrapped(0x0A, _wrapped(0x12, b"\x12\x00" * 1_001))),
    *(
        (f"{decode.__name__} resources in JSON", decode, b'{"%s":[%s{}]}' % (resources, b"{}," * 1_000))
        for decode, resources in zip(DECODERS[3:], (b"resourceSpans", b"resourceMetrics", b"resourceLogs"), strict=True)
    ),
    ("scopes in JSON", json.decode_traces, b'{"resourceSpans":[{"scopeSpans":[%s{}]}]}' % (b"{}," * 1_000)),
    (
        "metrics in JSON",
        json.decode_metrics,
        b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[%s{}]}]}]}' % (b'{"sum":{}},' * 1_000),
    ),
]


@pytest.mark.parametrize(("decode", "body"), [case[1:] for case in HOLLOW], ids=[case[0] for case in HOLLOW])
def test_envelopes_with_nothing_in_them_are_bounded(decode: Decode, body: bytes) -> None:
    """They count as no items, but a few kilobytes of gzip hold millions of them, and each is looked at."""
    with pytest.raises(OtlpError, match="expected at most 1,000 resources, scopes and metrics with nothing in them"):
        decode(body)


@pytest.mark.parametrize("decode", DECODERS[:3])
def test_envelopes_with_items_are_bounded_by_these(decode: Decode) -> None:
    full = _wrapped(0x0A, _wrapped(0x12, b"\x12\x04\x3a\x02\x0a\x00"))
    assert decode(full * 3_000 + b"\x0a\x00" * 900).total == 3_000


def test_objects_in_json_are_bounded() -> None:
    with pytest.raises(OtlpError, match="at most 1,000,000 objects"):
        json.decode_logs(b'{"resourceLogs":[' + b"{}," * 1_000_001 + b"{}]}")
