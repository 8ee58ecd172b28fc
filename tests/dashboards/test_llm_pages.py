"""What only the pages about cost and models have: providers and models as variables, limits with two ends, windows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dashboards.compared import firing_state
from dashboards.cost.limits import above_product, outside
from dashboards.llm import PROVIDERS, day, each_day
from dashboards.promql import Expr, aggregate
from dashboards.rules import Alert
from dashboards.theme import State
from dashboards.thresholds import Thresholds
from tests.dashboards.pages import PAGES

OK, WARN = State.OK, State.WARN
COST, MODELS = "agentobs-cost", "agentobs-models"


@pytest.mark.parametrize("uid", [COST, MODELS])
def test_panels_that_do_not_follow_a_variable_say_so(uid: str) -> None:
    """Otherwise figures of all providers would be taken for those of the chosen one."""
    page, _ = PAGES[uid]
    variables = {variable["name"] for variable in page.variables} & {"provider", "model"}
    for panel in page.panels():
        texts = [query.expr.text for query in panel.queries if "ALERTS" not in query.expr.families]
        for name in variables:
            follows = all(f"${name}" in text for text in texts)
            assert (f"all {name}s" in panel.title) != follows, panel.title


def test_money_comes_from_the_books_or_from_records() -> None:
    """A counter goes by when something was counted; only where its cost came from is told nowhere else."""
    counted = [
        panel.title
        for uid in (COST, MODELS)
        for panel in PAGES[uid][0].panels()
        for query in panel.queries
        if "llm_cost_usd_total{" in query.expr.text
    ]
    assert counted == ["Where figures come from, 24 h"]


def alerts(expr: str, severity: str = "warning") -> tuple[Alert, ...]:
    return (Alert("A", severity, expr), Alert("B", "warning", "m > 7"))


def test_limits_of_the_suites_own_alerts() -> None:
    capture = outside("LlmCostCaptureOff", "llm_cost_capture_ratio")
    assert (capture.base, capture.steps) == (WARN, ((0.95, OK), (1.05, WARN)))
    assert capture.alerts == ("LlmCostCaptureOff (warning)",)
    age = above_product("LlmPriceDataOld", "llm_price_data_timestamp_seconds")
    assert (age.base, age.steps) == (OK, ((60 * 86_400, WARN),))


@pytest.mark.parametrize(
    "expr",
    ["m > 1.05", "m < 0.95 and m > 1.05", "m > 1.05 or m < 0.95", "m < 0.95 or n > 1.05", "m < 0.95 or m > n"],
)
def test_other_forms_of_two_limits_are_refused(expr: str) -> None:
    with pytest.raises(ValueError, match="A"):
        outside("A", "m", alerts(expr))


def test_products_are_worked_out() -> None:
    assert above_product("A", "m", alerts("time() - m > 2 * 3600")).steps == ((7200, WARN),)
    assert above_product("A", "m", alerts("time() - m > 7200")).steps == ((7200, WARN),)


def test_the_state_of_an_alert() -> None:
    assert firing_state("LlmSpendSpike") == Thresholds(OK, ((1, WARN),), ("LlmSpendSpike (warning)",))
    with pytest.raises(ValueError, match="there is no alert 'LlmSpendSpkie'"):
        firing_state("LlmSpendSpkie")


@pytest.mark.parametrize("window", [day, each_day])
def test_only_selectors_have_windows(window: Callable[[Expr], Expr]) -> None:
    with pytest.raises(ValueError, match="is no selector"):
        window(aggregate("sum", PROVIDERS.gauge("llm_cost_today_usd")))
