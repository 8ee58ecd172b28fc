"""GenAI spans and events: attributes in, usage out."""

from __future__ import annotations

from typing import Any

import pytest

from agent_observability.intake.otlp.model import Attributes, Group
from agent_observability.llm_cost.attributes import MAX_TOKENS, clean
from agent_observability.llm_cost.config import OtlpConfig
from agent_observability.llm_cost.failures import failure
from agent_observability.llm_cost.telemetry import Telemetry
from agent_observability.llm_cost.usage import OPERATIONS, Tokens, Usage
from tests.llm_cost.otlp import NOW_MS, NOW_NS, SECOND, Keeper, log, span, span_event

NOW_CHAT: Attributes = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
}
OLD_CHAT: Attributes = {"gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o"}
USAGE = "gen_ai.usage."


def used(**told: int) -> Attributes:
    return {USAGE + name.replace("__", "."): number for name, number in told.items()}


def usage_of(attributes: Attributes, resource: Attributes | None = None, project: str = "", **fields: Any) -> Usage:
    """The only one that a span makes."""
    group = Group(resource or {"service.name": "app"}, "lib", [span(attributes, **fields)])
    taken = Telemetry(OtlpConfig()).traces([group], project, NOW_MS)
    assert not taken.rejected
    [usage] = taken.usages
    return usage


TOKENS = [
    ("none", {}, Tokens()),
    ("now", used(input_tokens=100, output_tokens=20), Tokens(input=100, output=20)),
    ("before", used(prompt_tokens=100, completion_tokens=20), Tokens(input=100, output=20)),
    ("both: now wins", used(prompt_tokens=7, input_tokens=100), Tokens(input=100)),
    (
        "cached tokens are a part of the input",
        used(input_tokens=100, cache_read__input_tokens=60, cache_creation__input_tokens=30, output_tokens=5),
        Tokens(input=10, cache_read=60, cache_write=30, output=5),
    ),
    ("by their newer name", used(input_tokens=50, cache_write__input_tokens=30), Tokens(input=20, cache_write=30)),
    (
        "by names of libraries",
        used(prompt_tokens=100, cache_read_input_tokens=60, cache_creation_input_tokens=30),
        Tokens(input=10, cache_read=60, cache_write=30),
    ),
    (
        "more cached than put in: input of a library that leaves the cached out",
        used(input_tokens=10, cache_read__input_tokens=60, cache_creation__input_tokens=5),
        Tokens(input=10, cache_read=60, cache_write=5),
    ),
    (
        "and audio is a part of it all the same",
        used(input_tokens=10, cache_read__input_tokens=60, audio__input_tokens=4),
        Tokens(input=6, cache_read=60, audio_input=4),
    ),
    ("as much cached as put in", used(input_tokens=60, cache_read__input_tokens=60), Tokens(cache_read=60)),
    (
        "kept for an hour",
        used(input_tokens=100, cache_creation__input_tokens=30)
        | {"anthropic.usage.cache_creation.ephemeral_1h_input_tokens": 20},
        Tokens(input=70, cache_write=10, cache_write_1h=20),
    ),
    ("reasoning", used(output_tokens=50, reasoning__output_tokens=40), Tokens(output=50, reasoning=40)),
    ("more reasoning than output", used(output_tokens=5, reasoning__output_tokens=40), Tokens(output=5, reasoning=5)),
    (
        "audio",
        used(input_tokens=100, audio__input_tokens=30, output_tokens=50, audio__output_tokens=20),
        Tokens(input=70, audio_input=30, output=30, audio_output=20),
    ),
    (
        "audio from a cache",
        used(input_tokens=100, audio__input_tokens=30, cache_read__input_tokens=40, audio__cache_read__input_tokens=10),
        Tokens(input=40, cache_read=40, audio_input=20),
    ),
    ("the most that is believed", used(input_tokens=MAX_TOKENS - 1), Tokens(input=MAX_TOKENS - 1)),
]


@pytest.mark.parametrize(("told", "tokens"), [case[1:] for case in TOKENS], ids=[case[0] for case in TOKENS])
@pytest.mark.parametrize("base", [NOW_CHAT, OLD_CHAT], ids=["now", "before"])
def test_tokens(base: Attributes, told: Attributes, tokens: Tokens) -> None:
    usage = usage_of(base | told)
    assert usage.tokens == tokens
    assert (usage.provider, usage.model, usage.operation, usage.requests) == ("openai", "gpt-4o", "chat", 1)
    assert not usage.aggregated


