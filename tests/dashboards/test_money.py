"""Figures of the pages about cost and models: series in, what the panel's own query answers out, by promtool."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dashboards.figures import Case, promtool

JOB = 'job="agent-obs-llm_cost"'


def spent(name: str, values: dict[tuple[str, str, str], str]) -> dict[str, str]:
    return {
        f'{name}{{{JOB}, provider="{provider}", project="{project}", feature="{feature}"}}': numbers
        for (provider, project, feature), numbers in values.items()
    }


def tokens(**rates: str) -> dict[str, str]:
    model = 'provider="p", model="m"'
    return {f'vteam:llm_tokens:rate5m{{{JOB}, {model}, type="{kind}"}}': rate for kind, rate in rates.items()}


def prices(**dollars: str) -> dict[str, str]:
    name = "llm_price_usd_per_million_tokens"
    return {f'{name}{{{JOB}, provider="p", model="m", type="{kind}"}}': value for kind, value in dollars.items()}


# Prometheus 2 counts both ends of a window: at a whole minute that would be one minute more than a day has.
A_DAY = "24h30s"
RESET = "llm_budget_reset_timestamp_seconds"
SLOW = f'ALERTS{{{JOB}, alertname="LlmFirstTokenSlow"'
CALLS = "vteam:llm_requests:rate5m"
MODEL = '{provider="p", model="m"}'
COST, MODELS = "agentobs-cost", "agentobs-models"
# Sums of yesterday, hour by hour, for two days: they change at hour 24.
DAYS = {("p", "a", "f"): "10x23 24x30", ("p", "b", "f"): "1x23 2x30", ("q", "a", "f"): "_x23 7x30"}

CASES = [
    Case(
        COST, "Cost per day by provider", 0, "1h", spent("llm_cost_yesterday_usd", DAYS), "24h",
        {'{provider="p"}': 26, '{provider="q"}': 7},
    ),
    Case(
        COST, "Cost per day by provider", 0, "1h", spent("llm_cost_yesterday_usd", DAYS), "0h", {'{provider="p"}': 11},
    ),
    Case(
        COST, "Spent today", 1, "1h", spent("llm_cost_today_usd", {("p", "a", "f"): "0+1x23 0+2x24"}), "30h", {"{}": 6},
    ),
    Case(
        COST, "Cost drivers, this month", 0, "1h",
        spent(
            "llm_cost_month_to_date_usd",
            {("p", "a", "f"): "5", ("p", "a", "g"): "9", ("p", "b", "f"): "7", ("q", "a", "f"): "6"},
        ),
        "0h",
        {
            '{provider="p", project="a", feature="g"}': 9,
            '{provider="p", project="b", feature="f"}': 7,
            '{provider="q", project="a", feature="f"}': 6,
        },
    ),
    Case(
        COST, "Month's end, all providers (all projects)", 2, "1h",
        {
            f"vteam:llm_cost_month_projected:total{{{JOB}}}": "1500",
            f'llm_budget_limit_usd{{{JOB}, budget="b", scope="total", period="month"}}': "1000",
            f'llm_budget_limit_usd{{{JOB}, budget="c", scope="total", period="day"}}': "100",
            f'llm_budget_limit_usd{{{JOB}, budget="d", scope="provider", key="p", period="month"}}': "10",
        },
        "0h", {"{}": 1.5},
    ),
    Case(COST, "Calls without a price, 24 h (all projects)", 0, "1h", {}, "0h", {"{}": 0}),
    Case(
        COST, "Providers (all projects)", 4, "1h",
        {
            f'llm_cost_month_projected_low_usd{{{JOB}, scope="provider", key="p"}}': "3",
            f'llm_cost_month_projected_low_usd{{{JOB}, scope="project", key="p"}}': "4",
            f'llm_cost_month_projected_low_usd{{{JOB}, scope="total"}}': "5",
        },
        "0h", {'{provider="p"}': 3},
    ),
    Case(
        COST, "Budgets, all providers (all projects)", 5, "1h",
        {
            f'{RESET}{{{JOB}, budget="b", scope="total", period="day"}}': "86400x24",
            f'{RESET}{{{JOB}, budget="c", scope="project", key="a", period="day"}}': "7200x24",
        },
        "1h", {'{budget="b", of="total ", period="day"}': 82_800, '{budget="c", of="project a", period="day"}': 3600},
    ),
    # 10 read and 2 written a second: 864,000 tokens at 3 - 0.3 dollars a million, less 172,800 at 3.75 - 3.
    Case(
        COST, "Saved by caches, 24 h, by model (all projects)", 0, "1m",
        tokens(cache_read="10x1441", cache_write="2x1441")
        | prices(input="3x1441", cache_read="0.3x1441", cache_write="3.75x1441"),
        A_DAY, {MODEL: 2.3328 - 0.1296},
    ),
    Case(
        COST, "Saved by caches, 24 h, by model (all projects)", 0, "1m",
        tokens(cache_write="2x1441") | prices(input="3x1441", cache_write="3.75x1441"),
        A_DAY, {MODEL: -0.1296},
    ),
    # A price for writing that is no different from none: the provider does not charge for it.
    Case(
        COST, "Saved by caches, 24 h, by model (all projects)", 0, "1m",
        tokens(cache_read="10x1441", cache_write="2x1441") | prices(input="3x1441", cache_read="0.3x1441"),
        A_DAY, {MODEL: 2.3328},
    ),
    Case(
        COST, "Input read from caches, 24 h (all projects)", 0, "1m",
        tokens(input="1x1441", cache_read="2x1441", cache_write="1x1441", output="9x1441"),
        A_DAY, {'{provider="p"}': 0.5},
    ),
    Case(
        MODELS, "Cost of 1,000 calls, 24 h", 0, "1m",
        {
            f'{CALLS}{{{JOB}, provider="p", model="m", status="success"}}': "1x1441",
            f'{CALLS}{{{JOB}, provider="p", model="m", status="error"}}': "1x1441",
            f'vteam:llm_cost:increase1d{{{JOB}, provider="p", model="m", feature="f"}}': "86.4x1441",
            f'vteam:llm_cost:increase1d{{{JOB}, provider="p", model="m", feature="g"}}': "86.4x1441",
        },
        A_DAY, {"{}": 1},
    ),
    Case(
        MODELS, "All models, 24 h", 1, "1m",
        {
            f'{CALLS}{{{JOB}, provider="p", model="m", status="error"}}': "1x1441",
            f'{CALLS}{{{JOB}, provider="p", model="n", status="error"}}': "1x1441",
            f'{CALLS}{{{JOB}, provider="p", model="n", status="success"}}': "3x1441",
        },
        A_DAY, {MODEL: 0, '{provider="p", model="n"}': 0.75},
    ),
    # Called for the last hour only: a mean over the day would count 24 times as many.
    Case(
        MODELS, "All models, 24 h", 0, "1m",
        {f'{CALLS}{{{JOB}, provider="p", model="m", status="success"}}': "_x1381 0.5x60"}, A_DAY, {MODEL: 1800},
    ),
    Case(
        MODELS, "First token, slowest model", 2, "1m",
        {f'{SLOW}, alertstate="firing"}}': "1", f'{SLOW}, alertstate="pending"}}': "1"},
        "0m", {"{}": 1},
    ),
    Case(MODELS, "First token, slowest model", 2, "1m", {}, "0m", {"{}": 0}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.panel}-{case.query}")
def test_figures(tmp_path: Path, case: Case) -> None:
    done = promtool(tmp_path, case)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_figure_is_found(tmp_path: Path) -> None:
    done = promtool(tmp_path, CASES[0]._replace(expected={'{provider="p"}': 26, '{provider="q"}': 8}))
    assert done.returncode == 1 and '{provider="q"} 7E+00' in done.stdout + done.stderr
