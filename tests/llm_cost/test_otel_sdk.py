"""The real OpenTelemetry SDK exports to a real server, and what it has counted is what is counted.

It speaks protobuf only. For OTLP/JSON each of its requests is translated and sent again, to a second book.
"""

from __future__ import annotations

import asyncio
import gzip
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

from agent_observability.intake.otlp import json, protobuf
from agent_observability.intake.otlp.answers import JSON, PROTOBUF, accepted, reasons
from agent_observability.llm_cost import metrics as m
from tests.intake.otlp.messages import as_json
from tests.llm_cost.otlp import Keeper

CHAT = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"}
SERIES = ("openai", "gpt-4o", "chat")
SUM_SLOT = len(m.CALL_SECONDS) + 1
REQUESTS = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}
DECODERS: dict[tuple[str, str], Callable[[bytes], Any]] = {
    (PROTOBUF, "traces"): protobuf.decode_traces,
    (PROTOBUF, "metrics"): protobuf.decode_metrics,
    (PROTOBUF, "logs"): protobuf.decode_logs,
    (JSON, "traces"): json.decode_traces,
    (JSON, "metrics"): json.decode_metrics,
    (JSON, "logs"): json.decode_logs,
}


class Site:
    """A server with one book per encoding."""

    def __init__(self) -> None:
        self.books = {PROTOBUF: Keeper(), JSON: Keeper()}
        self.bodies: list[tuple[str, bytes]] = []
        self.encodings: set[str] = set()
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        signal: Any = request.match_info["signal"]
        body = await request.read()
        self.encodings.add(request.headers.get("Content-Encoding", ""))
        encoding = request.content_type
        if encoding == PROTOBUF:
            self.bodies.append((signal, body))
        found = DECODERS[encoding, signal](body)
        book = self.books[encoding]
        telemetry = book.telemetry
        take = {"traces": telemetry.traces, "metrics": telemetry.metrics, "logs": telemetry.logs}[signal]
        taken = book.keep(take(found.groups, "", int(time.time() * 1000)), found.total)
        rejected = [*found.rejected, *taken.rejected]
        text = accepted(signal, json=encoding == JSON, rejected=len(rejected), message=reasons(rejected))
        return web.Response(body=text, content_type=encoding)

    async def translate(self) -> None:
        """Send all that has come again, in JSON."""
        async with aiohttp.ClientSession() as session:
            for signal, body in self.bodies:
                text = gzip.compress(as_json(REQUESTS[signal].FromString(body)))
                headers = {"Content-Type": JSON, "Content-Encoding": "gzip"}
                async with session.post(f"{self.url}/v1/{signal}", data=text, headers=headers) as response:
                    assert (response.status, await response.text()) == (200, "{}")

    def exporting(self, signal: str) -> dict[str, Any]:
        return {"endpoint": f"{self.url}/v1/{signal}", "compression": Compression.Gzip, "timeout": 10}


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    app = web.Application()
    app.router.add_post("/v1/{signal}", site.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield site
    await runner.cleanup()


@pytest.fixture
def resource() -> Resource:
    return Resource.create({"service.name": "app", "service.instance.id": "1", "service.namespace": "web"})


async def test_spans(site: Site, resource: Resource) -> None:
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(**site.exporting("traces"))))
    tracer = provider.get_tracer("lib")
    random_ = random.Random(1)
    sent = {"input": 0, "cache_read": 0, "output": 0}
    with tracer.start_as_current_span("invoke_agent", attributes=CHAT | {"gen_ai.operation.name": "invoke_agent"}):
        for _ in range(300):
            read, output = random_.randrange(500), random_.randrange(1000)
            given = read + random_.randrange(1000)
            sent["input"] += given - read
            sent["cache_read"] += read
            sent["output"] += output
            with tracer.start_as_current_span("chat gpt-4o", kind=SpanKind.CLIENT, attributes=CHAT) as span:
                span.set_attribute("gen_ai.usage.input_tokens", given)
                span.set_attribute("gen_ai.usage.cache_read.input_tokens", read)
                span.set_attribute("gen_ai.usage.output_tokens", output)
    with tracer.start_as_current_span("chat gpt-4o", attributes=CHAT) as span:
        span.set_attribute("error.type", "429")
        span.set_status(StatusCode.ERROR, "slow down")
    await asyncio.to_thread(provider.shutdown)
    await site.translate()
    for book in site.books.values():
        assert book.tokens == sent
        assert book.requests == {"success": 300, "error": 1}
        assert {usage.project for usage in book.events.values()} == {"web"}
    assert site.books[PROTOBUF].events == site.books[JSON].events
    assert site.encodings == {"gzip"}


