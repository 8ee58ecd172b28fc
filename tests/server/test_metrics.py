"""/metrics: formats, encodings, selection, the scrape's deadline, and output that strict tools accept."""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from agent_observability.config import WebConfig
from agent_observability.exposition import Format
from agent_observability.registry import BY_NAME
from agent_observability.service import Selection, Service
from agent_observability.workers import Workers
from tests.probe import ProbeConfig
from tests.server.site import OPENMETRICS, held, serving
from tests.support import context_of

PROMETHEUS_ACCEPT = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
COLLECTORS = "steady, blocking, jobs, suite, process"


@pytest.mark.parametrize(
    ("headers", "expected_type", "compressed"),
    [
        ({}, Format.TEXT, False),
        ({"Accept": PROMETHEUS_ACCEPT, "Accept_Encoding": "gzip"}, Format.OPENMETRICS, True),
        ({"Accept": OPENMETRICS}, Format.OPENMETRICS, False),
        ({"Accept": "text/plain", "Accept_Encoding": "gzip, deflate"}, Format.TEXT, True),
        ({"Accept": "text/html,*/*;q=0.8", "Accept_Encoding": "gzip;q=0"}, Format.TEXT, False),
        ({"Accept": "image/png", "Accept_Encoding": "br"}, Format.TEXT, False),
    ],
)
async def test_negotiates(headers: dict[str, str], expected_type: Format, compressed: bool) -> None:
    async with serving() as site:
        answer = await site.get("/metrics", **headers)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == expected_type.value
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    assert answer.headers.get("Content-Encoding") == ("gzip" if compressed else None)
    assert answer.headers["Content-Length"] == str(len(answer.body))
    text = (gzip.decompress(answer.body) if compressed else answer.body).decode()
    assert 'probe_info{text="steady"} 1\n' in text
    assert text.endswith("# EOF\n") == (expected_type is Format.OPENMETRICS)


async def test_head_has_the_headers_alone() -> None:
    async with serving() as site:
        answer = await site.request("HEAD", "/metrics")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Type"] == Format.TEXT.value
    assert int(answer.headers["Content-Length"]) > 500


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"steady", "blocking", "jobs", "suite", "process"}),
        ("?collect[]=steady", {"steady"}),
        ("?collect[]=jobs&collect[]=steady", {"steady", "jobs"}),
        ("?exclude[]=jobs&exclude[]=process", {"steady", "blocking", "suite"}),
        ("?collect%5B%5D=steady", {"steady"}),
    ],
)
async def test_selects_collectors(query: str, expected: set[str]) -> None:
    async with serving() as site:
        text = (await site.get(f"/metrics{query}")).text
    families = {family.name: family for family in parse_text(text)}
    success = families["agent_obs_collector_success"].samples
    assert {sample.labels["collector"]: sample.value for sample in success} == dict.fromkeys(expected, 1)
    assert ("probe_info" in families) == ("steady" in expected)
    assert ("probe_jobs" in families or "probe_job_duration_seconds" in families) == ("jobs" in expected)
    assert ("process_resident_memory_bytes" in families) == ("process" in expected)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("collect[]=stedy", f"unknown collector stedy; this exporter has {COLLECTORS}\n"),
        ("exclude[]=nope&exclude[]=jobs&exclude[]=a", f"unknown collector a, nope; this exporter has {COLLECTORS}\n"),
        ("collect[]=steady&exclude[]=jobs", "collect[] and exclude[] exclude each other; use one of them\n"),
    ],
)
async def test_refuses_a_wrong_selection(query: str, message: str) -> None:
    async with serving() as site:
        answer = await site.get(f"/metrics?{query}")
        assert (answer.status, answer.text) == (400, message)
        assert (await site.get("/metrics")).status == 200


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("name[]=probe_blocking_runs", {"probe_blocking_runs"}),
        ("name[]=probe_blocking_runs&name[]=probe_info", {"probe_blocking_runs", "probe_info"}),
        ("name[]=probe_job_duration_seconds_bucket", {"probe_job_duration_seconds"}),
        ("name[]=nothing_like_that", set()),
    ],
)
async def test_name_keeps_whole_families(names: str, expected: set[str]) -> None:
    async with serving() as site:
        answer = await site.get(f"/metrics?{names}", Accept=OPENMETRICS)
    assert answer.status == 200
    families = list(parse_openmetrics(answer.text))
    assert {sample.name.removesuffix("_bucket") for family in families for sample in family.samples} >= expected
    assert {f"{family.name}_info" if family.type == "info" else family.name for family in families} == expected


