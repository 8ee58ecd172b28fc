"""Thresholds of panels: the numbers the alerts compare with, read from the rules, so that each is written once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import promql_parser

from dashboards.rules import Alert, RuleBook, nodes, rule_book
from dashboards.theme import Colour, State

__all__ = ["NEUTRAL", "Thresholds", "alert_thresholds"]

_SEVERITIES = {"info": State.WARN, "warning": State.WARN, "critical": State.CRIT}
# Grafana's steps include their own value, so "more than none" starts just above 0.
_ANY = 1e-9
# Open ends of a range: Grafana versions differ in how they read a missing one.
_FAR = 1e15
_MIRRORED = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "==": "==", "!=": "!="}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """States by value: `base` below the first step, then each step from its value upwards. `alerts` say where from."""

    base: State
    steps: tuple[tuple[float, State], ...]
    alerts: tuple[str, ...]

    def json(self) -> dict[str, Any]:
        """Grafana's form. The first step has no lower end there, whatever value it carries."""
        base = self.base.colour if self.steps else Colour.VIOLET
        steps = [{"color": base, "value": 0}, *({"color": state.colour, "value": value} for value, state in self.steps)]
        return {"mode": "absolute", "steps": steps}

    def mappings(self) -> list[dict[str, Any]]:
        """Value mappings that put the state's icon and word in place of the number; the first that fits counts."""
        ranges = [*reversed(self.steps), (-_FAR, self.base)]
        return [
            {
                "type": "range",
                "options": {
                    "from": value,
                    "to": _FAR,
                    "result": {"text": state.text, "color": state.colour, "index": index},
                },
            }
            for index, (value, state) in enumerate(ranges)
        ]


NEUTRAL = Thresholds(State.OK, (), ())
"""For values no alert judges: drawn in the suite's own colour."""


def alert_thresholds(name: str, of: str, book: Callable[[], RuleBook] = rule_book) -> Thresholds:
    """The thresholds of alert `name` on series `of`, one step per severity.

    Raises ValueError where there is no such alert, or where its expression does not compare a value computed from `of`
    with exactly one number.
    """
    alerts = [alert for alert in book().alerts if alert.name == name]
    if not alerts:
        raise ValueError(f"there is no alert {name!r}")
    found = [(*_comparison(alert, of), _SEVERITIES[alert.severity]) for alert in alerts]
    # A name with one severity may be that of rules of several files.
    sources = tuple(dict.fromkeys(f"{name} ({alert.severity})" for alert in alerts))
    operators = {operator for operator, _, _ in found}
    values = {value for _, value, _ in found}
    if operators <= {">", ">="}:
        found = [(operator, value or _ANY, state) for operator, value, state in found]
        worst = {value: max((s for _, v, s in found if v == value), key=_rank) for _, value, _ in found}
        return Thresholds(State.OK, tuple(sorted(worst.items())), sources)
    if operators == {"<"}:
        # From each limit upwards, the worst of the alerts whose limit is higher still.
        limits = sorted(values)
        states = [max((s for _, v, s in found if v > below), key=_rank, default=State.OK) for below in (-_FAR, *limits)]
        return Thresholds(states[0], tuple(zip(limits, states[1:], strict=True)), sources)
    if operators == {"=="} and len(values) == 1:
        # Counts and switches: `== 0` is bad, and so everything from the next whole number on is good.
        return Thresholds(max((s for _, _, s in found), key=_rank), ((values.pop() + 1, State.OK),), sources)
    raise ValueError(f"{name}: cannot draw thresholds from comparisons {sorted(operators)} with {sorted(values)}")


def _rank(state: State) -> int:
    return list(State).index(state)


def _comparison(alert: Alert, of: str) -> tuple[str, float]:
    found: set[tuple[str, float]] = set()
    waiting = nodes(promql_parser.parse(alert.expr))
    while waiting:
        node = waiting.pop(0)
        if not isinstance(node, promql_parser.BinaryExpr) or str(node.op) not in _MIRRORED:
            continue
        if (number := _number(node.rhs)) is not None and _mentions(node.lhs, of):
            found.add((str(node.op), number))
        elif (number := _number(node.lhs)) is not None and _mentions(node.rhs, of):
            found.add((_MIRRORED[str(node.op)], number))
        else:
            continue
        # A comparison within what is compared only chooses series, such as those with enough to judge by.
        del waiting[: len(nodes(node)) - 1]
    if len(found) != 1:
        raise ValueError(
            f"{alert.name} ({alert.severity}) must compare {of} with one number, found {sorted(found)}: {alert.expr}"
        )
    return found.pop()


def _number(node: Any) -> float | None:
    if isinstance(node, promql_parser.ParenExpr):
        return _number(node.expr)
    return float(node.val) if isinstance(node, promql_parser.NumberLiteral) else None


def _mentions(node: Any, name: str) -> bool:
    return any(isinstance(part, promql_parser.VectorSelector) and part.name == name for part in nodes(node))
