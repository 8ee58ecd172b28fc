"""What the demo's two admin APIs have in common: keys, parameters, time buckets in pages, and faults on demand.

Faults are set by `POST <prefix>/faults` with a JSON object: the fields of `AdminFaults`.
"""

from __future__ import annotations

import abc
import asyncio
import base64
import email.utils
import hmac
import json
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from agent_observability.demo.billing import Meter

__all__ = [
    "USAGE_LIMITS",
    "WIDTHS",
    "AdminApi",
    "AdminFaults",
    "Asked",
    "RefusedError",
    "choice",
    "encoded",
    "limit_of",
]

WIDTHS = {"1m": 60, "1h": 3_600, "1d": 86_400}
USAGE_LIMITS = {"1m": (60, 1_440), "1h": (24, 168), "1d": (7, 31)}
"""Buckets per page: the default, and the most, as both providers have them."""

_TOKEN = "page_"  # noqa: S105 - the beginning of a page's name


@dataclass(slots=True)
class AdminFaults:
    """`latency`: seconds before each answer. `status`: answer so many requests with a status, as `{"429": 2}`.

    `retry_after`: the header that goes with 429; "" for none. `malformed`, `cut`: so many answers end in their middle,
    as a whole body, or because the connection breaks. `skew`: seconds that the header `Date` is ahead.
    """

    latency: float = 0.0
    status: Counter[int] = field(default_factory=Counter)
    retry_after: str = "1"
    malformed: int = 0
    cut: int = 0
    skew: float = 0.0

    def set(self, given: Mapping[str, Any]) -> None:
        """Take over what is given; raises ValueError or TypeError for what makes no sense."""
        self.latency = float(given.get("latency", self.latency))
        self.retry_after = str(given.get("retry_after", self.retry_after))
        self.malformed = int(given.get("malformed", self.malformed))
        self.cut = int(given.get("cut", self.cut))
        self.skew = float(given.get("skew", self.skew))
        self.status.update({int(code): int(times) for code, times in given.get("status", {}).items()})

    def take_status(self) -> int:
        """The status to answer with instead, 0 for none."""
        for code, times in self.status.items():
            if times > 0:
                self.status[code] -= 1
                return code
        return 0


class RefusedError(Exception):
    """An answer other than 200. `parameter` is the one that is wrong, if it is one."""

    def __init__(self, status: int, message: str, parameter: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.parameter = parameter


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request wants: buckets of `width` seconds from `start` to `end` (Unix), so many per page."""

    start: int
    end: int
    width: int
    limit: int
    groups: frozenset[str]


class AdminApi(abc.ABC):
    """One organization at one provider. `key` is its only admin key; `page` bounds the buckets of a page further.

    `asked` counts requests by path. `routes` begin with `prefix`, so that several APIs can share a port.
    """

    prefix: str
    provider: str

    def __init__(self, meter: Meter, key: str, *, page: int | None = None) -> None:
        self.meter = meter
        self.faults = AdminFaults()
        self.asked: Counter[str] = Counter()
        self._key = key
        self._page = page

    @abc.abstractmethod
    def paths(self) -> Sequence[str]:
        """Under `prefix`."""

    @abc.abstractmethod
    def check_key(self, request: web.Request) -> None:
        """Raises RefusedError."""

    @abc.abstractmethod
    def read(self, request: web.Request) -> Asked:
        """What is asked for. Raises RefusedError."""

    @abc.abstractmethod
    def bucket(self, request: web.Request, asked: Asked, start: int, end: int) -> dict[str, Any]:
        """One bucket of a report."""

    @abc.abstractmethod
    def whole(self, buckets: list[dict[str, Any]], following: str | None) -> bytes:
        """One page of a report, as JSON."""

    @abc.abstractmethod
    def refusal(self, error: RefusedError) -> dict[str, Any]:
        """The body of an error."""

    def routes(self) -> list[web.RouteDef]:
        """All of them."""
        served = [web.get(self.prefix + path, self._serve) for path in self.paths()]
        return [*served, web.post(f"{self.prefix}/faults", self._set_faults)]

    def is_key(self, given: str) -> bool:
        """In constant time."""
        return hmac.compare_digest(given.encode(), self._key.encode())

    async def _set_faults(self, request: web.Request) -> web.Response:
        self.faults.set(await request.json())
        return web.json_response({})

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.asked[request.path.removeprefix(self.prefix)] += 1
        if self.faults.latency:
            await asyncio.sleep(self.faults.latency)
        headers = {"Date": email.utils.formatdate(self.meter.clock() + self.faults.skew, usegmt=True)}
        try:
            body = self._body(request)
        except RefusedError as error:
            if error.status == 429 and self.faults.retry_after:
                headers["Retry-After"] = self.faults.retry_after
            return web.json_response(self.refusal(error), status=error.status, headers=headers)
        if self.faults.malformed > 0:
            self.faults.malformed -= 1
            body = body[: len(body) // 2]
        if self.faults.cut > 0:
            self.faults.cut -= 1
            return await _cut(request, body, headers)
        return web.Response(body=body, content_type="application/json", headers=headers)

    def _body(self, request: web.Request) -> bytes:
        if code := self.faults.take_status():
            raise RefusedError(code, "made up by the demo")
        self.check_key(request)
        asked = self.read(request)
        # A token belongs to the report it was given for.
        mark = zlib.crc32(f"{request.path} {asked.width} {sorted(asked.groups)}".encode())
        first = asked.start - asked.start % asked.width
        if token := request.query.get("page"):
            first = _unsealed(token, mark)
        limit = min(asked.limit, self._page or asked.limit)
        starts = range(first, asked.end, asked.width)
        buckets = [self.bucket(request, asked, start, start + asked.width) for start in starts[:limit]]
        following = _sealed(starts[limit], mark) if len(starts) > limit else None
        return self.whole(buckets, following)


def choice(given: Sequence[str], known: Sequence[str], parameter: str) -> frozenset[str]:
    """The values of a repeated parameter. Raises RefusedError for one that is not known."""
    for one in given:
        if one not in known:
            raise RefusedError(400, f"{parameter}: expected any of {', '.join(known)}, got {one!r}", parameter)
    return frozenset(given)


def limit_of(text: str | None, default: int, most: int) -> int:
    """How many buckets a page may have. Raises RefusedError."""
    if text is None:
        return default
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise RefusedError(400, f"limit: expected a whole number from 1 to {most}, got {text!r}", "limit")
    return int(text)


def _sealed(start: int, mark: int) -> str:
    return _TOKEN + base64.urlsafe_b64encode(f"{start} {mark}".encode()).decode()


def _unsealed(token: str, mark: int) -> int:
    try:
        start, found = map(int, base64.urlsafe_b64decode(token.removeprefix(_TOKEN)).decode().split())
    except ValueError:
        start, found = 0, -1
    if found != mark:
        raise RefusedError(400, "page: expected a next_page of the same report", "page")
    return start


async def _cut(request: web.Request, body: bytes, headers: Mapping[str, str]) -> web.StreamResponse:
    response = web.StreamResponse(headers={**headers, "Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def encoded(page: object) -> bytes:
    """As compact JSON."""
    return json.dumps(page, separators=(",", ":")).encode()
