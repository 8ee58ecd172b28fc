"""Responses, read as a sender would."""

from __future__ import annotations

import msgspec
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from agent_observability.intake.errors import Rejected
from agent_observability.intake.otlp.answers import Signal, accepted, reasons, refused

RESPONSES = [
    ("traces", ExportTraceServiceResponse, "rejected_spans", "rejectedSpans"),
    ("metrics", ExportMetricsServiceResponse, "rejected_data_points", "rejectedDataPoints"),
    ("logs", ExportLogsServiceResponse, "rejected_log_records", "rejectedLogRecords"),
]


@pytest.mark.parametrize(("signal", "kind", "field", "name"), RESPONSES)
def test_what_was_taken(signal: Signal, kind: type, field: str, name: str) -> None:
    assert accepted(signal, json=False) == b""
    assert accepted(signal, json=True) == b"{}"
    answer = kind.FromString(accepted(signal, json=False, rejected=3, message="no"))
    assert getattr(answer.partial_success, field) == 3
    assert answer.partial_success.error_message == "no"
    told = msgspec.json.decode(accepted(signal, json=True, rejected=3, message="no"))
    assert told == {"partialSuccess": {name: "3", "errorMessage": "no"}}


@pytest.mark.parametrize(
    ("status", "code"), [(400, 3), (401, 16), (403, 7), (413, 3), (415, 3), (429, 8), (503, 14), (500, 13), (418, 2)]
)
@pytest.mark.parametrize("message", ["", "expected protobuf", "ü" * 500])
def test_what_was_refused(status: int, code: int, message: str) -> None:
    answer = Status.FromString(refused(status, message, json=False))
    assert (answer.code, answer.message) == (code, message)
    assert msgspec.json.decode(refused(status, message, json=True)) == {"code": code, "message": message}


def test_reasons_are_the_first_few() -> None:
    rejected = [Rejected(at, f"spans[{at}].name", "expected text") for at in range(7)] + [Rejected(7, "", "bad")]
    assert reasons(rejected[:1]) == "spans[0].name: expected text"
    assert reasons(rejected).endswith("spans[4].name: expected text; and 3 more")
    assert reasons(rejected[7:]) == "bad"
    assert len(reasons([Rejected(0, "x" * 5_000, "y")])) == 1_000
