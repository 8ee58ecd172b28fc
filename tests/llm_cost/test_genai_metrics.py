"""GenAI client metrics: points in, usage and durations out."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent_observability.intake.otlp import model
from agent_observability.intake.otlp.model import Attributes, Point
from agent_observability.llm_cost import metrics as m
from agent_observability.llm_cost.config import OtlpConfig
from agent_observability.llm_cost.usage import Tokens
from tests.llm_cost.otlp import NOW_NS, SECOND, Keeper, point, span

CHAT: Attributes = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
}
SERIES = ("openai", "gpt-4o-2024-08-06", "chat")
USAGE = "gen_ai.client.inference.usage"
SUM_SLOT = len(m.CALL_SECONDS) + 1


def histogram(metric: str, total: float, attributes: Attributes, *, count: int = 1, **fields: Any) -> Point:
    given: dict[str, Any] = {"kind": model.HISTOGRAM, "monotonic": False, "count": count, "sum": total}
    return point(metric, None, attributes, **(given | {"counts": [count]} | fields))


def tokens(total: float, type_: str, **fields: Any) -> Point:
    return histogram("gen_ai.client.token.usage", total, CHAT | {"gen_ai.token.type": type_}, **fields)


def used(name: str, value: float, modality: str = "text", **fields: Any) -> Point:
    return point(f"{USAGE}.{name}", value, CHAT | {"gen_ai.token.modality": modality}, **fields)


def test_the_histogram_of_tokens() -> None:
    keeper = Keeper()
    keeper.points(tokens(1000, "input"), tokens(200, "output"))
    [usage] = keeper.events.values()
    assert (usage.tokens, usage.requests, usage.aggregated) == (Tokens(input=1000, output=200), 0, True)
    assert (usage.provider, usage.model, usage.operation) == SERIES
    assert usage.timestamp == NOW_NS // 1_000_000
    keeper.points(tokens(1500, "input", until=NOW_NS + SECOND), tokens(200, "output", until=NOW_NS + SECOND))
    assert keeper.tokens == {"input": 1500, "output": 200}


COUNTERS: list[tuple[str, list[Point], Tokens]] = [
    (
        "parts are taken out",
        [
            used("input_tokens", 100),
            used("cache_read.input_tokens", 60),
            used("cache_write.input_tokens", 30),
            used("output_tokens", 50),
            used("reasoning.output_tokens", 20),
        ],
        Tokens(input=10, cache_read=60, cache_write=30, output=50, reasoning=20),
    ),
    (
        "modalities",
        [
            used("input_tokens", 100),
            used("input_tokens", 40, "audio"),
            used("input_tokens", 7, "image"),
            used("cache_read.input_tokens", 10, "audio"),
            used("output_tokens", 50, "unknown"),
            used("output_tokens", 5, "audio"),
        ],
        Tokens(input=107, audio_input=30, cache_read=10, output=50, audio_output=5),
    ),
    ("numbers of doubles", [used("input_tokens", 100.0)], Tokens(input=100)),
    ("a histogram of a provider", [used("output_tokens", 5)], Tokens(output=5)),
]


@pytest.mark.parametrize(("points", "expected"), [case[1:] for case in COUNTERS], ids=[case[0] for case in COUNTERS])
@pytest.mark.parametrize("temporality", [model.DELTA, model.CUMULATIVE])
def test_the_counters_of_tokens(points: list[Point], expected: Tokens, temporality: int) -> None:
    keeper = Keeper()
    keeper.points(*[msgspec.structs.replace(one, temporality=temporality, index=at) for at, one in enumerate(points)])
    [usage] = keeper.events.values()
    assert usage.tokens == expected


def test_failed_calls_with_nothing_used_make_no_usage() -> None:
    keeper = Keeper()
    taken = keeper.points(used("input_tokens", 0, "unknown"))
    assert (taken.accepted, keeper.events) == (1, {})


EDGES = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]


def durations(counts: list[int], total: float, attributes: Attributes = CHAT, /, **fields: Any) -> Point:
    given = {"count": sum(counts), "counts": counts, "bounds": EDGES[: len(counts) - 1], "unit": "s"}
    return histogram("gen_ai.client.operation.duration", total, attributes, **(given | fields))


def test_durations_keep_their_buckets_and_their_sum() -> None:
    keeper = Keeper()
    counts = [0] * 15
    counts[0], counts[7], counts[14] = 3, 2, 1
    keeper.points(durations(counts, 100.000001))
    # What was longer than their last edge may have taken any time.
    expected = {0: 3, 7: 2, 17: 1, SUM_SLOT: 100_000_001}
    assert keeper.slots(m.REQUEST_DURATION, SERIES) == expected
    assert keeper.requests == {"success": 6}
    counts[7] += 1
    keeper.points(durations(counts, 101.000002, until=NOW_NS + 1))
    assert keeper.slots(m.REQUEST_DURATION, SERIES) == expected | {7: 3, SUM_SLOT: 101_000_002}
    assert keeper.requests == {"success": 7}


OTHER_EDGES = [
    ("coarse ones go up", {"bounds": [0.0, 5.0, 10.0], "counts": [0, 4, 0, 0]}, {9: 4}),
    ("milliseconds", {"bounds": [10.0, 20.0], "counts": [1, 2, 1], "unit": "ms", "sum": 60.0}, {0: 1, 1: 2, 17: 1}),
    ("no buckets", {"bounds": [], "counts": []}, {17: 4}),
    ("longer than all", {"bounds": [1e6], "counts": [4, 0]}, {17: 4}),
]


@pytest.mark.parametrize(("fields", "slots"), [case[1:] for case in OTHER_EDGES], ids=[case[0] for case in OTHER_EDGES])
def test_other_edges(fields: dict[str, Any], slots: dict[int, int]) -> None:
    keeper = Keeper()
    keeper.points(durations([4], 0.06, **({"count": 4} | fields)))
    assert keeper.slots(m.REQUEST_DURATION, SERIES) == slots | {SUM_SLOT: 60_000}


def test_buckets_that_become_coarser_take_nothing_back() -> None:
    """As exponential histograms do when they see something far off."""
    keeper = Keeper()
    keeper.points(durations([4], 2.0, bounds=[0.3, 0.6], counts=[2, 2, 0], count=4))
    keeper.points(durations([4], 12.0, bounds=[1.2, 12.0], counts=[4, 1, 0], count=5, until=NOW_NS + 1))
    found = keeper.slots(m.REQUEST_DURATION, SERIES)
    assert found[SUM_SLOT] == 12_000_000
    assert sum(number for slot, number in found.items() if slot != SUM_SLOT) == 5


def test_failures_are_told_by_durations() -> None:
    keeper = Keeper()
    keeper.points(durations([0, 2], 0.04), durations([0, 1], 0.04, CHAT | {"error.type": "429"}))
    assert keeper.requests == {"success": 2, "error": 1}
    [failed] = [usage for usage in keeper.events.values() if usage.status == "error"]
    assert failed.error_type == "rate_limited"


def test_tokens_and_successful_calls_make_one_usage() -> None:
    keeper = Keeper()
    keeper.points(durations([0, 2], 0.04), tokens(1000, "input"), tokens(5, "output"))
    [usage] = keeper.events.values()
    assert (usage.tokens, usage.requests) == (Tokens(input=1000, output=5), 2)


def test_first_chunks() -> None:
    keeper = Keeper()
    first = {"metric": "gen_ai.client.operation.time_to_first_chunk", "total": 0.5, "unit": "s"}
    keeper.points(histogram(**first, attributes=CHAT, count=1, bounds=[0.64], counts=[1, 0]))
    assert keeper.slots(m.FIRST_TOKEN, SERIES) == {6: 1, SUM_SLOT: 500_000}
    assert keeper.events == {}


def test_of_two_generations_of_metrics_one_counts() -> None:
    keeper = Keeper()
    taken = keeper.points(
        tokens(100, "input"), used("input_tokens", 100), tokens(9, "output"), used("output_tokens", 9)
    )
    assert (taken.accepted, taken.ignored) == (2, 2)
    assert keeper.tokens == {"input": 100, "output": 9}


IGNORED = [
    ("a metric of something else", point("http.server.request.duration", 1, {})),
    ("a type of tokens that overlaps", tokens(5, "cache_read")),
    ("an agent's own duration", durations([1], 0.1, CHAT | {"gen_ai.operation.name": "invoke_agent"})),
]


@pytest.mark.parametrize("one", [case[1] for case in IGNORED], ids=[case[0] for case in IGNORED])
def test_what_is_ignored(one: Point) -> None:
    keeper = Keeper()
    assert keeper.points(one).ignored == 1
    assert not keeper.events
    assert not keeper.counts


BAD: list[tuple[Point, str, str]] = [
    (used("input_tokens", -1), f"{USAGE}.input_tokens", "expected a number from 0 to 1,000,000,000,000, got -1"),
    (used("input_tokens", 1.5), f"{USAGE}.input_tokens", "expected a whole number, got 1.5"),
    (
        used("input_tokens", float("nan")),
        f"{USAGE}.input_tokens",
        "expected a number from 0 to 1,000,000,000,000, got nan",
    ),
    (
        used("input_tokens", 10**12),
        f"{USAGE}.input_tokens",
        "expected a number from 0 to 1,000,000,000,000, got 1000000000000",
    ),
    (used("input_tokens", 5, monotonic=False), f"{USAGE}.input_tokens", "expected a monotonic sum"),
    (used("input_tokens", 5, kind=model.GAUGE), f"{USAGE}.input_tokens", "expected a sum or a histogram, got a gauge"),
    (used("input_tokens", 5, temporality=0), f"{USAGE}.input_tokens", "expected delta or cumulative temporality"),
    (used("input_tokens", 5, until=0), "timeUnixNano", "expected a time"),
    (used("input_tokens", 5, until=NOW_NS + 301 * SECOND), "timeUnixNano", "expected a time that is not in the future"),
    (tokens(-5.0, "input"), "gen_ai.client.token.usage", "expected a number from 0 to 1,000,000,000,000, got -5.0"),
    (durations([1], 1.0, unit="h"), "gen_ai.client.operation.duration", "expected the unit s, ms, us or ns, got 'h'"),
    (
        durations([1], 0.0, sum=None),
        "gen_ai.client.operation.duration",
        "expected a number from 0 to 1,000,000,000,000, got a NoneType",
    ),
    (
        durations([2**64 - 1], 1.0),
        "gen_ai.client.operation.duration",
        "expected a number from 0 to 1,000,000,000, got 18446744073709551615",
    ),
    (
        durations([1], 1e12),
        "gen_ai.client.operation.duration",
        "expected a number from 0 to 1,000,000,000,000, got 1000000000000.0",
    ),
    (
        msgspec.structs.replace(durations([2**60], 1.0), metric="gen_ai.client.operation.time_to_first_chunk"),
        "gen_ai.client.operation.time_to_first_chunk",
        "expected a number from 0 to 1,000,000,000, got 1152921504606846976",
    ),
    (
        durations([1], 0.0, kind=model.SUM),
        "gen_ai.client.operation.duration",
        "expected a histogram, got a sum",
    ),
]


@pytest.mark.parametrize(("bad", "field", "reason"), BAD, ids=[case[2] for case in BAD])
def test_a_bad_point_is_rejected_and_no_other(bad: Point, field: str, reason: str) -> None:
    keeper = Keeper()
    taken = keeper.points(used("output_tokens", 7), msgspec.structs.replace(bad, index=1))
    [rejected] = taken.rejected
    assert (rejected.index, rejected.field, rejected.reason) == (1, field, reason)
    assert keeper.tokens == {"output": 7}


def test_the_most_that_is_believed_can_be_kept() -> None:
    keeper = Keeper()
    most = 10**12 - 1
    keeper.points(durations([10**9 - 1], float(most)), tokens(most, "input"), tokens(most, "output"))
    keeper.restart()
    assert keeper.tokens == {"input": most, "output": most}
    assert keeper.requests == {"success": 10**9 - 1}


def test_streams_past_the_bound_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = Keeper()
    keeper.telemetry._memory.streams.most = 2
    taken = keeper.points(*[used("input_tokens", 5, f"modality {at}", index=at) for at in range(4)])
    assert [(one.index, one.reason) for one in taken.rejected] == [
        (2, "expected at most 2 streams"),
        (3, "expected at most 2 streams"),
    ]
    assert keeper.tokens == {"input": 10}


def chat(index: int, end: int) -> Any:
    attributes = CHAT | {"gen_ai.usage.input_tokens": 100}
    return span(attributes, index, start_ns=end - SECOND, end_ns=end)


@pytest.mark.parametrize("restarts", [False, True])
def test_spans_win_over_metrics_of_their_process(restarts: bool) -> None:
    """The metrics' first window came before any span and counted; what it covers does not count again."""
    keeper = Keeper()
    keeper.points(tokens(300, "input"))
    if restarts:
        keeper.restart()
    taken = keeper.spans(chat(0, NOW_NS - 5), chat(1, NOW_NS), chat(2, NOW_NS + 5))
    assert (taken.accepted, taken.ignored) == (1, 2)
    if restarts:
        keeper.restart()
    assert keeper.points(tokens(400, "input", until=NOW_NS + 60 * SECOND)).ignored == 1
    assert keeper.tokens == {"input": 400}
    # Another process's count as before.
    keeper.points(tokens(300, "input"), resource={"service.name": "app", "service.instance.id": "2"})
    assert keeper.tokens == {"input": 700}


def test_metrics_win_where_they_are_to() -> None:
    keeper = Keeper(OtlpConfig(genai="metrics"))
    assert keeper.spans(chat(0, NOW_NS)).ignored == 1
    keeper.points(tokens(300, "input"))
    assert keeper.tokens == {"input": 300}


def test_metrics_that_did_not_count_are_not_caught_up_with_in_full() -> None:
    """Where spans are no longer to win, only what is added from then on counts."""
    keeper = Keeper()
    keeper.spans(chat(0, NOW_NS))
    keeper.points(tokens(100, "input", until=NOW_NS + SECOND))
    keeper.config = OtlpConfig(genai="metrics")
    keeper.restart()
    keeper.points(tokens(250, "input", until=NOW_NS + 2 * SECOND))
    assert keeper.tokens == {"input": 250}
