"""A reflector that follows the demo's API, and what it has made of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from agent_observability.demo.kube_api import KubeApi
from agent_observability.demo.kube_store import KubeStore
from agent_observability.kube.backoff import Backoff
from agent_observability.kube.client import KubeClient
from agent_observability.kube.credentials import KubernetesConfig, credentials
from agent_observability.kube.reflector import Reflector
from agent_observability.kube.sink import Listing, Resource, Sink
from tests.support import wait_until_async

THINGS = Resource("things", "/apis/example.org/v1/things")


class Picture(Sink):
    """Objects by uid, as the sink of a real exporter would keep them, and how often it was made anew."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.lists = 0
        self.broken_off = 0
        self.changes: list[tuple[str, str]] = []

    def listing(self) -> Listing:
        return _Listing(self)

    async def changed(self, kind: Literal["ADDED", "MODIFIED", "DELETED"], item: msgspec.Raw) -> None:
        found = msgspec.json.decode(item)
        uid = found["metadata"]["uid"]
        self.changes.append((kind, uid))
        if kind == "DELETED":
            self.objects.pop(uid, None)
        else:
            self.objects[uid] = found

    async def missing(self) -> None:
        self.objects = {}


class _Listing(Listing):
    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._objects: dict[str, dict[str, Any]] = {}
        picture.broken_off += 1

    def add(self, item: msgspec.Raw) -> None:
        found = msgspec.json.decode(item)
        self._objects[found["metadata"]["uid"]] = found

    async def finish(self) -> None:
        self._picture.objects = self._objects
        self._picture.lists += 1
        self._picture.broken_off -= 1


@dataclass(frozen=True, slots=True)
class Following:
    """An API, and a reflector that follows its things."""

    api: KubeApi
    reflector: Reflector
    picture: Picture

    @property
    def store(self) -> KubeStore:
        return self.api.store

    def put(self, name: str, namespace: str = "a", **fields: object) -> None:
        self.store.put("things", {"metadata": {"name": name, "namespace": namespace}, **fields})

    @property
    def agrees(self) -> bool:
        truth = {kept["metadata"]["uid"]: kept for kept in self.store.objects("things")}
        return self.picture.objects == truth

    async def agreed(self, seconds: float = 10) -> None:
        await wait_until_async(lambda: self.agrees, seconds, what="the picture to be that of the API")


@contextlib.asynccontextmanager
async def following(
    config: KubernetesConfig | None = None, *, resource: Resource = THINGS, page: int = 7, watch_seconds: int = 300
) -> AsyncIterator[Following]:
    """Objects `o0` to `o19` are there from the start. Waits are short."""
    api = KubeApi(KubeStore(), bookmark_seconds=0.05)
    for number in range(20):
        api.store.put("things", {"metadata": {"name": f"o{number}", "namespace": "ab"[number % 2]}, "n": number})
    port = await api.start()
    given = config or KubernetesConfig()
    client = KubeClient(credentials(msgspec.structs.replace(given, url=f"http://127.0.0.1:{port}")))
    picture = Picture()
    reflector = Reflector(
        client,
        resource,
        picture,
        page=page,
        watch_seconds=lambda: watch_seconds,
        unavailable_seconds=0.05,
        backoff=Backoff(0.01, 0.1),
    )
    task = asyncio.create_task(reflector.run())
    try:
        yield Following(api, reflector, picture)
        assert not task.done(), task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await client.close()
        await api.stop()
