"""The HTTP surface of one exporter: /metrics, the landing page, health, readiness and reload."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiohttp import hdrs, web

from agent_observability.auth import Authenticator, RateLimiter, certificate_allowed
from agent_observability.config import WebConfig
from agent_observability.door import SHUTDOWN_SECONDS, Door
from agent_observability.errors import AgentObsError
from agent_observability.negotiate import accepts_gzip, negotiate, scrape_timeout
from agent_observability.runtime import Action
from agent_observability.service import Selection, Service, UnknownCollectorError
from agent_observability.webconfig import WebSecurity
from agent_observability.workers import Workers

__all__ = ["Server"]

log = logging.getLogger(__name__)

_PROBES = frozenset({"/-/healthy", "/-/ready"})
_SCRAPE_TIMEOUT = "X-Prometheus-Scrape-Timeout-Seconds"

Reload = Callable[[], Awaitable[str]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Serves one `Service`. `reload` reloads the whole process and returns "" or what was wrong."""

    def __init__(
        self, service: Service, config: WebConfig, addresses: Sequence[str], workers: Workers, reload: Reload
    ) -> None:
        self._service = service
        self._config = config
        self._workers = workers
        self._reload = reload
        self._scrapes = 0
        self._use(WebSecurity())
        app = web.Application(middlewares=[self._guard])
        app.router.add_get(config.telemetry_path, self._metrics)
        app.router.add_get("/-/healthy", self._healthy)
        app.router.add_get("/-/ready", self._ready)
        app.router.add_post("/-/reload", self._reload_config)
        for name, action in service.runtime.actions().items():
            app.router.add_post(f"/-/{name}", functools.partial(self._act, action))
        if config.telemetry_path != "/":
            app.router.add_get("/", self._landing)
        self._door = Door(app, addresses, config.max_connections, log)

    @property
    def ports(self) -> list[int]:
        """The ports in use, known after `bind` even where the configuration says 0."""
        return self._door.ports

    def bind(self) -> None:
        """Take the addresses. Raises StartError; nothing is answered before `start`."""
        self._door.bind()

    async def start(self, security: WebSecurity) -> None:
        self._use(security)
        await self._door.open(security.context)

    async def secure(self, security: WebSecurity) -> None:
        """Use `security` for new connections and requests.

        Raises OSError, with what was in use before in use again, when the process has no descriptor left.
        """
        before = self._security
        self._use(security)
        try:
            await self._door.secure(security.context)
        except OSError:
            self._use(before)
            raise

    async def stop(self) -> None:
        """Refuse new connections, let running requests end (see `Scraper.hurry`), then close."""
        self._door.close()
        self._service.scraper.hurry(SHUTDOWN_SECONDS / 2)
        await self._door.end()

    def _use(self, security: WebSecurity) -> None:
        self._security = security
        self._authenticator = Authenticator(security.users, self._workers)
        self._limiter = RateLimiter(security)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        security = self._security
        try:
            if request.path in _PROBES:
                response = await handler(request)
            elif not certificate_allowed(security, request.get_extra_info("peercert")):
                response = web.Response(status=403, text="A verified client certificate is required.\n")
            elif not self._limiter.allows():
                response = web.Response(status=429, text="Too many requests.\n", headers={hdrs.RETRY_AFTER: "1"})
            elif not await self._authenticator.allows(request.headers.get(hdrs.AUTHORIZATION)):
                challenge = {hdrs.WWW_AUTHENTICATE: 'Basic realm="agent-obs", charset="UTF-8"'}
                response = web.Response(status=401, text="Unauthorized.\n", headers=challenge)
            else:
                response = await handler(request)
        except web.HTTPException as error:
            response = web.Response(status=error.status, text=f"{error.reason}\n", headers=_allow(error))
        if not response.prepared:
            response.headers.update(security.headers)
            await self._send(request, response)
        return response

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        if self._scrapes >= self._config.max_requests:
            return web.Response(
                status=503, text="Too many scrapes at once (web.max_requests).\n", headers={hdrs.RETRY_AFTER: "1"}
            )
        query = request.query
        selection = Selection(
            collect=query.getall("collect[]", ()),
            exclude=query.getall("exclude[]", ()),
            names=frozenset(query.getall("name[]", ())),
        )
        format_ = negotiate(request.headers.get(hdrs.ACCEPT, ""))
        gzip = accepts_gzip(request.headers.get(hdrs.ACCEPT_ENCODING, ""))
        seconds = scrape_timeout(request.headers.get(_SCRAPE_TIMEOUT))
        self._scrapes += 1
        try:
            exposition = await self._service.scrape(selection, format_, gzip=gzip, seconds=seconds)
            response = web.Response(body=exposition.body, headers={hdrs.CONTENT_TYPE: format_.value})
            response.headers[hdrs.VARY] = "Accept, Accept-Encoding"
            if gzip:
                response.headers[hdrs.CONTENT_ENCODING] = "gzip"
            response.headers.update(self._security.headers)
            await self._send(request, response)
        except UnknownCollectorError as error:
            return web.Response(status=400, text=f"{error}\n")
        else:
            # A filtered look and a HEAD have not shown everything to anybody.
            if request.method == hdrs.METH_GET and not selection.names:
                exposition.shown(self._scraper(request))
            return response
        finally:
            self._scrapes -= 1

    async def _send(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        """Send here, not after the handler, so that a client that never reads is cut off instead of kept for ever."""
        try:
            async with asyncio.timeout(self._config.write_timeout):
                await response.prepare(request)
                await response.write_eof()
        except TimeoutError:
            log.warning("%s did not take its response within %s s", request.remote, float(self._config.write_timeout))
            if request.transport is not None:
                request.transport.abort()
        return response

    async def _landing(self, _request: web.Request) -> web.Response:
        # Scrapers never see this page, so an exporter need not hold a template engine in memory for it.
        from agent_observability.landing import landing_page

        page = await self._workers.run(
            lambda: landing_page(self._service, self._config.telemetry_path, self._security.users != {})
        )
        return web.Response(text=page, content_type="text/html")

    async def _act(self, action: Action, request: web.Request) -> web.StreamResponse:
        """One JSON object per line, as the action goes on; the last one may be an error."""
        told = action(request.query)
        try:
            try:
                first: Mapping[str, Any] = await anext(told, {})
            except ValueError as error:
                return web.Response(status=400, text=f"{error}\n")
            except AgentObsError as error:
                return web.Response(status=503, text=f"{error}\n")
            response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "application/x-ndjson", **self._security.headers})
            await self._tell(request, response, first, told)
            return response
        finally:
            # Whatever it holds is given back now, also where nobody listens any more.
            await told.aclose()

    async def _tell(
        self,
        request: web.Request,
        response: web.StreamResponse,
        first: Mapping[str, Any],
        told: AsyncGenerator[Mapping[str, Any], None],
    ) -> None:
        """Until all is told, or nobody listens."""

        async def tell(one: Mapping[str, Any]) -> None:
            async with asyncio.timeout(self._config.write_timeout):
                await response.write(json.dumps(one).encode() + b"\n")

        try:
            await response.prepare(request)
            await tell(first)
            try:
                async for one in told:
                    await tell(one)
            except (OSError, TimeoutError):
                raise
            except AgentObsError as error:
                await tell({"error": str(error)})
            except Exception:
                log.exception("%s failed", request.path)
                await tell({"error": "it failed; see the log of the exporter"})
            async with asyncio.timeout(self._config.write_timeout):
                await response.write_eof()
        except TimeoutError:
            log.warning("%s did not take what it was told within %s s", request.remote, self._config.write_timeout)
            if request.transport is not None:
                request.transport.abort()
        except OSError:
            log.info("%s has gone before %s was done", request.remote, request.path)

    async def _healthy(self, _request: web.Request) -> web.Response:
        return web.Response(text="healthy\n")

    async def _ready(self, _request: web.Request) -> web.Response:
        reason = self._service.not_ready()
        return web.Response(status=503, text=f"not ready: {reason}\n") if reason else web.Response(text="ready\n")

    def _scraper(self, request: web.Request) -> str | None:
        """Who scrapes which exporter, as far as it can be told apart; None for a look by anybody else."""
        if _SCRAPE_TIMEOUT not in request.headers:
            return None
        return f"{self._service.exporter.name} {request.remote} {request.headers.get(hdrs.USER_AGENT, '')[:100]}"

    async def _reload_config(self, _request: web.Request) -> web.Response:
        problem = await self._reload()
        return web.Response(status=500, text=f"{problem}\n") if problem else web.Response(text="reloaded\n")


def _allow(error: web.HTTPException) -> dict[str, str]:
    return {hdrs.ALLOW: error.headers[hdrs.ALLOW]} if hdrs.ALLOW in error.headers else {}