async def test_serves_another_telemetry_path() -> None:
    async with serving(web=WebConfig(telemetry_path="/deep/metrics")) as site:
        assert "probe_info" in (await site.get("/deep/metrics")).text
        assert (await site.get("/metrics")).status == 404
        assert 'href="/deep/metrics"' in (await site.get("/")).text


async def test_serves_metrics_at_the_root() -> None:
    async with serving(web=WebConfig(telemetry_path="/")) as site:
        assert 'probe_info{text="steady"} 1\n' in (await site.get("/")).text


async def test_a_blocked_collector_costs_its_own_freshness_only(tmp_path: Path) -> None:
    hold = tmp_path / "hold"
    async with serving(ProbeConfig(hold=hold)) as site:
        assert "probe_blocking_runs 1\n" in (await site.get("/metrics")).text
        with held(hold):
            started = time.monotonic()
            late = await site.get("/metrics", X_Prometheus_Scrape_Timeout_Seconds="0.8")
            took = time.monotonic() - started
            assert late.status == 200
            assert 0.25 < took < 0.8
            assert "probe_blocking_runs 1\n" in late.text
            assert 'agent_obs_collector_success{collector="blocking"} 0\n' in late.text
            assert 'agent_obs_collector_success{collector="steady"} 1\n' in late.text
            assert 'probe_info{text="steady"} 1\n' in late.text

            started = time.monotonic()
            again = await site.get("/metrics", X_Prometheus_Scrape_Timeout_Seconds="10")
            assert time.monotonic() - started < 2, "a later scrape waits for a collector known to be stuck"
            assert 'agent_obs_collector_success{collector="blocking"} 0\n' in again.text
        async with asyncio.timeout(5):
            while 'success{collector="blocking"} 1\n' not in (text := (await site.get("/metrics")).text):
                await asyncio.sleep(0.01)
        assert "probe_blocking_runs 1\n" not in text


async def test_a_failing_collector_loses_its_own_families_only() -> None:
    async with serving(ProbeConfig(fail="disk gone")) as site:
        answer = await site.get("/metrics")
    assert answer.status == 200
    assert 'agent_obs_collector_success{collector="steady"} 0\n' in answer.text
    assert "probe_info" not in answer.text
    assert "probe_blocking_runs 1\n" in answer.text
    assert "disk gone" not in answer.text


async def test_the_page_is_clean() -> None:
    """Strict parsers and promtool find nothing; no family stands twice."""
    async with serving(ProbeConfig(counts={"a": 2}, text='back\\slash "quote"\nline')) as site:
        await site.settle()
        openmetrics = (await site.get("/metrics", Accept=OPENMETRICS)).text
        text = (await site.get("/metrics")).text
    families = list(parse_openmetrics(openmetrics))
    values = {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}
    assert values["probe_jobs_total", "a"] == 2
    assert values["probe_info", 'back\\slash "quote"\nline'] == 1
    assert _declared_twice(openmetrics) == _declared_twice(text) == []
    assert _promtool(text) == ""


async def test_every_real_exporter_is_clean(tmp_path: Path) -> None:
    """The exporters of the registry; which of a family's names lint dislikes is the business of its own tests."""
    for exporter in BY_NAME.values():
        service = Service(exporter, exporter.section(), Workers("test"), context_of(tmp_path), process_metrics=True)
        for format_ in Format:
            page = (await service.scrape(Selection(), format_, gzip=False, seconds=10)).body.decode()
            assert _declared_twice(page) == []
            families = (parse_text if format_ is Format.TEXT else parse_openmetrics)(page)
            exposed = {sample.name for family in families for sample in family.samples}
            assert {"agent_obs_build_info", "agent_obs_collector_success"} <= exposed


def _declared_twice(page: str) -> list[str]:
    headers = Counter(line.rsplit(" ", 1)[0] for line in page.splitlines() if line.startswith("# TYPE "))
    return [header for header, count in headers.items() if count > 1]


def _promtool(text: str) -> str:
    """What `promtool check metrics` dislikes; "" if nothing."""
    result = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    return result.stdout + result.stderr
