"""Who uses the platform: projects and users by what they did lately. Pure.

The segments are the contract's: active in a window; power: ten and more sessions in 30 days; new: the first session
ever within 7 days; activated: new, with three and more sessions in the first 7 days; retained: active in these 30 days
and in the 30 before; churned: active only in the 30 before.
"""

from __future__ import annotations

import bisect
from array import array
from collections import Counter

__all__ = ["KEPT_SECONDS", "WINDOWS", "Activity"]

_DAY = 86_400.0
WINDOWS = {"24h": _DAY, "7d": 7 * _DAY, "30d": 30 * _DAY}
KEPT_SECONDS = 65 * _DAY
"""How long a session is remembered: two windows of 30 days, and some."""

_POWER = 10
_ACTIVATED = 3
_KEYS = (
    *(("active", window) for window in WINDOWS),
    ("power", "30d"),
    ("new", "7d"),
    ("activated", "7d"),
    ("retained", "30d"),
    ("churned", "30d"),
)


class Activity:
    """Sessions by subject (a project or a user). `first` has the first session ever of each, as Unix time."""

    def __init__(self) -> None:
        self.first: dict[str, float] = {}
        self._times: dict[str, array[float]] = {}

    def add(self, subject: str, created: float) -> bool:
        """A session was created; whether it is the first ever."""
        times = self._times.setdefault(subject, array("d"))
        if times and created < times[-1]:
            bisect.insort(times, created)
        else:
            times.append(created)
        known = self.first.get(subject)
        if known is None or created < known:
            self.first[subject] = created
            return True
        return False

    def forget(self, now: float) -> None:
        """Drop what no window reaches any more."""
        for subject, times in list(self._times.items()):
            old = bisect.bisect_left(times, now - KEPT_SECONDS)
            if old == len(times):
                del self._times[subject]
            elif old:
                self._times[subject] = times[old:]

    def segments(self, now: float) -> Counter[tuple[str, str]]:
        """Subjects by (segment, window), zeros included."""
        found: Counter[tuple[str, str]] = Counter(dict.fromkeys(_KEYS, 0))
        for subject, times in self._times.items():
            since = {name: len(times) - bisect.bisect_right(times, now - seconds) for name, seconds in WINDOWS.items()}
            for name, sessions in since.items():
                found["active", name] += sessions > 0
            before = len(times) - since["30d"] - bisect.bisect_right(times, now - 2 * WINDOWS["30d"])
            found["power", "30d"] += since["30d"] >= _POWER
            found["retained", "30d"] += since["30d"] > 0 and before > 0
            found["churned", "30d"] += since["30d"] == 0 and before > 0
            first = self.first[subject]
            if first > now - WINDOWS["7d"]:
                found["new", "7d"] += 1
                found["activated", "7d"] += bisect.bisect_right(times, first + WINDOWS["7d"]) >= _ACTIVATED
        return found