def test_what_names_a_span() -> None:
    usage = usage_of(NOW_CHAT)
    assert usage.timestamp == NOW_MS - 1000
    assert usage.id == "74" * 16 + "0000000000000001"


OPERATION = [
    ("chat", "chat"),
    ("generate_content", "generate_content"),
    ("text_completion", "text_completion"),
    ("completion", "text_completion"),
    ("embeddings", "embeddings"),
    ("rerank", "rerank"),
    ("image_generation", "image"),
    ("text_to_speech", "speech"),
    ("responses.create", "other"),
    (None, "chat"),
]


@pytest.mark.parametrize(("said", "operation"), OPERATION)
def test_operations(said: str | None, operation: str) -> None:
    attributes = NOW_CHAT | {"gen_ai.operation.name": said} | used(input_tokens=1)
    assert usage_of({name: value for name, value in attributes.items() if value is not None}).operation == operation
    assert operation in OPERATIONS


NO_CALLS: list[tuple[Attributes, str]] = [
    *(
        (NOW_CHAT | {"gen_ai.operation.name": name} | used(input_tokens=5), name)
        for name in ("invoke_agent", "invoke_workflow", "create_agent", "execute_tool", "fetch_response", "plan")
    ),
    ({"http.request.method": "GET", "http.route": "/"}, "GET /"),
    ({}, "no attributes"),
    ({"gen_ai.agent.name": "planner"}, "a framework's own"),
    (NOW_CHAT | {"gen_ai.operation.name": "crawl"}, "an unknown operation that used nothing"),
    (NOW_CHAT | used(input_tokens=5), "claude_code.llm_request"),
]


@pytest.mark.parametrize(("attributes", "name"), NO_CALLS, ids=[case[1] for case in NO_CALLS])
def test_what_calls_no_model_is_ignored(attributes: Attributes, name: str) -> None:
    keeper = Keeper()
    taken = keeper.spans(span(attributes, name=name), span(NOW_CHAT, 1))
    assert (taken.ignored, taken.accepted, len(keeper.events)) == (1, 1, 1)


FAILURES: list[tuple[dict[str, Any], str, str]] = [
    ({}, "success", ""),
    ({"status": 1}, "success", ""),
    ({"status": 2}, "error", "other"),
    ({"error.type": "429"}, "error", "rate_limited"),
    ({"error.type": 529}, "error", "overloaded"),
    ({"error.type": "503"}, "error", "overloaded"),
    ({"error.type": "401"}, "error", "auth"),
    ({"error.type": "403"}, "error", "auth"),
    ({"error.type": "504"}, "timeout", "timeout"),
    ({"error.type": "500"}, "error", "other"),
    ({"error.type": "timeout"}, "timeout", "timeout"),
    ({"error.type": "openai.APITimeoutError"}, "timeout", "timeout"),
    ({"error.type": "httpx.ReadTimeout"}, "timeout", "timeout"),
    ({"error.type": "RateLimitError"}, "error", "rate_limited"),
    ({"error.type": "anthropic.OverloadedError"}, "error", "overloaded"),
    ({"error.type": "AuthenticationError"}, "error", "auth"),
    ({"error.type": "context_length_exceeded"}, "error", "context_length"),
    ({"error.type": "content_filter"}, "error", "content_filter"),
    ({"error.type": "java.net.ConnectException"}, "error", "other"),
    ({"error.type": "_OTHER", "message": "Error code: Too Many Requests"}, "error", "rate_limited"),
    ({"error.type": "BadRequestError", "message": "the context window is 8192 tokens"}, "error", "context_length"),
    ({"status": 2, "http.response.status_code": 429}, "error", "rate_limited"),
    ({"status": 2, "exception.type": "openai.PermissionDeniedError"}, "error", "auth"),
]


@pytest.mark.parametrize(("signs", "status", "error_type"), FAILURES)
def test_what_went_wrong(signs: dict[str, Any], status: str, error_type: str) -> None:
    """A failed call counts, though it has used nothing."""
    fields = {name: signs[name] for name in ("status", "message") if name in signs}
    if "exception.type" in signs:
        fields["events"] = [span_event("exception", NOW_NS, **{"exception.type": signs["exception.type"]})]
    attributes = {name: value for name, value in signs.items() if "." in name and name != "exception.type"}
    usage = usage_of(NOW_CHAT | attributes, **fields)
    assert (usage.status, usage.error_type, usage.requests) == (status, error_type, 1)


def test_messages_are_looked_at_only_so_far() -> None:
    assert failure(["x" * 2_000 + "timeout"]) == ("error", "other")


