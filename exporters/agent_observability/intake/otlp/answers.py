"""Responses of OTLP/HTTP, in the encoding of the request.

A request that is taken gets the signal's export response, empty or with what was rejected; a sender does not repeat
either. One that is refused gets a `google.rpc.Status`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from agent_observability.intake.errors import Rejected

__all__ = ["JSON", "PROTOBUF", "Signal", "accepted", "reasons", "refused"]

Signal: TypeAlias = Literal["traces", "metrics", "logs"]

JSON = "application/json"
PROTOBUF = "application/x-protobuf"

_REJECTED = {"traces": "rejectedSpans", "metrics": "rejectedDataPoints", "logs": "rejectedLogRecords"}
_SHOWN = 5
_MAX_MESSAGE = 1_000

_UNKNOWN, _INTERNAL = 2, 13
# HTTP's status and the one of gRPC that says the same.
_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 408: 4, 413: 3, 415: 3, 422: 3, 429: 8, 503: 14, 504: 4}


def accepted(signal: Signal, *, json: bool, rejected: int = 0, message: str = "") -> bytes:
    """The export response; with `rejected` items, or only a `message` as a warning, it tells a partial success."""
    if json:
        # As protobuf's JSON has 64-bit numbers.
        partial = {_REJECTED[signal]: str(rejected), "errorMessage": message}
        return msgspec.json.encode({"partialSuccess": partial} if rejected or message else {})
    if signal == "traces":
        traces = ExportTraceServiceResponse()
        if rejected or message:
            traces.partial_success.rejected_spans = rejected
            traces.partial_success.error_message = message
        return traces.SerializeToString()
    if signal == "metrics":
        metrics = ExportMetricsServiceResponse()
        if rejected or message:
            metrics.partial_success.rejected_data_points = rejected
            metrics.partial_success.error_message = message
        return metrics.SerializeToString()
    logs = ExportLogsServiceResponse()
    if rejected or message:
        logs.partial_success.rejected_log_records = rejected
        logs.partial_success.error_message = message
    return logs.SerializeToString()


def refused(status: int, message: str, *, json: bool) -> bytes:
    """A `google.rpc.Status` for the HTTP status."""
    code = _CODES.get(status, _INTERNAL if status >= 500 else _UNKNOWN)
    message = message[:_MAX_MESSAGE]
    if json:
        return msgspec.json.encode({"code": code, "message": message})
    # Two fields do not need a package of all of Google's messages.
    text = message.encode(errors="replace")
    return b"\x08" + bytes([code]) + b"\x12" + _varint(len(text)) + text


def reasons(rejected: Sequence[Rejected]) -> str:
    """Why items were rejected, for people: the first few of them, bounded."""
    shown = [f"{one.field}: {one.reason}" if one.field else one.reason for one in rejected[:_SHOWN]]
    if len(rejected) > _SHOWN:
        shown.append(f"and {len(rejected) - _SHOWN:,} more")
    return "; ".join(shown)[:_MAX_MESSAGE]


def _varint(number: int) -> bytes:
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])
