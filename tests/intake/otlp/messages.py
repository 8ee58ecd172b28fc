"""OTLP's own messages: random ones, and any of them as OTLP/JSON, which is not protobuf's JSON."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

_IDS = frozenset({"trace_id", "span_id", "parent_span_id"})
_WIDE = frozenset(
    {
        FieldDescriptor.TYPE_INT64,
        FieldDescriptor.TYPE_UINT64,
        FieldDescriptor.TYPE_FIXED64,
        FieldDescriptor.TYPE_SFIXED64,
        FieldDescriptor.TYPE_SINT64,
    }
)


def as_json(message: Message) -> bytes:
    """A request as OTLP/JSON: ids in hex, 64-bit numbers as text, enumerations as numbers."""
    return msgspec.json.encode(_members(message))


def _members(message: Message) -> dict[str, Any]:
    found = {}
    for field, value in message.ListFields():
        values = [_value(field, one) for one in value] if field.is_repeated else _value(field, value)
        found[field.json_name] = values
    return found


def _value(field: FieldDescriptor, value: Any) -> Any:
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return _members(value)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return value.hex() if field.name in _IDS else base64.b64encode(value).decode()
    if field.type in _WIDE:
        return str(value)
    if field.type == FieldDescriptor.TYPE_DOUBLE and (value != value or value in (float("inf"), float("-inf"))):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return value


texts = st.text(max_size=12)
int64s = st.integers(-(2**63), 2**63 - 1)
times = st.one_of(st.just(0), st.integers(0, 2**64 - 1), st.just(1_790_000_000_000_000_000))
_plain_values = st.one_of(
    st.builds(lambda one: AnyValue(string_value=one), texts),
    st.builds(lambda one: AnyValue(int_value=one), int64s),
    st.builds(lambda one: AnyValue(bool_value=one), st.booleans()),
    st.builds(lambda one: AnyValue(double_value=one), st.floats(allow_nan=False)),
    st.builds(lambda one: AnyValue(bytes_value=one), st.binary(max_size=6)),
    st.just(AnyValue()),
)
any_values = st.recursive(
    _plain_values,
    lambda inner: st.one_of(
        st.builds(lambda every: AnyValue(array_value=ArrayValue(values=every)), st.lists(inner, max_size=3)),
        st.builds(
            lambda every: AnyValue(
                kvlist_value=KeyValueList(values=[KeyValue(key=key, value=one) for key, one in every.items()])
            ),
            st.dictionaries(texts, inner, max_size=3),
        ),
    ),
    max_leaves=5,
)
pairs = st.builds(
    lambda every: [KeyValue(key=key, value=one) for key, one in every.items()],
    st.dictionaries(texts, any_values, max_size=5),
)
resources = st.builds(Resource, attributes=pairs)
scopes = st.builds(InstrumentationScope, name=texts, version=texts)
# Some are invalid.
trace_ids = st.one_of(st.binary(min_size=16, max_size=16), st.sampled_from([b"", bytes(16), b"short"]))
span_ids = st.one_of(st.binary(min_size=8, max_size=8), st.sampled_from([b"", bytes(8)]))
spans = st.builds(
    Span,
    trace_id=trace_ids,
    span_id=span_ids,
    parent_span_id=st.one_of(st.just(b""), st.binary(min_size=8, max_size=8)),
    name=texts,
    kind=st.integers(0, 5),
    start_time_unix_nano=times,
    end_time_unix_nano=times,
    attributes=pairs,
    status=st.builds(Status, code=st.integers(0, 2), message=texts),
    events=st.lists(st.builds(Span.Event, time_unix_nano=times, name=texts, attributes=pairs), max_size=2),
)
logs = st.builds(
    LogRecord,
    time_unix_nano=times,
    observed_time_unix_nano=times,
    severity_number=st.integers(0, 24),
    event_name=texts,
    body=any_values,
    attributes=pairs,
    trace_id=trace_ids,
    span_id=span_ids,
)
_numbers = st.one_of(
    st.builds(pb.NumberDataPoint, as_int=int64s, attributes=pairs, time_unix_nano=times, start_time_unix_nano=times),
    st.builds(pb.NumberDataPoint, as_double=st.floats(), attributes=pairs, time_unix_nano=times),
    st.builds(pb.NumberDataPoint, time_unix_nano=times),
)
_small = st.integers(0, 2**32)


@st.composite
def _histograms(draw: st.DrawFn) -> pb.HistogramDataPoint:
    counts = draw(st.lists(_small, max_size=4))
    edges = draw(st.lists(st.floats(allow_nan=False, allow_infinity=False), unique=True, max_size=6))
    return pb.HistogramDataPoint(
        count=draw(st.sampled_from([sum(counts), 7])),
        bucket_counts=counts,
        explicit_bounds=sorted(edges)[: max(0, len(counts) - 1)],
        attributes=draw(pairs),
        time_unix_nano=draw(times),
        **({"sum": draw(st.floats(0, 1e9))} if draw(st.booleans()) else {}),
    )


@st.composite
def _exponentials(draw: st.DrawFn) -> pb.ExponentialHistogramDataPoint:
    buckets = pb.ExponentialHistogramDataPoint.Buckets
    counts, zeros = draw(st.lists(_small, max_size=4)), draw(_small)
    return pb.ExponentialHistogramDataPoint(
        count=sum(counts) + zeros,
        zero_count=zeros,
        scale=draw(st.integers(-35, 35)),
        positive=buckets(offset=draw(st.integers(-(2**31), 2**31 - 1)), bucket_counts=counts),
        negative=buckets(bucket_counts=draw(st.sampled_from([[], [0], [1]]))),
        attributes=draw(pairs),
        sum=draw(st.floats(0, 1e9)),
        time_unix_nano=draw(times),
    )


_temporalities = st.integers(0, 2)
metrics = st.one_of(
    st.builds(pb.Metric, name=texts, gauge=st.builds(pb.Gauge, data_points=st.lists(_numbers, max_size=3))),
    st.builds(
        pb.Metric,
        name=texts,
        unit=texts,
        sum=st.builds(
            pb.Sum,
            data_points=st.lists(_numbers, max_size=3),
            aggregation_temporality=_temporalities,
            is_monotonic=st.booleans(),
        ),
    ),
    st.builds(
        pb.Metric,
        name=texts,
        histogram=st.builds(
            pb.Histogram, data_points=st.lists(_histograms(), max_size=3), aggregation_temporality=_temporalities
        ),
    ),
    st.builds(
        pb.Metric,
        name=texts,
        exponential_histogram=st.builds(
            pb.ExponentialHistogram,
            data_points=st.lists(_exponentials(), max_size=3),
            aggregation_temporality=_temporalities,
        ),
    ),
    st.builds(
        pb.Metric,
        name=texts,
        summary=st.builds(
            pb.Summary,
            data_points=st.lists(
                st.builds(pb.SummaryDataPoint, count=_small, sum=st.floats(0, 1e9), attributes=pairs), max_size=2
            ),
        ),
    ),
)

traces_requests = st.builds(
    ExportTraceServiceRequest,
    resource_spans=st.lists(
        st.builds(
            ResourceSpans,
            resource=resources,
            scope_spans=st.lists(st.builds(ScopeSpans, scope=scopes, spans=st.lists(spans, max_size=3)), max_size=2),
        ),
        max_size=2,
    ),
)
metrics_requests = st.builds(
    ExportMetricsServiceRequest,
    resource_metrics=st.lists(
        st.builds(
            pb.ResourceMetrics,
            resource=resources,
            scope_metrics=st.lists(
                st.builds(pb.ScopeMetrics, scope=scopes, metrics=st.lists(metrics, max_size=3)), max_size=2
            ),
        ),
        max_size=2,
    ),
)
logs_requests = st.builds(
    ExportLogsServiceRequest,
    resource_logs=st.lists(
        st.builds(
            ResourceLogs,
            resource=resources,
            scope_logs=st.lists(st.builds(ScopeLogs, scope=scopes, log_records=st.lists(logs, max_size=3)), max_size=2),
        ),
        max_size=2,
    ),
)
