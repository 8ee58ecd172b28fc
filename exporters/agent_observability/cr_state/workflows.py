"""RFE workflows: their phases, and which of their steps are done, as the sessions for these steps tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from agent_observability.cr_state import metrics as m
from agent_observability.cr_state.follower import Follower
from agent_observability.cr_state.objects import RfeWorkflow
from agent_observability.cr_state.recorder import Recorder
from agent_observability.cr_state.scene import EVERYWHERE, Scene
from agent_observability.cr_state.view import SessionListener, View
from agent_observability.exposition import RenderedFamily
from agent_observability.metric import OTHER
from agent_observability.series import SeriesStore

__all__ = ["WORKFLOW", "Steps", "Workflows"]

WORKFLOW = "workflow"
"""Kind of the facts about workflows, by namespace and name: which steps are done."""

_PHASES = ("initializing", "ready")
# More would exceed the family's cap anyway.
_MAX_KNOWN = 10_000

# Noted among the steps of a workflow that has, or had, an object.
_OBJECT = "*"

Key = tuple[str, str]
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[str]).decode


class Steps(SessionListener):
    """Which steps are done: latched, and remembered for as long as the workflow is there.

    Where the platform has no workflow objects, the labels of sessions alone tell which workflows there are.
    """

    def __init__(self, recorder: Recorder, store: SeriesStore, facts: Mapping[str, bytes]) -> None:
        self._recorder = recorder
        self._store = store
        self._done: dict[Key, set[str]] = {}
        for key, data in facts.items():
            namespace, _, name = key.partition("/")
            self._done[namespace, name] = set(_decode(data))
        self._objects: Counter[Key] = Counter()
        self._phases: Counter[tuple[str, str]] = Counter()
        # How many sessions are for it.
        self._named: Counter[Key] = Counter()
        self._shown: set[Key] = set()
        self._dirty: set[Key] = set(self._done)
        self._with_objects = False

    def changed(self, uid: str, old: View | None, new: View | None) -> None:
        if (old is None or old.step is None) and (new is None or new.step is None):
            return
        for view, by in ((old, -1), (new, 1)):
            if view is not None and view.step is not None:
                self._named[view.facts.namespace, view.step[0]] += by
        if new is not None and new.step is not None:
            facts = new.facts
            self._tell((facts.namespace, new.step[0]), new.step[1], "completed" in (facts.end_phase, facts.phase))
        if old is not None and old.step is not None:
            self._drop_unnamed((old.facts.namespace, old.step[0]))

    def listed(self, scope: str) -> None:
        for key in list(self._done):
            if scope in (EVERYWHERE, key[0]):
                self._drop_unnamed(key)

    def _tell(self, key: Key, step: str, done: bool) -> None:
        if key not in self._done:
            if len(self._done) >= _MAX_KNOWN:
                return
            self._done[key] = set()
            self._store_fact(key)
        if done and step not in self._done[key]:
            self._done[key].add(step)
            self._store_fact(key)

    def _drop_unnamed(self, key: Key) -> None:
        """Forget a workflow that has no object, once no session names it any more."""
        if self._named[key] <= 0:
            del self._named[key]
            if key in self._done and _OBJECT not in self._done[key]:
                self.gone(key)

    def exists(self, key: Key, phase: str, by: int) -> None:
        """There is one more (1) or one less (-1) such object."""
        self._objects[key] += by
        self._phases[key[0], phase] += by
        self._store.set(m.RFE_WORKFLOWS, (key[0], phase), self._phases[key[0], phase])
        self._dirty.add(key)
        if by > 0 and _OBJECT not in self._done.setdefault(key, set()):
            self._done[key].add(_OBJECT)
            self._store_fact(key)

    def gone(self, key: Key) -> None:
        """The workflow was deleted: one of the same name begins anew."""
        if self._objects[key] <= 0:
            del self._objects[key]
            self._dirty.add(key)
            self._done.pop(key, None)
            self._recorder.fact(WORKFLOW, "/".join(key), None)

    def objects_listed(self, scope: str) -> None:
        """All objects of a scope have been told: others that were there before are gone."""
        for key in [key for key, done in self._done.items() if _OBJECT in done and not self._objects[key]]:
            if scope in (EVERYWHERE, key[0]):
                self.gone(key)

    def have_objects(self, *, have: bool) -> None:
        """Whether the platform has workflow objects; then only those that exist are shown."""
        if have != self._with_objects:
            self._with_objects = have
            self._dirty.update(self._done, self._shown)

    def families(self) -> list[RenderedFamily]:
        for key in self._dirty:
            namespace, name = key
            shown = key in self._done and (self._objects[key] > 0 or not self._with_objects)
            for step in m.STEPS:
                labels = (namespace, namespace, name, step)
                if shown:
                    self._store.set(m.RFE_STEP, labels, int(step in self._done[key]))
                else:
                    self._store.remove(m.RFE_STEP, labels)
            (self._shown.add if shown else self._shown.discard)(key)
        self._dirty.clear()
        return self._store.collect()

    def _store_fact(self, key: Key) -> None:
        self._dirty.add(key)
        self._recorder.fact(WORKFLOW, "/".join(key), _encode(sorted(self._done[key])))


class Workflows(Follower[RfeWorkflow, tuple[Key, str]]):
    """RFEWorkflow objects."""

    def __init__(self, scene: Scene, steps: Steps) -> None:
        super().__init__("rfeworkflows", RfeWorkflow, scene)
        self._steps = steps
        self._told: dict[str, tuple[Key, str]] = {}

    def look(self, uid: str, found: RfeWorkflow) -> tuple[Key, str]:
        phase = (found.status.phase or "Initializing").lower()
        return (found.metadata.namespace, found.metadata.name), phase if phase in _PHASES else OTHER

    def show(self, uid: str, look: tuple[Key, str], *, live: bool) -> None:
        old = self._told.get(uid)
        self._told[uid] = look
        self._steps.exists(*look, 1)
        if old is not None:
            self._steps.exists(*old, -1)

    def drop(self, uid: str) -> None:
        key, phase = self._told.pop(uid)
        self._steps.exists(key, phase, -1)
        self._steps.gone(key)

    def hide(self, uid: str) -> None:
        self._steps.exists(*self._told.pop(uid), -1)

    def listed(self, scope: str) -> None:
        self._steps.objects_listed(scope)
        self._steps.have_objects(have=True)

    def missing(self, scope: str) -> None:
        self._steps.have_objects(have=False)
