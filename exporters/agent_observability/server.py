"""The HTTP surface of one exporter: /metrics, the landing page, health, readiness and reload."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from agent_observability.auth import Authenticator, RateLimiter, certificate_allowed
from agent_observability.config import WebConfig
from agent_observability.listen import listen
from agent_observability.negotiate import accepts_gzip, negotiate, scrape_timeout
from agent_observability.service import Selection, Service, UnknownCollectorError
from agent_observability.webconfig import WebSecurity
from agent_observability.workers import Workers

__all__ = ["Server"]

log = logging.getLogger(__name__)

_PROBES = frozenset({"/-/healthy", "/-/ready"})
# Longer than the slowest usual scrape interval, so that scrapers keep their connection; also the time within which a
# client must have sent a whole request.
_KEEPALIVE_SECONDS = 75
_HANDSHAKE_SECONDS = 10
# Two of these (finish, then cancel) and the runtime's own stop fit into the five seconds an exit may take.
_SCRAPE_TIMEOUT = "X-Prometheus-Scrape-Timeout-Seconds"
_SHUTDOWN_SECONDS = 2

Reload = Callable[[], Awaitable[str]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Serves one `Service`. `reload` reloads the whole process and returns "" or what was wrong."""

    def __init__(
        self, service: Service, config: WebConfig, addresses: Sequence[str], workers: Workers, reload: Reload
    ) -> None:
        self._service = service
        self._config = config
        self._addresses = addresses
        self._workers = workers
        self._reload = reload
        self._sockets: list[socket.socket] = []
        self._listeners: list[asyncio.Server] = []
        self._scrapes = 0
        self._use(WebSecurity())
        app = web.Application(middlewares=[self._guard])
        app.router.add_get(config.telemetry_path, self._metrics)
        app.router.add_get("/-/healthy", self._healthy)
        app.router.add_get("/-/ready", self._ready)
        app.router.add_post("/-/reload", self._reload_config)
        if config.telemetry_path != "/":
            app.router.add_get("/", self._landing)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=_HTTPLog(log),
            keepalive_timeout=_KEEPALIVE_SECONDS,
            shutdown_timeout=_SHUTDOWN_SECONDS,
        )

    @property
    def ports(self) -> list[int]:
        """The ports in use, known after `bind` even where the configuration says 0."""
        return [sock.getsockname()[1] for sock in self._sockets]

    def bind(self) -> None:
        """Take the addresses. Raises StartError; nothing is answered before `start`."""
        for address in self._addresses:
            self._sockets += listen(address)

    async def start(self, security: WebSecurity) -> None:
        await self._runner.setup()
        await self.secure(security)

    async def secure(self, security: WebSecurity) -> None:
        """Use `security` for new connections and requests; the sockets stay open, so none is refused meanwhile.

        Raises OSError, with what was in use before in use again, when the process has no descriptor left.
        """
        before = self._security
        self._use(security)
        listeners: list[asyncio.Server] = []
        try:
            for sock in self._sockets:
                listeners.append(await self._listener(sock, security))  # noqa: PERF401 - a failure needs those before it
        except OSError:
            self._use(before)
            for listener in listeners:
                listener.close()
            raise
        old, self._listeners = self._listeners, listeners
        loop = asyncio.get_running_loop()
        for listener in old:
            for accepting in listener.sockets:
                loop.remove_reader(accepting.fileno())
        # What was accepted just now has a task that needs its listener open; without it the client would hang.
        await asyncio.sleep(0)
        for listener in old:
            listener.close()

    async def _listener(self, sock: socket.socket, security: WebSecurity) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(
            self._connection,
            sock=sock.dup(),
            ssl=security.context,
            ssl_handshake_timeout=_HANDSHAKE_SECONDS if security.context else None,
        )

    async def stop(self) -> None:
        """Refuse new connections, let running requests end (see `Scraper.hurry`), then close."""
        for listener in self._listeners:
            listener.close()
        for sock in self._sockets:
            sock.close()
        self._service.scraper.hurry(_SHUTDOWN_SECONDS / 2)
        await self._runner.cleanup()

    def _use(self, security: WebSecurity) -> None:
        self._security = security
        self._authenticator = Authenticator(security.users, self._workers)
        self._limiter = RateLimiter(security)

    def _connection(self) -> asyncio.Protocol:
        server = self._runner.server
        if server is None or len(server.connections) >= self._config.max_connections:
            return _Refusal()
        return server()

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


class _HTTPLog(logging.LoggerAdapter[logging.Logger]):
    """aiohttp's log without tracebacks of malformed requests, whose text would quote the bytes: maybe a password."""

    def exception(self, msg: object, *args: object, exc_info: Any = True, **kwargs: Any) -> None:
        if isinstance(exc_info, HttpProcessingError):
            self.debug("malformed request: %s", type(exc_info).__name__)
        else:
            super().exception(msg, *args, exc_info=exc_info, **kwargs)


class _Refusal(asyncio.Protocol):
    """Closes a connection above `web.max_connections` at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        with contextlib.suppress(AttributeError):
            transport.abort()  # type: ignore[attr-defined]
