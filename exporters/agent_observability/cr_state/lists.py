"""How lists and watches reach a follower: watches object by object, a list as a whole."""

from __future__ import annotations

import asyncio
from typing import Generic, Literal

import msgspec

from agent_observability.cr_state.follower import Follower, LookT, T
from agent_observability.cr_state.scene import EVERYWHERE
from agent_observability.kube.sink import Listing, Sink

__all__ = ["AdoptionSink", "ScopeSink"]

_STEP = 200


class ScopeSink(Sink, Generic[T, LookT]):
    """What a reflector of a scope hands its objects to."""

    def __init__(self, follower: Follower[T, LookT], scope: str = EVERYWHERE) -> None:
        self._follower = follower
        self._scope = scope

    def listing(self) -> Listing:
        return _List(self._follower, self._scope)

    async def missing(self) -> None:
        follower = self._follower
        with follower.curtain.closed():
            for uid in follower.within(self._scope):
                follower.conceal(uid)
            follower.listed_names = frozenset(follower.wanted_names)
            follower.missing(self._scope)

    async def changed(self, kind: Literal["ADDED", "MODIFIED", "DELETED"], item: msgspec.Raw) -> None:
        self._follower.hear(kind, item, live=True)


class AdoptionSink(ScopeSink[T, LookT]):
    """For one list of a namespace that is wanted from now on, while all others are followed all the time."""

    def listing(self) -> Listing:
        return _Adoption(self._follower, self._scope)


class _Adoption(Listing, Generic[T, LookT]):
    def __init__(self, follower: Follower[T, LookT], scope: str) -> None:
        self._follower = follower
        self._scope = scope

    def add(self, item: msgspec.Raw) -> None:
        self._follower.hear("ADDED", item, live=False)

    async def finish(self) -> None:
        self._follower.history_ends(self._scope)


class _List(Listing, Generic[T, LookT]):
    """Looks aside; of an object that has not changed since it was shown, only that it is there."""

    def __init__(self, follower: Follower[T, LookT], scope: str) -> None:
        self._follower = follower
        self._scope = scope
        # Whatever comes by another way meanwhile is newer than the list.
        self._before = set(follower.within(scope))
        self._names = frozenset(follower.wanted_names)
        self._there: set[str] = set()
        # Namespace and version, the version shown before, and the look, by uid.
        self._looks: dict[str, tuple[tuple[str, str], str, LookT]] = {}

    def add(self, item: msgspec.Raw) -> None:
        follower = self._follower
        uid = ""
        if self._before:
            uid, version = follower.peek(item)
            if uid and version and follower.known(uid) == version:
                self._there.add(uid)
                return
        found = follower.read(item)
        if found is None and follower.known(uid):
            # What it has become cannot be told; what it was is the last that is known.
            self._there.add(uid)
        elif found is not None:
            meta = found.metadata
            self._there.add(meta.uid)
            before = follower.known(meta.uid)
            look = follower.try_look(meta.uid, found)
            if look is not None:
                self._looks[meta.uid] = (meta.namespace, meta.resource_version), before, look

    async def finish(self) -> None:
        follower = self._follower
        with follower.curtain.closed():
            for done, uid in enumerate(list(self._looks), 1):
                found_at, before, look = self._looks.pop(uid)
                if follower.known(uid) == before:
                    follower.take(uid, found_at, look, live=False)
                if done % _STEP == 0:
                    await asyncio.sleep(0)
            for done, uid in enumerate(self._before - self._there, 1):
                follower.forget(uid)
                if done % _STEP == 0:
                    await asyncio.sleep(0)
            follower.listed_names = self._names
            follower.listed(self._scope)
