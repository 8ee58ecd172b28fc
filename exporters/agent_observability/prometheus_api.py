"""The parts of Prometheus' HTTP API that the local stack and `agent-obs check` read.

Format: https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import aiohttp
import msgspec

__all__ = ["ActiveAlert", "ApiError", "PrometheusApi", "Result", "RuleGroup", "Sampled", "Target"]

T = TypeVar("T")

_TIMEOUT_SECONDS = 5.0
_MAX_BYTES = 64 * 1024**2
_NEVER = "0001-01-01T00:00:00Z"


class ApiError(Exception):
    """Prometheus did not answer, or not as its API says. The message is one line."""


class Target(msgspec.Struct, frozen=True, rename="camel"):
    """A scrape target. `last_scrape` is RFC 3339; durations are seconds."""

    labels: dict[str, str]
    scrape_url: str
    health: str
    last_scrape: str = _NEVER
    last_scrape_duration: float = 0.0
    last_error: str = ""

    @property
    def job(self) -> str:
        return self.labels.get("job", "")


class ActiveAlert(msgspec.Struct, frozen=True, rename="camel"):
    """A pending or firing alert; `active_at` (RFC 3339) is when its expression first held."""

    labels: dict[str, str]
    state: str
    annotations: dict[str, str] = {}
    active_at: str = ""

    @property
    def name(self) -> str:
        return self.labels.get("alertname", "")


class Rule(msgspec.Struct, frozen=True, rename="camel"):
    """A rule: `type` is alerting or recording; `duration` and `keep_firing_for` are an alert's times in seconds."""

    name: str
    type: str
    query: str = ""
    labels: dict[str, str] = {}
    health: str = ""
    last_error: str = ""
    duration: float = 0.0
    keep_firing_for: float = 0.0
    alerts: list[ActiveAlert] = []


class RuleGroup(msgspec.Struct, frozen=True, rename="camel"):
    """A rule group; `interval` in seconds."""

    name: str
    interval: float
    rules: list[Rule]
    last_evaluation: str = _NEVER

    @property
    def evaluated(self) -> bool:
        return self.last_evaluation != _NEVER and all(rule.health != "unknown" for rule in self.rules)


class _Targets(msgspec.Struct, rename="camel"):
    active_targets: list[Target]


class _Rules(msgspec.Struct):
    groups: list[RuleGroup]


class _Alerts(msgspec.Struct):
    alerts: list[ActiveAlert]


class Sampled(msgspec.Struct):
    """A series of an answer: `value` in one to an instant query, `values` in one to a range query."""

    metric: dict[str, str]
    value: tuple[float, str] | None = None
    values: list[tuple[float, str]] = []


class Result(msgspec.Struct):
    """An answer to a query."""

    result: list[Sampled]


class _Answer(msgspec.Struct):
    """An instant query's answer of any type: a vector's series, a scalar's time and value."""

    result: list[msgspec.Raw]


class _HeadStats(msgspec.Struct, rename="camel"):
    num_series: int


class _Tsdb(msgspec.Struct, rename="camel"):
    head_stats: _HeadStats


class _Envelope(msgspec.Struct, Generic[T]):
    status: str
    data: T | None = None
    error: str = ""


class PrometheusApi:
    """One Prometheus. Every method raises ApiError; none takes longer than `timeout` seconds."""

    def __init__(self, url: str, session: aiohttp.ClientSession, timeout: float = _TIMEOUT_SECONDS) -> None:
        self._url = url.rstrip("/")
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=timeout)

    async def targets(self) -> list[Target]:
        return (await self._get("targets", _Targets, state="active")).active_targets

    async def rule_groups(self) -> list[RuleGroup]:
        return (await self._get("rules", _Rules)).groups

    async def alerts(self) -> list[ActiveAlert]:
        return (await self._get("alerts", _Alerts)).alerts

    async def series_count(self) -> int:
        """Series in memory."""
        return (await self._get("status/tsdb", _Tsdb, limit="1")).head_stats.num_series

    async def value(self, query: str) -> float | None:
        """The only sample of an instant query; None without one."""
        result = (await self._get("query", Result, query=query)).result
        return float(result[0].value[1]) if len(result) == 1 and result[0].value else None

    async def series(self, query: str) -> int:
        """How many series or samples an instant query answers with; sent as a form, since queries may be long."""
        return len((await self._send("POST", "query", _Answer, query=query)).result)

    async def format(self, query: str) -> str:
        """The expression as Prometheus writes it."""
        return await self._send("POST", "format_query", str, query=query)

    async def points(self, query: str, start: float, end: float, step: float) -> list[float]:
        """The samples of the first series of a range query; times are Unix seconds."""
        result = (
            await self._get(
                "query_range", Result, query=query, start=f"{start:.3f}", end=f"{end:.3f}", step=f"{step:g}"
            )
        ).result
        return [float(text) for _, text in result[0].values] if result else []

    async def _get(self, path: str, kind: type[T], **parameters: str) -> T:
        return await self._send("GET", path, kind, **parameters)

    async def _send(self, method: str, path: str, kind: type[T], **parameters: str) -> T:
        where: dict[str, Any] = {"params" if method == "GET" else "data": parameters}
        try:
            async with self._session.request(
                method, f"{self._url}/api/v1/{path}", timeout=self._timeout, allow_redirects=False, **where
            ) as response:
                body = await _read(response)
        except TimeoutError as error:
            raise ApiError(f"Prometheus did not answer within {self._timeout.total:g} s") from error
        except aiohttp.ClientError as error:
            raise ApiError(f"Prometheus does not answer: {_line(error)}") from error
        try:
            envelope: Any = _Envelope
            answer: _Envelope[T] = msgspec.json.decode(body, type=envelope[kind])
        except msgspec.DecodeError as error:
            # A proxy's page, mostly: its status says more than what is wrong with it as JSON.
            what = f"HTTP {response.status}" if response.status >= 400 else str(error)
            raise ApiError(f"unexpected answer from Prometheus ({path}): {what}") from error
        if answer.status != "success" or answer.data is None:
            raise ApiError(f"Prometheus refuses {path}: {_line(answer.error)[:300]}")
        return answer.data


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(1024**2):
        body += chunk
        if len(body) > _MAX_BYTES:
            raise ApiError(f"Prometheus answers with more than {_MAX_BYTES // 1024**2} MiB")
    return bytes(body)


def _line(text: object) -> str:
    return " ".join(str(text).split())
