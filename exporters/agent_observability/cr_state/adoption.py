"""Who uses the platform, and how soon: segments of projects and users, and each project's first completed session."""

from __future__ import annotations

import time
from collections.abc import Mapping

import msgspec

from agent_observability.cr_state import metrics as m
from agent_observability.cr_state.activity import Activity
from agent_observability.cr_state.follower import Follower, Scene
from agent_observability.cr_state.objects import Object, epoch
from agent_observability.cr_state.recorder import Recorder
from agent_observability.cr_state.session import Facts
from agent_observability.cr_state.state import SessionGauges
from agent_observability.cr_state.view import SessionListener
from agent_observability.exposition import RenderedFamily
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
        self._created: dict[str, float] = {}
        self._count_next = float("-inf")

    def known(self, facts: Facts) -> None:
        if facts.user and self._users.add(facts.user, facts.created):
            self._recorder.fact(USER, facts.user, _encode(facts.created))
        if self._projects.add(facts.namespace, facts.created):
            self._recorder.fact(PROJECT, facts.namespace, _encode(facts.created))

    def ended(self, facts: Facts) -> None:
        if facts.end_phase != "completed" or facts.ended is None:
            return
        first = self._completions.get(facts.namespace)
        if first is None or facts.ended < first:
            self._completions[facts.namespace] = facts.ended
            self._recorder.fact(COMPLETION, facts.namespace, _encode(facts.ended))
            self._show(facts.namespace)

    def settings(self, project: str, created: float | None) -> None:
        """A project has settings, created at a time, or (None) no longer."""
        if created is None:
            self._created.pop(project, None)
        else:
            self._created[project] = created
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
        if created is None:
            for metric in (m.PROJECT_CREATED, m.PROJECT_SETTINGS, m.PROJECT_FIRST_COMPLETION):
                self._store.remove(metric, (project,))
            return
        self._store.set(m.PROJECT_CREATED, (project,), created)
        self._store.set(m.PROJECT_SETTINGS, (project,), 1)
        if completed is not None:
            self._store.set(m.PROJECT_FIRST_COMPLETION, (project,), max(0.0, completed - created))


class Projects(Follower[Object, tuple[str, float]]):
    """ProjectSettings: one per project, whose creation starts the project's clock."""

    def __init__(self, scene: Scene, adoption: Adoption, gauges: SessionGauges) -> None:
        super().__init__("projectsettings", Object, scene)
        self._adoption = adoption
        self._gauges = gauges
        self._told: dict[str, str] = {}

    def look(self, uid: str, found: Object) -> tuple[str, float]:
        return found.metadata.namespace, epoch(found.metadata.creation_timestamp) or 0.0

    def show(self, uid: str, look: tuple[str, float], *, live: bool) -> None:
        project, created = look
        self._told[uid] = project
        self._gauges.project(project)
        self._adoption.settings(project, created)

    def drop(self, uid: str) -> None:
        project = self._told.pop(uid)
        if project not in self._told.values():
            self._adoption.settings(project, None)
