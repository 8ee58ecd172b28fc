"""Telemetry of any kind raises nothing, loses no item, and is planned without being taken."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agent_observability.intake.otlp import model
from agent_observability.intake.otlp.model import Attributes, Group
from agent_observability.ledger.batch import MAX_TEXT
from agent_observability.llm_cost import genai_metrics
from agent_observability.llm_cost.coding_agents import METRICS
from agent_observability.llm_cost.telemetry import FACT_KINDS
from agent_observability.llm_cost.usage import OPERATIONS, STATUSES
from tests.llm_cost.otlp import NOW_MS, NOW_NS, Keeper, log, point, span

_KEYS = [
    *(
        "gen_ai.operation.name",
        "gen_ai.provider.name",
        "gen_ai.system",
        "gen_ai.request.model",
        "gen_ai.response.model",
    ),
    *("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.cache_read.input_tokens"),
    *("gen_ai.usage.cost", "gen_ai.response.time_to_first_chunk", "gen_ai.token.type", "gen_ai.token.modality"),
    *("error.type", "project", "feature", "session.id", "type", "model", "input_tokens", "cost_usd", "duration_ms"),
    *("tool_name", "success", "event.name", "event.sequence", "event.timestamp", "request_id", "status_code", "error"),
]
_plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 5_000),
    st.floats(),
    st.text(max_size=300),
    st.binary(max_size=5),
    st.sampled_from(
        ["chat", "input", "output", "cacheRead", "gpt-4o", "anthropic", "429", "api_request", "9" * 30, "1e400"]
    ),
)
_values = st.recursive(
    _plain, lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)), max_leaves=4
)
_attributes = st.dictionaries(st.sampled_from(_KEYS), _values, max_size=12)
_numbers = st.one_of(st.none(), st.integers(-5, 10**19), st.floats())
_times = st.one_of(st.integers(0, 2**64 - 1), st.just(NOW_NS))


@st.composite
def _points(draw: st.DrawFn) -> Any:
    counts = draw(st.lists(st.integers(0, 2**40), max_size=4))
    return point(
        draw(st.sampled_from([*genai_metrics.FAMILIES, *METRICS, "http.server.request.duration"])),
        draw(_numbers),
        draw(_attributes),
        until=draw(_times),
        start_ns=draw(_times),
        unit=draw(st.sampled_from(["s", "ms", "", "{token}", "\x00"])),
        kind=draw(
            st.sampled_from([model.SUM, model.GAUGE, model.HISTOGRAM, model.EXPONENTIAL_HISTOGRAM, model.SUMMARY])
        ),
        temporality=draw(st.integers(0, 3)),
        monotonic=draw(st.booleans()),
        count=sum(counts),
        sum=draw(st.one_of(st.none(), st.floats())),
        counts=counts,
        bounds=[float(at) for at in range(max(0, len(counts) - 1))],
    )


def check(keeper: Keeper) -> None:
    """What everything that is counted has to keep to."""
    for usage in keeper.events.values():
        assert usage.operation in OPERATIONS
        assert usage.status in STATUSES
        texts = (usage.provider, usage.model, usage.project, usage.feature, usage.agent, usage.session, usage.tier)
        assert sum(len(text.encode()) for text in texts) <= MAX_TEXT
        assert not any("\0" in text for text in texts)
        assert len(usage.id) <= 64
        assert usage.cost is None or usage.cost >= 0
    for kind in FACT_KINDS:
        assert all(len(key) <= 128 for key in keeper.facts[kind])


@given(st.lists(st.tuples(_attributes, _times, _times, st.integers(-1, 3)), max_size=4), _attributes)
@settings(deadline=None)
def test_spans_of_any_kind(given_: list[tuple[Attributes, int, int, int]], resource: Attributes) -> None:
    keeper = Keeper(resource=resource or {"a": 1})
    keeper.spans(
        *[
            span(attributes, index, start_ns=start, end_ns=end, status=status)
            for index, (attributes, start, end, status) in enumerate(given_)
        ]
    )
    check(keeper)


@given(st.lists(_points(), max_size=5), _attributes)
@settings(deadline=None)
def test_points_of_any_kind(points: list[Any], resource: Attributes) -> None:
    keeper = Keeper(resource=resource or {"a": 1})
    for _ in range(2):
        keeper.points(*points)
    check(keeper)
    counted = dict(keeper.events)
    keeper.restart()
    keeper.points(*points)
    assert keeper.events == counted


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["claude_code.api_request", "claude_code.api_error", "claude_code.tool_result", ""])
            | st.just("gen_ai.client.inference.operation.details"),
            _attributes,
            _times,
        ),
        max_size=4,
    )
)
@settings(deadline=None)
def test_logs_of_any_kind(given_: list[tuple[str, Attributes, int]]) -> None:
    keeper = Keeper()
    keeper.logs(*[log(name, attributes, at, index) for index, (name, attributes, at) in enumerate(given_)])
    check(keeper)


def test_nothing_is_taken_before_it_is_committed() -> None:
    """A request may be planned again before it is committed, and makes the same then."""
    keeper = Keeper()
    chat: Attributes = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 5, "gen_ai.request.model": "m"}
    spans = [Group({}, "lib", [span(chat)])]
    points = [Group({}, "lib", [point("claude_code.token.usage", 5, {"type": "input", "session.id": "s"})])]
    request: Attributes = {"model": "m", "input_tokens": 5, "session.id": "s"}
    logs = [Group({}, "lib", [log("claude_code.api_request", request, NOW_NS + 1)])]
    telemetry = keeper.telemetry
    for plan, groups in ((telemetry.traces, spans), (telemetry.metrics, points), (telemetry.logs, logs)):
        one, two = plan(groups, "", NOW_MS), plan(groups, "", NOW_MS)  # type: ignore[operator]
        assert one.usages == two.usages != []
        assert one.facts == two.facts != {}
        telemetry.commit(one)
        assert plan(groups, "", NOW_MS).facts == {}  # type: ignore[operator]


def test_the_project_of_a_key_keeps_senders_apart() -> None:
    """Two tenants whose processes call themselves the same."""
    keeper = Keeper()
    point_ = point("claude_code.token.usage", 5, {"type": "input", "session.id": "s", "project": "said"})
    found = []
    for project in ("one", "two"):
        taken = keeper.telemetry.metrics([Group({}, "lib", [point_])], project, NOW_MS)
        keeper.telemetry.commit(taken)
        found += [(usage.project, usage.tokens.input) for usage in taken.usages]
    assert found == [("one", 5), ("two", 5)]
