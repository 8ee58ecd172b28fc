"""A real HTTP server that answers as Prometheus does, with what a test sets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from agent_observability.prometheus_api import PrometheusApi

SCRAPED = "2024-01-01T00:00:00Z"
NEVER = "0001-01-01T00:00:00Z"


def target(job: str, health: str = "up", error: str = "") -> dict[str, Any]:
    return {
        "labels": {"job": job},
        "scrapeUrl": f"http://127.0.0.1/{job}",
        "health": health,
        "lastScrape": SCRAPED,
        "lastScrapeDuration": 0.001,
        "lastError": error,
    }


def group(group_name: str, *, evaluated: bool = True, interval: float = 30, **rule: Any) -> dict[str, Any]:
    return {
        "name": group_name,
        "interval": interval,
        "lastEvaluation": SCRAPED if evaluated else NEVER,
        "rules": [{"name": "R", "type": "alerting", "health": "ok" if evaluated else "unknown", **rule}],
    }


class FakePrometheus:
    """Answers by API path; a value that is no mapping is sent as it is, with status 500."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {
            "targets": {"activeTargets": [target("host")]},
            "rules": {"groups": [group("g")]},
            "alerts": {"alerts": []},
            "status/tsdb": {"headStats": {"numSeries": 42}},
            "query": {"resultType": "vector", "result": []},
        }
        self.url = ""

    async def _answer(self, request: web.Request) -> web.Response:
        data = self.answers[request.match_info["path"]]
        if not isinstance(data, dict):
            return web.Response(status=500, body=data)
        if "error" in data:
            return web.json_response({"status": "error", **data}, status=400)
        return web.json_response({"status": "success", "data": data})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[PrometheusApi]:
        app = web.Application()
        app.router.add_get("/api/v1/{path:.+}", self._answer)
        async with TestServer(app) as server, aiohttp.ClientSession() as session:
            self.url = str(server.make_url("/")).rstrip("/")
            yield PrometheusApi(self.url, session)