def meter_of(
    site: Site, resource: Resource, temporality: AggregationTemporality, *, exponential: bool
) -> MeterProvider:
    exporter = OTLPMetricExporter(
        **site.exporting("metrics"), preferred_temporality={Counter: temporality, Histogram: temporality}
    )
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
    views = [View(instrument_type=Histogram, aggregation=ExponentialBucketHistogramAggregation())]
    return MeterProvider([reader], resource, views=views if exponential else ())


@pytest.fixture(params=[False, True], ids=["explicit", "exponential"])
def exponential(request: pytest.FixtureRequest) -> Iterator[bool]:
    yield request.param


@pytest.mark.parametrize("generation", ["older", "newer"])
async def test_cumulative_and_delta_metrics_agree(
    site: Site, resource: Resource, exponential: bool, generation: str
) -> None:
    """The same calls by both temporalities, in several exports; the first has more of them than one."""
    totals = []
    for temporality in (AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA):
        site.books = {PROTOBUF: Keeper(), JSON: Keeper()}
        site.bodies.clear()
        provider = meter_of(site, resource, temporality, exponential=exponential)
        sent = await asyncio.to_thread(_record, provider, generation)
        await site.translate()
        await site.translate()  # again: nothing is counted twice
        for book in site.books.values():
            assert book.tokens == {name: sent[name] for name in ("input", "cache_read", "output") if name in sent}
            assert book.requests == {"success": sent["calls"] - sent["failed"], "timeout": sent["failed"]}
            slots = book.slots(m.REQUEST_DURATION, SERIES)
            assert slots.pop(SUM_SLOT) == sent["microseconds"]
            assert sum(slots.values()) == sent["calls"]
            totals.append((book.tokens, book.requests, slots))
    assert all(total == totals[0] for total in totals)


def _record(provider: MeterProvider, generation: str) -> dict[str, int]:
    """Calls, with an export now and then; what they came to."""
    meter = provider.get_meter("lib")
    duration = meter.create_histogram(
        "gen_ai.client.operation.duration", "s", explicit_bucket_boundaries_advisory=m.CALL_SECONDS[:14]
    )
    histogram = meter.create_histogram("gen_ai.client.token.usage", "{token}")
    counters = {
        name: meter.create_counter(f"gen_ai.client.inference.usage.{name}", "{token}")
        for name in ("input_tokens", "output_tokens", "cache_read.input_tokens")
    }
    random_ = random.Random(7)
    sent = {"calls": 0, "failed": 0, "input": 0, "output": 0, "microseconds": 0}
    if generation == "newer":
        sent["cache_read"] = 0
    for _ in range(4):
        for _ in range(random_.randrange(1, 60)):
            given, output, read = random_.randrange(1, 1000), random_.randrange(1, 1000), random_.randrange(100)
            # Halves, quarters and so on add up without a rest, whatever the order.
            microseconds = 15_625 * random_.randrange(1, 6_000)
            failed = random_.random() < 0.1
            duration.record(microseconds / 1e6, CHAT | ({"error.type": "timeout"} if failed else {}))
            sent["calls"] += 1
            sent["failed"] += failed
            sent["microseconds"] += microseconds
            sent["output"] += output
            if generation == "older":
                histogram.record(given, CHAT | {"gen_ai.token.type": "input"})
                histogram.record(output, CHAT | {"gen_ai.token.type": "output"})
                sent["input"] += given
            else:
                modality = {"gen_ai.token.modality": "text"}
                counters["input_tokens"].add(given + read, CHAT | modality)
                counters["cache_read.input_tokens"].add(read, CHAT | modality)
                counters["output_tokens"].add(output, CHAT | modality)
                sent["input"] += given
                sent["cache_read"] += read
        assert provider.force_flush()
    provider.shutdown()
    return sent


async def test_logs(site: Site, resource: Resource) -> None:
    provider = LoggerProvider(resource)
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(**site.exporting("logs"))))
    logger = provider.get_logger("com.anthropic.claude_code")
    for sequence in range(50):
        attributes: dict[str, Any] = {
            "session.id": "s-1",
            "event.sequence": sequence,
            "model": "claude-sonnet-4-5",
            "input_tokens": 10,
            "output_tokens": sequence,
            "cost_usd": 0.25,
        }
        record = LogRecord(
            timestamp=time.time_ns(),
            body="claude_code.api_request",
            attributes=attributes,
            severity_number=SeverityNumber.INFO,
            event_name="claude_code.api_request" if sequence % 2 else None,
        )
        logger.emit(record)
    logger.emit(LogRecord(timestamp=time.time_ns(), body="something else"))
    await asyncio.to_thread(provider.shutdown)
    await site.translate()
    for book in site.books.values():
        assert book.tokens == {"input": 500, "output": sum(range(50))}
        assert book.pico == 50 * 250_000_000_000
    assert site.books[PROTOBUF].events == site.books[JSON].events
