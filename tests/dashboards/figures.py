"""Figures of panels: series in, what the panel's own query answers out, by promtool."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.catalogue import substitute
from tests.dashboards.pages import PAGES

__all__ = ["Case", "promtool"]


class Case(NamedTuple):
    """`series` are values by selector, one each `interval`; `expected` values by labels at `at`."""

    page: str
    panel: str
    query: int
    interval: str
    series: dict[str, str]
    at: str
    expected: dict[str, float]


def query(case: Case) -> str:
    page, _ = PAGES[case.page]
    panels = [panel for panel in page.panels() if panel.title == case.panel]
    return substitute(panels[0].queries[case.query].expr.text)


def promtool(folder: Path, case: Case) -> subprocess.CompletedProcess[str]:
    samples = [{"labels": labels, "value": value} for labels, value in case.expected.items()]
    series = [{"series": name, "values": values} for name, values in case.series.items()]
    # Promtool holds nothing from after the last time asked for, which a query with a negative offset needs.
    later = {"expr": "vector(0)", "eval_time": "54h", "exp_samples": [{"labels": "{}", "value": 0}]}
    group: dict[str, Any] = {
        "interval": case.interval,
        "input_series": series,
        "promql_expr_test": [{"expr": query(case), "eval_time": case.at, "exp_samples": samples}, later],
    }
    file = folder / "case.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [], "tests": [group]}))
    return subprocess.run(
        ["promtool", "test", "rules", str(file)], capture_output=True, text=True, timeout=60, check=False
    )
