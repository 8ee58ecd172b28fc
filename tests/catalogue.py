"""The catalogue check: every metric and label that a rule, panel or runbook names must exist.

A name is known when an exporter declares it (`registry.CATALOGUE`), a rule records it (`rules/`), or it matches
`registry.EXTERNAL`. Matchers, `by`, `without`, `on`, `ignoring`, `group_left` and `label_replace` may only name labels
that the series can carry at that point of the expression.
"""

from __future__ import annotations

import difflib
import functools
import re
from pathlib import Path
from typing import Any

import promql_parser as ql
import yaml

from agent_observability.checkup.grafana import BUILT_IN
from agent_observability.metric import Label
from agent_observability.registry import CATALOGUE, EXTERNAL
from tests.promql import Labels, LabelWalk, parse, selectors

__all__ = ["RULES", "check_expression", "foreign_value", "known_names", "output_labels", "rule_files", "substitute"]

RULES = Path(__file__).resolve().parent.parent / "rules"

TARGET_LABELS = frozenset(
    {"job", "instance", "cluster", "namespace", "pod", "container", "service", "endpoint", "node"}
)
"""What scrapers and external labels may attach to any series."""

# fmt: off
_SELF_LABELS = frozenset({
    "alertmanager", "branch", "call", "code", "config", "config_hash", "dialer_name", "event", "goversion",
    "handler", "integration", "interval", "le", "listener_name", "method", "name", "quantile", "reason",
    "receiver", "remote_name", "revision", "role", "rule_group", "scrape_job", "slice", "state", "status", "type",
    "url", "version",
})
# fmt: on
_EXTERNAL_LABELS: dict[str, Labels] = {
    r"up|scrape_.*": frozenset(),
    r"ALERTS": frozenset({"alertname", "alertstate", "severity", "team", "exporter", "project"}).union(
        *(metric.label_names for metric in CATALOGUE.values())
    ),
    r"kubelet_volume_stats_.*": frozenset({"persistentvolumeclaim", "metrics_path"}),
    r"prometheus_.*|alertmanager_.*": _SELF_LABELS,
}
"""Labels of the names in `registry.EXTERNAL`, besides the target's."""

_DECLARED: dict[str, dict[str, Label]] = {
    sample: {label.name: label for label in metric.labels}
    | ({"le": Label("le")} if sample.endswith("_bucket") and metric.buckets else {})
    for metric in CATALOGUE.values()
    for sample in metric.sample_names
}


def rule_files() -> list[Path]:
    return sorted(RULES.rglob("*.yaml"))


@functools.cache
def _recording_rules() -> dict[str, list[dict[str, Any]]]:
    rules: dict[str, list[dict[str, Any]]] = {}
    for path in rule_files():
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                if "record" in rule:
                    rules.setdefault(rule["record"], []).append(rule)
    return rules


@functools.cache
def _recorded_labels(name: str) -> Labels:
    """Labels of a recorded series. A rule that needs its own result is an error."""
    labels: set[str] = set()
    for rule in _recording_rules()[name]:
        if any(selector.name == name for selector in selectors(parse(rule["expr"]))):
            raise ValueError(f"{name} is recorded from itself")
        labels |= output_labels(rule["expr"]) | set(rule.get("labels", {}))
    return frozenset(labels)


def _series_labels(name: str) -> Labels | None:
    """Labels that series of this name can carry; None for an unknown name."""
    if name in _DECLARED:
        return TARGET_LABELS | frozenset(_DECLARED[name])
    if name in _recording_rules():
        return _recorded_labels(name)
    if any(re.fullmatch(pattern, name) for pattern in EXTERNAL):
        return TARGET_LABELS.union(
            *(labels for pattern, labels in _EXTERNAL_LABELS.items() if re.fullmatch(pattern, name))
        )
    return None


def known_names() -> list[str]:
    """Every sample name that is exposed or recorded."""
    return sorted({*_DECLARED, *_recording_rules()})


def output_labels(expression: str) -> Labels:
    """Labels that the result of a sound expression can carry. Raises ValueError if it does not parse."""
    walk = LabelWalk(lambda selector: _series_labels(selector.name or "") or TARGET_LABELS)
    return walk.labels(parse(expression)) or frozenset()


def check_expression(expr: str, where: str) -> list[str]:
    """What is wrong with the names in an expression, each problem starting with `where`; empty when all is well.

    Grafana variables must have been replaced (`substitute`).
    """
    try:
        tree = parse(expr)
    except ValueError as error:
        return [f"{where}: {error}: {expr}"]
    problems: list[str] = []

    def of_selector(selector: ql.VectorSelector) -> Labels:
        if selector.name is None:
            problems.append(f"selector {selector} names no metric")
            return TARGET_LABELS
        labels = _series_labels(selector.name)
        if labels is None:
            problems.append(f"unknown metric {selector.name}{_nearest(selector.name, known_names())}")
            return TARGET_LABELS.union(matcher.name for matcher in selector.matchers.matchers)
        for matcher in selector.matchers.matchers:
            if matcher.name not in labels:
                hint = _nearest(matcher.name, labels)
                problems.append(f"{selector.name} has no label {matcher.name!r}{hint}")
            elif value := foreign_value(matcher, _DECLARED.get(selector.name, {}).get(matcher.name)):
                problems.append(f"{selector.name}: label {matcher.name!r} is never {value!r}")
        return labels

    walk = LabelWalk(of_selector, problems)
    walk.labels(tree)
    return [f"{where}: {problem}" for problem in problems]


def _nearest(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def foreign_value(matcher: ql.Matcher, label: Label | None) -> str | None:
    """The first value a matcher spells out that an enum label cannot take."""
    if label is None or not label.values or not re.fullmatch(r"[\w|-]+", matcher.value):
        return None
    values = matcher.value.split("|") if matcher.op in (ql.MatchOp.Re, ql.MatchOp.NotRe) else [matcher.value]
    return next((value for value in values if value not in (*label.values, "other")), None)


_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)(?::\w+)?\}|\$([A-Za-z_]\w*)|\[\[(\w+)(?::\w+)?\]\]")


def substitute(expr: str) -> str:
    """The expression with Grafana's variables replaced: built-in ones by typical values, the others by `.*`.

    Raises ValueError for a dashboard variable outside a quoted matcher, where no value would be right for all.
    """

    def replace(match: re.Match[str]) -> str:
        name = next(group for group in match.groups() if group)
        if name in BUILT_IN:
            return BUILT_IN[name]
        if expr.count('"', 0, match.start()) % 2 == 0:
            raise ValueError(f"variable ${name} stands outside a quoted matcher: {expr}")
        return ".*"

    return _VARIABLE.sub(replace, expr)
