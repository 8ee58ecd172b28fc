"""Which series a use of a model is counted in, remembered for the next one of the same kind. Bounded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from agent_observability.ledger.batch import Shape
from agent_observability.llm_cost import metrics as m
from agent_observability.llm_cost.folding import Folding
from agent_observability.llm_cost.pricing.pricer import Priced
from agent_observability.llm_cost.usage import ERROR_TYPES, OPERATIONS, TOKEN_TYPES, Usage
from agent_observability.metric import OTHER, Metric

__all__ = ["Names", "Naming", "Used"]

_KNOWN = 10_000
_SHAPES = 20_000
_OPERATIONS = frozenset(OPERATIONS)
_ERROR_TYPES = frozenset(ERROR_TYPES)


Used = tuple[tuple[bool, ...], tuple[str, ...], str, str, int, int]
"""What of `every` is 0, types of the cost, source and reason of the price, and the buckets of the duration and of the
first token, -1 for what is not known.
"""


class Names(NamedTuple):
    """What follows from one combination of labels, made once. `whose` are those of money and tokens, not folded."""

    whose: tuple[str, str, str, str]
    dimension: tuple[str, ...]
    key: tuple[str, str, str]
    timing: tuple[str, ...]
    outcome: tuple[str, str]
    error: str
    shapes: dict[Used, Shape | None]


class Naming:
    """Remembers so many combinations of labels, and of what is used under them, before it forgets them all at once."""

    def __init__(
        self, features: Iterable[str], folding: Folding, *, known: int = _KNOWN, shapes: int = _SHAPES
    ) -> None:
        self._features = frozenset(features)
        self._folding = folding
        self._most_known, self._most_shapes = known, shapes
        # By what is said, and by what is left of that once it is folded.
        self._said: dict[tuple[str, ...], Names] = {}
        self._known: dict[tuple[str, ...], Names] = {}
        self._shapes = 0

    def names(self, usage: Usage) -> Names:
        """The labels of a use."""
        said = (
            usage.provider,
            usage.model,
            usage.project,
            usage.feature,
            usage.operation,
            usage.status,
            usage.error_type,
        )
        names = self._said.get(said)
        if names is None:
            names = self._folded(usage)
            if len(self._said) >= self._most_known:
                self._said.clear()
            self._said[said] = names
        return names

    def shape(self, names: Names, used: Used, every: tuple[int, ...], priced: Priced) -> Shape | None:
        """The counters of what is not 0, in the order of `every` (see `_shape`), and of the types of the cost. It is
        remembered in `names.shapes`, where it is to be looked for before.

        Counters that nothing is added to are none of them: they would be born for no reason.
        """
        if self._shapes >= self._most_shapes:
            self._forget()
        self._shapes += 1
        shape = names.shapes[used] = _shape(names, every, priced, used[-2:])
        return shape

    def _forget(self) -> None:
        self._said.clear()
        self._known.clear()
        self._shapes = 0

    def _folded(self, usage: Usage) -> Names:
        feature = usage.feature if usage.feature in self._features else OTHER
        operation = usage.operation if usage.operation in _OPERATIONS else OTHER
        error = "timeout" if usage.status == "timeout" else usage.error_type
        if error not in _ERROR_TYPES:
            error = OTHER
        key = (usage.provider, usage.model, usage.project, feature, operation, usage.status, error)
        names = self._known.get(key)
        if names is None:
            if len(self._known) >= self._most_known:
                self._forget()
            names = self._known[key] = self._named(key[:4], (operation, usage.status), error)
        return names

    def _named(self, whose: tuple[str, str, str, str], outcome: tuple[str, str], error: str) -> Names:
        provider, model, *_ = whose
        dimension = self._folding.fold(whose)
        return Names(
            whose=whose,
            dimension=dimension,
            key=(dimension[0], dimension[2], dimension[3]),
            timing=(provider, model, outcome[0]),
            outcome=outcome,
            error=error,
            shapes={},
        )


def _shape(names: Names, every: tuple[int, ...], priced: Priced, buckets: tuple[int, int]) -> Shape | None:
    """`every`: calls, failed ones, tokens by type, reasoning, calls without a price."""
    provider, model, *_ = whose = names.whose
    counters: list[tuple[Metric, tuple[str, ...]]] = [
        (m.REQUESTS, (*whose, *names.outcome)),
        (m.REQUEST_ERRORS, (provider, model, names.error)),
        *((m.TOKENS, (*whose, type_)) for type_ in TOKEN_TYPES),
        (m.REASONING_TOKENS, whose),
        (m.UNPRICED, (provider, model, priced.reason)),
    ]
    slots = [(metric, labels, 0) for (metric, labels), amount in zip(counters, every, strict=True) if amount]
    slots += [(m.COST, (*whose, type_, priced.source), 0) for type_, _ in priced.amounts]
    for metric, bucket in zip((m.REQUEST_DURATION, m.FIRST_TOKEN), buckets, strict=True):
        if bucket >= 0:
            slots += [(metric, names.timing, bucket), (metric, names.timing, len(metric.buckets) + 1)]
    return Shape(slots) if slots else None
