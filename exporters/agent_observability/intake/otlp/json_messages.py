"""OTLP's messages as JSON has them, down to what is read from them.

Items stay raw until they are decoded one by one, so that one which is wrong loses no other.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

__all__ = [
    "AnyValue",
    "ExponentialPoint",
    "HistogramPoint",
    "KeyValue",
    "LogRecord",
    "Metric",
    "NumberPoint",
    "Point",
    "PointList",
    "Request",
    "Resource",
    "ResourceGroup",
    "Scope",
    "ScopeGroup",
    "SpanMessage",
    "SummaryPoint",
]

Int: TypeAlias = "int | str | None"
Double: TypeAlias = "float | str | None"
Enum: TypeAlias = "int | str | None"
Text: TypeAlias = "str | None"


class _Message(msgspec.Struct, gc=False, rename="camel"):
    """Unknown fields are skipped."""


class AnyValue(_Message):
    """One of these is set, or none."""

    string_value: Text = None
    bool_value: bool | None = None
    int_value: Int = None
    double_value: Double = None
    array_value: _Array | None = None
    kvlist_value: _Mapping | None = None
    bytes_value: Text = None


class _Array(_Message):
    values: list[AnyValue | None] | None = None


class KeyValue(_Message):
    """An attribute."""

    key: Text = None
    value: AnyValue | None = None


Pairs: TypeAlias = list[KeyValue] | None


class _Mapping(_Message):
    values: Pairs = None


class Resource(_Message):
    """What sends."""

    attributes: Pairs = None


class Scope(_Message):
    """The library that has recorded it."""

    name: Text = None


class ScopeGroup(_Message):
    """Of each signal its own list is set."""

    scope: Scope | None = None
    spans: list[msgspec.Raw] | None = None
    metrics: list[msgspec.Raw] | None = None
    log_records: list[msgspec.Raw] | None = None


class ResourceGroup(_Message):
    """Likewise."""

    resource: Resource | None = None
    scope_spans: list[ScopeGroup] | None = None
    scope_metrics: list[ScopeGroup] | None = None
    scope_logs: list[ScopeGroup] | None = None


class Request(_Message):
    """A request of any signal."""

    resource_spans: list[ResourceGroup] | None = None
    resource_metrics: list[ResourceGroup] | None = None
    resource_logs: list[ResourceGroup] | None = None


class _Status(_Message):
    code: Enum = None
    message: Text = None


class _Event(_Message):
    time_unix_nano: Int = None
    name: Text = None
    attributes: Pairs = None


class SpanMessage(_Message):
    """A span."""

    trace_id: Text = None
    span_id: Text = None
    parent_span_id: Text = None
    name: Text = None
    kind: Enum = None
    start_time_unix_nano: Int = None
    end_time_unix_nano: Int = None
    attributes: Pairs = None
    status: _Status | None = None
    events: list[_Event] | None = None


class LogRecord(_Message):
    """A log record."""

    time_unix_nano: Int = None
    observed_time_unix_nano: Int = None
    severity_number: Enum = None
    event_name: Text = None
    body: AnyValue | None = None
    attributes: Pairs = None
    trace_id: Text = None
    span_id: Text = None


class PointList(_Message):
    """What the kinds of metrics have in common."""

    data_points: list[msgspec.Raw] | None = None
    aggregation_temporality: Enum = None
    is_monotonic: bool | None = None


class Metric(_Message):
    """A metric; one of the kinds is set."""

    name: Text = None
    unit: Text = None
    gauge: PointList | None = None
    sum: PointList | None = None
    histogram: PointList | None = None
    exponential_histogram: PointList | None = None
    summary: PointList | None = None


class Point(_Message):
    """What all data points have."""

    attributes: Pairs = None
    start_time_unix_nano: Int = None
    time_unix_nano: Int = None


class NumberPoint(Point):
    """Of a gauge or a sum."""

    as_int: Int = None
    as_double: Double = None


class HistogramPoint(Point):
    """Of a histogram."""

    count: Int = None
    sum: Double = None
    bucket_counts: list[int | str] | None = None
    explicit_bounds: list[float | str] | None = None


class _Buckets(_Message):
    offset: Int = None
    bucket_counts: list[int | str] | None = None


class ExponentialPoint(Point):
    """Of an exponential histogram."""

    count: Int = None
    sum: Double = None
    scale: Int = None
    zero_count: Int = None
    positive: _Buckets | None = None
    negative: _Buckets | None = None


class SummaryPoint(Point):
    """Of a summary."""

    count: Int = None
    sum: Double = None
