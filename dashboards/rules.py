"""What the rule files say: recorded series and what they are computed from, alerts and their expressions.

Files: Prometheus rule files, https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser
import yaml

from agent_observability.resources import resource

__all__ = ["Alert", "RuleBook", "nodes", "read_rules", "rule_book"]


@dataclass(frozen=True, slots=True)
class Alert:
    """One alerting rule; several severities of one alert are several of these."""

    name: str
    severity: str
    expr: str


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules of the suite."""

    records: dict[str, str]
    alerts: tuple[Alert, ...]

    def families(self, record: str) -> frozenset[str]:
        """The names of the series a recorded one is computed from, through any number of rules, and its own."""
        found = {record}
        for node in nodes(promql_parser.parse(self.records[record])):
            if isinstance(node, promql_parser.VectorSelector) and node.name:
                found |= self.families(node.name) if node.name in self.records else {node.name}
        return frozenset(found)


def nodes(expr: Any) -> list[Any]:
    """Every node of a parsed expression, outermost first."""
    found: list[Any] = []
    promql_parser.walk(expr, pre_visit=found.append)
    return found


def read_rules(files: list[Path]) -> RuleBook:
    """The rules in `files`. Raises ValueError naming the file where one name is recorded twice."""
    records: dict[str, str] = {}
    alerts: list[Alert] = []
    for file, rule in _rules(files):
        if "record" in rule:
            if rule["record"] in records:
                raise ValueError(f"{file}: {rule['record']} is recorded twice")
            records[rule["record"]] = rule["expr"]
        else:
            alerts.append(Alert(rule["alert"], rule["labels"]["severity"], rule["expr"]))
    return RuleBook(records, tuple(alerts))


def _rules(files: list[Path]) -> Iterator[tuple[Path, dict[str, Any]]]:
    for file in files:
        for group in yaml.safe_load(file.read_text())["groups"]:
            for rule in group["rules"]:
                yield file, rule


@functools.cache
def rule_book() -> RuleBook:
    """The suite's own rules, read once."""
    return read_rules(sorted(resource("rules").rglob("*.yaml")))
