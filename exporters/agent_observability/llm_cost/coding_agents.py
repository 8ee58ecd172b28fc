"""Telemetry of coding agents (`claude_code.*`): calls of models, failed calls and tools as events, sums as metrics.

Their input tokens hold no cached ones. Numbers in events were texts until their version 2.1.122. An event is named by
its time (ms), its session, and its request id or, without one, its sequence number within the session.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from agent_observability.intake.otlp.model import SUM, Attributes, Log, Point
from agent_observability.ledger.batch import Count, count, observe
from agent_observability.llm_cost import metrics as m
from agent_observability.llm_cost.attributes import (
    BadValueError,
    Whose,
    clean,
    pico_dollars,
    seconds,
    text,
    tokens,
    whose,
)
from agent_observability.llm_cost.failures import failure
from agent_observability.llm_cost.genai import NO_MODEL
from agent_observability.llm_cost.metrics import PICO
from agent_observability.llm_cost.pricing.providers import canonical
from agent_observability.llm_cost.readings import MAX_USD, Base, Reading, Told, digest, reading, whole
from agent_observability.llm_cost.usage import Tokens, Usage
from agent_observability.metric import OTHER

__all__ = [
    "COST",
    "ERROR",
    "METRICS",
    "REQUEST",
    "TOKENS",
    "TOOL",
    "call_of",
    "event_of",
    "read",
    "runner_calls",
    "runner_tokens",
    "tool_count",
]

REQUEST, ERROR, TOOL = "api_request", "api_error", "tool_result"
TOKENS, COST = "claude_code.token.usage", "claude_code.cost.usage"
METRICS = frozenset({TOKENS, COST})

_PREFIX = "claude_code."
_SCOPE = "com.anthropic.claude_code"
_EVENTS = frozenset({REQUEST, ERROR, TOOL})
_AGENT = "claude_code"
_FEATURE = "agent_execution"
_PROVIDER = "anthropic"
_MILLI = 1e-3

_TOKEN_TYPES: dict[str, Told] = {
    "input": "input",
    "output": "output",
    "cacheRead": "cache_read",
    "cacheCreation": "cache_write",
}
_OPERATIONS = {
    tool: operation
    for operation, tools in {
        "read": "Read NotebookRead LS ReadMcpResourceTool ListMcpResourcesTool",
        "write": "Write",
        "edit": "Edit MultiEdit NotebookEdit",
        "search": "Glob Grep LSP ToolSearch",
        "execute": "Bash BashOutput KillBash KillShell PowerShell REPL",
        "web": "WebFetch WebSearch",
        "task": "Task Agent TaskCreate TaskUpdate TaskGet TaskList TaskOutput TaskStop TodoWrite",
    }.items()
    for tool in tools.split()
}


class Call(NamedTuple):
    """A call of a model as an event tells it; `time_ns` is when it ended."""

    usage: Usage
    time_ns: int


def event_of(log: Log, scope: str) -> str:
    """Which event a record is: REQUEST, ERROR or TOOL; "" for all others."""
    said = log.event_name or (log.body if isinstance(log.body, str) else "")
    if said.startswith(_PREFIX):
        said = said.removeprefix(_PREFIX)
    elif scope.startswith(_SCOPE):
        name = log.attributes.get("event.name")
        said = name.removeprefix(_PREFIX) if isinstance(name, str) else ""
    return said if said in _EVENTS else ""


def call_of(log: Log, event: str, common: Whose, project: str) -> Call:
    """What a REQUEST or an ERROR tells. Raises BadValueError."""
    attributes = log.attributes
    belongs = _whose(attributes, common, project)
    time_ns = log.time_ns or _timestamp(attributes) or log.observed_ns
    if time_ns <= 0:
        raise BadValueError("timeUnixNano", "expected a time")
    model = text(attributes, ("model",))
    request = text(attributes, ("request_id",))
    if not request:
        request = repr(attributes.get("event.sequence", time_ns))
    failed = failure([attributes.get("status_code"), attributes.get("error")]) if event == ERROR else ("success", "")
    cost = pico_dollars(attributes, ("cost_usd",), texts=True)
    usage = Usage(
        timestamp=time_ns // 1_000_000,
        id=f"agent-{digest(event, belongs.session, request)}",
        provider=clean(canonical(_PROVIDER, model)),
        model=model or NO_MODEL,
        project=belongs.project,
        feature=belongs.feature,
        agent=belongs.agent,
        status=failed[0],
        error_type=failed[1],
        session=belongs.session,
        tokens=Tokens(
            input=tokens(attributes, ("input_tokens",), texts=True) or 0,
            cache_read=tokens(attributes, ("cache_read_tokens",), texts=True) or 0,
            cache_write=tokens(attributes, ("cache_creation_tokens",), texts=True) or 0,
            output=tokens(attributes, ("output_tokens",), texts=True) or 0,
        ),
        duration=seconds(attributes, ("duration_ms",), scale=_MILLI, texts=True),
        first_token=seconds(attributes, ("ttft_ms",), scale=_MILLI, texts=True),
        # A cost of nothing for something is none that anybody knows.
        cost=cost or None,
        tier="fast" if attributes.get("speed") == "fast" else "",
    )
    return Call(usage, time_ns)


def read(point: Point, where: str, common: Whose, project: str) -> Reading | None:
    """None for a point that counts nothing here. Raises BadValueError."""
    attributes = point.attributes
    said = attributes.get("type")
    told = "cost" if point.metric == COST else _TOKEN_TYPES.get(said) if isinstance(said, str) else None
    if told is None:
        return None
    if point.kind != SUM:
        raise BadValueError(point.metric, f"expected a sum, got a {point.kind}")
    model = text(attributes, ("model",))
    tier = "fast" if attributes.get("speed") == "fast" else ""
    provider = clean(canonical(_PROVIDER, model))
    base = Base(provider, model or NO_MODEL, "chat", *_whose(attributes, common, project), tier)
    value = whole(point, point.value, PICO, MAX_USD) if told == "cost" else whole(point, point.value)
    return reading(point, where, base, told, (value,))


def runner_calls(usage: Usage, session: str) -> list[Count]:
    """A call in the runner's own families, but for its tokens."""
    counts = [count(m.RUNNER_REQUESTS, (session, usage.model, usage.status))]
    if usage.duration is not None:
        counts.append(observe(m.RUNNER_DURATION, (usage.model,), usage.duration))
    return counts


