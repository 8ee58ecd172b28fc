"""Usage out of GenAI spans and events, whichever generation of the semantic conventions their library follows.

A span is named by its start (ms) and by trace and span id, which is what makes a repetition a duplicate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from agent_observability.intake.otlp.model import STATUS_ERROR, Attribute, Attributes, Log, Span
from agent_observability.llm_cost.attributes import (
    MAX_SECONDS,
    BadValueError,
    Whose,
    clean,
    pico_dollars,
    seconds,
    text,
    whose,
)
from agent_observability.llm_cost.failures import failure
from agent_observability.llm_cost.genai_tokens import INPUT, OUTPUT, tokens_of
from agent_observability.llm_cost.pricing.providers import canonical
from agent_observability.llm_cost.usage import Usage

__all__ = [
    "EVENT",
    "MODEL",
    "NO_MODEL",
    "OPERATION",
    "PROVIDER",
    "operation_of",
    "tier_of",
    "usage_of_event",
    "usage_of_span",
]

EVENT = "gen_ai.client.inference.operation.details"
"""Name of the event that tells a call as a log record."""

OPERATION = "gen_ai.operation.name"
PROVIDER = ("gen_ai.provider.name", "gen_ai.system")
MODEL = ("gen_ai.response.model", "gen_ai.request.model")
NO_MODEL = "unknown"

_CALLS = {
    "chat": "chat",
    "generate_content": "generate_content",
    "text_completion": "text_completion",
    "completion": "text_completion",
    "embeddings": "embeddings",
    "embedding": "embeddings",
    "rerank": "rerank",
    "moderation": "moderation",
    "transcription": "transcription",
    "speech_to_text": "transcription",
    "speech": "speech",
    "text_to_speech": "speech",
    "image": "image",
    "image_generation": "image",
}
# Their children carry the usage, or they have none of their own.
_NO_CALLS = frozenset(
    {
        "count_tokens",
        "create_agent",
        "execute_tool",
        "fetch_response",
        "invoke_agent",
        "invoke_workflow",
        "plan",
        "retrieval",
        "create_memory",
        "create_memory_store",
        "delete_memory",
        "delete_memory_store",
        "search_memory",
        "update_memory",
        "upsert_memory",
    }
)
# Coding agents tell the same calls by logs and metrics.
_TOLD_OTHERWISE = "claude_code."

_COST = ("gen_ai.usage.cost",)
_FIRST_TOKEN = ("gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token")
_FIRST_CHUNKS = frozenset({"gen_ai.content.completion.chunk", "llm.content.completion.chunk"})
_TIER = (
    "openai.response.service_tier",
    "gen_ai.openai.response.service_tier",
    "gen_ai.response.service_tier",
    "openai.request.service_tier",
    "gen_ai.openai.request.service_tier",
    "gen_ai.request.service_tier",
)
# `auto` leaves the choice to the provider, whose answer says what it was.
_STANDARD = frozenset({"auto", "default", "standard", "standard_only"})


def usage_of_span(span: Span, common: Whose, project: str) -> Usage | None:
    """None for a span that is no call of a model. Raises BadValueError. `common` says whose the resource is."""
    attributes = span.attributes
    operation = operation_of(attributes)
    if operation is None or span.name.startswith(_TOLD_OTHERWISE):
        return None
    if span.start_ns <= 0:
        raise BadValueError("startTimeUnixNano", "expected a time")
    failed = span.status == STATUS_ERROR or "error.type" in attributes
    return _usage(
        attributes,
        operation,
        whose(attributes, common, project),
        timestamp=span.start_ns // 1_000_000,
        id_=span_key(span.trace_id, span.span_id),
        failed=failure(_signs(span)) if failed else None,
        duration=_seconds(span.start_ns, span.end_ns),
        first_token=_first_token(span),
    )


def usage_of_event(log: Log, common: Whose, project: str) -> Usage | None:
    """None for one that tells no call of a model. Raises BadValueError."""
    attributes = log.attributes
    operation = operation_of(attributes)
    if operation is None:
        return None
    time_ns = log.time_ns or log.observed_ns
    if time_ns <= 0:
        raise BadValueError("timeUnixNano", "expected a time")
    id_ = span_key(log.trace_id, log.span_id)
    if not id_:
        said = attributes.get("gen_ai.response.id")
        id_ = hashlib.blake2b(repr((time_ns, said, sorted(attributes))).encode(), digest_size=16).hexdigest()
    return _usage(
        attributes,
        operation,
        whose(attributes, common, project),
        timestamp=time_ns // 1_000_000,
        id_=f"event-{id_}",
        failed=failure([attributes["error.type"]]) if "error.type" in attributes else None,
        duration=None,
        first_token=seconds(attributes, _FIRST_TOKEN),
    )


def span_key(trace_id: bytes, span_id: bytes) -> str:
    """What names a span; its usage has that for an id."""
    return f"{trace_id.hex()}{span_id.hex()}"


def operation_of(attributes: Attributes) -> str | None:
    """Which of `usage.OPERATIONS` it is; None for what calls no model itself.

    What has no known name is a call if it has used tokens, or at least names a model and nothing else it could be.
    """
    said = attributes.get(OPERATION)
    known = _CALLS.get(said) if isinstance(said, str) else None
    if known is not None:
        return known
    if (isinstance(said, str) and said in _NO_CALLS) or not any(name in attributes for name in (*PROVIDER, *MODEL)):
        return None
    if any(name in attributes for name in (*INPUT, *OUTPUT)):
        return "other" if said else "chat"
    return "chat" if not said and "gen_ai.request.model" in attributes else None


def metric_operation(attributes: Attributes) -> str | None:
    """Likewise for a metric, which only calls of models have."""
    said = attributes.get(OPERATION)
    if said is None:
        return "chat"
    if not isinstance(said, str):
        return "other"
    return None if said in _NO_CALLS else _CALLS.get(said, "other")


def tier_of(attributes: Attributes) -> str:
    """The service tier, "" for the standard one."""
    tier = text(attributes, _TIER).lower()
    return "" if tier in _STANDARD else tier


def _usage(
    attributes: Attributes,
    operation: str,
    belongs: Whose,
    *,
    timestamp: int,
    id_: str,
    failed: tuple[str, str] | None,
    duration: float | None,
    first_token: float | None,
) -> Usage:
    model = text(attributes, MODEL)
    tier = tier_of(attributes)
    status, error_type = failed or ("success", "")
    return Usage(
        timestamp=timestamp,
        id=id_,
        provider=clean(canonical(text(attributes, PROVIDER), model)),
        model=model or NO_MODEL,
        project=belongs.project,
        feature=belongs.feature,
        agent=belongs.agent,
        operation=operation,
        status=status,
        error_type=error_type,
        session=belongs.session,
        tokens=tokens_of(attributes),
        duration=duration,
        first_token=first_token,
        # A cost of nothing for something is none that anybody knows.
        cost=pico_dollars(attributes, _COST) or None,
        tier="" if tier == "batch" else tier,
        batch=tier == "batch",
    )


def _first_token(span: Span) -> float | None:
    found = seconds(span.attributes, _FIRST_TOKEN)
    if found is not None or not span.events:
        return found
    chunks = [event.time_ns for event in span.events if event.name in _FIRST_CHUNKS and event.time_ns >= span.start_ns]
    return _seconds(span.start_ns, min(chunks)) if chunks else None


def _seconds(start_ns: int, end_ns: int) -> float | None:
    """None where a clock was set back, or the end is missing or beyond belief."""
    seconds = (end_ns - start_ns) / 1e9
    return seconds if 0 <= seconds <= MAX_SECONDS else None


def _signs(span: Span) -> Iterator[Attribute]:
    yield span.attributes.get("error.type")
    yield span.attributes.get("http.response.status_code")
    yield span.message
    for event in span.events:
        if event.name == "exception":
            yield event.attributes.get("exception.type")
            yield event.attributes.get("exception.message")
