"""Questions to a provider, and servers that answer them one way or another."""

from __future__ import annotations

from collections import Counter

import pytest
from aiohttp import web

from agent_observability.decode import Secret
from agent_observability.llm_cost.billing.errors import (
    BillingError,
)
from agent_observability.llm_cost.billing.openai import OpenAI
from agent_observability.llm_cost.config import AccountConfig
from agent_observability.units import Duration
from tests.llm_cost.billing.lab import Clock, Handler, at, day

__all__ = ["EMPTY", "KEY", "TODAY", "Asking", "Pauses", "then"]

KEY = "sk-admin-0q7z"
TODAY = day("2026-03-18")
EMPTY = {"object": "page", "data": [], "has_more": False, "next_page": None}


class Pauses:
    """Remembers them, and takes none."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


class Asking:
    """An account at OpenAI whose costs are read from an address."""

    def __init__(self, url: str, *, key: str = KEY, timeout: float = 5) -> None:
        self.pauses = Pauses()
        config = AccountConfig(key=Secret(key), url=url, timeout=Duration(timeout))
        self.api = OpenAI(config, clock=Clock(at("2026-03-18T12:00")), pause=self.pauses)

    async def costs(self) -> dict[int, int]:
        try:
            return await self.api.costs(TODAY - 2)
        finally:
            await self.api.client.close()

    async def fails(self, kind: type[BillingError]) -> str:
        with pytest.raises(kind) as error:
            await self.costs()
        assert "\n" not in str(error.value)
        assert "0q7z" not in str(error.value)
        return str(error.value)


def then(*answers: web.StreamResponse | int) -> tuple[Handler, Counter[str]]:
    """A handler that gives one answer after the other, the last again and again; and how often it was asked."""
    asked: Counter[str] = Counter()

    async def handle(request: web.Request) -> web.StreamResponse:
        answer = answers[min(asked.total(), len(answers) - 1)]
        asked[request.path] += 1
        return web.Response(status=answer, text="sk-admin-0q7z") if isinstance(answer, int) else answer

    return handle, asked
