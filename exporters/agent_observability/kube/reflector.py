"""Keeps a picture of one resource: a list, then a watch from there, and a new list whenever the watch cannot go on.

The rules are those every client of the API has to follow: pages with `continue`; never `resourceVersion=0`, which
ignores the page size; every event and bookmark moves the version on; the end of a watch is no reason to list again, but
410 is.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable

import aiohttp
import msgspec

from agent_observability.kube.backoff import Backoff
from agent_observability.kube.client import KubeClient
from agent_observability.kube.errors import GoneError, KubeError, ThrottledError, UnavailableError
from agent_observability.kube.sink import Health, Resource, Sink
from agent_observability.kube.wire import Page, Versioned, decode_event, decode_page, decode_versioned, lines

__all__ = ["Reflector"]

log = logging.getLogger(__name__)

_WATCH_SECONDS = (300, 600)
# How much longer than the server's own limit a watch may be silent before it is taken for dead.
_GRACE_SECONDS = 15.0
_UNAVAILABLE_SECONDS = 60.0
# A server, or a proxy before it, that ends watches at once must not be asked in a circle.
_SHORT_SECONDS = 1.0
_ITEMS_AT_ONCE = 50
_MISSING = 2
# After these a watch may go on where it was, but for so many of them in a row.
_PASSING = frozenset({0, 401, 500, 502, 503})
_FAILURES = 6
# Where the first part of a streaming list ends.
_INITIAL_END = "k8s.io/initial-events-end"


_TYPES = frozenset({"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"})


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
        # Whether a streaming list has just ended, after its time as a watch.
        self._streamed = False
        self._failed = self._missing = 0

    async def run(self) -> None:
        """Until cancelled. Errors of the API are waited out; those of the sink end it."""
        while True:
            try:
                await self._go_on()
                self._failed = self._missing = 0
            except (KubeError, aiohttp.ClientError, TimeoutError, OSError, msgspec.MsgspecError) as error:
                results = self.health.watches if self._version else self.health.lists
                result, seconds = self._bear(error)
                results[result] += 1
                if self._missing == _MISSING:
                    await self._sink.missing()
                await self._wait(seconds, error)

    async def _go_on(self) -> None:
        """One list, or one watch to its end."""
        begun = time.monotonic()
        if not self._version and (not self._streaming or not await self._stream()):
            await self._list()
            self.health.lists["ok"] += 1
            return
        if not self._streamed:
            await self._watch()
        self._streamed = False
        self.health.watches["ok"] += 1
        if time.monotonic() - begun < _SHORT_SECONDS:
            await asyncio.sleep(self._backoff.failed())

    def _bear(self, error: BaseException) -> tuple[str, float]:
        """What an error comes to, as metrics name it, and the seconds to wait."""
        if isinstance(error, GoneError):
            again = bool(self._version)
            self._version = ""
            return "gone", 0.0 if again else self._backoff.failed()
        if isinstance(error, ThrottledError):
            # Not all at once again.
            return "throttled", error.seconds * (1 + random.random() / 10)  # noqa: S311 - spreads load
        if isinstance(error, UnavailableError):
            self._version = ""
            self.health.synced = False
            self.health.refused = True
            self._on_settled()
            self._missing = self._missing + 1 if error.status == 404 else 0
            return "denied" if error.status == 403 else "missing", self._unavailable_seconds
        if isinstance(error, KubeError):
            self._failed += 1
            if error.status not in _PASSING or self._failed >= _FAILURES:
                # The version may be none that the API can go on from.
                self._version = ""
        return "error", self._backoff.failed()

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
        if not page.metadata.resource_version:
            raise KubeError(f"{self.resource.path}: a list without a version")
        await listing.finish()
        self._synced(page.metadata.resource_version)

    async def _fetch(self, parameters: dict[str, str]) -> Page:
        async with self._client.get(self.resource.path, parameters) as body:
            return decode_page(await body.read())

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
                async for line in lines(body):
                    if self._version:
                        await self._take(line)
                        continue
                    event = decode_event(line)
                    about = decode_versioned(event.object)
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
        if not self._version:
            raise KubeError(f"{self.resource.path}: a streaming list that ended in its middle")
        self._streamed = True
        return True

    async def _watch(self) -> None:
        async with self._watching({"resourceVersion": self._version}) as body:
            self.health.problem = ""
            async for line in lines(body):
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
        event = decode_event(line)
        self.health.events[event.type if event.type in _TYPES else "other"] += 1
        self.health.last_event = time.time()
        try:
            about = decode_versioned(event.object)
        except msgspec.MsgspecError:
            # One object that is no object must not be asked for again and again.
            about = Versioned()
        if event.type == "ERROR":
            raise _error(self.resource, about)
        if event.type in ("ADDED", "MODIFIED", "DELETED"):
            await self._sink.changed(event.type, event.object)  # type: ignore[arg-type]
        # Only after the sink has it: what breaks off in between comes again.
        self._version = about.metadata.resource_version or self._version
        # A version from which events come is one that the API can go on from.
        self._failed = 0

    async def _wait(self, seconds: float, error: BaseException) -> None:
        problem = " ".join(str(error).split()) or type(error).__name__
        if problem != self.health.problem:
            log.warning("%s: %s; next try in %.1f s", self.resource.name, problem, seconds)
        self.health.problem = problem
        await asyncio.sleep(seconds)


def _error(resource: Resource, about: Versioned) -> KubeError:
    message = f"{resource.path}: the watch ended with {about.code}: {about.message}"
    return GoneError(message, 410) if about.code == 410 else KubeError(message, about.code)
