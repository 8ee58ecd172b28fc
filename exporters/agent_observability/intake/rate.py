"""How often a key may ask: a bucket of tokens each, which refills as time goes."""

from __future__ import annotations

import time
from collections import OrderedDict

__all__ = ["MAX_RATE", "Rates"]

MAX_RATE = 1_000_000
"""Requests per second: more than any process answers, so that more is a slip."""

# Keys are few; this bounds what those that were removed leave behind.
_BUCKETS = 10_000
_BURST_SECONDS = 2


class Rates:
    """One bucket per name. After a silence two seconds' worth may come at once."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def allows(self, name: str, rate: int, now: float | None = None) -> bool:
        """Whether another request fits into `rate` per second; `now` is monotonic."""
        now = time.monotonic() if now is None else now
        most = float(rate * _BURST_SECONDS)
        tokens, since = self._buckets.get(name, (most, now))
        tokens = min(most, tokens + (now - since) * rate)
        allowed = tokens >= 1
        self._buckets[name] = (tokens - 1 if allowed else tokens, now)
        # Who has been silent for longest goes first: by then its bucket is full, and none is the same as that.
        self._buckets.move_to_end(name)
        if len(self._buckets) > _BUCKETS:
            self._buckets.popitem(last=False)
        return allowed
