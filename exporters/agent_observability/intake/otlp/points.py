"""Data points of metrics in protobuf: of five kinds of messages, all become one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias

from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

from agent_observability.intake.otlp import model
from agent_observability.intake.otlp.errors import OtlpError
from agent_observability.intake.otlp.items import Placed
from agent_observability.intake.otlp.model import Point
from agent_observability.intake.otlp.pairs import KEY_VALUE, attributes, parse
from agent_observability.intake.otlp.values import check_histogram, exponential_buckets
from agent_observability.intake.otlp.wire import Shape, parts

__all__ = ["EncodedPoint", "make_point", "points"]

# Fields of a metric, and of what it holds.
_NAME, _UNIT = 1, 3
_POINTS, _TEMPORALITY, _MONOTONIC = 1, 2, 3

_NUMBER: Shape = {7: KEY_VALUE, 5: {7: KEY_VALUE}}
_HISTOGRAM: Shape = {9: KEY_VALUE, 8: {7: KEY_VALUE}}
_EXPONENTIAL: Shape = {1: KEY_VALUE, 11: {7: KEY_VALUE}}
_SUMMARY: Shape = {7: KEY_VALUE, 6: {}}


class _Metric(NamedTuple):
    name: str
    unit: str
    kind: str
    temporality: int
    monotonic: bool


_Make: TypeAlias = "Callable[[int, _Metric, bytes, int, int], Point]"


class EncodedPoint(NamedTuple):
    """A data point in the body, what its metric says of it, and what reads it."""

    make: _Make
    metric: _Metric
    body: bytes
    start: int
    end: int


def points(body: bytes, metrics: Iterable[tuple[int, int]]) -> Iterator[Placed[EncodedPoint | OtlpError] | None]:
    """Data points of the metrics at these places; for one that is broken before it comes to them, the error.

    None for a metric without points.
    """
    for at, (start, end) in enumerate(metrics):
        try:
            found = list(_read(body, start, end))
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
    return point.make(index, *point[1:])


def _read(body: bytes, start: int, end: int) -> Iterator[tuple[str, EncodedPoint]]:
    every = parts(body, start, end)
    # Where a field stands twice, the last one counts.
    texts = {part.number: body[part.start : part.end] for part in every if part.number in (_NAME, _UNIT)}
    name, unit = _text(texts.get(_NAME, b""), "name"), _text(texts.get(_UNIT, b""), "unit")
    for data in every:
        if data.number not in _KINDS:
            continue
        field, kind, make = _KINDS[data.number]
        content = parts(body, data.start, data.end)
        numbers = {one.number: one.value for one in content if one.number in (_TEMPORALITY, _MONOTONIC)}
        metric = _Metric(name, unit, kind, numbers.get(_TEMPORALITY, 0), bool(numbers.get(_MONOTONIC)))
        for at, one in enumerate([one for one in content if one.number == _POINTS]):
            yield f"{field}.dataPoints[{at}]", EncodedPoint(make, metric, body, one.start, one.end)


def _text(data: bytes, field: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise OtlpError(field, "expected text in UTF-8") from None


def _number(index: int, metric: _Metric, body: bytes, start: int, end: int) -> Point:
    point = parse(pb.NumberDataPoint, body[start:end], _NUMBER)
    which = point.WhichOneof("value")
    value = None if which is None else point.as_int if which == "as_int" else point.as_double
    return Point(index, *metric, point.start_time_unix_nano, point.time_unix_nano, attributes(point.attributes), value)


def _histogram(index: int, metric: _Metric, body: bytes, start: int, end: int) -> Point:
    point = parse(pb.HistogramDataPoint, body[start:end], _HISTOGRAM)
    bounds, counts = list(point.explicit_bounds), list(point.bucket_counts)
    check_histogram(point.count, bounds, counts)
    total = point.sum if point.HasField("sum") else None
    times = point.start_time_unix_nano, point.time_unix_nano
    return Point(index, *metric, *times, attributes(point.attributes), None, point.count, total, bounds, counts)


def _exponential(index: int, metric: _Metric, body: bytes, start: int, end: int) -> Point:
    point = parse(pb.ExponentialHistogramDataPoint, body[start:end], _EXPONENTIAL)
    positive = point.positive
    bounds, counts = exponential_buckets(
        point.scale, point.zero_count, positive.offset, list(positive.bucket_counts), list(point.negative.bucket_counts)
    )
    check_histogram(point.count, bounds, counts)
    total = point.sum if point.HasField("sum") else None
    times = point.start_time_unix_nano, point.time_unix_nano
    return Point(index, *metric, *times, attributes(point.attributes), None, point.count, total, bounds, counts)


def _summary(index: int, metric: _Metric, body: bytes, start: int, end: int) -> Point:
    point = parse(pb.SummaryDataPoint, body[start:end], _SUMMARY)
    times = point.start_time_unix_nano, point.time_unix_nano
    return Point(index, *metric, *times, attributes(point.attributes), None, point.count, point.sum)


_KINDS: dict[int, tuple[str, str, _Make]] = {
    5: ("gauge", model.GAUGE, _number),
    7: ("sum", model.SUM, _number),
    9: ("histogram", model.HISTOGRAM, _histogram),
    10: ("exponentialHistogram", model.EXPONENTIAL_HISTOGRAM, _exponential),
    11: ("summary", model.SUMMARY, _summary),
}
"""By the number of the field in a metric: how JSON calls it, the model's kind, and what reads a point."""
