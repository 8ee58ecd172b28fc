"""Gauges over all sessions: how many are in which phase, of which kind, how long they wait."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

from agent_observability.cr_state import metrics as m
from agent_observability.cr_state.view import SessionListener, View
from agent_observability.exposition import RenderedFamily
from agent_observability.metric import Metric
from agent_observability.series import SeriesStore

__all__ = ["SessionGauges"]

_PASSING = ("creating", "stopping")

Key = tuple[Metric, tuple[str, ...]]


class SessionGauges(SessionListener):
    """Kept by adding and taking away; a scrape touches only what has changed, and those that wait.

    `new_project` is told of each project once.
    """

    def __init__(
        self,
        store: SeriesStore,
        *,
        stuck_after: float,
        custom: Callable[[str], bool],
        new_project: Callable[[str], None],
    ) -> None:
        self._new_project = new_project
        self._store = store
        self._stuck_after = stuck_after
        self._custom = custom
        self._numbers: Counter[Key] = Counter()
        self._dirty: set[Key] = set()
        self._projects: set[str] = set()
        # By project: when those that are pending were created, and since when others have been in passing phases.
        self._pending: defaultdict[str, dict[str, float]] = defaultdict(dict)
        self._passing: defaultdict[tuple[str, str], dict[str, float]] = defaultdict(dict)

    def project(self, name: str) -> None:
        """Show zeros for a project from now on."""
        if name not in self._projects:
            self._projects.add(name)
            self._new_project(name)
            for metric in (m.SESSIONS, m.SESSIONS_BY_MODE, m.SESSIONS_BY_REPOS, m.QUEUE_DEPTH, m.STUCK):
                self._store.expect(metric, {"project": [name]})

    def changed(self, uid: str, old: View | None, new: View | None) -> None:
        for view, by in ((old, -1), (new, 1)):
            if view is not None:
                self.project(view.facts.namespace)
                for key in self._keys(view):
                    self._numbers[key] += by
                    self._dirty.add(key)
        if old is not None:
            project = old.facts.namespace
            self._pending[project].pop(uid, None)
            for phase in _PASSING:
                self._passing[project, phase].pop(uid, None)
        if new is not None:
            facts = new.facts
            if facts.phase == "pending":
                self._pending[facts.namespace][uid] = facts.created
            elif facts.phase in _PASSING:
                self._passing[facts.namespace, facts.phase][uid] = facts.since

    def families(self, now: float) -> list[RenderedFamily]:
        for key in self._dirty:
            if not self._numbers[key]:
                del self._numbers[key]
            metric, labels = key
            if metric is m.SESSIONS_BY_MODEL and key not in self._numbers:
                self._store.remove(metric, labels)
            else:
                self._store.set(metric, labels, self._numbers[key])
        self._dirty.clear()
        for project, created in self._pending.items():
            self._store.set(m.QUEUE_DEPTH, (project,), len(created))
            if created:
                self._store.set(m.OLDEST_PENDING, (project,), min(created.values()))
            else:
                self._store.remove(m.OLDEST_PENDING, (project,))
        for labels, since in self._passing.items():
            stuck = sum(now - begun > self._stuck_after for begun in since.values())
            self._store.set(m.STUCK, labels, stuck)
        return self._store.collect()

    def _keys(self, view: View) -> Iterator[Key]:
        facts = view.facts
        project = facts.namespace
        yield m.SESSIONS, (project, facts.phase)
        if not view.ended:
            yield m.SESSIONS_BY_MODE, (project, facts.mode)
            yield m.SESSIONS_BY_MODEL, (project, facts.model, "true" if self._custom(facts.model) else "false")
            yield m.SESSIONS_BY_REPOS, (project, facts.repos)
