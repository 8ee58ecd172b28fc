from __future__ import annotations

from collections import Counter

import pytest

from agent_observability.admission import Admission, Labels
from agent_observability.metric import Kind, Label, Metric

PROJECT, MODEL = Label("project", cap=3), Label("model", cap=2)
KIND = Label("kind", values=("input", "output"))
TOKENS = Metric("tokens_total", Kind.COUNTER, "Tokens", (PROJECT, MODEL, KIND))
COST = Metric("cost_usd_total", Kind.COUNTER, "Cost", (MODEL,))
LATENCY = Metric("latency_seconds", Kind.HISTOGRAM, "Latency", (MODEL,), buckets=(1.0,))
PRICE = Metric("price_usd", Kind.GAUGE, "Price", (MODEL,))
MODEL_INFO = Metric("model_info", Kind.INFO, "Models", (MODEL, Label("vendor")))


class _Admitting:
    """An admission, what it dropped, and families that have room or are full."""

    def __init__(
        self, caps: dict[str, int] | None = None, *, full: bool = False, series: frozenset[Labels] = frozenset()
    ):
        self.dropped: Counter[tuple[str, str]] = Counter()
        self._full, self._series = full, series
        self.admission = Admission(lambda metric, label: self.dropped.update([(metric.name, label)]), caps)

    def __call__(self, metric: Metric, *labels: str) -> Labels | None:
        return self.admission.admit(metric, labels, lambda folded: not self._full or folded in self._series)


def test_only_the_full_labels_value_overflows() -> None:
    admit = _Admitting()
    assert admit(TOKENS, "blog", "gpt", "input") == ("blog", "gpt", "input")
    assert admit(TOKENS, "blog", "opus", "input") == ("blog", "opus", "input")
    assert admit(TOKENS, "blog", "haiku", "input") == ("blog", "__overflow__", "input")
    assert admit(TOKENS, "shop", "haiku", "output") == ("shop", "__overflow__", "output")
    assert admit(TOKENS, "shop", "gpt", "output") == ("shop", "gpt", "output")
    assert admit.dropped == {("tokens_total", "model"): 2}


def test_each_full_label_is_counted() -> None:
    admit = _Admitting({"project": 1, "model": 1})
    admit(TOKENS, "blog", "gpt", "input")
    assert admit(TOKENS, "shop", "opus", "input") == ("__overflow__", "__overflow__", "input")
    assert admit.dropped == {("tokens_total", "project"): 1, ("tokens_total", "model"): 1}


def test_admitted_values_are_shared_by_all_families() -> None:
    admit = _Admitting()
    admit(TOKENS, "blog", "gpt", "input")
    admit(TOKENS, "blog", "opus", "input")
    assert admit(COST, "opus") == ("opus",)
    assert admit(COST, "haiku") == ("__overflow__",)
    assert admit(LATENCY, "haiku") == ("__overflow__",)
    assert admit.admission.admitted("model") == {"gpt", "opus"}
    assert admit.admission.admitted("project") == {"blog"}
    assert admit.admission.admitted("kind") == frozenset()


@pytest.mark.parametrize(
    ("value", "expected"), [("input", "input"), ("cached", "other"), ("", "other"), ("INPUT", "other")]
)
def test_values_outside_an_enum(value: str, expected: str) -> None:
    admit = _Admitting()
    assert admit(TOKENS, "blog", "gpt", value) == ("blog", "gpt", expected)
    assert not admit.dropped


def test_the_overflow_value_takes_no_place() -> None:
    admit = _Admitting({"model": 1})
    assert admit(COST, "__overflow__") == ("__overflow__",)
    assert admit(COST, "gpt") == ("gpt",)
    assert not admit.dropped


@pytest.mark.parametrize("metric", [PRICE, MODEL_INFO], ids=lambda metric: metric.kind.value)
def test_states_stop_admitting(metric: Metric) -> None:
    admit = _Admitting()
    rest = ("acme",) * (len(metric.labels) - 1)
    assert admit(metric, "gpt", *rest) == ("gpt", *rest)
    assert admit(metric, "opus", *rest) == ("opus", *rest)
    assert admit(metric, "haiku", *rest) is None
    assert admit(metric, "gpt", *rest) == ("gpt", *rest)
    assert admit.dropped == {(metric.name, "model"): 1}


@pytest.mark.parametrize(("caps", "places"), [({}, 2), ({"model": 5}, 5), ({"model": 1}, 1), ({"project": 1}, 2)])
def test_caps_can_be_configured_by_label(caps: dict[str, int], places: int) -> None:
    admit = _Admitting(caps)
    admitted = [admit(COST, f"model-{i}") for i in range(10)]
    assert [labels for labels in admitted if labels != ("__overflow__",)] == [(f"model-{i}",) for i in range(places)]


def test_restored_values_stay_admitted_though_the_cap_shrank() -> None:
    admit = _Admitting({"model": 1})
    admit.admission.restore("model", ["gpt", "opus"])
    assert admit(COST, "opus") == ("opus",)
    assert admit(COST, "haiku") == ("__overflow__",)


@pytest.mark.parametrize(
    ("metric", "labels", "expected"),
    [
        (TOKENS, ("blog", "gpt", "input"), ("__overflow__", "__overflow__", "input")),
        (TOKENS, ("blog", "gpt", "cached"), ("__overflow__", "__overflow__", "other")),
        (LATENCY, ("gpt",), ("__overflow__",)),
        (PRICE, ("gpt",), None),
        (Metric("runs_total", Kind.COUNTER, "Runs", (Label("id"),), series_cap=1), ("1",), None),
    ],
    ids=lambda value: value.name if isinstance(value, Metric) else None,
)
def test_full_families(metric: Metric, labels: Labels, expected: Labels | None) -> None:
    admit = _Admitting(full=True)
    assert admit(metric, *labels) == expected
    assert admit.dropped == {(metric.name, "*"): 1}


@pytest.mark.parametrize(
    ("labels", "expected", "dropped"),
    [
        (("blog", "gpt", "cached"), ("blog", "gpt", "other"), {}),
        (("blog", "haiku", "input"), ("blog", "__overflow__", "input"), {("tokens_total", "model"): 1}),
    ],
)
def test_full_families_still_count_in_the_series_they_have(
    labels: Labels, expected: Labels, dropped: dict[tuple[str, str], int]
) -> None:
    admit = _Admitting(full=True, series=frozenset({expected}))
    admit.admission.restore("model", ["gpt", "opus"])
    assert admit(TOKENS, *labels) == expected
    assert admit.dropped == dropped


@pytest.mark.parametrize("labels", [(), ("gpt", "more")])
def test_the_number_of_labels_must_be_right(labels: Labels) -> None:
    with pytest.raises(ValueError, match="cost_usd_total has the labels"):
        _Admitting()(COST, *labels)
