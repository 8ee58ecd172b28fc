"""The demo's Kubernetes API: lists in pages, watches with bookmarks, and the faults that clients have to bear.

Faults are set by `POST /faults` with a JSON object: the fields of `faults.Faults`, and `cut` (cut every watch in the
middle of its next line) or `compact` (forget all old versions).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from aiohttp import web

from agent_observability.demo.faults import Faults
from agent_observability.demo.kube_store import CompactedError, KubeStore

__all__ = ["KubeApi"]

_BOOKMARK_SECONDS = 1.0
_RETRY_AFTER = "1"


class KubeApi:
    """Serves a store. `asked` counts requests by verb, group and resource, as RBAC sees them.

    `tell` are further paths, by which the platform behind the API tells of itself, in JSON; `beside` are those of
    other APIs on the same port.
    """

    def __init__(
        self,
        store: KubeStore,
        *,
        bookmark_seconds: float = _BOOKMARK_SECONDS,
        tell: Mapping[str, Callable[[], object]] | None = None,
        beside: Iterable[web.RouteDef] = (),
    ) -> None:
        self.store = store
        self._beside = tuple(beside)
        self._tell = tell or {}
        self.faults = Faults()
        self.streaming = True
        self.asked: Counter[tuple[str, str, str]] = Counter()
        self._bookmark_seconds = bookmark_seconds
        self._watches: set[_Watch] = set()
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0, tls: ssl.SSLContext | None = None) -> int:
        """Listen on 127.0.0.1; the port."""
        app = web.Application()
        app.router.add_post("/faults", self._set_faults)
        for path, tell in self._tell.items():
            app.router.add_get(path, _told(tell))
        app.router.add_routes(self._beside)
        for prefix in ("/apis/{group}/{version}", "/api/v1"):
            for scope in ("", "/namespaces/{namespace}"):
                app.router.add_get(f"{prefix}{scope}/{{resource}}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=tls)
        await site.start()
        found: int = self._runner.addresses[0][1]
        return found

    async def stop(self) -> None:
        self.cut()
        if self._runner is not None:
            await self._runner.cleanup()

    def cut(self) -> None:
        """End every watch in the middle of a line, as a broken connection does."""
        for watch in tuple(self._watches):
            watch.cut()

    async def _set_faults(self, request: web.Request) -> web.Response:
        given: dict[str, Any] = await request.json()
        self.faults.set(given)
        if given.get("compact"):
            self.store.compact()
        if given.get("cut"):
            self.cut()
        return web.json_response({"version": self.store.version})

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        resource = request.match_info["resource"]
        watching = request.query.get("watch") in ("true", "1")
        if not request.query.get("resourceVersion", "0").isdecimal():
            return _failure(400, "Invalid resource version")
        if "sendInitialEvents" in request.query and not self.streaming:
            return _failure(422, "sendInitialEvents is forbidden: the feature WatchList is off")
        self.asked["watch" if watching else "list", request.match_info.get("group", ""), resource] += 1
        if self.faults.latency:
            await asyncio.sleep(self.faults.latency)
        refused = self._refusal(request, resource)
        if refused is not None:
            return refused
        return await (self._watch if watching else self._list)(request, resource)

    def _refusal(self, request: web.Request, resource: str) -> web.Response | None:
        faults = self.faults
        if faults.down:
            assert request.transport is not None  # noqa: S101 - a request has one until it is answered
            request.transport.abort()
            return _failure(503, "down")
        if faults.token and request.headers.get("Authorization") != f"Bearer {faults.token}":
            return _failure(401, "Unauthorized")
        if resource in faults.absent:
            return _failure(404, "the server could not find the requested resource")
        if faults.empty:
            return web.json_response({})
        if request.match_info.get("namespace") in faults.denied:
            return _failure(403, "not for you")
        for code, times in faults.status.items():
            if times > 0:
                faults.status[code] -= 1
                return _failure(code, "made up by the demo")
        return None

    async def _list(self, request: web.Request, resource: str) -> web.Response:
        query = request.query
        if "continue" in query and self.faults.expired > 0:
            self.faults.expired -= 1
            return _failure(410, "The provided continue parameter is too old")
        try:
            items, token, version = self.store.page(
                resource,
                namespace=request.match_info.get("namespace", ""),
                selector=query.get("labelSelector", ""),
                limit=int(query.get("limit", "0")) or 10**9,
                token=query.get("continue", ""),
            )
        except CompactedError:
            return _failure(410, "The provided continue parameter is too old")
        meta = {"resourceVersion": str(version), **({"continue": token} if token else {})}
        return web.json_response({"kind": "List", "apiVersion": "v1", "metadata": meta, "items": items})

    async def _watch(self, request: web.Request, resource: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        watch = _Watch(request, response)
        self._watches.add(watch)
        try:
            async with asyncio.timeout(float(request.query.get("timeoutSeconds", "1800"))):
                after = int(request.query.get("resourceVersion", "0"))
                if self.faults.replay:
                    after = max(self.store.compacted, after - self.faults.replay)
                if request.query.get("sendInitialEvents") == "true":
                    after = await self._send_all(watch, resource)
                await self._send(watch, resource, after)
        except TimeoutError:
            await response.write_eof()
        except ConnectionError:
            pass
        finally:
            self._watches.discard(watch)
        return response

    async def _send_all(self, watch: _Watch, resource: str) -> int:
        """What a streaming list begins with; the version that it shows."""
        request = watch.request
        namespace, selector = request.match_info.get("namespace", ""), request.query.get("labelSelector", "")
        items, _, version = self.store.page(resource, namespace=namespace, selector=selector, limit=10**9)
        for item in items:
            await watch.write({"type": "ADDED", "object": item})
        end = {"resourceVersion": str(version), "annotations": {"k8s.io/initial-events-end": "true"}}
        await watch.write({"type": "BOOKMARK", "object": {"metadata": end}})
        return version

    async def _send(self, watch: _Watch, resource: str, after: int) -> None:
        request = watch.request
        namespace, selector = request.match_info.get("namespace", ""), request.query.get("labelSelector", "")
        while True:
            try:
                async with asyncio.timeout(self._bookmark_seconds):
                    changes = await self.store.changes(resource, after)
            except CompactedError:
                status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
                await watch.write({"type": "ERROR", "object": status})
                await watch.response.write_eof()
                return
            except TimeoutError:
                # Something may have come between the time-out and now.
                if self.store.pending(resource, after):
                    continue
                after = max(after, self.store.version)
                meta = {"resourceVersion": str(after)}
                await watch.write({"type": "BOOKMARK", "object": {"metadata": meta}})
                continue
            for change in changes:
                after = change.version
                kind = change.seen_by(selector)
                if kind and (change.raw or namespace in ("", change.object["metadata"].get("namespace", ""))):
                    await watch.write({"type": kind, "object": change.object})


class _Watch:
    """One running watch."""

    def __init__(self, request: web.Request, response: web.StreamResponse) -> None:
        self.request = request
        self.response = response

    async def write(self, event: dict[str, Any]) -> None:
        await self.response.write(json.dumps(event).encode() + b"\n")

    def cut(self) -> None:
        transport = self.request.transport
        if transport is not None:
            with contextlib.suppress(ConnectionError):
                transport.write(b'20\r\n{"type": "MODIFIED", "object": {')
            transport.close()


def _told(tell: Callable[[], object]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(tell())

    return answer


def _failure(code: int, message: str) -> web.Response:
    headers = {"Retry-After": _RETRY_AFTER} if code == 429 else {}
    return web.json_response({"kind": "Status", "code": code, "message": message}, status=code, headers=headers)
