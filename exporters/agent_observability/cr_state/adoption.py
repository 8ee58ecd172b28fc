"""Who uses the platform, and how soon: segments of projects and users, and each project's first completed session."""

from __future__ import annotations

import time
from collections.abc import Mapping

import msgspec

from agent_observability.cr_state import metrics as m
from agent_observability.cr_state.activity import Activity
from agent_observability.cr_state.follower import Follower
from agent_observability.cr_state.objects import Object, epoch
from agent_observability.cr_state.recorder import Recorder
from agent_observability.cr_state.scene import Scene
from agent_observability.cr_state.session import Facts
from agent_observability.cr_state.state import SessionGauges
from agent_observability.cr_state.view import SessionListener, View
from agent_observability.exposition import RenderedFamily
from agent_observability.metric import Metric
from agent_observability.series import SeriesStore

__all__ = ["COMPLETION", "PROJECT", "USER", "Adoption", "Projects"]

USER, PROJECT, COMPLETION = "user", "project", "completion"
"""Kinds of facts: when a user and a project had their first session ever, and a project its first completed one."""

# Counting the segments of tens of thousands of users takes some milliseconds: not more than this share of the time.
_SEGMENT_SHARE = 0.02

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(float).decode


class Adoption(SessionListener):
    """`facts` are the stored ones by kind and key."""

    def __init__(self, recorder: Recorder, store: SeriesStore, facts: Mapping[str, Mapping[str, bytes]]) -> None:
        self._recorder = recorder
        self._store = store
        self._users, self._projects = Activity(), Activity()
        self._users.first.update((key, _decode(data)) for key, data in facts[USER].items())
        self._projects.first.update((key, _decode(data)) for key, data in facts[PROJECT].items())
        self._completions = {key: _decode(data) for key, data in facts[COMPLETION].items()}
        self._created: dict[str, float | None] = {}
        self._count_next = float("-inf")

    def known(self, facts: Facts) -> None:
        if facts.user and self._users.add(facts.user, facts.created):
            self._recorder.fact(USER, facts.user, _encode(facts.created))
        if self._projects.add(facts.namespace, facts.created):
            self._recorder.fact(PROJECT, facts.namespace, _encode(facts.created))

    def changed(self, uid: str, old: View | None, new: View | None) -> None:
        if new is not None and "completed" in (new.facts.end_phase, new.facts.phase):
            facts = new.facts
            # Of a session that has completed only after a restart it is known since when it has.
            self._completed(facts.namespace, facts.ended if facts.end_phase == "completed" else facts.since)

    def _completed(self, project: str, at: float | None) -> None:
        first = self._completions.get(project)
        created = self._created.get(project) or 0.0
        # An older project of the same name may have been quicker; it does not count.
        if at is not None and at >= created and (first is None or at < first or first < created):
            self._completions[project] = at
            self._recorder.fact(COMPLETION, project, _encode(at))
            self._show(project)

    def settings(self, project: str, created: float | None, *, there: bool = True) -> None:
        """A project has settings, created at a time if that is known, or no longer."""
        if there:
            self._created[project] = created
        else:
            self._created.pop(project, None)
        self._show(project)

    def forget_old(self, now: float) -> None:
        """Drop what no segment looks at any more."""
        self._users.forget(now)
        self._projects.forget(now)

    def families(self, now: float) -> list[RenderedFamily]:
        begun = time.monotonic()
        if begun >= self._count_next:
            for metric, activity in ((m.PROJECTS, self._projects), (m.USERS, self._users)):
                for labels, number in activity.segments(now).items():
                    self._store.set(metric, labels, number)
            ended = time.monotonic()
            self._count_next = ended + (ended - begun) / _SEGMENT_SHARE
        return self._store.collect()

    def _show(self, project: str) -> None:
        created, completed = self._created.get(project), self._completions.get(project)
        late = completed - created if completed is not None and created is not None else None
        self._set(m.PROJECT_SETTINGS, project, 1 if project in self._created else None)
        self._set(m.PROJECT_CREATED, project, created)
        self._set(m.PROJECT_FIRST_COMPLETION, project, None if late is None or late < 0 else late)

    def _set(self, metric: Metric, project: str, value: float | None) -> None:
        if value is None:
            self._store.remove(metric, (project,))
        else:
            self._store.set(metric, (project,), value)


class Projects(Follower[Object, tuple[str, float | None]]):
    """ProjectSettings: one per project, whose creation starts the project's clock."""

    def __init__(self, scene: Scene, adoption: Adoption, gauges: SessionGauges) -> None:
        super().__init__("projectsettings", Object, scene)
        self._adoption = adoption
        self._gauges = gauges
        self._told: dict[str, str] = {}

    def look(self, uid: str, found: Object) -> tuple[str, float | None]:
        return found.metadata.namespace, epoch(found.metadata.creation_timestamp)

    def show(self, uid: str, look: tuple[str, float | None], *, live: bool) -> None:
        project, created = look
        self._told[uid] = project
        self._gauges.project(project)
        self._adoption.settings(project, created)

    def drop(self, uid: str) -> None:
        project = self._told.pop(uid)
        if project not in self._told.values():
            self._adoption.settings(project, None, there=False)
