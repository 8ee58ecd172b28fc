"""Asking Prometheus for many series at once: one moment, or one value per day. Bounded in time, size and number."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import math
import ssl
from collections.abc import AsyncIterator, Mapping

import aiohttp
import yarl

from agent_observability.errors import StartError
from agent_observability.prometheus_api import PrometheusApi, Result, Sampled
from agent_observability.report.config import PrometheusConfig

__all__ = ["Labels", "Prometheus", "connect"]

Labels = tuple[str, ...]
"""Values of the labels that were asked for, "" for those that a series does not have."""

_AT_ONCE = 4


class Prometheus(PrometheusApi):
    """Some queries at once; queries that take longer than `timeout` seconds are given up by Prometheus, too."""

    def __init__(self, url: str, session: aiohttp.ClientSession, timeout: float) -> None:
        super().__init__(url, session, timeout)
        self._given = f"{timeout:g}s"
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

    async def _ask(self, path: str, **parameters: str) -> list[Sampled]:
        async with self._gate:
            # As a form: queries may be longer than an address may be.
            return (await self._send("POST", path, Result, timeout=self._given, **parameters)).result


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


def _values(metric: Mapping[str, str], labels: tuple[str, ...]) -> Labels:
    return tuple(metric.get(label, "") for label in labels)


def _finite(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
