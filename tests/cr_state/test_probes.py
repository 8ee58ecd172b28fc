"""HTTP probes against a real server that answers well, badly and not at all."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from agent_observability import __version__
from agent_observability.cr_state.config import ProbesConfig
from agent_observability.cr_state.probes import Probes
from agent_observability.exposition import Format, write
from agent_observability.units import Duration
from tests.collectors import scraped
from tests.support import free_port, wait_until_async

TIMEOUT = 0.3


@dataclass
class Site:
    """A server whose paths are the statuses it answers with; `asked` are the requests by path."""

    port: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    agents: set[str] = field(default_factory=set)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    moved: dict[str, str] = field(default_factory=dict)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path = self.moved.get(request.path, request.path)
        self.asked[path] += 1
        self.agents.add(request.headers["User-Agent"])
        if path == "/hang":
            await self.hanging.wait()
        if path == "/half":
            response = web.StreamResponse(headers={"Content-Length": "1000000"})
            await response.prepare(request)
            await response.write(b"x")
            await self.hanging.wait()
            return response
        return web.Response(status=int(path[1:]), headers={"Location": "/500"}, text="x" * 100_000)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[Site]:
    site = Site()
    app = web.Application()
    app.router.add_get("/{any}", site.answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", 0)
    await server.start()
    site.port = runner.addresses[0][1]
    try:
        yield site
    finally:
        site.hanging.set()
        await runner.cleanup()


@contextlib.asynccontextmanager
async def probing(urls: dict[str, str], *, interval: float = 0.02, timeout: float = TIMEOUT) -> AsyncIterator[Probes]:
    probes = Probes()
    config = ProbesConfig(urls=urls, interval=Duration(interval), timeout=Duration(timeout))
    task = asyncio.create_task(probes.run(config))
    try:
        yield probes
        assert not task.done(), task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def samples(probes: Probes) -> dict[str, float]:
    text = write(scraped(probes), Format.TEXT).decode()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def results(probes: Probes, component: str) -> tuple[float, float, float]:
    """Successes, failures, and how many durations."""
    found = samples(probes)
    total = f'vteam_component_probes_total{{component="{component}",result='
    seconds = f'vteam_component_probe_duration_seconds_count{{component="{component}"}}'
    return found.get(f'{total}"success"}}', 0), found.get(f'{total}"failure"}}', 0), found.get(seconds, 0)


@pytest.mark.parametrize(
    ("path", "well"),
    [("200", True), ("204", True), ("302", True), ("half", True), ("400", False), ("404", False), ("500", False)],
)
async def test_answers(path: str, well: bool) -> None:
    """Redirects are answers, too: where to is nobody's business. Nor does a body matter that never ends."""
    async with serving() as site, probing({"it": site.url(path)}) as probes:
        await wait_until_async(lambda: results(probes, "it")[2] >= 3)
        success, failure, durations = results(probes, "it")
        assert (success, failure) == ((durations, 0) if well else (0, durations))
        assert set(site.asked) == {f"/{path}"}
        assert site.agents == {f"agent-observability/{__version__}"}


async def test_silence_fails_after_the_timeout() -> None:
    async with serving() as site, probing({"it": site.url("hang")}) as probes:
        await wait_until_async(lambda: results(probes, "it")[2] >= 1)
        success, failure, durations = results(probes, "it")
        assert (success, failure) == (0, durations)
        found = samples(probes)
        assert found['vteam_component_probe_duration_seconds_sum{component="it"}'] >= TIMEOUT * durations
        assert found['vteam_component_probe_duration_seconds_bucket{component="it",le="0.25"}'] == 0


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}/", "https://127.0.0.1:{site}/200", "http://[::1", "http://", "http://a..b/"]
)
async def test_no_connection_fails(url: str) -> None:
    """Nobody listens, nobody speaks TLS, and there is no such address; whatever it is, it is tried again."""
    async with serving() as site, probing({"it": url.format(port=free_port(), site=site.port)}) as probes:
        await wait_until_async(lambda: results(probes, "it")[2] >= 2)
        success, failure, durations = results(probes, "it")
        assert (success, failure) == (0, durations)


async def test_a_component_that_fails_and_recovers() -> None:
    """While another one answers all the time."""
    async with serving() as site:
        site.moved["/health"] = "/503"
        async with probing({"it": site.url("health"), "other": site.url("200")}) as probes:
            await wait_until_async(lambda: results(probes, "it")[1] >= 2)
            assert results(probes, "it")[0] == 0
            site.moved["/health"] = "/200"
            await wait_until_async(lambda: results(probes, "it")[0] >= 2)
            assert results(probes, "other")[1] == 0


async def test_series_are_there_before_the_first_answer() -> None:
    """With 0, so that the first failure shows as an increase."""
    async with serving() as site, probing({"it": site.url("hang")}, timeout=30) as probes:
        await wait_until_async(lambda: site.asked["/hang"])
        found = samples(probes)
        assert not any(found.values())
        for result in ("success", "failure"):
            assert f'vteam_component_probes_total{{component="it",result="{result}"}}' in found
        assert 'vteam_component_probe_duration_seconds_count{component="it"}' in found


async def test_all_are_asked_at_once_every_interval() -> None:
    """One that hangs holds up neither the others' answers nor the next round."""
    async with serving() as site:
        urls = {"slow": site.url("hang"), "it": site.url("200")}
        async with probing(urls, interval=0.3, timeout=0.28) as probes:
            await wait_until_async(lambda: results(probes, "it")[2] == 1)
            assert results(probes, "slow")[2] == 0
            begun = asyncio.get_running_loop().time()
            await wait_until_async(lambda: site.asked["/200"] == 6)
            assert 1.2 < asyncio.get_running_loop().time() - begun < 2.5
            assert site.asked["/hang"] >= 5


async def test_nothing_to_probe() -> None:
    async with probing({}) as probes:
        await asyncio.sleep(0)
        assert samples(probes) == {}
