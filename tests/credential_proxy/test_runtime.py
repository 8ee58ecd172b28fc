"""The exporter's life: when it is ready, who shows what while two run, and what a reload changes."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import msgspec
import pytest

from agent_observability.credential_proxy.config import AnomaliesConfig, ProbesConfig
from agent_observability.tail.config import TailConfig
from agent_observability.units import Duration
from tests.credential_proxy.living import asked, living, section_of
from tests.support import wait_until_async

GRANTED = 'credential_proxy_requests_total{target_service="github",operation="clone",status="granted"}'
# Of several replicas the one that leads shows these.
DERIVED = (
    "credential_proxy_requests_total",
    "credential_proxy_anomaly_active",
    "credential_proxy_active_containers",
    "credential_proxy_hour_of_day",
    "credential_proxy_audit_log",
    "agent_obs_tail",
)


def many(number: int, *, first: int = 0) -> list[str]:
    """So many grants of now, to a hundred containers."""
    return [asked(time.time(), container=f"{(first + n) % 100:012x}") for n in range(number)]


async def test_ready_without_a_log(tmp_path: Path) -> None:
    """A proxy that has not written yet may wait for this very process; that there is no log is told all the same."""
    async with living(tmp_path) as it:
        assert it.service.not_ready() == ""
        [source] = it.runtime.sources()
        assert not source.healthy
        assert source.detail
        assert await it.value('agent_obs_tail_up{source="audit"}') == 0


async def test_ready_with_nothing_to_follow(tmp_path: Path) -> None:
    async with living(tmp_path, log=TailConfig()) as it:
        assert it.service.not_ready() == ""
        assert await it.value(GRANTED) == 0
        assert await it.scrape("agent_obs_tail_up") == []
        [source] = it.runtime.sources()
        assert (source.healthy, source.detail) == (False, "credential_proxy.log.paths names no audit log")


async def test_ready_once_the_log_is_read(tmp_path: Path) -> None:
    """The first figures that are shown to somebody who asked whether they are ready are all of them."""
    (tmp_path / "audit.log").write_text("".join(f"{line}\n" for line in many(10_000)))
    async with living(tmp_path, wait=False) as it:
        reasons = set()
        while reason := it.service.not_ready():
            reasons.add(reason)
            await asyncio.sleep(0)
        assert it.counted(GRANTED) == 10_000
        assert reasons
        # What comes later is never read at once, and no reason to take the exporter out of service.
        it.write(*many(5_000))
        assert it.service.not_ready() == ""
        await it.read(15_000)


async def test_one_that_stands_by(tmp_path: Path) -> None:
    """It shows whether the proxy answers, and nothing that the ledger knows; then it goes on where the other ended."""
    probes = ProbesConfig(targets={"a": f"unix://{tmp_path / 'none.sock'}"})
    async with living(tmp_path, probes=probes) as first:
        first.write(*many(50))
        await first.read(50)
        async with living(tmp_path, probes=probes, wait=False) as second:
            await wait_until_async(lambda: second.ledger.state.standby)
            await wait_until_async(lambda: second.runtime.sources()[-1].detail.endswith("mounted here"))
            assert "process" in second.service.not_ready()
            assert await second.scrape(*DERIVED) == []
            assert await second.value('credential_proxy_up{probe="a"}') == 0
            [audit, _] = second.runtime.sources()
            assert (audit.name, audit.healthy) == ("audit", False)
            first.write(*many(5))
            await first.read(55)
            await first.runtime.stop()
            await first.ledger.stop()
            second.write(*many(7))
            await wait_until_async(lambda: not second.service.not_ready(), 20, what="the second leads")
            await second.read(62)
            assert await second.values(GRANTED) == {GRANTED: 62}
            shown = await second.scrape(*DERIVED)
            assert {name for name in DERIVED if any(line.startswith(name) for line in shown)} == set(DERIVED)
            assert await second.value("credential_proxy_active_containers") == 50


async def test_one_that_has_lost_the_lead_is_not_ready(tmp_path: Path) -> None:
    """Somebody else counts on from there; what it has read itself says nothing any more."""
    async with living(tmp_path) as it:
        it.write(*many(5))
        await it.read(5)
        assert it.service.not_ready() == ""
        it.runtime._lost()
        assert it.service.not_ready() == "the ledger has not been read yet"


async def test_reload_of_services(tmp_path: Path) -> None:
    """What was folded stays so, what comes is told apart; new series begin at 0."""
    async with living(tmp_path) as it:
        it.write(asked(time.time(), "vault", "read", container="a"))
        await it.read(1)
        vault = 'credential_proxy_requests_total{target_service="vault",operation="read",status="granted"}'
        other = 'credential_proxy_requests_total{target_service="other",operation="other",status="granted"}'
        life = it.runtime.shown
        it.service.reload(section_of(it.log, services={"vault": ["read"]}))
        assert await it.value(vault) == 0
        await wait_until_async(lambda: it.runtime.shown is not life)
        it.write(asked(time.time(), "vault", "read", container="b"))
        await it.read(2)
        assert await it.values(vault, other) == {vault: 1, other: 1}
        anomalies = await it.values("credential_proxy_anomalies_total")
        assert anomalies == {'credential_proxy_anomalies_total{type="unknown_service"}': 1}


async def test_reload_of_limits_keeps_what_containers_did(tmp_path: Path) -> None:
    """Five requests before, two after: with the new limit that is too many."""
    async with living(tmp_path) as it:
        it.write(*(asked(time.time(), container="a") for _ in range(5)))
        await it.read(5)
        life = it.runtime.shown
        it.service.reload(section_of(it.log, anomalies=AnomaliesConfig(requests_per_minute=6)))
        await wait_until_async(lambda: it.runtime.shown is not life)
        it.write(*(asked(time.time(), container="a") for _ in range(2)))
        await it.read(7)
        anomalies = await it.values("credential_proxy_anomalies_total")
        assert anomalies == {'credential_proxy_anomalies_total{type="high_request_rate"}': 1}


async def test_reload_of_paths(tmp_path: Path) -> None:
    """The new log is followed, the old one is not any more; going back, nothing is read twice."""
    async with living(tmp_path) as it:
        it.write(*many(3))
        await it.read(3)
        there = tmp_path / "there.log"
        it.write(*many(4), to=there)
        it.service.reload(section_of(there))
        await it.read(7)
        it.write(*many(10))
        it.write(*many(1), to=there)
        await it.read(8)
        it.service.reload(section_of(tmp_path / "*.log"))
        await it.read(18)
        assert await it.values(GRANTED) == {GRANTED: 18}


async def test_reload_under_load(tmp_path: Path) -> None:
    """Again and again while the log grows and is rotated: no line is lost, none counts twice."""
    async with living(tmp_path) as it:
        it.write(*many(250))
        await it.read(250)
        written = 250
        for number in range(40):
            it.write(*many(250, first=written))
            written += 250
            if number % 7 == 3:
                it.log.rename(tmp_path / f"audit.log.{number}")
            section = section_of(it.log, project=f"p{number % 2}")
            if number % 2:
                section = msgspec.structs.replace(section, services={"github": ["clone"], f"s{number % 4}": []})
            it.service.reload(section)
            await asyncio.sleep(0.02 * (number % 3))
        await it.read(written)
        assert it.counted(GRANTED) == written
        hours = await it.values("credential_proxy_hour_of_day")
        assert sum(hours.values()) == written


async def test_reload_of_probes(tmp_path: Path) -> None:
    """Through the whole exporter; without a look at the log or the ledger."""
    async with living(tmp_path) as it:
        assert await it.scrape("credential_proxy_up") == []
        probes = ProbesConfig(targets={"a": f"unix://{tmp_path / 'none.sock'}"}, interval=Duration(60))
        it.service.reload(section_of(it.log, probes=probes))
        await wait_until_async(lambda: it.runtime.sources()[-1].detail.endswith("mounted here"))
        assert await it.value('credential_proxy_up{probe="a"}') == 0
        it.service.reload(section_of(it.log))
        assert await it.scrape("credential_proxy_up", "credential_proxy_probe") == []
        assert [source.name for source in it.runtime.sources() if source.name.startswith("probe")] == []


@pytest.mark.parametrize("started", [True, False])
async def test_stop(started: bool, tmp_path: Path) -> None:
    """At any time, and nothing of it goes on."""
    before = asyncio.all_tasks()
    async with living(tmp_path, wait=started) as it:
        it.write(*many(1_000))
    assert asyncio.all_tasks() == before


async def test_the_landing_page(tmp_path: Path) -> None:
    probes = ProbesConfig(targets={"main": f"unix://{tmp_path / 'none.sock'}"})
    async with living(tmp_path, probes=probes) as it:
        await wait_until_async(lambda: it.runtime.sources()[-1].detail.endswith("mounted here"))
        async with it.session.get(f"{it.url}/") as response:
            page = await response.text()
        assert "probe main" in page
        assert "audit" in page
        assert "there is no such socket" in page
