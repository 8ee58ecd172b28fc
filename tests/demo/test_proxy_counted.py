"""The demo's logs, rotated again and again under the real exporter: its counters are the truth."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from pathlib import Path

import aiohttp
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from agent_observability.config import parse
from agent_observability.demo.proxy import CredentialProxy
from agent_observability.stack.sources import demo_sources
from agent_observability.stack.state import StateDirectory
from tests.support import Child, free_port, running

pytestmark = pytest.mark.stack

_SECONDS = 100.0
# To scrapers series are born at 0; while it is not known who scrapes, none is born at all.
_AS_PROMETHEUS = {"User-Agent": "Prometheus", "X-Prometheus-Scrape-Timeout-Seconds": "5", "Accept": "text/plain"}
Sums = dict[str, Counter[tuple[str, ...]]]


def truth_of(proxy: CredentialProxy) -> Sums:
    """As the exporter's families have it."""
    truth = proxy.truth
    renamed, truncated = proxy.rotations
    return {
        "credential_proxy_requests_total": Counter(truth.requests),
        "credential_proxy_rejections_total": Counter(truth.rejections),
        "credential_proxy_response_duration_seconds_count": Counter({(key,): n for key, n in truth.answers.items()}),
        "agent_obs_tail_lines_total": Counter({("audit", "parsed"): truth.parsed, ("audit", "ignored"): truth.ignored}),
        "agent_obs_tail_rotations_total": Counter({("audit", "rename"): renamed, ("audit", "truncate"): truncated}),
        "agent_obs_tail_lost_bytes_total": Counter(),
    }


async def shown(session: aiohttp.ClientSession, url: str, wanted: Sums) -> Sums:
    """The same families as they are exposed, without what is 0."""
    found: Sums = {name: Counter() for name in wanted}
    async with session.get(f"{url}/metrics", headers=_AS_PROMETHEUS) as response:
        text = await response.text()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in found and sample.value:
                labels = sample.labels
                order = ("source", "target_service", "operation", "status", "reason", "result", "kind")
                found[sample.name][tuple(labels[label] for label in order if label in labels)] += int(sample.value)
    return found


async def test_every_record_is_counted_once_whatever_happens_to_the_files(tmp_path: Path) -> None:
    port = free_port()
    config = parse("", "none", tmp_path)
    state = StateDirectory(tmp_path / "state")
    state.create()
    section = demo_sources(config, state).settings["credential_proxy"]
    document = {
        "web": {"listen": {"credential_proxy": [f"127.0.0.1:{port}"]}},
        "ledger": {"directory": str(tmp_path / "ledger")},
        "credential_proxy": section,
    }
    (tmp_path / "config.yml").write_text(yaml.safe_dump(document))
    proxy = CredentialProxy(state.demo_proxy, state.demo_socket, rotate=3.0, attacks=False)
    command = (sys.executable, "-m", "agent_observability", "run", "credential_proxy")
    with running((*command, "--config", tmp_path / "config.yml"), tmp_path / "log") as child:
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{port}"
            proxy.begin()
            traffic = asyncio.create_task(proxy.run())
            try:
                await _rotate(proxy, session, url, child)
            finally:
                traffic.cancel()
                await asyncio.gather(traffic, return_exceptions=True)
                await proxy.stop()
            await _compare(proxy, session, url, child)


async def _rotate(proxy: CredentialProxy, session: aiohttp.ClientSession, url: str, child: Child) -> None:
    async with asyncio.timeout(_SECONDS):
        while not await _ready(session, url):
            assert child.process.poll() is None, child.output()
            await asyncio.sleep(0.1)
        before = proxy.rotations
        while proxy.rotations[0] < before[0] + 3 or proxy.rotations[1] < before[1] + 2:
            if all(attack.over for attack in proxy.attacks.values()):
                proxy.attack("burst", pace=10)
            await asyncio.sleep(0.1)


async def _compare(proxy: CredentialProxy, session: aiohttp.ClientSession, url: str, child: Child) -> None:
    wanted = truth_of(proxy)
    deadline = time.monotonic() + 20
    while (found := await shown(session, url, wanted)) != wanted and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    assert found == wanted, child.output()[-2000:]
    total = sum(wanted["credential_proxy_requests_total"].values())
    print(f"{total} requests through {proxy.rotations} rotations, each counted once")
    assert total > 400


async def _ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/-/ready") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False
