"""The threshold of an alert: the number its value is compared with, and the expression with a hole in its place.

It is the first comparison with a number from the top of the expression down its left side, since that side is where an
expression's value comes from. Alerts without one, such as those on switches that are 0 or 1, cannot be moved.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import promql_parser as ql

__all__ = ["PLACEHOLDER", "Threshold", "threshold"]

PLACEHOLDER = "@threshold@"
"""Stands for the number; no PromQL expression can contain it."""

_NUMBER = re.compile(
    r"(?P<operator>>=|<=|==|!=|>|<)\s*(?:bool\s+)?(?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w:.])"
)
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"|\{[^}]*\}|#[^\n]*')
_ORDERED = (">", ">=", "<", "<=")
_SETS = ("and", "unless")


class Threshold(NamedTuple):
    """`number` as it stands in the rule, `expr` with the placeholder in its place."""

    number: float
    expr: str


def threshold(expr: str) -> Threshold | None:
    """The threshold of an alert's expression, None where it has none."""
    node = _compared(ql.parse(expr))
    if node is None:
        return None
    wanted = float(node.rhs.val)
    # The tree has no positions, so each place with this number is tried: it is the one that changes only this literal.
    masked = _QUOTED.sub(lambda match: " " * len(match[0]), expr)
    for match in _NUMBER.finditer(masked):
        if float(match["number"]) != wanted:
            continue
        start, end = match.span("number")
        candidate = f"{expr[:start]}{PLACEHOLDER}{expr[end:]}"
        moved = _compared(ql.parse(candidate.replace(PLACEHOLDER, "123456789")))
        if moved is not None and float(moved.rhs.val) == 123456789:
            return Threshold(wanted, candidate)
    raise ValueError(f"cannot find {wanted} in the text of: {expr}")


def _compared(node: Any) -> Any:
    while True:
        if isinstance(node, ql.ParenExpr):
            node = node.expr
        elif not isinstance(node, ql.BinaryExpr):
            return None
        elif str(node.op) in _ORDERED and isinstance(node.rhs, ql.NumberLiteral):
            return node
        elif str(node.op) in _SETS:
            node = node.lhs
        else:
            return None
