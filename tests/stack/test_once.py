"""Waiting for the whole stack: what counts as missing, and how it is said."""

from __future__ import annotations

from typing import Any

import pytest

from agent_observability.errors import StartError
from agent_observability.prometheus_api import ApiError, PrometheusApi
from agent_observability.stack.once import summary_text, wait_until_working
from tests.stack.prometheus import FakePrometheus, group, target


async def test_a_working_stack_is_summed_up() -> None:
    async with FakePrometheus().running() as api:
        summary = await wait_until_working(api, ["host"], 5)
    assert (len(summary.targets), len(summary.groups), summary.series) == (1, 1, 42)


@pytest.mark.parametrize(
    ("path", "answer", "expected"),
    [
        ("targets", {"activeTargets": []}, "no target of job host"),
        (
            "targets",
            {"activeTargets": [target("host", "down", "connection refused")]},
            "target host (http://127.0.0.1/host) is down: connection refused",
        ),
        (
            "targets",
            {"activeTargets": [target("host", "unknown")]},
            "target host (http://127.0.0.1/host) is unknown: –",
        ),
        ("rules", {"groups": []}, "no rule group is loaded"),
        ("rules", {"groups": [group("g", evaluated=False)]}, "rule group g has not been evaluated (interval 30 s)"),
        ("rules", {"groups": [group("g", health="err", lastError="bad")]}, "rule group g fails: R: bad"),
        ("rules", {"error": "overloaded"}, "Prometheus refuses rules: overloaded"),
        ("rules", b"<html>", "unexpected answer from Prometheus (rules)"),
        ("rules", {"groups": 5}, "unexpected answer from Prometheus (rules)"),
    ],
)
async def test_what_is_missing_is_named(path: str, answer: Any, expected: str) -> None:
    fake = FakePrometheus()
    fake.answers[path] = answer
    async with fake.running() as api:
        with pytest.raises(StartError) as caught:
            await wait_until_working(api, ["host"], 0.1)
    assert str(caught.value).startswith("not everything works after 0 s:\n  ")
    assert expected in str(caught.value)


async def test_groups_of_minutes_are_not_waited_for() -> None:
    fake = FakePrometheus()
    fake.answers["rules"] = {"groups": [group("g"), group("slow", evaluated=False, interval=240)]}
    async with fake.running() as api:
        summary = await wait_until_working(api, [], 5)
    text = summary_text(summary, {})
    assert "Rule groups (1 of 2 evaluated, 2 rules):" in text
    assert f"  – {'slow':<32} 1 rules, evaluated every 240 s" in text


async def test_a_prometheus_that_is_gone_is_named() -> None:
    async with FakePrometheus().running() as api:
        gone = PrometheusApi("http://127.0.0.1:1", api._session)
        with pytest.raises(ApiError, match="Prometheus does not answer: "):
            await gone.targets()


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ([], None),
        ([{"metric": {}, "value": [1.5, "2.5"]}], 2.5),
        ([{"metric": {}, "value": [1.5, "1"]}, {"metric": {"a": "b"}, "value": [1.5, "2"]}], None),
    ],
)
async def test_the_value_of_a_query(result: Any, expected: float | None) -> None:
    fake = FakePrometheus()
    fake.answers["query"] = {"resultType": "vector", "result": result}
    async with fake.running() as api:
        assert await api.value("x") == expected
