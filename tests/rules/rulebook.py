"""The rules and their promtool tests as objects, so that gates can compare the two.

Formats: https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/ and …/unit_testing_rules/.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser as ql
import yaml

from agent_observability.units import Duration
from tests.catalogue import rule_files
from tests.promql import parse, selectors

__all__ = ["TESTS", "Alert", "Case", "Record", "load", "missing_cases", "read_cases"]

TESTS = Path(__file__).parent


@dataclass(frozen=True)
class Alert:
    """An alerting rule of a file; one alert with two severities is two of these. `hold` is its `for`, in seconds."""

    file: str
    group: str
    name: str
    severity: str
    expr: str
    hold: float
    labels: dict[str, str]
    annotations: dict[str, str]

    @property
    def id(self) -> str:
        return f"{self.file}:{self.name}:{self.severity}"


@dataclass(frozen=True)
class Record:
    """A recording rule of a file."""

    file: str
    group: str
    name: str
    expr: str

    @property
    def id(self) -> str:
        return f"{self.file}:{self.name}"


@dataclass(frozen=True)
class Case:
    """What one group of a promtool test file expects. Times in seconds; alerts as (name, severity).

    `judged`: times at which a name's firing alerts are listed in full; `fires` and `pending`: times at which at least
    one is; `quiet`: the last time at which some series is expected to be neither.
    """

    files: frozenset[str]
    step: float
    judged: dict[str, set[float]]
    fires: dict[tuple[str, str], set[float]]
    pending: dict[tuple[str, str], set[float]]
    quiet: dict[tuple[str, str], float]
    valued: frozenset[str]


def load(paths: Iterable[Path] = ()) -> tuple[list[Alert], list[Record]]:
    """All rules, file by file. Raises KeyError for a rule without one of the parts every rule here has."""
    alerts, records = [], []
    for path in paths or rule_files():
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                if "record" in rule:
                    records.append(Record(path.name, group["name"], rule["record"], rule["expr"]))
                    continue
                labels = rule["labels"]
                hold = Duration.parse(rule["for"])
                parts = (rule["alert"], labels["severity"], rule["expr"], hold, labels, rule["annotations"])
                alerts.append(Alert(path.name, group["name"], *parts))
    return alerts, records


def read_cases(document: dict[str, Any]) -> list[Case]:
    """The groups of one promtool test file."""
    files = frozenset(Path(name).name for name in document["rule_files"])
    step = Duration.parse(document["evaluation_interval"])
    return [_read_group(group, files, step) for group in document["tests"]]


def _read_group(group: dict[str, Any], files: frozenset[str], step: float) -> Case:
    case = Case(files, step, {}, {}, {}, {}, frozenset(_valued(group)))
    for test in group.get("alert_rule_test", ()):
        name, time = test["alertname"], Duration.parse(test["eval_time"])
        case.judged.setdefault(name, set()).add(time)
        for expected in test["exp_alerts"]:
            case.fires.setdefault((name, expected["exp_labels"]["severity"]), set()).add(time)
    for test in group.get("promql_expr_test", ()):
        time = Duration.parse(test["eval_time"])
        for selector in selectors(parse(test["expr"])):
            if selector.name != "ALERTS":
                continue
            fixed = {matcher.name: matcher.value for matcher in selector.matchers.matchers}
            alert = fixed["alertname"], fixed["severity"]
            samples = test["exp_samples"]
            if not samples:
                case.quiet[alert] = max(time, case.quiet.get(alert, 0))
            elif any('alertstate="pending"' in sample["labels"] for sample in samples):
                case.pending.setdefault(alert, set()).add(time)
    return case


def _valued(group: dict[str, Any]) -> Iterable[str]:
    for test in group.get("promql_expr_test", ()):
        tree = parse(test["expr"])
        if isinstance(tree, ql.VectorSelector) and tree.name and test["exp_samples"]:
            yield tree.name


def missing_cases(alerts: list[Alert], records: list[Record], cases: list[Case]) -> list[str]:
    """Rules that lack a case, each with what is missing; empty when every rule is covered."""
    missing = []
    for alert in alerts:
        key = (alert.name, alert.severity)
        own = [case for case in cases if alert.file in case.files]
        if not any(case.fires.get(key) for case in own):
            missing.append(f"{alert.id}: no case in which it fires")
        # An alert on a constant fires always, and one without `for` is never pending.
        conditional = any(True for _ in selectors(parse(alert.expr)))
        if conditional and not any(case.quiet.get(key, -1) >= alert.hold for case in own):
            missing.append(f"{alert.id}: no case in which it must not fire")
        if alert.hold and not any(_waits(case, key) for case in own):
            missing.append(f"{alert.id}: no case one evaluation before its `for` has passed")
    missing += [
        f"{record.id}: no value test"
        for record in records
        if not any(record.name in case.valued for case in cases if record.file in case.files)
    ]
    return missing


def _waits(case: Case, key: tuple[str, str]) -> bool:
    """Whether the alert is pending and not firing at one evaluation and firing at the next."""
    fires = case.fires.get(key, set())
    return any(
        time in case.judged.get(key[0], set()) and time not in fires and time + case.step in fires
        for time in case.pending.get(key, set())
    )
