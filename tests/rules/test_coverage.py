"""The gate: every alert of every severity has its three promtool cases, every recording rule a value test."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.rules.rulebook import TESTS, load, missing_cases, read_cases

RULES = """
groups:
  - name: agent-obs-example
    rules:
      - record: instance:load:double
        expr: 2 * node_load1
      - alert: LoadHigh
        expr: node_load1 > 1
        for: 1m
        labels: { severity: warning }
        annotations: {}
      - alert: Always
        expr: vector(1)
        for: 0s
        labels: { severity: none }
        annotations: {}
"""
CASES = """
rule_files: [../../rules/example.yaml]
evaluation_interval: 30s
tests:
  - input_series: []
    alert_rule_test:
      - { eval_time: 0s, alertname: Always, exp_alerts: [{ exp_labels: { severity: none } }] }
      - { eval_time: 30s, alertname: LoadHigh, exp_alerts: [] }
      - { eval_time: 1m, alertname: LoadHigh, exp_alerts: [{ exp_labels: { severity: warning } }] }
    promql_expr_test:
      - eval_time: 30s
        expr: count by (alertstate) (ALERTS{alertname="LoadHigh", severity="warning"})
        exp_samples: [{ labels: '{alertstate="pending"}', value: 1 }]
      - eval_time: 1m
        expr: ALERTS{alertname="LoadHigh", severity="warning", instance="calm"}
        exp_samples: []
      - eval_time: 1m
        expr: instance:load:double
        exp_samples: [{ labels: "instance:load:double", value: 4 }]
"""


def test_every_rule_is_tested() -> None:
    cases = [
        case for path in sorted(TESTS.glob("*.test.yaml")) for case in read_cases(yaml.safe_load(path.read_text()))
    ]
    assert missing_cases(*load(), cases) == []


def _missing(tmp_path: Path, document: dict[str, Any]) -> list[str]:
    path = tmp_path / "example.yaml"
    path.write_text(RULES)
    return missing_cases(*load([path]), read_cases(document))


def test_complete_cases_pass_the_gate(tmp_path: Path) -> None:
    assert _missing(tmp_path, yaml.safe_load(CASES)) == []


@pytest.mark.parametrize(
    ("kind", "index", "change", "missing"),
    [
        ("alert_rule_test", 0, None, "example.yaml:Always:none: no case in which it fires"),
        (
            "alert_rule_test",
            1,
            None,
            "example.yaml:LoadHigh:warning: no case one evaluation before its `for` has passed",
        ),
        (
            "promql_expr_test",
            0,
            None,
            "example.yaml:LoadHigh:warning: no case one evaluation before its `for` has passed",
        ),
        (
            "promql_expr_test",
            0,
            {"eval_time": "0s"},
            "example.yaml:LoadHigh:warning: no case one evaluation before its `for` has passed",
        ),
        ("promql_expr_test", 1, None, "example.yaml:LoadHigh:warning: no case in which it must not fire"),
        (
            "promql_expr_test",
            1,
            {"eval_time": "30s"},
            "example.yaml:LoadHigh:warning: no case in which it must not fire",
        ),
        ("promql_expr_test", 2, None, "example.yaml:instance:load:double: no value test"),
        ("promql_expr_test", 2, {"exp_samples": []}, "example.yaml:instance:load:double: no value test"),
    ],
)
def test_gate_names_what_is_missing(
    tmp_path: Path, kind: str, index: int, change: dict[str, Any] | None, missing: str
) -> None:
    document = copy.deepcopy(yaml.safe_load(CASES))
    tests = document["tests"][0][kind]
    if change is None:
        del tests[index]
    else:
        tests[index].update(change)
    assert _missing(tmp_path, document) == [missing]


def test_cases_of_another_rule_file_do_not_count(tmp_path: Path) -> None:
    document = yaml.safe_load(CASES) | {"rule_files": ["../../rules/other.yaml"]}
    assert len(_missing(tmp_path, document)) == 5
