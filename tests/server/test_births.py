"""Births over HTTP: everybody who scrapes sees a new counter at 0 first, whoever else looks in between."""

from __future__ import annotations

import pytest

from agent_observability.exposition import Format
from tests.probe import JOBS, ProbeRuntime
from tests.server.site import Site, serving

_SCRAPE = {"X_Prometheus_Scrape_Timeout_Seconds": "10"}


def count(site: Site, kind: str) -> None:
    runtime = site.service.runtime
    assert isinstance(runtime, ProbeRuntime)
    runtime.store.add(JOBS, (kind,))


async def value(site: Site, kind: str, path: str = "/metrics", **headers: str) -> float | None:
    text = (await site.get(path, **headers)).text
    prefix = f'probe_jobs_total{{kind="{kind}"}} '
    return next((float(line.removeprefix(prefix)) for line in text.splitlines() if line.startswith(prefix)), None)


async def scrape(site: Site, kind: str, scraper: str) -> float | None:
    return await value(site, kind, User_Agent=scraper, **_SCRAPE)


async def test_both_of_a_pair_see_the_0() -> None:
    async with serving() as site:
        for scraper in ("one", "two"):
            await scrape(site, "x", scraper)
        count(site, "x")
        assert [await scrape(site, "x", "one") for _ in range(2)] == [0, 0]
        assert [await scrape(site, "x", "two") for _ in range(2)] == [0, 1]
        assert await scrape(site, "x", "one") == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("HEAD", "/metrics"),
        ("GET", "/metrics?name[]=probe_jobs_total"),
        ("GET", "/metrics"),
        ("GET", "/metrics?collect[]=steady"),
    ],
)
async def test_others_use_no_birth_up(method: str, path: str) -> None:
    async with serving() as site:
        await scrape(site, "x", "one")
        count(site, "x")
        for _ in range(2):
            assert (await site.request(method, path)).status == 200
        assert await scrape(site, "x", "one") == 0
        assert await scrape(site, "x", "one") == 1


async def test_where_nobody_scrapes_a_look_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent_observability.births._FIRST_SCRAPER_SECONDS", 0)
    async with serving() as site:
        count(site, "x")
        assert await value(site, "x") == 0
        assert await value(site, "x") == 1


async def test_a_job_of_its_own_collectors_is_a_scraper_of_those() -> None:
    async with serving() as site:
        await value(site, "x", "/metrics?collect[]=jobs", **_SCRAPE)
        count(site, "x")
        assert await value(site, "x", "/metrics?collect[]=jobs", **_SCRAPE) == 0
        assert await value(site, "x", "/metrics?collect[]=jobs", Accept=Format.OPENMETRICS.value, **_SCRAPE) == 1
