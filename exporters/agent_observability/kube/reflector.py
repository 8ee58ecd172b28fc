"""Keeps a picture of one resource: a list, then a watch from there, and a new list whenever the watch cannot go on.

The rules are those every client of the API has to follow: pages with `continue`; never `resourceVersion=0`, which
ignores the page size; every event and bookmark moves the version on; the end of a watch is no reason to list again, but
410 is.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
import logging
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Literal

import aiohttp
import msgspec

from agent_observability.kube.backoff import Backoff
from agent_observability.kube.client import KubeClient
from agent_observability.kube.errors import GoneError, KubeError, ThrottledError, UnavailableError

__all__ = ["Health", "Listing", "Reflector", "Resource", "Sink"]

log = logging.getLogger(__name__)

_WATCH_SECONDS = (300, 600)
# How much longer than the server's own limit a watch may be silent before it is taken for dead.
_GRACE_SECONDS = 15.0
_UNAVAILABLE_SECONDS = 60.0
# A server, or a proxy before it, that ends watches at once must not be asked in a circle.
_SHORT_SECONDS = 1.0
_ITEMS_AT_ONCE = 50
_MISSING = 2
# Where the first part of a streaming list ends.
_INITIAL_END = "k8s.io/initial-events-end"
_LINE_BYTES = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class Resource:
    """What to follow: `name` for metrics (`agenticsessions`), `path` of its collection, and selectors."""

    name: str
    path: str
    labels: str = ""
    fields: str = ""

    def parameters(self) -> dict[str, str]:
        selectors = {"labelSelector": self.labels, "fieldSelector": self.fields}
        return {key: value for key, value in selectors.items() if value}


class Listing(abc.ABC):
    """A picture in the making, aside from the one that is shown."""

    @abc.abstractmethod
    def add(self, item: msgspec.Raw) -> None:
        """One object of the list."""

    @abc.abstractmethod
    async def finish(self) -> None:
        """The list is complete: from now on this is the picture. Never called for one that broke off."""


class Sink(abc.ABC):
    """Whoever wants the objects. Called in order, on the event loop."""

    @abc.abstractmethod
    def listing(self) -> Listing:
        """Begin a new picture."""

    @abc.abstractmethod
    async def changed(self, kind: Literal["ADDED", "MODIFIED", "DELETED"], item: msgspec.Raw) -> None:
        """An object is new, different or gone."""

    @abc.abstractmethod
    async def missing(self) -> None:
        """The API has no such resource, and has said so twice: while it starts, it may say so in error."""


@dataclass(slots=True)
class Health:
    """How a reflector fares; times are Unix time, 0 for never. `problem` says what is wrong now.

    `refused`: the API has answered that there is no such resource, or that it is not for us.
    """

    synced: bool = False
    refused: bool = False
    problem: str = "not listed yet"
    last_sync: float = 0.0
    last_event: float = 0.0
    lists: Counter[str] = field(default_factory=Counter)
    watches: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)


class _ListMeta(msgspec.Struct):
    resource_version: str = msgspec.field(name="resourceVersion", default="")
    more: str = msgspec.field(name="continue", default="")


class _Page(msgspec.Struct):
    metadata: _ListMeta = msgspec.field(default_factory=_ListMeta)
    items: list[msgspec.Raw] | None = None


class _Meta(msgspec.Struct):
    resource_version: str = msgspec.field(name="resourceVersion", default="")
    annotations: dict[str, str] | None = None


class _Versioned(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)
    code: int = 0
    message: str = ""


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


_page = msgspec.json.Decoder(_Page)
_event = msgspec.json.Decoder(_Event)
_versioned = msgspec.json.Decoder(_Versioned)


class Reflector:
    """Follows one resource for as long as `run` does.

    `settled` is called after each complete list, and whenever the API refuses to give one.
    """

    def __init__(
        self,
        client: KubeClient,
        resource: Resource,
        sink: Sink,
        *,
        page: int = 500,
        watch_seconds: Callable[[], int] = lambda: random.randint(*_WATCH_SECONDS),  # noqa: S311 - spreads load
        unavailable_seconds: float | None = None,
        backoff: Backoff | None = None,
        streaming: bool = False,
        settled: Callable[[], None] = lambda: None,
    ) -> None:
        self.resource = resource
        self.health = Health()
        self._client = client
        self._sink = sink
        self._page = page
        self._watch_seconds = watch_seconds
        self._unavailable_seconds = _UNAVAILABLE_SECONDS if unavailable_seconds is None else unavailable_seconds
        self._backoff = backoff or Backoff()
        self._streaming = streaming
        self._on_settled = settled
        self._version = ""

    async def run(self) -> None:
        """Until cancelled. Errors of the API are waited out; those of the sink end it."""
        missing = 0
        while True:
            listing = not self._version
            results = self.health.lists if listing else self.health.watches
            try:
                begun = time.monotonic()
                if not listing:
                    await self._watch()
                elif not self._streaming or not await self._stream():
                    await self._list()
                missing = 0
                results["ok"] += 1
                if not listing and time.monotonic() - begun < _SHORT_SECONDS:
                    await asyncio.sleep(self._backoff.failed())
            except GoneError as error:
                results["gone"] += 1
                self._version = ""
                if listing:
                    await self._wait(self._backoff.failed(), error)
            except ThrottledError as error:
                results["throttled"] += 1
                await self._wait(error.seconds, error)
            except UnavailableError as error:
                results["denied" if error.status == 403 else "missing"] += 1
                self._version = ""
                self.health.synced = False
                self.health.refused = True
                self._on_settled()
                missing = missing + 1 if error.status == 404 else 0
                if missing == _MISSING:
                    await self._sink.missing()
                await self._wait(self._unavailable_seconds, error)
            except KubeError as error:
                results["error"] += 1
                if error.status == 400:
                    # The version is none, as the API sees it.
                    self._version = ""
                await self._wait(self._backoff.failed(), error)
            except (aiohttp.ClientError, TimeoutError, OSError, msgspec.MsgspecError) as error:
                results["error"] += 1
                await self._wait(self._backoff.failed(), error)

    async def _list(self) -> None:
        listing = self._sink.listing()
        parameters = {**self.resource.parameters(), "limit": str(self._page)}
        ahead = asyncio.create_task(self._fetch(parameters))
        try:
            while True:
                page = await ahead
                more = page.metadata.more
                if more:
                    # While this page is read, the server makes the next one.
                    ahead = asyncio.create_task(self._fetch({**parameters, "continue": more}))
                for number, item in enumerate(page.items or ()):
                    if number % _ITEMS_AT_ONCE == 0:
                        await asyncio.sleep(0)
                    listing.add(item)
                if not more:
                    break
        finally:
            ahead.cancel()
        await listing.finish()
        self._synced(page.metadata.resource_version)

    async def _fetch(self, parameters: dict[str, str]) -> _Page:
        async with self._client.get(self.resource.path, parameters) as body:
            return _page.decode(await body.read())

    def _synced(self, version: str) -> None:
        self._version = version
        self.health.synced = True
        self.health.refused = False
        self.health.problem = ""
        self.health.last_sync = time.time()
        self._on_settled()

    async def _stream(self) -> bool:
        """List by a watch that begins with what there is, and goes on as one; whether the API can do that."""
        listing = self._sink.listing()
        asked = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
        try:
            async with self._watching(asked) as body:
                async for line in _lines(body):
                    if self._version:
                        await self._take(line)
                        continue
                    event = _event.decode(line)
                    about = _versioned.decode(event.object)
                    if event.type == "ERROR":
                        raise _error(self.resource, about)
                    if event.type == "ADDED":
                        listing.add(event.object)
                    elif event.type == "BOOKMARK" and (about.metadata.annotations or {}).get(_INITIAL_END) == "true":
                        await listing.finish()
                        self.health.lists["ok"] += 1
                        self._synced(about.metadata.resource_version)
        except KubeError as error:
            # An API that is too old refuses what it does not know.
            if error.status not in (400, 422):
                raise
            self._streaming = False
            return False
        return True

    async def _watch(self) -> None:
        async with self._watching({"resourceVersion": self._version}) as body:
            self.health.problem = ""
            async for line in _lines(body):
                await self._take(line)

    def _watching(self, more: dict[str, str]) -> contextlib.AbstractAsyncContextManager[aiohttp.StreamReader]:
        seconds = self._watch_seconds()
        parameters = {
            **self.resource.parameters(),
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(seconds),
            **more,
        }
        return self._client.get(self.resource.path, parameters, silence=seconds + _GRACE_SECONDS)

    async def _take(self, line: bytes) -> None:
        event = _event.decode(line)
        self.health.events[event.type if event.type in _TYPES else "other"] += 1
        self.health.last_event = time.time()
        try:
            about = _versioned.decode(event.object)
        except msgspec.MsgspecError:
            # One object that is no object must not be asked for again and again.
            about = _Versioned()
        if event.type == "ERROR":
            raise _error(self.resource, about)
        if event.type in ("ADDED", "MODIFIED", "DELETED"):
            await self._sink.changed(event.type, event.object)  # type: ignore[arg-type]
        # Only after the sink has it: what breaks off in between comes again.
        self._version = about.metadata.resource_version or self._version

    async def _wait(self, seconds: float, error: BaseException) -> None:
        problem = " ".join(str(error).split()) or type(error).__name__
        if problem != self.health.problem:
            log.warning("%s: %s; next try in %.1f s", self.resource.name, problem, seconds)
        self.health.problem = problem
        await asyncio.sleep(seconds)


def _error(resource: Resource, about: _Versioned) -> KubeError:
    message = f"{resource.path}: the watch ended with {about.code}: {about.message}"
    return GoneError(message, 410) if about.code == 410 else KubeError(message, about.code)


_TYPES = frozenset({"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"})


async def _lines(body: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Lines of a stream, however long and however cut into chunks; a last one without its end is dropped."""
    parts: list[bytes] = []
    size = 0
    async for chunk in body.iter_any():
        first, *rest = chunk.split(b"\n")
        parts.append(first)
        size += len(first)
        if size > _LINE_BYTES:
            raise KubeError(f"a watch event is larger than {_LINE_BYTES // 1024**2} MiB")
        for following in rest:
            line = b"".join(parts)
            if line.strip():
                yield line
            parts = [following]
            size = len(following)
