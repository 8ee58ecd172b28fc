"""GET requests to the Kubernetes API, and the errors it answers with."""

from __future__ import annotations

import contextlib
import email.utils
import time
from collections.abc import AsyncIterator, Mapping

import aiohttp
import msgspec

from agent_observability import __version__
from agent_observability.kube.credentials import Access, Credentials
from agent_observability.kube.errors import GoneError, KubeError, ThrottledError, UnavailableError

__all__ = ["KubeClient"]

_CONNECT_SECONDS = 10.0
_REQUEST_SECONDS = 60.0
_ERROR_BYTES = 64 * 1024
_RETRY_AFTER_SECONDS = (1.0, 300.0)


class _Status(msgspec.Struct):
    """What the API says in an error's body."""

    message: str = ""


_status = msgspec.json.Decoder(_Status)


class KubeClient:
    """One API server. Raises KubeError for refusals, aiohttp.ClientError and TimeoutError where it does not answer."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    @contextlib.asynccontextmanager
    async def get(
        self, path: str, parameters: Mapping[str, str], *, silence: float = _REQUEST_SECONDS
    ) -> AsyncIterator[aiohttp.StreamReader]:
        """The body of an answer, which may be read as it comes. `silence`: seconds without a byte that are borne."""
        access = await self._credentials.access()
        response = await self._ask(access, path, parameters, silence)
        if response.status == 401:
            # The token may have been rotated since it was read; once is enough to find out.
            response.release()
            access = await self._credentials.renew(access)
            response = await self._ask(access, path, parameters, silence)
        try:
            if response.status != 200:
                raise await _error(response, access.url + path)
            yield response.content
        finally:
            # Not released: a watch that is left has more to come.
            response.close()

    async def _ask(
        self, access: Access, path: str, parameters: Mapping[str, str], silence: float
    ) -> aiohttp.ClientResponse:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=60),
                headers={"User-Agent": f"agent-observability/{__version__}", "Accept": "application/json"},
                # A watch that says nothing for minutes is well; a line may be megabytes.
                read_bufsize=2**20,
            )
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=silence)
        return await self._session.get(
            access.url + path,
            params=parameters,
            headers=access.headers,
            ssl=access.ssl if access.ssl is not None else True,
            timeout=timeout,
        )


async def _error(response: aiohttp.ClientResponse, url: str) -> KubeError:
    body = await response.content.read(_ERROR_BYTES)
    try:
        said = _status.decode(body).message
    except msgspec.MsgspecError:
        said = ""
    message = f"{url} answered {response.status}{': ' + said if said else ''}"
    if response.status == 410:
        return GoneError(message, 410)
    if response.status == 429:
        return ThrottledError(message, _retry_after(response.headers.get("Retry-After", "")))
    if response.status in (403, 404):
        return UnavailableError(message, response.status)
    return KubeError(message, response.status)


def _retry_after(text: str) -> float:
    """Seconds from a Retry-After header, which may also be a date; within sane bounds."""
    least, most = _RETRY_AFTER_SECONDS
    try:
        seconds = float(int(text))
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
        except ValueError:
            seconds = least
    return min(max(seconds, least), most)
