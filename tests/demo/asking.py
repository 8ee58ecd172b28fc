"""One of the demo's admin APIs, served and asked."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from agent_observability.demo.admin_api import AdminApi
from tests.llm_cost.billing.lab import serving

Parameters = Mapping[str, str] | Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """`headers` are those of an administrator, unless others are given."""

    url: str
    session: aiohttp.ClientSession
    headers: Mapping[str, str]

    async def get(
        self, path: str, parameters: Parameters = (), headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Status, JSON and headers."""
        given = self.headers if headers is None else headers
        async with self.session.get(self.url + path, params=parameters, headers=given) as response:
            return response.status, await response.json(), response.headers

    async def results(self, path: str, parameters: Parameters) -> list[list[dict[str, Any]]]:
        """Of each bucket."""
        status, page, _ = await self.get(path, parameters)
        assert status == 200, page
        return [bucket["results"] for bucket in page["data"]]


@contextlib.asynccontextmanager
async def asking(api: AdminApi, headers: Mapping[str, str]) -> AsyncIterator[Asked]:
    """Under its prefix."""
    async with serving(*api.routes()) as url, aiohttp.ClientSession() as session:
        yield Asked(url + api.prefix, session, headers)
