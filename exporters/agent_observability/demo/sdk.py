"""The demo's applications that tell of their calls by the OpenTelemetry SDK: spans, and a coding agent's logs."""

from __future__ import annotations

import time

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

from agent_observability.demo.traffic import Call

__all__ = ["Sdk"]

_EVERY_MS = 1_000
# A coding agent's session goes on for a while.
_SESSION_SECONDS = 1_200


class Sdk:
    """Exports in threads of the SDK's own, once a second, and repeats what was not accepted."""

    def __init__(self, url: str) -> None:
        resource = Resource.create({"service.name": "demo-applications"})
        self._traces = TracerProvider(resource=resource)
        self._traces.add_span_processor(
            BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{url}/v1/traces"), schedule_delay_millis=_EVERY_MS)
        )
        agent = Resource.create({"service.name": "claude-code"})
        self._logs = LoggerProvider(resource=agent)
        self._logs.add_log_record_processor(
            BatchLogRecordProcessor(OTLPLogExporter(endpoint=f"{url}/v1/logs"), schedule_delay_millis=_EVERY_MS)
        )
        self._tracer = self._traces.get_tracer("demo")
        self._logger = self._logs.get_logger("com.anthropic.claude_code.events")

    def tell(self, call: Call) -> None:
        """Tell of one call in the way of its line."""
        if call.line.way == "spans":
            self._span(call)
        else:
            self._log(call)

    def close(self) -> None:
        """Export what waits."""
        self._traces.shutdown()
        self._logs.shutdown()

    def _span(self, call: Call) -> None:
        line = call.line
        span = self._tracer.start_span(
            f"{line.operation} {line.model}",
            kind=SpanKind.CLIENT,
            start_time=_ns(call.at - call.seconds),
            attributes={
                "gen_ai.operation.name": line.operation,
                "gen_ai.provider.name": "gcp.gen_ai" if line.provider == "google" else line.provider,
                "gen_ai.request.model": line.model,
                "project": line.project,
                "feature": line.feature,
            },
        )
        if call.status == "success":
            span.set_attribute("gen_ai.response.model", line.model)
            span.set_attribute("gen_ai.usage.input_tokens", call.input + call.cached)
            span.set_attribute("gen_ai.usage.cache_read.input_tokens", call.cached)
            span.set_attribute("gen_ai.usage.output_tokens", call.output)
        else:
            span.set_attribute("error.type", "429" if call.error_type == "rate_limited" else call.error_type)
            span.set_status(StatusCode.ERROR)
        span.end(end_time=_ns(call.at))

    def _log(self, call: Call) -> None:
        line = call.line
        session = f"demo-{line.project}-{int(call.at // _SESSION_SECONDS)}"
        attributes: dict[str, str | int | float] = {
            "session.id": session,
            "model": line.model,
            "project": line.project,
            "feature": line.feature,
            "duration_ms": round(call.seconds * 1000),
            "event.sequence": call.number,
        }
        if call.status == "success":
            name = "claude_code.api_request"
            attributes |= {
                "input_tokens": call.input,
                "output_tokens": call.output,
                "cache_read_tokens": call.cached,
                "cache_creation_tokens": 0,
                "cost_usd": call.pico_usd / 10**12,
            }
        else:
            name = "claude_code.api_error"
            attributes |= {"error": call.error_type, "status_code": "429", "attempt": 1}
        self._emit(name, call.at, attributes)
        tool = ("Read", "Edit", "Bash", "Grep")[call.number % 4]
        outcome = "false" if call.number % 25 == 0 else "true"
        self._emit("claude_code.tool_result", call.at, {"session.id": session, "tool_name": tool, "success": outcome})

    def _emit(self, name: str, at: float, attributes: dict[str, str | int | float]) -> None:
        self._logger.emit(
            LogRecord(
                timestamp=_ns(at),
                observed_timestamp=time.time_ns(),
                severity_number=SeverityNumber.INFO,
                event_name=name,
                body=name,
                attributes={"event.name": name.removeprefix("claude_code."), **attributes},
            )
        )


def _ns(at: float) -> int:
    return round(at * 10**9)
