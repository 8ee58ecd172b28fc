"""OTLP requests in JSON.

OTLP's own mapping, which differs from protobuf's: ids in hex, enumerations as numbers. Unknown fields are skipped, null
counts as absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import msgspec

from agent_observability.intake.otlp import json_messages as messages
from agent_observability.intake.otlp import model
from agent_observability.intake.otlp.errors import OtlpError
from agent_observability.intake.otlp.items import LOGS, METRICS, TRACES, Groups, Names, Placed, Raw, decode_items
from agent_observability.intake.otlp.json_points import make_point, points
from agent_observability.intake.otlp.json_values import any_value, attributes, enum, hex_id, parse, uint64
from agent_observability.intake.otlp.model import Decoded, Log, Point, Span, SpanEvent
from agent_observability.intake.otlp.values import MAX_EVENTS, MAX_ITEMS, check_ids, check_number, log_ids

__all__ = ["decode_logs", "decode_metrics", "decode_traces"]

# What makes objects in memory is bounded before there are any; texts may hold some braces, too.
_MAX_OBJECTS = 1_000_000

_SPAN_KINDS = {
    f"SPAN_KIND_{name}": number
    for number, name in enumerate(("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"))
}
_STATUS_CODES = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": model.STATUS_ERROR}
_SEVERITIES = {
    f"SEVERITY_NUMBER_{name}{step}": 4 * at + int(step or 1)
    for at, name in enumerate(("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"))
    for step in ("", "2", "3", "4")
} | {"SEVERITY_NUMBER_UNSPECIFIED": 0}

_request = msgspec.json.Decoder(messages.Request)
_span_message = msgspec.json.Decoder(messages.SpanMessage)
_log_record = msgspec.json.Decoder(messages.LogRecord)

_List: TypeAlias = list[msgspec.Raw] | None


def decode_traces(body: bytes, *, most: int = MAX_ITEMS) -> Decoded[Span]:
    """Raises OtlpError for a body that is none, or has more than `most` spans."""
    groups = _envelope(body).resource_spans or ()
    found = ((one.resource, [(two.scope, two.spans) for two in one.scope_spans or ()]) for one in groups)
    return decode_items(_groups(found, TRACES, enumerate), most, TRACES, _span)


def decode_metrics(body: bytes, *, most: int = MAX_ITEMS) -> Decoded[Point]:
    """Raises OtlpError for a body that is none, or has more than `most` data points."""
    groups = _envelope(body).resource_metrics or ()
    found = ((one.resource, [(two.scope, two.metrics) for two in one.scope_metrics or ()]) for one in groups)
    return decode_items(_groups(found, METRICS, points), most, METRICS, make_point)


def decode_logs(body: bytes, *, most: int = MAX_ITEMS) -> Decoded[Log]:
    """Raises OtlpError for a body that is none, or has more than `most` log records."""
    groups = _envelope(body).resource_logs or ()
    found = ((one.resource, [(two.scope, two.log_records) for two in one.scope_logs or ()]) for one in groups)
    return decode_items(_groups(found, LOGS, enumerate), most, LOGS, _log)


def _envelope(body: bytes) -> messages.Request:
    if body.count(b"{") > _MAX_OBJECTS:
        raise OtlpError("", f"expected at most {_MAX_OBJECTS:,} objects in a request")
    return parse(_request, body)


def _groups(
    groups: Iterable[tuple[messages.Resource | None, Sequence[tuple[messages.Scope | None, _List]]]],
    names: Names,
    place: Callable[[Iterable[msgspec.Raw]], Iterable[Placed[Raw] | None]],
) -> Groups[Raw]:
    for at, (resource, scopes) in enumerate(groups):
        try:
            common = attributes(resource.attributes if resource else None)
        except OtlpError as error:
            raise error.under(f"{names.resources}[{at}].resource") from None
        yield common, (((scope.name if scope else None) or "", place(raws or ())) for scope, raws in scopes)


def _span(index: int, raw: msgspec.Raw) -> Span:
    span = parse(_span_message, raw)
    trace_id, span_id = hex_id(span.trace_id), hex_id(span.span_id)
    check_ids(trace_id, span_id)
    events = span.events or ()
    check_number(len(events), "events", MAX_EVENTS)
    status = span.status
    return Span(
        index,
        trace_id,
        span_id,
        hex_id(span.parent_span_id),
        span.name or "",
        enum(span.kind, _SPAN_KINDS, "kind"),
        uint64(span.start_time_unix_nano, "startTimeUnixNano"),
        uint64(span.end_time_unix_nano, "endTimeUnixNano"),
        attributes(span.attributes),
        enum(status.code, _STATUS_CODES, "status.code") if status else 0,
        (status.message or "") if status else "",
        [
            SpanEvent(uint64(one.time_unix_nano, "events.timeUnixNano"), one.name or "", attributes(one.attributes))
            for one in events
        ],
    )


def _log(index: int, raw: msgspec.Raw) -> Log:
    log = parse(_log_record, raw)
    return Log(
        index,
        uint64(log.time_unix_nano, "timeUnixNano"),
        uint64(log.observed_time_unix_nano, "observedTimeUnixNano"),
        log.event_name or "",
        enum(log.severity_number, _SEVERITIES, "severityNumber"),
        any_value(log.body),
        attributes(log.attributes),
        *log_ids(hex_id(log.trace_id), hex_id(log.span_id)),
    )
