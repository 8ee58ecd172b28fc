"""Spans, metric points and log records, as both encodings of OTLP tell them.

Items carry their `index` in the request: spans, data points and log records are counted from 0 in the order in which
they stand there, those that cannot be read included. Times are nanoseconds since the epoch, 0 where unknown.
"""

from __future__ import annotations

from typing import Generic, TypeAlias, TypeVar

import msgspec

from agent_observability.intake.errors import Rejected

__all__ = [
    "CUMULATIVE",
    "DELTA",
    "EXPONENTIAL_HISTOGRAM",
    "GAUGE",
    "HISTOGRAM",
    "STATUS_ERROR",
    "SUM",
    "SUMMARY",
    "Attribute",
    "Attributes",
    "Decoded",
    "Group",
    "Item",
    "Log",
    "Point",
    "Span",
    "SpanEvent",
]

Attribute: TypeAlias = "str | bool | int | float | bytes | list[Attribute] | dict[str, Attribute] | None"
Attributes: TypeAlias = dict[str, Attribute]

STATUS_ERROR = 2
DELTA, CUMULATIVE = 1, 2
GAUGE, SUM, HISTOGRAM, EXPONENTIAL_HISTOGRAM, SUMMARY = (
    "gauge",
    "sum",
    "histogram",
    "exponential_histogram",
    "summary",
)


class SpanEvent(msgspec.Struct, frozen=True, gc=False):
    """Something that happened within a span."""

    time_ns: int
    name: str
    attributes: Attributes


class Span(msgspec.Struct, frozen=True, gc=False):
    """`parent_id` is b"" for a root; `status` 0 unset, 1 ok, 2 error; `kind` as OTLP numbers it."""

    index: int
    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    name: str
    kind: int
    start_ns: int
    end_ns: int
    attributes: Attributes
    status: int = 0
    message: str = ""
    events: list[SpanEvent] = []


class Point(msgspec.Struct, frozen=True, gc=False):
    """One data point with what its metric says of all of them.

    Gauges and sums have a `value` (None where the sender had none). Histograms have `count`, `sum` (None where it is
    not kept), ascending upper `bounds` and one more `counts`, `+Inf` last; exponential ones are told by the same.
    `temporality` is `DELTA`, `CUMULATIVE`, or 0 where it has no meaning or is not given.
    """

    index: int
    metric: str
    unit: str
    kind: str
    temporality: int
    monotonic: bool
    start_ns: int
    time_ns: int
    attributes: Attributes
    value: int | float | None = None
    count: int = 0
    sum: float | None = None
    bounds: list[float] = []
    counts: list[int] = []


class Log(msgspec.Struct, frozen=True, gc=False):
    """`trace_id` and `span_id` are b"" for a record that belongs to no span, or does not say so correctly."""

    index: int
    time_ns: int
    observed_ns: int
    event_name: str
    severity: int
    body: Attribute
    attributes: Attributes
    trace_id: bytes = b""
    span_id: bytes = b""


Item = TypeVar("Item", Span, Point, Log)


class Group(msgspec.Struct, Generic[Item], frozen=True, gc=False):
    """Items of one resource and one instrumentation scope."""

    resource: Attributes
    scope: str
    items: list[Item]


class Decoded(msgspec.Struct, Generic[Item], frozen=True):
    """A request: `total` items, of which some may be `rejected`."""

    groups: list[Group[Item]]
    total: int
    rejected: list[Rejected]
