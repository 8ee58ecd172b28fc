"""Data points of metrics in JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias

import msgspec

from agent_observability.intake.otlp import json_messages as messages
from agent_observability.intake.otlp import model
from agent_observability.intake.otlp.errors import OtlpError
from agent_observability.intake.otlp.items import Placed
from agent_observability.intake.otlp.json_values import attributes, double, enum, int32, int64, parse, uint64
from agent_observability.intake.otlp.model import Point
from agent_observability.intake.otlp.values import check_histogram, exponential_buckets

__all__ = ["EncodedPoint", "make_point", "points"]

_TEMPORALITIES = {
    "AGGREGATION_TEMPORALITY_UNSPECIFIED": 0,
    "AGGREGATION_TEMPORALITY_DELTA": model.DELTA,
    "AGGREGATION_TEMPORALITY_CUMULATIVE": model.CUMULATIVE,
}

_metric = msgspec.json.Decoder(messages.Metric)
_number_point = msgspec.json.Decoder(messages.NumberPoint)
_histogram_point = msgspec.json.Decoder(messages.HistogramPoint)
_exponential_point = msgspec.json.Decoder(messages.ExponentialPoint)
_summary_point = msgspec.json.Decoder(messages.SummaryPoint)


class _Metric(NamedTuple):
    name: str
    unit: str
    kind: str
    temporality: int
    monotonic: bool


_Make: TypeAlias = "Callable[[int, _Metric, msgspec.Raw], Point]"


class EncodedPoint(NamedTuple):
    """A data point as it stands there, what its metric says of it, and what reads it."""

    make: _Make
    metric: _Metric
    raw: msgspec.Raw


def points(metrics: Iterable[msgspec.Raw]) -> Iterator[Placed[EncodedPoint | OtlpError] | None]:
    """Data points of metrics; for a metric that is broken before it comes to them, the error; None if it has none."""
    for at, raw in enumerate(metrics):
        try:
            found = list(_read(raw))
        except OtlpError as error:
            yield at, error
        else:
            for path, point in found:
                yield f"metrics[{at}].{path}", point
            if not found:
                yield None


def make_point(index: int, point: EncodedPoint | OtlpError) -> Point:
    """Raises OtlpError."""
    if isinstance(point, OtlpError):
        raise point
    return point.make(index, point.metric, point.raw)


def _read(raw: msgspec.Raw) -> Iterator[tuple[str, EncodedPoint]]:
    read = parse(_metric, raw)
    kinds: tuple[tuple[str, str, messages.PointList | None, _Make], ...] = (
        ("gauge", model.GAUGE, read.gauge, _number),
        ("sum", model.SUM, read.sum, _number),
        ("histogram", model.HISTOGRAM, read.histogram, _histogram),
        ("exponentialHistogram", model.EXPONENTIAL_HISTOGRAM, read.exponential_histogram, _exponential),
        ("summary", model.SUMMARY, read.summary, _summary),
    )
    for field, kind, content, make in kinds:
        if content is None:
            continue
        temporality = enum(content.aggregation_temporality, _TEMPORALITIES, f"{field}.aggregationTemporality")
        metric = _Metric(read.name or "", read.unit or "", kind, temporality, bool(content.is_monotonic))
        for at, point in enumerate(content.data_points or ()):
            yield f"{field}.dataPoints[{at}]", EncodedPoint(make, metric, point)


def _times(point: messages.Point) -> tuple[int, int]:
    return uint64(point.start_time_unix_nano, "startTimeUnixNano"), uint64(point.time_unix_nano, "timeUnixNano")


def _number(index: int, metric: _Metric, raw: msgspec.Raw) -> Point:
    point = parse(_number_point, raw)
    value: int | float | None = None
    if point.as_int is not None:
        value = int64(point.as_int, "asInt")
    elif point.as_double is not None:
        value = double(point.as_double, "asDouble")
    return Point(index, *metric, *_times(point), attributes(point.attributes), value)


def _histogram(index: int, metric: _Metric, raw: msgspec.Raw) -> Point:
    point = parse(_histogram_point, raw)
    bounds = [double(one, "explicitBounds") for one in point.explicit_bounds or ()]
    counts = [uint64(one, "bucketCounts") for one in point.bucket_counts or ()]
    count = uint64(point.count, "count")
    check_histogram(count, bounds, counts)
    total = None if point.sum is None else double(point.sum, "sum")
    return Point(index, *metric, *_times(point), attributes(point.attributes), None, count, total, bounds, counts)


def _exponential(index: int, metric: _Metric, raw: msgspec.Raw) -> Point:
    point = parse(_exponential_point, raw)
    positive, negative = point.positive, point.negative
    bounds, counts = exponential_buckets(
        int32(point.scale, "scale"),
        uint64(point.zero_count, "zeroCount"),
        int32(positive.offset, "positive.offset") if positive else 0,
        [uint64(one, "positive.bucketCounts") for one in (positive.bucket_counts if positive else None) or ()],
        [uint64(one, "negative.bucketCounts") for one in (negative.bucket_counts if negative else None) or ()],
    )
    count = uint64(point.count, "count")
    check_histogram(count, bounds, counts)
    total = None if point.sum is None else double(point.sum, "sum")
    return Point(index, *metric, *_times(point), attributes(point.attributes), None, count, total, bounds, counts)


def _summary(index: int, metric: _Metric, raw: msgspec.Raw) -> Point:
    point = parse(_summary_point, raw)
    total = 0.0 if point.sum is None else double(point.sum, "sum")
    return Point(
        index, *metric, *_times(point), attributes(point.attributes), None, uint64(point.count, "count"), total
    )
