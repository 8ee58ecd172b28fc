"""METRICS.md is the catalogue as `make generate` writes it."""

from __future__ import annotations

import itertools

import pytest

from agent_observability.catalogue import _row, markdown, table
from agent_observability.metric import Kind, Label, Metric
from agent_observability.registry import CATALOGUE, EXPORTERS
from agent_observability.suite import SUITE_METRICS
from tests.support import ROOT


def test_the_committed_file_is_up_to_date() -> None:
    committed = (ROOT / "exporters" / "METRICS.md").read_text(encoding="utf-8")
    assert committed == markdown(), "run `make generate`"


def test_every_family_stands_once_in_the_section_of_its_exporter() -> None:
    sections = [section.split("\n", 1) for section in markdown().split("\n## ")[1:]]
    found = [
        (title, [line.split("`")[1] for line in body.splitlines() if line.startswith("| `")])
        for title, body in sections
    ]
    assert found == [
        ("Every exporter", [metric.name for metric in SUITE_METRICS]),
        *(
            (f"{exporter.name} (port {exporter.port})", [metric.name for metric in exporter.metrics])
            for exporter in EXPORTERS
        ),
    ]
    assert {name for _, names in found for name in names} == CATALOGUE.keys()


def test_the_table_of_the_command() -> None:
    lines = table().splitlines()
    assert [line.split()[0] for line in lines] == list(CATALOGUE)
    assert next(line.split(maxsplit=2) for line in lines if line.startswith("agent_obs_build_info ")) == [
        "agent_obs_build_info",
        "info",
        "version, python_version, exporter",
    ]
    assert not any(line.endswith(" ") for line in lines)


@pytest.mark.parametrize(
    ("metric", "row"),
    [
        (Metric("load1", Kind.GAUGE, "Load"), "| `load1` | gauge | – | Load |\n"),
        (
            Metric(
                "runs_total", Kind.COUNTER, "Runs a|b", (Label("model", cap=200), Label("result", values=("ok", "bad")))
            ),
            "| `runs_total` | counter | model (≤ 200); result=ok\\|bad | Runs a\\|b |\n",
        ),
        (
            Metric("wait_seconds", Kind.HISTOGRAM, "Waiting", (Label("queue"),), buckets=(0.5, 1, 3600)),
            "| `wait_seconds` | histogram | queue | Waiting (edges 0.5 1 3600) |\n",
        ),
    ],
)
def test_rows(metric: Metric, row: str) -> None:
    assert _row(metric) == row


def test_every_row_has_four_columns() -> None:
    rows = [line for line in markdown().splitlines() if line.startswith("|")]
    cells = [line.replace("\\|", "").count("|") - 1 for line in rows]
    assert set(cells) == {4}, list(itertools.compress(rows, (count != 4 for count in cells)))
