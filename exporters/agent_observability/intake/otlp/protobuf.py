"""OTLP requests in protobuf."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2

from agent_observability.intake.otlp.errors import OtlpError
from agent_observability.intake.otlp.items import (
    LOGS,
    METRICS,
    TRACES,
    Groups,
    Names,
    Placed,
    Raw,
    decode_items,
)
from agent_observability.intake.otlp.model import Decoded, Log, Point, Span, SpanEvent
from agent_observability.intake.otlp.pairs import ANY_VALUE, KEY_VALUE, any_value, attributes, parse
from agent_observability.intake.otlp.points import make_point, points
from agent_observability.intake.otlp.values import MAX_EVENTS, MAX_ITEMS, check_ids, check_number, log_ids
from agent_observability.intake.otlp.wire import Shape, joined, parts

__all__ = ["decode_logs", "decode_metrics", "decode_traces"]

# Field 1 of a request are the groups of a resource; of these 1 is the resource and 2 are the groups of a scope; of
# these, again, 1 is the scope and 2 are spans, metrics or log records.
_GROUPS, _COMMON, _INNER = 1, 1, 2

_PLAIN: Shape = {1: KEY_VALUE, 3: KEY_VALUE}
_SPAN: Shape = {9: KEY_VALUE, 11: {3: KEY_VALUE}, 13: {4: KEY_VALUE}}
_LOG: Shape = {5: ANY_VALUE, 6: KEY_VALUE}

Bounds: TypeAlias = tuple[int, int]
"""Where a message starts and ends in the body."""


def decode_traces(body: bytes, *, most: int = MAX_ITEMS) -> Decoded[Span]:
    """Raises OtlpError for a body that is none, or has more than `most` spans."""
    return decode_items(_groups(body, TRACES, enumerate), most, TRACES, lambda index, at: _span(index, body, *at))


def decode_metrics(body: bytes, *, most: int = MAX_ITEMS) -> Decoded[Point]:
    """Raises OtlpError for a body that is none, or has more than `most` data points."""
    return decode_items(_groups(body, METRICS, lambda metrics: points(body, metrics)), most, METRICS, make_point)


def decode_logs(body: bytes, *, most: int = MAX_ITEMS) -> Decoded[Log]:
    """Raises OtlpError for a body that is none, or has more than `most` log records."""
    return decode_items(_groups(body, LOGS, enumerate), most, LOGS, lambda index, at: _log(index, body, *at))


def _groups(body: bytes, names: Names, place: Callable[[list[Bounds]], Iterable[Placed[Raw] | None]]) -> Groups[Raw]:
    for at, (start, end) in enumerate(_parts(body, 0, len(body), _GROUPS)):
        data = joined(body, start, end, _COMMON)
        try:
            resource = attributes(parse(Resource, data, _PLAIN).attributes)
        except OtlpError as error:
            raise error.under(f"{names.resources}[{at}].resource") from None
        yield resource, _scopes(body, start, end, place)


def _scopes(
    body: bytes, start: int, end: int, place: Callable[[list[Bounds]], Iterable[Placed[Raw] | None]]
) -> Iterator[tuple[str, Iterable[Placed[Raw] | None]]]:
    for scope_start, scope_end in _parts(body, start, end, _INNER):
        name = parse(InstrumentationScope, joined(body, scope_start, scope_end, _COMMON), _PLAIN).name
        yield name, place(_parts(body, scope_start, scope_end, _INNER))


def _parts(body: bytes, start: int, end: int, number: int) -> list[Bounds]:
    return [(begin, stop) for field, _, begin, stop in parts(body, start, end) if field == number]


def _span(index: int, body: bytes, start: int, end: int) -> Span:
    span = parse(trace_pb2.Span, body[start:end], _SPAN)
    trace_id, span_id, events, status = span.trace_id, span.span_id, span.events, span.status
    check_ids(trace_id, span_id)
    if events:
        check_number(len(events), "events", MAX_EVENTS)
    return Span(
        index,
        trace_id,
        span_id,
        span.parent_span_id,
        span.name,
        span.kind,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        attributes(span.attributes),
        status.code,
        status.message,
        [_event(event) for event in events] if events else [],
    )


def _event(event: trace_pb2.Span.Event) -> SpanEvent:
    return SpanEvent(event.time_unix_nano, event.name, attributes(event.attributes))


def _log(index: int, body: bytes, start: int, end: int) -> Log:
    log = parse(LogRecord, body[start:end], _LOG)
    return Log(
        index,
        log.time_unix_nano,
        log.observed_time_unix_nano,
        log.event_name,
        log.severity_number,
        any_value(log.body),
        attributes(log.attributes),
        *log_ids(log.trace_id, log.span_id),
    )
