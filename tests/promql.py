"""What an expression selects and which labels its result can carry, read off promql-parser's syntax tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import promql_parser as ql

__all__ = ["LabelWalk", "Labels", "parse", "selectors"]

Labels = frozenset[str]

_SET_OPERATORS = {"and", "unless", "or"}
# Aggregations that return series of their input instead of new ones.
_SELECTING = {"topk", "bottomk", "limitk", "limit_ratio"}


def parse(expression: str) -> ql.Expr:
    """The syntax tree. Raises ValueError with promql-parser's message."""
    return ql.parse(expression)


def selectors(tree: ql.Expr) -> Iterator[ql.VectorSelector]:
    """Every vector selector of an expression, those inside range selectors included."""
    found: list[ql.VectorSelector] = []

    def visit(node: ql.Expr) -> None:
        if isinstance(node, ql.VectorSelector):
            found.append(node)

    ql.walk(tree, visit)
    yield from found


@dataclass
class LabelWalk:
    """Computes the labels a result can carry and notes labels that are named where they cannot exist.

    `of_selector` gives the labels of a selector's series; `problems` collects what is wrong, in reading order.
    """

    of_selector: Callable[[ql.VectorSelector], Labels]
    problems: list[str] = field(default_factory=list)

    def labels(self, node: ql.Expr) -> Labels | None:
        """Possible labels of the node's value; None for a scalar or a string."""
        match node:
            case ql.VectorSelector():
                return self.of_selector(node)
            case ql.MatrixSelector():
                return self.of_selector(node.vector_selector)
            case ql.ParenExpr() | ql.UnaryExpr() | ql.SubqueryExpr():
                return self.labels(node.expr)
            case ql.AggregateExpr():
                return self._aggregate(node)
            case ql.BinaryExpr():
                return self._binary(node)
            case ql.Call():
                return self._call(node)
            case ql.NumberLiteral() | ql.StringLiteral():
                return None
        raise TypeError(f"no rule for the labels of {type(node).__name__}")

    def _expect(self, named: list[str], possible: Labels, clause: str) -> None:
        for label in named:
            if label not in possible:
                self.problems.append(f"label {label!r} in {clause} (…) is on none of the series it applies to")

    def _aggregate(self, node: ql.AggregateExpr) -> Labels:
        inner = self.labels(node.expr) or frozenset()
        operator = str(node.op)
        result = inner if operator in _SELECTING else frozenset()
        if node.modifier is not None:
            named = node.modifier.labels
            by = node.modifier.type == ql.AggModifierType.By
            self._expect(named, inner, f"{operator} {'by' if by else 'without'}")
            if operator not in _SELECTING:
                result = inner & frozenset(named) if by else inner - frozenset(named)
        if operator == "count_values":
            assert isinstance(node.param, ql.StringLiteral)
            result |= {node.param.val}
        return result

    def _binary(self, node: ql.BinaryExpr) -> Labels | None:
        left, right = self.labels(node.lhs), self.labels(node.rhs)
        if left is None or right is None:
            return right if left is None else left
        operator, modifier = str(node.op), node.modifier
        shared = left & right
        if modifier is not None and modifier.matching is not None:
            named = modifier.matching.labels
            on = modifier.matching.type == ql.LabelModifierType.Include
            self._expect(named, shared if on else left | right, f"{'on' if on else 'ignoring'}")
            shared = shared & frozenset(named) if on else shared - frozenset(named)
        if operator in _SET_OPERATORS:
            return left | right if operator == "or" else left
        if modifier is not None and modifier.card == ql.VectorMatchCardinality.ManyToOne:
            return left | self._copied(modifier, right, "group_left")
        if modifier is not None and modifier.card == ql.VectorMatchCardinality.OneToMany:
            return right | self._copied(modifier, left, "group_right")
        return shared

    def _copied(self, modifier: ql.BinModifier, one_side: Labels, clause: str) -> Labels:
        named = modifier.group_labels or []
        self._expect(named, one_side, clause)
        return frozenset(named)

    def _call(self, node: ql.Call) -> Labels | None:
        name = node.func.name
        arguments = [self.labels(argument) for argument in node.args]
        if node.func.return_type == ql.ValueType.Scalar or name == "vector":
            return frozenset() if name == "vector" else None
        if name in {"absent", "absent_over_time"}:
            return _equal_labels(node.args[0])
        labels = next((found for found in arguments if found is not None), frozenset())
        if name == "histogram_quantile":
            self._expect(["le"], labels, name)
            labels -= {"le"}
        if name in {"label_replace", "label_join"}:
            target = node.args[1]
            sources = node.args[3:4] if name == "label_replace" else node.args[3:]
            self._expect([source.val for source in sources], labels, name)
            labels |= {target.val}
        return labels


def _equal_labels(node: ql.Expr) -> Labels:
    """The labels `absent` derives from its argument: those its selector fixes."""
    return frozenset(
        matcher.name
        for selector in selectors(node)
        for matcher in selector.matchers.matchers
        if matcher.op == ql.MatchOp.Equal
    )
