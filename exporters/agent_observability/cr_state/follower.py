"""Objects of one resource: decoded, each look at one taken once, and whole lists swapped in."""

from __future__ import annotations

import abc
import logging
from collections.abc import Set
from typing import Any, Generic, Literal, TypeVar

import msgspec

from agent_observability.cr_state.metrics import DECODE_ERRORS
from agent_observability.cr_state.objects import Object
from agent_observability.cr_state.scene import EVERYWHERE, Scene
from agent_observability.cr_state.text import clean, shared
from agent_observability.kube.tolerant import Tolerant

__all__ = ["AnyFollower", "Follower", "LookT", "T"]

log = logging.getLogger(__name__)

T = TypeVar("T", bound=Object)
LookT = TypeVar("LookT")

_GONE_KEPT = 10_000


class _PeekMeta(msgspec.Struct, rename="camel"):
    uid: str = ""
    resource_version: str = ""


class _Peek(msgspec.Struct):
    metadata: _PeekMeta = msgspec.field(default_factory=_PeekMeta)


_peek = msgspec.json.Decoder(_Peek)


class Follower(abc.ABC, Generic[T, LookT]):
    """What a subclass makes of an object is a look, taken aside; shown looks are the picture.

    Everything is called on the event loop.
    """

    namespaced = True
    """Whether every object is in a namespace."""

    def __init__(self, resource: str, kind: type[T], scene: Scene) -> None:
        self.resource = resource
        self.recorder = scene.recorder
        self.baselines = scene.baselines
        self.curtain = scene.curtain
        self._wanted = scene.namespaces
        self._tolerant = Tolerant(kind)
        # What is shown: namespace and version, by uid.
        self._shown: dict[str, tuple[str, str]] = {}
        # Versions at which objects were deleted, so that a replayed watch does not bring them back.
        self._gone: dict[str, str] = {}
        self.listed_names: Set[str] = frozenset()
        """The namespaces that the last list was made for, where not all are wanted."""

    @abc.abstractmethod
    def look(self, uid: str, found: T) -> LookT:
        """What an object comes to; changes nothing."""

    @abc.abstractmethod
    def show(self, uid: str, look: LookT, *, live: bool) -> None:
        """From now on this is the object. `live`: it came by a watch, just now."""

    @abc.abstractmethod
    def drop(self, uid: str) -> None:
        """The object is gone. Only for one that was shown."""

    def hide(self, uid: str) -> None:
        """The object is shown no longer, but may well exist: what is remembered of it stays."""
        self.drop(uid)

    def listed(self, scope: str) -> None:
        """A list of a scope is complete."""

    def missing(self, scope: str) -> None:
        """The API has no such resource; what was shown of it is dropped."""

    def history_ends(self, scope: str) -> None:
        """What is unknown in a scope, or of a list everywhere in the namespaces it was made for, is new from now on."""
        selected = scope == EVERYWHERE and not self._wanted.every
        for one in self.listed_names if selected else (scope,):
            self.baselines.pass_(self.resource, one)

    @property
    def wanted_names(self) -> Set[str]:
        """The namespaces that are wanted now, where not all are."""
        return self._wanted.names

    def wants(self, namespace: str) -> bool:
        """Whether the objects of a namespace count."""
        return namespace in self._wanted

    def __len__(self) -> int:
        return len(self._shown)

    def read(self, raw: msgspec.Raw) -> T | None:
        """The object with what is wrong left out and counted; None for one that cannot be followed."""
        try:
            found, wrong = self._tolerant.decode(raw)
        except ValueError:
            self._wrong("object")
            return None
        meta = found.metadata
        complete = meta.uid and meta.name and (meta.namespace or not self.namespaced)
        if wrong or not complete:
            missing = [name for name in ("uid", "name", "namespace") if not complete and not getattr(meta, name)]
            for path in {*wrong, *(f"metadata.{name}" for name in missing)}:
                self._wrong(path)
            if not complete:
                return None
        meta.uid, meta.name, meta.namespace = clean(meta.uid), clean(meta.name), shared(meta.namespace)
        return found if not meta.namespace or meta.namespace in self._wanted else None

    def peek(self, raw: msgspec.Raw) -> tuple[str, str]:
        """Uid and version, "" where they cannot be had."""
        try:
            meta = _peek.decode(raw).metadata
        except msgspec.MsgspecError:
            return "", ""
        return meta.uid, meta.resource_version

    def known(self, uid: str) -> str:
        """The version that is shown, "" for none."""
        shown = self._shown.get(uid)
        return shown[1] if shown else ""

    def try_look(self, uid: str, found: T) -> LookT | None:
        """A look, or None, counted, where that fails: no object may end the following of all others."""
        try:
            return self.look(uid, found)
        except Exception:
            log.exception("%s %s/%s makes no sense", self.resource, found.metadata.namespace, found.metadata.name)
            self._wrong("object")
            return None

    def take(self, uid: str, found_at: tuple[str, str], look: LookT, *, live: bool) -> None:
        """Show a look at an object in a namespace and version."""
        with self.curtain.lock:
            self._shown[uid] = found_at
            self.show(uid, look, live=live)

    def forget(self, uid: str, version: str = "") -> None:
        """Drop an object, if it is shown; remember at which version."""
        if uid in self._shown:
            with self.curtain.lock:
                self.drop(uid)
            version = version or self._shown[uid][1]
            del self._shown[uid]
        self._gone[uid] = version
        if len(self._gone) > _GONE_KEPT:
            del self._gone[next(iter(self._gone))]

    def conceal(self, uid: str) -> None:
        """Hide an object that is shown; it may be shown again as it is."""
        with self.curtain.lock:
            self.hide(uid)
        del self._shown[uid]

    def hear(self, kind: Literal["ADDED", "MODIFIED", "DELETED"], item: msgspec.Raw, *, live: bool) -> None:
        """An object is new, different or gone, or was looked up on its own."""
        uid, version = self.peek(item)
        uid = clean(uid)
        if uid and self.stale(uid, version):
            return
        found = self.read(item)
        # One that comes and goes unseen never was; one that is known may have moved on before it went.
        if found is not None and (kind != "DELETED" or self.known(found.metadata.uid)):
            uid = found.metadata.uid
            look = self.try_look(uid, found)
            if look is not None:
                self.take(uid, (found.metadata.namespace, version), look, live=live)
        if kind == "DELETED" and uid:
            self.forget(uid, version)

    def stale(self, uid: str, version: str) -> bool:
        """Whether a watch repeats what is known already. Versions are compared where they are numbers."""
        known = self.known(uid) or self._gone.get(uid)
        if not known or not version:
            return False
        if known.isdigit() and version.isdigit():
            return int(version) <= int(known)
        return known == version

    def within(self, scope: str) -> list[str]:
        """Uids of the objects shown of a scope."""
        if scope == EVERYWHERE:
            return list(self._shown)
        return [uid for uid, (namespace, _) in self._shown.items() if namespace == scope]

    def unwanted(self) -> None:
        """Drop what is not wanted any more."""
        for uid, (namespace, _) in list(self._shown.items()):
            if namespace not in self._wanted:
                self.conceal(uid)

    def _wrong(self, path: str) -> None:
        self.recorder.count(DECODE_ERRORS, (self.resource, clean(path)))


AnyFollower = Follower[Any, Any]
