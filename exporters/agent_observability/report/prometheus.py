"""Asking Prometheus for many series at once: one moment, or one value per day. Bounded in time, size and number.

Format: https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import math
import ssl
from collections.abc import AsyncIterator, Mapping

import aiohttp
import msgspec
import yarl

from agent_observability.errors import StartError
from agent_observability.prometheus_api import ApiError
from agent_observability.report.config import PrometheusConfig

__all__ = ["Labels", "Prometheus", "connect"]

Labels = tuple[str, ...]
"""Values of the labels that were asked for, "" for those that a series does not have."""

_MAX_BYTES = 64 * 1024**2
_AT_ONCE = 4


class _Series(msgspec.Struct):
    metric: dict[str, str]
    value: tuple[float, str] | None = None
    values: list[tuple[float, str]] = []


class _Data(msgspec.Struct, rename="camel"):
    result_type: str
    result: list[_Series]


class _Answer(msgspec.Struct):
    status: str
    data: _Data | None = None
    error: str = ""


_answer = msgspec.json.Decoder(_Answer)


class Prometheus:
    """One Prometheus. Every method raises ApiError."""

    def __init__(self, url: str, session: aiohttp.ClientSession, timeout: float) -> None:
        self._url = url.rstrip("/")
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def at(self, query: str, time: float, *labels: str) -> dict[Labels, float]:
        """What an instant query answers at a time, by the values of `labels`; NaN and infinities are left out."""
        found = {}
        for series in await self._ask("query", query=query, time=f"{time:.3f}"):
            value = _finite(series.value[1]) if series.value else None
            if value is not None:
                found[_values(series.metric, labels)] = value
        return found

    async def each(
        self, query: str, start: float, end: float, step: float, *labels: str
    ) -> dict[Labels, dict[int, float]]:
        """What a range query answers, by the values of `labels` and the number of the step."""
        found: dict[Labels, dict[int, float]] = {}
        times = {"start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        for series in await self._ask("query_range", query=query, **times):
            points = ((round((time - start) / step), _finite(text)) for time, text in series.values)
            found[_values(series.metric, labels)] = {index: value for index, value in points if value is not None}
        return found

    async def _ask(self, path: str, **parameters: str) -> list[_Series]:
        # As a form: queries may be longer than an address may be.
        parameters["timeout"] = f"{self._timeout.total or 0:g}s"
        async with self._gate:
            try:
                async with self._session.post(
                    f"{self._url}/api/v1/{path}", data=parameters, timeout=self._timeout, allow_redirects=False
                ) as response:
                    body = await _read(response)
            except TimeoutError as error:
                raise ApiError(f"Prometheus did not answer within {self._timeout.total:g} s") from error
            except aiohttp.ClientError as error:
                raise ApiError(f"Prometheus does not answer: {' '.join(str(error).split())}") from error
        try:
            answer = _answer.decode(body)
        except msgspec.DecodeError as error:
            # A proxy's page, mostly: its status says more than what is wrong with it as JSON.
            what = f"HTTP {response.status}" if response.status >= 400 else str(error)
            raise ApiError(f"unexpected answer from Prometheus ({path}): {what}") from error
        if answer.status != "success" or answer.data is None:
            raise ApiError(f"Prometheus refuses {path}: {' '.join(answer.error.split())[:300]}")
        return answer.data.result


@contextlib.asynccontextmanager
async def connect(url: str, options: PrometheusConfig) -> AsyncIterator[Prometheus]:
    """A client for the Prometheus at `url`, which may hold a user and password. Raises StartError."""
    try:
        address = yarl.URL(url)
    except ValueError as error:
        raise StartError("report.prometheus: expected a URL such as http://prometheus:9090") from error
    headers = {name: value.reveal() for name, value in options.headers.items()}
    if token := options.token.reveal():
        headers["Authorization"] = f"Bearer {token}"
    elif address.user:
        both = f"{address.user}:{address.password or ''}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(both).decode()}"
    context = ssl.create_default_context()
    if options.ca_file is not None:
        try:
            context.load_verify_locations(options.ca_file)
        except OSError as error:
            problem = error.strerror or str(error)
            raise StartError(
                f"report.prometheus_options.ca_file: {options.ca_file} holds no certificates: {problem}"
            ) from error
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(ssl=context)) as session:
        yield Prometheus(str(address.with_user(None)), session, options.timeout)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(1024**2):
        body += chunk
        if len(body) > _MAX_BYTES:
            raise ApiError(f"Prometheus answers with more than {_MAX_BYTES // 1024**2} MiB")
    return bytes(body)


def _values(metric: Mapping[str, str], labels: tuple[str, ...]) -> Labels:
    return tuple(metric.get(label, "") for label in labels)


def _finite(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
