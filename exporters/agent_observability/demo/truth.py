"""What a perfect observer of the demo platform would have counted, from the platform's own knowledge, not its objects.

An observer that is cut off misses what comes and goes in the meantime, and sees the rest as it is when it looks again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent_observability.demo.run import Run

__all__ = ["Truth"]

Key = tuple[str, ...]


@dataclass(slots=True)
class _Seen:
    phase: str
    mode: str
    restarts: int
    started: int | None
    ended: bool
    began: int | None
    restarted: bool = False

    def tells_restart(self) -> bool:
        """Whether an object that shows a later start than this look did tells of a restart.

        One that waited did not tell which start it waited for: that of its creation, or that of its last restart.
        """
        return self.phase not in ("pending", "creating") or (self.began is not None and not self.restarted)


class Truth:
    """`look` is called with every change. While `away`, looks wait until `back`."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[Key]] = defaultdict(Counter)
        self.seconds: dict[str, dict[Key, list[int]]] = defaultdict(lambda: defaultdict(list))
        self.away = False
        self._seen: dict[str, _Seen] = {}
        self._missed: dict[str, Run] = {}
        self._runners: dict[str, tuple[str, Run]] = {}
        self._runners_seen: dict[str, bool] = {}
        self._custom: frozenset[str] = frozenset()

    def custom(self, models: tuple[str, ...]) -> None:
        self._custom = frozenset(models)

    def history(self, run: Run) -> None:
        """It was there before anybody looked."""
        self._seen[run.uid] = _Seen(run.phase, run.mode, run.restarts, run.started, run.over, _began(run))

    def look(self, run: Run) -> None:
        if self.away:
            self._missed[run.uid] = run
            return
        if run.deleted:
            return
        seen, project = self._seen.get(run.uid), run.project
        if seen is None:
            seen = self._seen[run.uid] = _Seen(
                run.phase, run.mode, run.restarts, started=None, ended=False, began=_began(run)
            )
            self.counts["created"][project, str(run.mode == "interactive").lower()] += 1
            self.counts["repos"][project, "3+" if run.repos > 2 else str(max(1, run.repos))] += 1
        elif seen.phase != run.phase:
            self.counts["transitions"][project, seen.phase, run.phase] += 1
        if run.restarts > seen.restarts and seen.tells_restart():
            self.counts["restarts"][project,] += 1
            seen.restarted = True
        if run.started is not None and seen.started is None:
            # After a restart that nobody saw, this is not the first start; the object does not tell.
            seen.started = run.started
            self.seconds["queue"][project, seen.mode].append(run.started - run.created)
        if run.over and not seen.ended:
            self._end(run, seen)
        seen.phase, seen.restarts, seen.began = run.phase, run.restarts, _began(run)

    def mode(self, run: Run) -> str:
        """As it was when it was first seen."""
        return self._seen[run.uid].mode

    def look_runner(self, uid: str, run: Run) -> None:
        """The Job or pod that runs a session is there."""
        if self.away:
            self._runners[run.uid] = uid, run
            return
        if uid not in self._runners_seen:
            self._runners_seen[uid] = False
            self.counts["jobs_created"][run.project,] += 1
        if run.over and not self._runners_seen[uid]:
            self._runners_seen[uid] = True
            result = "succeeded" if run.phase in ("completed", "stopped") else "failed"
            self.counts["jobs_completed"][run.project, result] += 1

    def runner_gone(self, run: Run) -> None:
        """It was removed."""
        self._runners.pop(run.uid, None)

    def back(self) -> None:
        """Look again at all that has changed in the meantime and is still there."""
        self.away = False
        missed, self._missed = self._missed, {}
        for run in missed.values():
            self.look(run)
        runners, self._runners = self._runners, {}
        for uid, run in runners.values():
            self.look_runner(uid, run)

    def summary(self) -> dict[str, Any]:
        """As JSON."""
        return {"counts": _by_text(self.counts), "seconds": _by_text(self.seconds)}

    def _end(self, run: Run, seen: _Seen) -> None:
        seen.ended = True
        project = run.project
        custom = str(run.model in self._custom).lower()
        reason = "none" if run.phase == "completed" else run.reason
        self.counts["completed"][project, run.phase] += 1
        self.counts["outcomes"][project, seen.mode, run.model, custom, run.phase, reason] += 1
        if run.ended is not None:
            self.seconds["duration"][project, run.phase].append(run.ended - run.created)
            if seen.started is not None:
                self.seconds["run"][project, seen.mode].append(run.ended - seen.started)


def _began(run: Run) -> int | None:
    return run.began if run.visible else None


def _by_text(found: Mapping[str, Mapping[Key, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {"/".join(key): value for key, value in of.items()} for name, of in found.items()}
