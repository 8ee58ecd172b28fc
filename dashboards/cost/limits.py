"""Limits of alerts about money that need preparing before `alert_thresholds` can read them."""

from __future__ import annotations

import re
from dataclasses import replace

import promql_parser

from dashboards.rules import Alert, RuleBook, rule_book
from dashboards.theme import State
from dashboards.thresholds import Thresholds, alert_thresholds

__all__ = ["above_product", "outside"]

_PRODUCT = re.compile(r"\b(\d+) \* (\d+)\b")


def above_product(name: str, of: str, alerts: tuple[Alert, ...] | None = None) -> Thresholds:
    """Thresholds of an alert that writes its limit as a product of whole numbers, such as days times seconds."""
    found = [
        replace(alert, expr=_PRODUCT.sub(lambda match: str(int(match[1]) * int(match[2])), alert.expr))
        for alert in _named(name, alerts)
    ]
    return _limits(name, of, found)


def outside(name: str, of: str, alerts: tuple[Alert, ...] | None = None) -> Thresholds:
    """Thresholds of a warning that fires on both sides of what is good: `of < low or of > high`.

    Raises ValueError for any other form.
    """
    [alert] = _named(name, alerts)
    tree = promql_parser.parse(alert.expr)
    if not isinstance(tree, promql_parser.BinaryExpr) or str(tree.op) != "or":
        raise ValueError(f"{name} must be two comparisons with `or` between them: {alert.expr}")
    low, high = (_limits(name, of, [replace(alert, expr=side.prettify())]) for side in (tree.lhs, tree.rhs))
    if (low.base, high.base) != (State.WARN, State.OK):
        raise ValueError(f"{name} must be a warning below one number and above another: {alert.expr}")
    return Thresholds(low.base, (*low.steps, *high.steps), low.alerts)


def _named(name: str, alerts: tuple[Alert, ...] | None) -> list[Alert]:
    return [alert for alert in (rule_book().alerts if alerts is None else alerts) if alert.name == name]


def _limits(name: str, of: str, alerts: list[Alert]) -> Thresholds:
    return alert_thresholds(name, of, lambda: RuleBook({}, tuple(alerts)))