WHOSE = [
    ("nobody's", {}, {}, "", ("", "", "", "")),
    (
        "of the span",
        {"project": "p", "feature": "f", "gen_ai.agent.name": "a", "session.id": "s"},
        {},
        "",
        tuple("pfas"),
    ),
    ("of the resource", {}, {"project": "p", "app.feature": "f", "gen_ai.agent.id": "a"}, "", ("p", "f", "a", "")),
    ("the span's first", {"project": "p"}, {"project": "q"}, "", ("p", "", "", "")),
    ("any name on the span first", {"service.namespace": "p"}, {"project": "q"}, "", ("p", "", "", "")),
    ("in this order", {}, {"k8s.namespace.name": "k", "service.namespace": "s"}, "", ("s", "", "", "")),
    ("of the cluster", {}, {"k8s.namespace.name": "k"}, "", ("k", "", "", "")),
    ("the key's before all", {"project": "p"}, {"project": "q"}, "key", ("key", "", "", "")),
    ("a conversation", {"gen_ai.conversation.id": "c"}, {}, "", ("", "", "", "c")),
    ("no text", {"project": 5, "service.namespace": "n"}, {}, "", ("n", "", "", "")),
    ("cleaned", {"project": "a\x00b" + "ü" * 200}, {}, "", ("a b" + "ü" * 62, "", "", "")),
]


@pytest.mark.parametrize(
    ("own", "resource", "key", "whose"), [case[1:] for case in WHOSE], ids=[case[0] for case in WHOSE]
)
def test_whose_it_is(own: Attributes, resource: Attributes, key: str, whose: tuple[str, ...]) -> None:
    usage = usage_of(NOW_CHAT | own, resource, key)
    assert (usage.project, usage.feature, usage.agent, usage.session) == whose


