"""Which label values events and daily aggregates are kept under: those that the families admit, and no others.

The ledger keeps each distinct tuple of an event's labels for ever, so that they are folded before they get there. What
was folded still stands in the event itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent_observability.metric import OVERFLOW, Label

__all__ = ["Folding"]


class Folding:
    """Follows the admission of the families, which happens later and elsewhere: what that admits is admitted here.

    `tuples` bounds the combinations; past it all values of a tuple are folded.
    """

    def __init__(self, labels: Sequence[Label], caps: Mapping[str, int], tuples: int = 20_000) -> None:
        self._caps = [caps.get(label.name, label.cap or 0) for label in labels]
        self._names = [label.name for label in labels]
        self._admitted: list[set[str]] = [set() for _ in labels]
        self._most = tuples
        self._tuples: set[tuple[str, ...]] = set()

    def restore(self, admitted: Mapping[str, frozenset[str]]) -> None:
        """Take over what earlier processes admitted, by label."""
        for name, known in zip(self._names, self._admitted, strict=True):
            known.update(admitted.get(name, ()))

    def remember(self, values: tuple[str, ...]) -> None:
        """Of what the ledger keeps already, a tuple that was folded before."""
        self._tuples.add(values)

    def fold(self, values: tuple[str, ...]) -> tuple[str, ...]:
        """The values to keep; `__overflow__` for what came past a cap."""
        folded = tuple(
            value if value == OVERFLOW or self._admits(known, cap, value) else OVERFLOW
            for known, cap, value in zip(self._admitted, self._caps, values, strict=True)
        )
        if folded in self._tuples:
            return folded
        if len(self._tuples) >= self._most:
            return (OVERFLOW,) * len(values)
        self._tuples.add(folded)
        return folded

    @staticmethod
    def _admits(known: set[str], cap: int, value: str) -> bool:
        if value in known:
            return True
        if len(known) >= cap:
            return False
        known.add(value)
        return True
