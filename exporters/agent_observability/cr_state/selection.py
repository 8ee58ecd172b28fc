"""Namespaces chosen by a label selector: as they come and go, so do their objects."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from agent_observability.cr_state.follower import Follower
from agent_observability.cr_state.objects import Object, epoch
from agent_observability.cr_state.scene import Scene

__all__ = ["Selection"]

Look = tuple[str, float]


class Selection(Follower[Object, Look]):
    """Fills `scene.namespaces`; `changed` is set whenever others count. `always` are wanted whatever their labels.

    One that was created since the ledger `began` has no history: all that is found in it is new.
    """

    namespaced = False

    def __init__(self, scene: Scene, began: float, counted: Sequence[str], always: Collection[str]) -> None:
        super().__init__("namespaces", Object, scene)
        self._began = began
        self._counted = counted
        self._always = frozenset(always)
        self._names: dict[str, str] = {}
        self.changed = asyncio.Event()

    def look(self, uid: str, found: Object) -> Look:
        return found.metadata.name, epoch(found.metadata.creation_timestamp) or 0.0

    def show(self, uid: str, look: Look, *, live: bool) -> None:
        name, created = look
        if uid in self._names:
            return
        self._names[uid] = name
        self._wanted.names.add(name)
        if created >= self._began:
            for resource in self._counted:
                self.baselines.pass_(resource, name)
        if live:
            self.changed.set()

    def drop(self, uid: str) -> None:
        name = self._names.pop(uid)
        # One of the same name may have been made in its place.
        if name not in self._always and name not in self._names.values():
            self._wanted.names.discard(name)
            self.changed.set()

    def listed(self, scope: str) -> None:
        self.changed.set()
