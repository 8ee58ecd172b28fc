"""OTLP/HTTP as requests of the intake: protobuf or JSON, answered as it was asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from aiohttp import hdrs, web

from agent_observability.intake.errors import RefusedError, Rejected
from agent_observability.intake.formats import media_type
from agent_observability.intake.otlp import json, protobuf
from agent_observability.intake.otlp.answers import JSON, PROTOBUF, Signal, accepted, reasons, refused
from agent_observability.intake.otlp.errors import OtlpError
from agent_observability.intake.otlp.model import Decoded, Log, Point, Span

__all__ = ["LOGS", "METRICS", "TRACES", "OtlpFormat"]

DecodedT = TypeVar("DecodedT", Decoded[Span], Decoded[Point], Decoded[Log])


class OtlpFormat(Generic[DecodedT]):
    """One signal. Senders repeat what got no answer, and do not say so: a request is known again by its body."""

    repeats_by_body = True

    def __init__(
        self, signal: Signal, from_json: Callable[..., DecodedT], from_protobuf: Callable[..., DecodedT]
    ) -> None:
        self._signal = signal
        self._decoders: dict[str, Callable[..., DecodedT]] = {JSON: from_json, PROTOBUF: from_protobuf}

    def check(self, request: web.Request) -> None:
        if (found := media_type(request)) not in self._decoders:
            reason = f"expected {PROTOBUF} or {JSON}, got {found[:60]!r}"
            raise RefusedError(415, "invalid", reason, field=hdrs.CONTENT_TYPE)

    def decode(self, request: web.Request, body: bytes, most: int) -> DecodedT:
        try:
            return self._decoders[media_type(request)](body, most=most)
        except OtlpError as error:
            raise RefusedError(400, "invalid", str(error)) from error

    def number(self, given: DecodedT) -> int:
        return given.total

    def answer(
        self, request: web.Request, accepted_items: int, duplicates: int, ignored: int, rejected: Sequence[Rejected]
    ) -> web.Response:
        as_json = media_type(request) == JSON
        body = accepted(self._signal, json=as_json, rejected=len(rejected), message=reasons(rejected))
        return web.Response(body=body, content_type=JSON if as_json else PROTOBUF)

    def refusal(self, request: web.Request, error: RefusedError) -> web.Response:
        as_json = media_type(request) == JSON
        body = refused(error.status, error.reason, json=as_json)
        return web.Response(status=error.status, body=body, content_type=JSON if as_json else PROTOBUF)


TRACES: OtlpFormat[Decoded[Span]] = OtlpFormat("traces", json.decode_traces, protobuf.decode_traces)
METRICS: OtlpFormat[Decoded[Point]] = OtlpFormat("metrics", json.decode_metrics, protobuf.decode_metrics)
LOGS: OtlpFormat[Decoded[Log]] = OtlpFormat("logs", json.decode_logs, protobuf.decode_logs)
