"""What the demo's Kubernetes API keeps: objects, the log of their changes, and old pictures for lists in pages."""

from __future__ import annotations

import asyncio
import base64
import copy
import itertools
import json
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Change", "CompactedError", "KubeStore", "matches"]

Object = dict[str, Any]
Key = tuple[str, str]

_LOG = 100_000


class CompactedError(Exception):
    """The version asked for is too old: 410."""


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the log; `version` is that of the object after it, `before` what it replaces."""

    version: int
    resource: str
    type: str
    object: Object
    before: Object | None = None
    raw: bool = False
    """Seen by every watch of its resource, whatever it holds."""

    def seen_by(self, selector: str) -> str:
        """The type that a watch with a label selector sees, "" for none: labels may change, too."""
        if self.raw:
            return self.type
        now = matches(selector, self.object)
        then = self.before is not None and matches(selector, self.before)
        if self.type == "MODIFIED" and now != then:
            return "ADDED" if now else "DELETED"
        return self.type if now else ""


class KubeStore:
    """Objects by resource, namespace and name. Every change gets the next version, as etcd gives it."""

    def __init__(self) -> None:
        self.version = 1
        self._objects: dict[str, dict[Key, Object]] = {}
        self._log: deque[Change] = deque(maxlen=_LOG)
        self.compacted = 0
        self._pictures: dict[int, list[tuple[Key, Object]]] = {}
        self._changed = asyncio.Event()

    def put(self, resource: str, given: Mapping[str, Any]) -> Object:
        """Create or replace an object; its `uid` stays, its `resourceVersion` rises."""
        stored = copy.deepcopy(dict(given))
        meta = stored.setdefault("metadata", {})
        key = (meta.get("namespace", ""), meta["name"])
        kept = self._objects.setdefault(resource, {})
        old = kept.get(key)
        self.version += 1
        meta["resourceVersion"] = str(self.version)
        meta.setdefault("uid", old["metadata"]["uid"] if old else str(uuid.uuid4()))
        kept[key] = stored
        self._add(Change(self.version, resource, "MODIFIED" if old else "ADDED", stored, old))
        return stored

    def put_raw(self, resource: str, given: Object) -> None:
        """Let the log tell of an object just as it is, whatever it holds; it is in no list."""
        self.version += 1
        self._add(Change(self.version, resource, "ADDED", given, raw=True))

    def delete(self, resource: str, namespace: str, name: str) -> None:
        """Raises KeyError for what is not there."""
        gone = copy.deepcopy(self._objects[resource].pop((namespace, name)))
        self.version += 1
        gone["metadata"]["resourceVersion"] = str(self.version)
        self._add(Change(self.version, resource, "DELETED", gone))

    def has(self, resource: str, namespace: str, name: str) -> bool:
        return (namespace, name) in self._objects.get(resource, {})

    def objects(self, resource: str, namespace: str = "") -> Iterator[Object]:
        for (of, _), kept in sorted(self._objects.get(resource, {}).items()):
            if namespace in ("", of):
                yield kept

    def compact(self) -> None:
        """Forget the log and the pictures: older versions and continue tokens are gone."""
        self.compacted = self.version
        self._log.clear()
        self._pictures.clear()

    def page(
        self, resource: str, *, namespace: str = "", selector: str = "", limit: int = 500, token: str = ""
    ) -> tuple[list[Object], str, int]:
        """Up to `limit` objects of one consistent picture, the token of the next page, the picture's version.

        Raises CompactedError for a token whose picture is gone.
        """
        if token:
            state = json.loads(base64.urlsafe_b64decode(token))
            version, start = int(state["version"]), int(state["start"])
            picture = self._pictures.get(version)
            if picture is None:
                raise CompactedError
        else:
            version, start = self.version, 0
            picture = [
                ((kept["metadata"].get("namespace", ""), kept["metadata"]["name"]), kept)
                for kept in self.objects(resource, namespace)
                if matches(selector, kept)
            ]
        items = [kept for _, kept in picture[start : start + limit]]
        following = start + limit
        if following >= len(picture):
            return items, "", version
        self._pictures[version] = picture
        state = {"version": version, "start": following}
        return items, base64.urlsafe_b64encode(json.dumps(state).encode()).decode(), version

    async def changes(self, resource: str, after: int) -> list[Change]:
        """Those after a version, as soon as there are any. Raises CompactedError if some of them are forgotten."""
        while not (found := self.pending(resource, after)):
            await self._changed.wait()
        return found

    def pending(self, resource: str, after: int) -> list[Change]:
        """Those after a version that there are by now. Raises CompactedError if some of them are forgotten."""
        if after < self.compacted:
            raise CompactedError
        newer = itertools.takewhile(lambda change: change.version > after, reversed(self._log))
        return [change for change in newer if change.resource == resource][::-1]

    def _add(self, change: Change) -> None:
        self._log.append(change)
        self._changed.set()
        self._changed = asyncio.Event()


def matches(selector: str, kept: Object) -> bool:
    """Whether a label selector of equalities and existences (`a=b,c,!d`) selects an object."""
    labels: Mapping[str, str] = kept.get("metadata", {}).get("labels") or {}
    for part in filter(None, selector.split(",")):
        name, equals, value = part.partition("=")
        if equals and labels.get(name) != value.lstrip("="):
            return False
        if not equals and (name.lstrip("!") in labels) == name.startswith("!"):
            return False
    return True
