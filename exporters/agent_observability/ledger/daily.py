"""Daily aggregates: exact sums per day, kind and label tuple, kept in memory while they change."""

from __future__ import annotations

import operator

from agent_observability.ledger.transaction import Transaction

__all__ = ["DailySums"]

Key = tuple[int, str, int]

# Days that are still added to; older ones are read again when a late event needs them.
_KEPT = 20_000


class DailySums:
    """Sums of the aggregates that were touched lately. Used by the writer alone."""

    def __init__(self) -> None:
        self._saved: dict[Key, list[int]] = {}
        self._changed: dict[Key, list[int]] = {}

    def add(self, transaction: Transaction, day: int, kind: str, dimension: int, amounts: tuple[int, ...]) -> None:
        """Add one event. Its first number counts events; an aggregate grows when later events have more amounts."""
        key = (day, kind, dimension)
        sums = self._changed.get(key)
        if sums is None:
            known = self._saved.get(key)
            if known is None:
                row = transaction.daily(*key)
                known = [row[0], *map(int, row[1].split())] if row else [0]
            sums = self._changed[key] = list(known)
        sums[0] += 1
        if len(sums) <= len(amounts):
            sums += [0] * (len(amounts) + 1 - len(sums))
        sums[1 : len(amounts) + 1] = map(operator.add, sums[1:], amounts)

    def save(self, transaction: Transaction) -> None:
        """Store what has changed."""
        transaction.put_daily([(*key, sums[0], " ".join(map(str, sums[1:]))) for key, sums in self._changed.items()])

    def committed(self) -> None:
        """What was saved is true now."""
        if len(self._saved) > _KEPT:
            self._saved.clear()
        self._saved.update(self._changed)
        self._changed = {}

    def rolled_back(self) -> None:
        """What was added since the last commit never happened."""
        self._changed = {}

    def clear(self) -> None:
        """Forget everything: another process may have written."""
        self._saved = {}
        self._changed = {}
