"""Telemetry of coding agents: events and metrics in, usage and the runner's families out; counted once."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from agent_observability.intake.otlp import model
from agent_observability.intake.otlp.model import Attributes, Log, Point
from agent_observability.llm_cost import metrics as m
from agent_observability.llm_cost.config import OtlpConfig
from agent_observability.llm_cost.runner_sessions import RunnerSessions
from agent_observability.llm_cost.usage import Tokens
from agent_observability.metric import OVERFLOW
from tests.llm_cost.otlp import NOW_MS, NOW_NS, SECOND, Keeper, log, point

MODEL = "claude-sonnet-4-5-20250929"
RESOURCE: Attributes = {"service.name": "claude-code", "service.version": "2.1.130", "project": "web"}
SESSION: Attributes = {"session.id": "s-1", "user.id": "u-1"}
REQUEST: Attributes = {
    "model": MODEL,
    "input_tokens": 10,
    "output_tokens": 200,
    "cache_read_tokens": 5000,
    "cache_creation_tokens": 300,
    "cost_usd": 0.0123,
    "duration_ms": 2500,
}
TOKENS = Tokens(input=10, output=200, cache_read=5000, cache_write=300)
PICO = 12_300_000_000
SUM_SLOT = len(m.CALL_SECONDS) + 1


def request(sequence: int = 1, at: int = NOW_NS, session: str = "s-1", **own: Any) -> Log:
    attributes = REQUEST | SESSION | {"session.id": session, "event.sequence": sequence, "event.name": "api_request"}
    return log("claude_code.api_request", attributes | own, at)


def sums(
    times: int = 1, until: int = NOW_NS, session: str = "s-1", since: int | None = None, **fields: Any
) -> list[Point]:
    """What the metrics add for so many calls like `REQUEST`: since an hour ago, or deltas since a time."""
    own = SESSION | {"session.id": session, "model": MODEL}
    told = {"input": 10, "output": 200, "cacheRead": 5000, "cacheCreation": 300}
    if since is not None:
        fields |= {"temporality": model.DELTA, "start_ns": since}
    points = [
        point("claude_code.token.usage", number * times, own | {"type": type_}, until=until, unit="tokens", **fields)
        for type_, number in told.items()
    ]
    return [*points, point("claude_code.cost.usage", 0.0123 * times, own, until=until, unit="USD", **fields)]


def keeper(**config: Any) -> Keeper:
    return Keeper(OtlpConfig(**config), RESOURCE)


def test_a_call_as_an_event() -> None:
    kept = keeper()
    kept.logs(request())
    [usage] = kept.events.values()
    assert (usage.provider, usage.model, usage.tokens, usage.cost) == ("anthropic", MODEL, TOKENS, PICO)
    assert (usage.project, usage.feature, usage.agent, usage.session) == (
        "web",
        "agent_execution",
        "claude_code",
        "s-1",
    )
    assert (usage.duration, usage.requests, usage.status, usage.aggregated) == (2.5, 1, "success", False)
    assert usage.timestamp == NOW_NS // 1_000_000
    assert kept.slots(m.RUNNER_REQUESTS, ("s-1", MODEL, "success")) == {0: 1}
    assert kept.slots(m.RUNNER_TOKENS, ("s-1", MODEL, "input")) == {0: 5310}
    assert kept.slots(m.RUNNER_TOKENS, ("s-1", MODEL, "output")) == {0: 200}
    assert kept.slots(m.RUNNER_DURATION, (MODEL,)) == {8: 1, SUM_SLOT: 2_500_000}


NAMES = [
    ("by its name", log("claude_code.api_request", REQUEST)),
    ("by its body", log("", REQUEST, body="claude_code.api_request")),
    ("by an attribute", log("", REQUEST | {"event.name": "api_request"}, body="claude_code.api_request")),
]


@pytest.mark.parametrize("one", [case[1] for case in NAMES], ids=[case[0] for case in NAMES])
def test_events_are_known(one: Log) -> None:
    kept = keeper()
    kept.logs(one)
    assert kept.pico == PICO


def test_events_of_others_are_ignored() -> None:
    kept = keeper()
    others = [log("claude_code.user_prompt", REQUEST), log("app.api_request", REQUEST), log("", REQUEST, body={"a": 1})]
    assert kept.logs(*others, log("", REQUEST | {"event.name": "api_request"})).ignored == 4


VARIANTS: list[tuple[str, Attributes, dict[str, Any]]] = [
    (
        "numbers as texts, as before 2.1.122",
        {"input_tokens": "10", "cost_usd": "0.0123", "duration_ms": "2500"},
        {"tokens": TOKENS, "cost": PICO, "duration": 2.5},
    ),
    ("a cost of nothing is none", {"cost_usd": 0.0}, {"cost": None}),
    ("fast mode", {"speed": "fast"}, {"tier": "fast"}),
    ("normal speed", {"speed": "normal"}, {"tier": ""}),
    ("an agent of its own", {"agent.name": "reviewer"}, {"agent": "reviewer"}),
    ("a first token", {"ttft_ms": 250}, {"first_token": 0.25}),
]


@pytest.mark.parametrize(("own", "expected"), [case[1:] for case in VARIANTS], ids=[case[0] for case in VARIANTS])
def test_variants(own: Attributes, expected: dict[str, Any]) -> None:
    kept = keeper()
    kept.logs(request(**own))
    [usage] = kept.events.values()
    assert {name: getattr(usage, name) for name in expected} == expected


def test_time_is_taken_from_where_it_is() -> None:
    kept = keeper()
    kept.logs(request(1, 0, **{"event.timestamp": "2026-01-31T12:00:00.250Z"}))
    kept.logs(log("claude_code.api_request", REQUEST, 0, observed_ns=NOW_NS))
    assert sorted(time for time, _ in kept.events) == [1_769_860_800_250, NOW_MS]


IDENTITIES: list[tuple[str, Log, Log, int]] = [
    ("the same", request(1), request(1), 1),
    ("another number", request(1), request(2), 2),
    ("another request", request(1, request_id="req_1"), request(1, request_id="req_2"), 2),
    ("the same request", request(1, request_id="req_1"), request(2, request_id="req_1"), 1),
    ("a session that goes on from 1 again", request(1), request(1, NOW_NS + SECOND), 2),
    ("another session", request(1), request(1, session="s-2"), 2),
]


@pytest.mark.parametrize(
    ("one", "two", "calls"), [case[1:] for case in IDENTITIES], ids=[case[0] for case in IDENTITIES]
)
def test_what_names_an_event(one: Log, two: Log, calls: int) -> None:
    kept = keeper()
    kept.logs(one)
    kept.logs(two)
    assert len(kept.events) == calls


BAD: list[tuple[Attributes, str]] = [
    ({"input_tokens": -1}, "input_tokens"),
    ({"output_tokens": "many"}, "output_tokens"),
    ({"cache_read_tokens": 1.5}, "cache_read_tokens"),
    ({"cost_usd": "nan"}, "cost_usd"),
    ({"cost_usd": "1_0"}, "cost_usd"),
    ({"duration_ms": -1}, "duration_ms"),
]


@pytest.mark.parametrize(("own", "field"), BAD)
def test_a_bad_event_is_rejected_and_no_other(own: Attributes, field: str) -> None:
    kept = keeper()
    taken = kept.logs(request(1), request(2, **own), request(3))
    assert [one.field for one in taken.rejected] == [field]
    assert kept.requests == {"success": 2}
    assert kept.slots(m.RUNNER_REQUESTS, ("s-1", MODEL, "success")) == {0: 2}


@pytest.mark.parametrize("dollars", [1e6, 1e14, -0.01, float("inf")])
def test_a_cost_beyond_belief_is_rejected_and_nothing_else(dollars: float) -> None:
    kept = keeper()
    *tokens, cost = sums()
    taken = kept.points(*tokens, msgspec.structs.replace(cost, value=dollars, index=4))
    assert [(one.index, one.field) for one in taken.rejected] == [(4, "claude_code.cost.usage")]
    assert taken.rejected[0].reason == f"expected a number from 0 to 1,000,000, got {dollars!r}"
    [usage] = kept.events.values()
    assert (usage.tokens, usage.cost) == (TOKENS, None)


def test_the_highest_cost_that_is_believed_can_be_kept() -> None:
    kept = keeper()
    *tokens, cost = sums()
    kept.points(*tokens, msgspec.structs.replace(cost, value=999_999.5))
    kept.restart()
    assert kept.pico == 999_999_500_000_000_000


def test_failed_calls() -> None:
    kept = keeper()
    errors = [
        ("429", "rate limited"),
        (529, "Overloaded"),
        ("undefined", "Request timed out."),
        (None, "Connection error."),
    ]
    for sequence, (code, error) in enumerate(errors):
        own = {"model": MODEL, "error": error, "attempt": 11, "event.sequence": sequence, "status_code": code}
        kept.logs(log("claude_code.api_error", own | SESSION))
    assert kept.requests == {"error": 3, "timeout": 1}
    found = sorted(usage.error_type for usage in kept.events.values())
    assert found == ["other", "overloaded", "rate_limited", "timeout"]
    assert kept.slots(m.RUNNER_REQUESTS, ("s-1", MODEL, "error")) == {0: 3}
    # Nothing tells what failed calls have used, so that metrics still count.
    kept.points(*sums())
    assert kept.tokens["output"] == 200


TOOLS = [
    ("Read", "true", ("read", "success")),
    ("Write", True, ("write", "success")),
    ("MultiEdit", "false", ("edit", "error")),
    ("Grep", "true", ("search", "success")),
    ("Bash", False, ("execute", "error")),
    ("WebSearch", "true", ("web", "success")),
    ("Task", "true", ("task", "success")),
    ("mcp_tool", "true", ("other", "success")),
    (7, None, ("other", "error")),
]


@pytest.mark.parametrize(("tool", "success", "labels"), TOOLS)
def test_tools(tool: Any, success: Any, labels: tuple[str, str]) -> None:
    kept = keeper()
    kept.logs(log("claude_code.tool_result", {"tool_name": tool, "success": success}))
    assert kept.slots(m.RUNNER_OPERATIONS, labels) == {0: 1}
    assert labels[0] in m.WORKSPACE_OPERATIONS


@pytest.mark.parametrize("temporality", [model.DELTA, model.CUMULATIVE])
def test_metrics_alone(temporality: int) -> None:
    kept = keeper()
    for at in range(1, 4):
        delta = temporality == model.DELTA
        since = NOW_NS + (at - 1) * SECOND if delta else None
        kept.points(*sums(1 if delta else at, NOW_NS + at * SECOND, since=since))
    assert kept.tokens == {"input": 30, "output": 600, "cache_read": 15_000, "cache_write": 900}
    assert kept.pico == 3 * PICO
    assert all(usage.aggregated and not usage.requests for usage in kept.events.values())
    assert kept.slots(m.RUNNER_TOKENS, ("s-1", MODEL, "input")) == {0: 3 * 5310}


def test_a_cost_without_its_tokens_is_left_out() -> None:
    """Those tokens are, or were, priced by themselves."""
    kept = keeper()
    *tokens, cost = sums()
    kept.points(cost)
    kept.points(*tokens)
    [usage] = kept.events.values()
    assert (usage.tokens, usage.cost) == (TOKENS, None)


def test_bad_metrics_are_rejected() -> None:
    kept = keeper()
    good, *_ = sums()
    falling = point("claude_code.token.usage", 5, {"type": "input"}, monotonic=False)
    gauge = point("claude_code.cost.usage", 5, {}, kind=model.GAUGE)
    unknown = point("claude_code.token.usage", 5, {"type": "thoughts"})
    taken = kept.points(good, falling, gauge, unknown)
    assert [one.reason for one in taken.rejected] == ["expected a monotonic sum", "expected a sum, got a gauge"]
    assert (taken.ignored, taken.accepted) == (1, 1)


WINDOW = 60 * SECOND


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("delta", [True, False], ids=["delta", "cumulative"])
@pytest.mark.parametrize("restarts", [False, True])
def test_events_and_metrics_of_the_same_calls_count_once(seed: int, delta: bool, restarts: bool) -> None:
    """Events arrive in any order, before and after the metrics of their time; and each may come twice."""
    random_ = random.Random(seed)
    kept = keeper()
    arrivals: list[tuple[float, str, Any]] = []
    sequence = total = sent = 0
    for window in range(random_.randrange(1, 6)):
        start = NOW_NS + window * WINDOW
        number = random_.randrange(4)
        total += number
        points = sums(number if delta else total, start + WINDOW, since=start if delta else None)
        # One export after the other.
        sent = max(sent, start + WINDOW + random_.randrange(2 * WINDOW))
        arrivals.append((sent, "points", points))
        for _ in range(number):
            sequence += 1
            at = start + random_.randrange(1, WINDOW)
            arrivals.append((at + random_.choice([1, WINDOW, 5 * WINDOW]), "logs", request(sequence, at)))
    for _, kind, what in sorted(arrivals, key=lambda one: (one[0], one[1])):
        for _ in range(random_.randrange(1, 3)):
            if kind == "logs":
                kept.logs(what)
            else:
                kept.points(*what, now=NOW_MS + 3_600_000)
            if restarts:
                kept.restart()
    assert kept.tokens.get("output", 0) == 200 * total
    assert kept.pico == PICO * total
    # Tokens of the runner's families, too.
    assert kept.slots(m.RUNNER_TOKENS, ("s-1", MODEL, "output")).get(0, 0) >= 200 * total


def test_metrics_that_name_no_session_count_once() -> None:
    kept = keeper()
    own: Attributes = {"user.id": "u-1", "model": MODEL, "type": "output"}
    kept.points(point("claude_code.token.usage", 400, own))
    assert kept.logs(request(1, NOW_NS - 1), request(2, NOW_NS + 1)).ignored == 1
    assert kept.points(point("claude_code.token.usage", 600, own, until=NOW_NS + 9)).ignored == 1
    assert kept.tokens["output"] == 600
    # Another user's say nothing of this one.
    kept.points(point("claude_code.token.usage", 7, own | {"user.id": "u-2"}))
    assert kept.tokens["output"] == 607


def test_metrics_win_where_they_are_to() -> None:
    kept = keeper(coding_agents="metrics")
    kept.logs(request(1), log("claude_code.api_error", {"model": MODEL, "error": "x"} | SESSION))
    assert kept.events == {}
    kept.points(*sums())
    assert (kept.tokens["output"], kept.pico) == (200, PICO)
    # Calls are told by events alone, tokens by metrics alone.
    assert kept.slots(m.RUNNER_REQUESTS, ("s-1", MODEL, "success")) == {0: 1}
    assert kept.slots(m.RUNNER_TOKENS, ("s-1", MODEL, "output")) == {0: 200}


def test_sessions_with_series_are_bounded() -> None:
    kept = keeper()
    kept.telemetry._memory.sessions = RunnerSessions(most=2)
    for session in ("a", "b", "c"):
        kept.logs(request(session=session))
    assert kept.slots(m.RUNNER_REQUESTS, (OVERFLOW, MODEL, "success")) == {0: 1}
    assert kept.slots(m.RUNNER_REQUESTS, ("b", MODEL, "success")) == {0: 1}
    # An hour after their last event they make room; what was heard of in between stays.
    hour = 3_600_000
    kept.logs(request(2, session="a"), now=NOW_MS + hour // 2)
    kept.logs(request(2, session="c"), now=NOW_MS + hour + 1)
    assert kept.slots(m.RUNNER_REQUESTS, ("c", MODEL, "success")) == {0: 1}
    assert set(kept.facts["runner_session"]) == {"a", "c"}
    kept.restart()
    kept.telemetry._memory.sessions.most = 2
    kept.logs(request(3, session="d"), now=NOW_MS + hour + 2)
    assert kept.slots(m.RUNNER_REQUESTS, (OVERFLOW, MODEL, "success")) == {0: 2}


def test_sessions_that_came_while_another_request_was_stored_are_kept() -> None:
    sessions = RunnerSessions(most=3)
    first = sessions.plan(NOW_MS)
    assert first.label("a") == "a"
    sessions.commit(first)
    # This one has nothing to store, so that others do not wait for it.
    slow, quick = sessions.plan(NOW_MS + 1), sessions.plan(NOW_MS + 2)
    assert slow.label("a") == "a"
    assert (quick.label("b"), quick.label("c")) == ("b", "c")
    assert slow.facts == {}
    sessions.commit(quick)
    sessions.commit(slow)
    assert len(sessions) == 3
    assert sessions.plan(NOW_MS + 3).label("d") == OVERFLOW
