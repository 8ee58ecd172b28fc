"""A Prometheus that remembers two weeks, clocks that change among them, as the exporters would have filled it."""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from agent_observability.llm_cost.calendar import Calendar
from agent_observability.report.period import day_number
from tests.prometheus.server import Prometheus, prometheus

__all__ = ["CALENDAR", "FIRST", "LAST", "NOW", "past", "spent_on"]

CALENDAR = Calendar(ZoneInfo("Europe/Berlin"))
FIRST, LAST = day_number(dt.date(2026, 10, 12)), day_number(dt.date(2026, 10, 27))
NOW = CALENDAR.begin_of(LAST) + 6.5 * 3600
"""06:30 on the 27th; the 25th had 25 hours."""

_STEP = 120
_RESTART = CALENDAR.begin_of(day_number(dt.date(2026, 10, 25))) + 3 * 3600
_COST, _CR = 'job="agent-obs-llm_cost"', 'job="agent-obs-cr_state"'
SHARES = {
    ("anthropic", "opus", "checkout", "agent_execution"): 3.0,
    ("anthropic", "haiku", "checkout", "agent_execution"): 1.0,
    ("openai", "gpt", 'se"arch', "voice_architect"): 2.0,
}
"""Dollars on the first day; each further day costs a tenth of that more."""


def spent_on(day: int, share: float) -> float:
    """What a combination cost on a day, evenly over all of it."""
    return share * (10 + day - FIRST) / 10


def _samples() -> Iterator[tuple[str, float, float]]:
    """Series, value and time, by time."""
    time = CALENDAR.begin_of(FIRST)
    while time <= NOW:
        day = CALENDAR.today(time)
        passed = CALENDAR.passed(time)
        instance = "old" if time < _RESTART else "new"
        total = {"yesterday": 0.0, "today": 0.0, "month": 0.0}
        sums: dict[tuple[str, str, str], dict[str, float]] = {}
        for (provider, model, project, feature), share in SHARES.items():
            today = spent_on(day, share) * passed
            yesterday = spent_on(day - 1, share) if day > FIRST else 0.0
            ever = sum(spent_on(before, share) for before in range(FIRST, day)) + today
            labels = _labels(provider=provider, model=model, project=project, feature=feature)
            of = f'{{{_COST},instance="{instance}",{labels}'
            yield f'llm_cost_usd_total{of},type="input",cost_source="estimated"}}', ever, time
            yield f'llm_requests_total{of},operation="chat",status="success"}}', 99 * ever, time
            yield f'llm_requests_total{of},operation="chat",status="error"}}', ever, time
            yield f'llm_tokens_total{of},type="input"}}', 4_000 * ever, time
            yield f'llm_tokens_total{of},type="cache_read"}}', 6_000 * ever, time
            known = sums.setdefault((provider, project, feature), dict.fromkeys(total, 0.0))
            for name, value in (("yesterday", yesterday), ("today", today), ("month", ever)):
                known[name] += value
                total[name] += value
        for (provider, project, feature), known in sums.items():
            of = f'{{{_COST},instance="{instance}",{_labels(provider=provider, project=project, feature=feature)}}}'
            yield f"llm_cost_yesterday_usd{of}", known["yesterday"], time
            yield f"llm_cost_today_usd{of}", known["today"], time
            yield f"llm_cost_month_to_date_usd{of}", known["month"], time
            yield f"llm_cost_month_projected_usd{of}", known["month"] + 50, time
        one = f'{{{_COST},instance="{instance}"'
        ever = total["month"]
        band = 'scope="total",key=""'
        yield f"llm_cost_month_projected_low_usd{one},{band}}}", ever + 80, time
        yield f"llm_cost_month_projected_high_usd{one},{band}}}", ever + 120, time
        yield f'llm_cost_month_projected_low_usd{one},scope="provider",key="openai"}}', 1.0, time
        for name, period, spent in (("a-day", "day", total["today"]), ("a-month", "month", ever)):
            budget = f'{one},budget="{name}",period="{period}",{band}}}'
            yield f"llm_budget_limit_usd{budget}", 10.0 if period == "day" else 200.0, time
            yield f"llm_budget_spent_usd{budget}", spent, time
        yield f'llm_unpriced_requests_total{one},provider="acme",model="own",reason="no_price"}}', 2 * ever, time
        yield f'llm_feature_units_total{one},feature="agent_execution",unit="session"}}', ever, time
        yield f'llm_cost_capture_ratio{one},provider="anthropic"}}', 0.91, time
        yield f'llm_cost_capture_ratio{one},provider="openai"}}', float("nan"), time
        yield f'vteam_sessions_completed_total{{{_CR},project="a",phase="completed"}}', 3 * ever, time
        yield f'vteam_sessions_completed_total{{{_CR},project="a",phase="failed"}}', ever, time
        yield 'ALERTS{alertname="Watchdog",alertstate="firing",severity="none"}', 1, time
        yield 'ALERTS{alertname="LlmBudgetUsed",alertstate="firing",severity="warning",budget="a"}', 1, time
        yield 'ALERTS{alertname="LlmBudgetUsed",alertstate="firing",severity="warning",budget="b"}', 1, time
        yield 'ALERTS{alertname="NodeDown",alertstate="firing",severity="critical"}', 1, time
        yield 'ALERTS{alertname="Soon",alertstate="pending",severity="critical"}', 1, time
        time += _STEP


def _labels(**labels: str) -> str:
    return ",".join('{}="{}"'.format(name, value.replace('"', '\\"')) for name, value in labels.items())


@contextlib.contextmanager
def past(folder: Path) -> Iterator[Prometheus]:
    """The real server over these samples."""
    by_family: dict[str, list[str]] = {}
    for series, value, time in _samples():
        by_family.setdefault(series.partition("{")[0], []).append(f"{series} {value!r} {time:.0f}\n")
    source = folder / "past.txt"
    with source.open("w") as file:
        for family, lines in by_family.items():
            kind = "counter" if family.endswith("_total") else "gauge"
            file.write(f"# TYPE {family.removesuffix('_total')} {kind}\n")
            file.writelines(sorted(lines, key=lambda line: line.rpartition(" ")[0].rpartition(" ")[0]))
        file.write("# EOF\n")
    promtool = shutil.which("promtool")
    assert promtool, "promtool is missing: apt-get install prometheus"
    (folder / "data").mkdir()
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=384h"]
    subprocess.run([*command, source, folder / "data"], check=True, capture_output=True, timeout=100)
    with prometheus(folder, []) as server:
        yield server
