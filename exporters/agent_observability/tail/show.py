"""What is shown of a tailer: as metrics, and on the landing page."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from agent_observability.collector import LiveCollector, Sample
from agent_observability.metric import Metric
from agent_observability.runtime import SourceStatus
from agent_observability.tail.metrics import TAIL_LAG, TAIL_LAST_EVENT, TAIL_UP
from agent_observability.tail.watch import Watch

__all__ = ["Shown", "TailCollector", "shown"]


@dataclass(frozen=True, slots=True)
class Shown:
    """As of the last look: what cannot be read and why, `lag` and `size` in bytes, `newest` as Unix time.

    `problems` is None before the first look: whether the log can be read is not known then, and a start is no outage.
    """

    problems: tuple[str, ...] | None = None
    lag: int = 0
    size: int = 0
    newest: float = 0.0
    statuses: tuple[SourceStatus, ...] = ()


def shown(watch: Watch) -> Shown:
    """In the worker's thread."""
    statuses = []
    for path, trail in watch.trails.items():
        problem, detail = trail.problem, "is followed"
        if not trail.here and glob.has_magic(trail.pattern):
            # What a wildcard has matched and is gone was removed, and nothing is wrong with that.
            if trail.over:
                continue
            problem, detail = trail.unreadable, "was removed, and is read to its end"
        lag = trail.state.lag
        statuses.append(SourceStatus(path, not problem, _size(lag) if lag else "", problem or detail))
    statuses += [SourceStatus(pattern, healthy=False, lag="", detail="matches no file") for pattern in watch.unmatched]
    if watch.left_out:
        detail = f"{watch.left_out} more files match than may be followed"
        statuses.append(SourceStatus("more", healthy=False, lag="", detail=detail))
    trails = watch.trails.values()
    return Shown(
        problems=tuple(f"{one.name}: {one.detail}" for one in statuses if not one.healthy),
        lag=sum(trail.state.lag for trail in trails),
        size=sum(trail.state.size for trail in trails),
        newest=max((trail.state.newest for trail in trails), default=0.0),
        statuses=tuple(statuses),
    )


class TailCollector(LiveCollector):
    """The gauges of a tailer."""

    metrics = (TAIL_UP, TAIL_LAG, TAIL_LAST_EVENT)

    def __init__(self, source: str, now: Callable[[], Shown]) -> None:
        super().__init__()
        self.name = f"tail_{source}"
        self._labels = (source,)
        self._now = now

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        now = self._now()
        if now.problems is None:
            return
        yield TAIL_UP, [(self._labels, float(not now.problems))]
        yield TAIL_LAG, [(self._labels, float(now.lag))]
        if now.newest:
            yield TAIL_LAST_EVENT, [(self._labels, now.newest)]


def _size(size: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