DETAILS: list[tuple[str, Attributes, dict[str, Any], dict[str, Any]]] = [
    ("the model that answered", {"gen_ai.response.model": "gpt-4o-2024-08-06"}, {}, {"model": "gpt-4o-2024-08-06"}),
    ("an alias of the provider", {"gen_ai.provider.name": "az.ai.openai"}, {}, {"provider": "azure"}),
    (
        "a tier",
        {"openai.response.service_tier": "priority", "openai.request.service_tier": "auto"},
        {},
        {"tier": "priority"},
    ),
    ("an older tier", {"gen_ai.openai.response.service_tier": "flex"}, {}, {"tier": "flex"}),
    ("the standard tier", {"openai.response.service_tier": "default"}, {}, {"tier": ""}),
    ("a batch", {"openai.response.service_tier": "batch"}, {}, {"tier": "", "batch": True}),
    ("a cost", {"gen_ai.usage.cost": 0.00123}, {}, {"cost": 1_230_000_000}),
    ("a cost of whole dollars", {"gen_ai.usage.cost": 2}, {}, {"cost": 2 * 10**12}),
    ("no cost", {}, {}, {"cost": None}),
    ("a cost of nothing is none", {"gen_ai.usage.cost": 0.0}, {}, {"cost": None}),
    ("a duration", {}, {}, {"duration": 1.0}),
    ("a clock that was set back", {}, {"end_ns": NOW_NS - 2 * SECOND}, {"duration": None}),
    ("no end", {}, {"end_ns": 0}, {"duration": None}),
    ("an end that is beyond belief", {}, {"end_ns": 2**63}, {"duration": None}),
    ("the longest that is believed", {}, {"end_ns": NOW_NS + 86_399 * SECOND}, {"duration": 86_400.0}),
    ("a first chunk", {"gen_ai.response.time_to_first_chunk": 0.25}, {}, {"first_token": 0.25}),
    (
        "a first chunk as an event",
        {},
        {
            "events": [
                span_event("gen_ai.content.completion.chunk", NOW_NS - SECOND // 2),
                span_event("gen_ai.content.completion.chunk", NOW_NS),
            ]
        },
        {"first_token": 0.5},
    ),
    (
        "a first chunk that is beyond belief",
        {},
        {"events": [span_event("gen_ai.content.completion.chunk", 2**63)]},
        {"first_token": None},
    ),
]


@pytest.mark.parametrize(
    ("attributes", "fields", "expected"), [case[1:] for case in DETAILS], ids=[case[0] for case in DETAILS]
)
def test_details(attributes: Attributes, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    usage = usage_of(NOW_CHAT | attributes, **fields)
    assert {name: getattr(usage, name) for name in expected} == expected


def test_a_call_that_names_no_model_is_still_one() -> None:
    usage = usage_of({"gen_ai.operation.name": "chat", "gen_ai.provider.name": "Acme AI"})
    assert (usage.model, usage.provider) == ("unknown", "acme ai")


BAD: list[tuple[Attributes, dict[str, Any], str]] = [
    ({"gen_ai.usage.input_tokens": -1}, {}, "expected a whole number from 0 to 1,000,000,000, got -1"),
    ({"gen_ai.usage.input_tokens": 12.0}, {}, "expected a whole number from 0 to 1,000,000,000, got 12.0"),
    ({"gen_ai.usage.output_tokens": float("nan")}, {}, "expected a whole number from 0 to 1,000,000,000, got nan"),
    ({"gen_ai.usage.output_tokens": "20"}, {}, "expected a whole number from 0 to 1,000,000,000, got '20'"),
    ({"gen_ai.usage.prompt_tokens": MAX_TOKENS}, {}, "expected a whole number from 0 to 1,000,000,000, got 1000000000"),
    ({"gen_ai.usage.input_tokens": True}, {}, "expected a whole number from 0 to 1,000,000,000, got True"),
    ({"gen_ai.usage.input_tokens": [1]}, {}, "expected a whole number from 0 to 1,000,000,000, got a list"),
    ({"gen_ai.usage.cost": float("inf")}, {}, "expected a number from 0 to 1,000,000, got inf"),
    ({"gen_ai.usage.cost": -0.5}, {}, "expected a number from 0 to 1,000,000, got -0.5"),
    ({"gen_ai.usage.cost": "0.5"}, {}, "expected a number from 0 to 1,000,000, got '0.5'"),
    ({"gen_ai.response.time_to_first_chunk": -1.0}, {}, "expected a number from 0 to 86,400, got -1.0"),
    ({}, {"start_ns": 0}, "expected a time"),
]


@pytest.mark.parametrize(("attributes", "fields", "reason"), BAD, ids=[f"{[*case[0]]}{case[2][-12:]}" for case in BAD])
def test_a_bad_value_rejects_its_span_and_no_other(attributes: Attributes, fields: dict[str, Any], reason: str) -> None:
    keeper = Keeper()
    good = NOW_CHAT | used(input_tokens=5)
    taken = keeper.spans(span(good), span(NOW_CHAT | attributes, 1, **fields), span(good, 2))
    [rejected] = taken.rejected
    assert (rejected.index, rejected.reason) == (1, reason)
    assert rejected.field == next(iter(attributes), "startTimeUnixNano")
    assert taken.indexes == [0, 2]
    assert keeper.tokens == {"input": 10}


def test_what_is_printed_is_short() -> None:
    assert clean("gpt-4o") == "gpt-4o"
    assert len(clean("ü" * 500).encode()) <= 128
    assert clean("a\nb\x00c\ud800") == "a b c"


EVENT = "gen_ai.client.inference.operation.details"


def event(index: int = 0, **fields: Any) -> Any:
    attributes = NOW_CHAT | used(input_tokens=100, output_tokens=20)
    ids = {"trace_id": b"t" * 16, "span_id": (index + 1).to_bytes(8, "big")}
    return log(EVENT, attributes, index=index, **(ids | fields))


def chat(index: int) -> Any:
    return span(NOW_CHAT | used(input_tokens=100, output_tokens=20), index)


def test_an_event_tells_a_call_where_no_span_does() -> None:
    keeper = Keeper()
    assert keeper.logs(event(0), event(1, trace_id=b"", span_id=b"")).accepted == 2
    # Their own retries are duplicates.
    keeper.logs(event(0), event(1, trace_id=b"", span_id=b""))
    assert keeper.tokens == {"input": 200, "output": 40}


@pytest.mark.parametrize("restarts", [False, True])
def test_calls_told_by_events_and_spans_count_once(restarts: bool) -> None:
    keeper = Keeper()
    keeper.logs(event(0), event(1))
    if restarts:
        keeper.restart()
    # The first two spans were told; from then on spans are enough.
    taken = keeper.spans(chat(0), chat(1), chat(2))
    assert (taken.accepted, taken.ignored) == (1, 2)
    if restarts:
        keeper.restart()
    assert keeper.logs(event(2), event(3)).ignored == 2
    assert keeper.spans(chat(3)).accepted == 1
    assert keeper.tokens == {"input": 400, "output": 80}


def test_events_of_another_process_do_not_stand_back() -> None:
    keeper = Keeper()
    keeper.spans(chat(0))
    assert keeper.logs(event(1), resource={"service.name": "other"}).accepted == 1
