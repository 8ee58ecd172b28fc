"""The intake of a process: from a request to an answer, with one transaction in between.

A sender gets its 2xx only after the commit. Several exporters may take their share of the same request (a span is
usage to one and an agent's work to another): all shares are committed together.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import Any, Generic, TypeVar

from aiohttp import hdrs, web

from agent_observability.door import Door
from agent_observability.intake.account import Account
from agent_observability.intake.body import read_body
from agent_observability.intake.commit import PRESSURE_SECONDS, UNAVAILABLE_SECONDS, Committer, Delivery
from agent_observability.intake.config import IntakeConfig
from agent_observability.intake.errors import RefusedError
from agent_observability.intake.formats import Format
from agent_observability.intake.keyfile import KeyFile
from agent_observability.intake.keys import EVERY_PROJECT
from agent_observability.intake.lane import Lane
from agent_observability.intake.part import Caller, Taker
from agent_observability.intake.rate import Rates
from agent_observability.intake.repeats import digest_of, idempotency_key
from agent_observability.intake.room import Room, Share
from agent_observability.intake.send import sending
from agent_observability.ledger.ledger import Ledger
from agent_observability.runtime import SourceStatus
from agent_observability.series import SeriesStore
from agent_observability.suite import INTAKE_METRICS, INTAKE_REQUEST_DURATION, INTAKE_REQUESTS
from agent_observability.workers import Workers

__all__ = ["Intake"]

log = logging.getLogger(__name__)

InputT = TypeVar("InputT")

# Bodies of so many of the largest requests are held at once.
_LARGEST = 4
# What an item weighs at least: many small ones take as long as few large ones.
_ITEM_BYTES = 256


class _Route(Generic[InputT]):
    """One kind of request and those who take from it."""

    def __init__(self, name: str, format_: Format[InputT]) -> None:
        self.name = name
        self.format = format_
        self.takers: list[Taker[InputT]] = []


class Intake:
    """`take` says who takes what; then `bind`, `start` and `stop`, as of a server. `store` is its collector."""

    def __init__(self, config: IntakeConfig, ledger: Ledger) -> None:
        self._config = config
        workers = Workers("intake")
        self._lane = Lane(workers)
        self._committer = Committer(ledger, workers, config.timeout)
        self._room = Room(_LARGEST * max(config.body, config.decompressed))
        self._routes: dict[str, _Route[Any]] = {}
        self._keys = KeyFile(config.keys_file, workers) if config.keys_file else None
        self._rates = Rates()
        self._running = 0
        self._claimed = False
        self._watching: asyncio.Task[None] | None = None
        self.store = SeriesStore("intake", INTAKE_METRICS)
        app = web.Application(middlewares=[sending(config.timeout)])
        app.router.add_post("/{path:.*}", self._answer)
        self._door = Door(app, config.listen, config.connections, log, auto_decompress=False)

    def take(self, name: str, path: str, format_: Format[InputT], taker: Taker[InputT]) -> None:
        """Let `taker` have its share of what is posted to `path`. `name` is the label `intake` of the metrics.

        Raises ValueError where others take from the same path under another name or in another format.
        """
        route = self._routes.setdefault(path, _Route(name, format_))
        if route.name != name or route.format is not format_:
            raise ValueError(f"{path} is taken as {route.name}, in one format for all")
        route.takers.append(taker)

    def claim(self) -> bool:
        """Whether the caller is the first: the one that exposes `store`."""
        first, self._claimed = not self._claimed, True
        return first

    @property
    def ports(self) -> list[int]:
        return self._door.ports

    def bind(self) -> None:
        """Take the addresses. Raises StartError."""
        self._door.bind()

    async def start(self) -> None:
        """Raises ConfigError for a file of keys that cannot be used."""
        if self._keys is not None:
            await self._keys.read()
            self._watching = asyncio.create_task(self._keys.watch())
        await self._door.open(None)

    async def stop(self) -> None:
        """Let nobody in any more; what has come in is still answered."""
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
        self._door.close()
        await self._door.end()

    def source(self) -> SourceStatus:
        """For the landing page."""
        where = ", ".join(self._config.listen)
        if self._keys is None:
            return SourceStatus("intake", healthy=True, lag="", detail=f"{where}, without keys")
        detail = self._keys.problem or f"{where}, {self._keys.number} keys"
        return SourceStatus("intake", healthy=not self._keys.problem, lag="", detail=detail)

    async def _answer(self, request: web.Request) -> web.Response:
        route = self._routes.get(request.path)
        if route is None:
            known = ", ".join(self._routes)
            reason = f"nothing is posted to {request.path[:100]}; known: {known}"
            return web.json_response({"error": reason}, status=404)
        begun = time.perf_counter()
        try:
            result, response = await self._handle(request, route)
        except RefusedError as error:
            result, response = error.result, _refusal(request, route, error)
        except Exception:
            log.exception("a request to %s failed", route.name)
            failure = RefusedError(500, "unavailable", "the intake failed; see its log")
            result, response = failure.result, _refusal(request, route, failure)
        self.store.add(INTAKE_REQUESTS, (route.name, result))
        self.store.observe(INTAKE_REQUEST_DURATION, (route.name,), time.perf_counter() - begun)
        return response

    async def _handle(self, request: web.Request, route: _Route[Any]) -> tuple[str, web.Response]:
        caller = self._caller(request)
        if self._running >= self._config.requests:
            reason = f"more than {self._config.requests:,} requests at once"
            raise RefusedError(429, "rate_limited", reason, seconds=PRESSURE_SECONDS)
        self._running += 1
        try:
            _ready(route)
            route.format.check(request)
            key = idempotency_key(request)
            with Share(self._room) as share:
                delivery = await self._read(request, route, caller, key, share)
                committed = await self._committer.commit(delivery)
        finally:
            self._running -= 1
        account = Account.of(committed)
        account.count(self.store, route.name)
        response = route.format.answer(request, account.accepted, account.duplicates, account.ignored, account.rejected)
        return account.result, response

    async def _read(
        self, request: web.Request, route: _Route[InputT], caller: Caller, key: str, share: Share
    ) -> Delivery:
        config = self._config
        body = await read_body(
            request,
            share,
            self._lane,
            most=config.body,
            most_after=config.decompressed,
            seconds=config.timeout,
        )

        def decode() -> tuple[InputT, tuple[bytes, int] | None]:
            repeats = key or route.format.repeats_by_body
            digest = digest_of(request, caller, key, body, time.time()) if repeats else None
            return route.format.decode(request, body, config.items), digest

        given, digest = await self._lane.run(len(body), decode)
        size = max(len(body), _ITEM_BYTES * route.format.number(given))
        return Delivery(route.name, route.takers, given, caller, digest, size)

    def _caller(self, request: web.Request) -> Caller:
        if self._keys is None:
            caller, rate = Caller("", ""), self._config.rate
        else:
            key = self._keys.find(request.headers.get(hdrs.AUTHORIZATION))
            if key is None:
                reason = "expected Authorization: Bearer with an API key of this intake"
                raise RefusedError(401, "unauthorized", reason, field=hdrs.AUTHORIZATION)
            caller = Caller(key.id, "" if key.project == EVERY_PROJECT else key.project)
            rate = key.rate or self._config.rate
        if not self._rates.allows(caller.name, rate):
            reason = f"more than {rate:,} requests a second"
            raise RefusedError(429, "rate_limited", reason, seconds=PRESSURE_SECONDS)
        return caller


def _ready(route: _Route[Any]) -> None:
    for taker in route.takers:
        if reason := taker.not_ready():
            raise RefusedError(503, "unavailable", reason, seconds=UNAVAILABLE_SECONDS)


def _refusal(request: web.Request, route: _Route[Any], error: RefusedError) -> web.Response:
    response = route.format.refusal(request, error)
    if error.seconds:
        response.headers[hdrs.RETRY_AFTER] = str(error.seconds)
    if error.status == 401:
        response.headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
    return response