def runner_tokens(usage: Usage, session: str) -> list[Count]:
    """Tokens in the runner's own family: input there includes what is cached."""
    tokens = usage.tokens
    every = tokens.input + tokens.cache_read + tokens.cache_write + tokens.cache_write_1h
    pairs = (("input", every), ("output", tokens.output))
    return [count(m.RUNNER_TOKENS, (session, usage.model, type_), number) for type_, number in pairs if number]


def tool_count(log: Log) -> Count:
    """What a TOOL event tells."""
    tool = log.attributes.get("tool_name")
    operation = _OPERATIONS.get(tool, OTHER) if isinstance(tool, str) else OTHER
    status = "success" if log.attributes.get("success") in (True, "true") else "error"
    return count(m.RUNNER_OPERATIONS, (operation, status))


def _whose(attributes: Attributes, common: Whose, project: str) -> Whose:
    found = whose(attributes, common, project)
    return found._replace(feature=found.feature or _FEATURE, agent=found.agent or _AGENT)


def _timestamp(attributes: Attributes) -> int:
    said = attributes.get("event.timestamp")
    try:
        moment = datetime.fromisoformat(said) if isinstance(said, str) else None
        return 0 if moment is None or moment.tzinfo is None else round(moment.timestamp() * 1000) * 1_000_000
    except (ValueError, OverflowError):
        return 0
