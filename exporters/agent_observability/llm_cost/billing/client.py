"""GET requests to a provider's admin API: page after page, with patience, and without letting the key out."""

from __future__ import annotations

import asyncio
import os
import string
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import aiohttp

from agent_observability import __version__
from agent_observability.kube.backoff import Backoff
from agent_observability.llm_cost.billing.errors import (
    AnswerError,
    BillingError,
    KeyRefusedError,
    ThrottledError,
    UnavailableError,
)
from agent_observability.llm_cost.billing.headers import http_date, retry_after, skew
from agent_observability.llm_cost.billing.reports import Page, day_of

__all__ = ["AdminClient", "Clock", "Parameters", "Pause"]

T = TypeVar("T")
Parameters = Sequence[tuple[str, str]]
Clock = Callable[[], float]
Pause = Callable[[float], Awaitable[None]]

_PAGES = 50
_BODY_BYTES = 8 * 1024**2
_TRIES = 4
# A longer wait is the poller's, which does not hold a poll open for it.
_PATIENCE_SECONDS = 60.0
_REFUSED = {
    401: "the key is not valid",
    403: "the key may not read this; it takes an admin key of the organization",
}
_PRINTABLE = frozenset(string.ascii_letters + string.digits + string.punctuation)


class AdminClient:
    """One account's API at `url`. `headers` carry the `key`, and are sent nowhere else: redirects are not followed.

    Raises BillingError, and nothing else.
    """

    def __init__(
        self,
        url: str,
        key: str,
        headers: Mapping[str, str],
        *,
        timeout: float,
        clock: Clock = time.time,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._url = url.rstrip("/").removesuffix("/v1")
        self._usable = bool(key) and _PRINTABLE.issuperset(key)
        self._headers = {**headers, "Accept": "application/json", "User-Agent": f"agent-observability/{__version__}"}
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._clock = clock
        self._pause = pause
        self._session: aiohttp.ClientSession | None = None
        self._ahead = 0.0
        self.note = ""
        """What is to be said about the server's clock, or ""."""

    @property
    def now(self) -> float:
        """Unix time; the server's, where the two differ by more than a minute."""
        return self._clock() + self._ahead

    @property
    def today(self) -> int:
        """The UTC day."""
        return day_of(self.now)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def pages(self, path: str, parameters: Parameters, decode: Callable[[bytes], Page[T]]) -> list[T]:
        """A whole report."""
        found: list[T] = []
        seen = {""}
        following = ""
        for _ in range(_PAGES):
            body = await self._patiently(path, [*parameters, *([("page", following)] if following else [])])
            try:
                page = decode(body)
            except AnswerError as error:
                raise AnswerError(f"{path}: {error}") from None
            found.append(page.report)
            following = page.following
            if not following:
                return found
            if following in seen:
                raise AnswerError(f"{path}: page {len(found)} leads back to an earlier one")
            seen.add(following)
        raise AnswerError(f"{path}: expected at most {_PAGES} pages, got more")

    async def _patiently(self, path: str, parameters: Parameters) -> bytes:
        if not self._usable:
            raise KeyRefusedError("the key is empty, or holds characters that no key has")
        backoff = Backoff()
        for _ in range(_TRIES - 1):
            try:
                return await self._get(path, parameters)
            except ThrottledError as error:
                if error.seconds > _PATIENCE_SECONDS:
                    raise
                seconds = error.seconds
            except UnavailableError:
                seconds = backoff.failed()
            await self._pause(seconds)
        return await self._get(path, parameters)

    async def _get(self, path: str, parameters: Parameters) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=4, ttl_dns_cache=60),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=self._headers,
            )
        try:
            # Only half of aiohttp's errors keep the address to themselves, and it may hold a password.
            async with self._session.get(
                self._url + path, params=parameters, timeout=self._timeout, allow_redirects=False
            ) as response:
                self._compare_clocks(response)
                if response.status != 200:
                    raise self._refusal(response, path)
                return await _body(response, path)
        except TimeoutError:
            raise UnavailableError(f"{path}: no answer within {self._timeout.total:.0f} s") from None
        except aiohttp.ClientConnectorError as error:
            raise UnavailableError(f"{path}: cannot connect: {_words(error)}") from None
        except ValueError as error:  # among them aiohttp's InvalidURL
            raise AnswerError(f"{path}: the configured url is of no use: {type(error).__name__}") from None
        except (aiohttp.ClientError, OSError) as error:
            raise UnavailableError(f"{path}: the answer is not whole: {type(error).__name__}") from None

    def _compare_clocks(self, response: aiohttp.ClientResponse) -> None:
        self._ahead, self.note = skew(response.headers.get("Date", ""), self._clock())

    def _refusal(self, response: aiohttp.ClientResponse, path: str) -> BillingError:
        status = response.status
        said = f"{path} answered {status}"
        if status in _REFUSED:
            return KeyRefusedError(f"{said}: {_REFUSED[status]}")
        if status == 429 or (status >= 500 and "Retry-After" in response.headers):
            date = http_date(response.headers.get("Date", ""))
            now = self._clock() if date is None else date
            seconds = retry_after(response.headers.get("Retry-After", ""), now)
            return ThrottledError(f"{said}: not before {seconds:.0f} s have passed", seconds)
        if status >= 500:
            return UnavailableError(said)
        if 300 <= status < 400:
            return AnswerError(f"{said}: redirects are not followed, as the key would go along")
        return AnswerError(said)


async def _body(response: aiohttp.ClientResponse, path: str) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > _BODY_BYTES:
            raise AnswerError(f"{path}: expected at most {_BODY_BYTES // 1024**2} MiB, got more")
        parts.append(chunk)
    return b"".join(parts)


def _words(error: aiohttp.ClientConnectorError) -> str:
    """What is wrong, without the address."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not known"
    number = error.os_error.errno
    return os.strerror(number) if number else type(error.os_error).__name__
