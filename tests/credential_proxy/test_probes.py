"""Probes that go on: what they show, when they come again, and what another configuration changes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from pathlib import Path

import pytest

from agent_observability.credential_proxy.probes import Probes
from tests.credential_proxy.proxies import config_of, errors, listening, probing, samples, serving, taken, up
from tests.support import wait_until_async


async def test_a_probe_is_absent_until_it_has_ended(tmp_path: Path) -> None:
    """A start of the exporter is no outage of the proxy; but durations count from 0."""
    with (
        listening(tmp_path / "proxy.sock", backlog=0) as proxy,
        contextlib.closing(socket.socket(socket.AF_UNIX)) as other,
    ):
        other.connect(str(tmp_path / "proxy.sock"))
        async with probing(proxy.target, timeout=1) as probes:
            assert up(probes) is None
            assert taken(probes) == 0
            assert errors(probes) == [f"{proxy.target}: has not been tried yet"]
            await wait_until_async(lambda: up(probes) == 0)


async def test_the_next_one_begins_once_the_last_has_ended(tmp_path: Path) -> None:
    """Of a proxy that hangs, never more than one probe at a time asks for a place in the queue."""
    with listening(tmp_path / "proxy.sock", backlog=0) as proxy:
        async with probing(proxy.target, interval=0.001, timeout=0.1) as probes:
            await wait_until_async(lambda: up(probes) == 0)
            most = 0
            for _ in range(20):
                await asyncio.sleep(0.01)
                most = max(most, probes._workers._started - probes._workers._idle)
            assert most == 1


async def test_one_that_hangs_holds_up_no_other(tmp_path: Path) -> None:
    with listening(tmp_path / "hangs.sock", backlog=0) as hangs, listening(tmp_path / "proxy.sock") as proxy:
        async with serving(proxy), probing(hangs.target, proxy.target, timeout=30) as probes:
            # Its first place in the queue is taken; its second probe waits.
            await wait_until_async(lambda: taken(probes, "b") >= 5)
            assert taken(probes, "a") <= 1
            assert up(probes, "b") == 1


async def test_other_targets(tmp_path: Path) -> None:
    """What a new configuration does not have is gone; a new address under an old name is not up before it was tried."""
    with listening(tmp_path / "one.sock") as one, listening(tmp_path / "two.sock", backlog=0) as two:
        other = socket.socket(socket.AF_UNIX)
        other.connect(str(tmp_path / "two.sock"))
        async with serving(one), probing(one.target, one.target) as probes:
            await wait_until_async(lambda: up(probes, "a") == up(probes, "b") == 1)
            count = taken(probes, "a")
            probes.update(config_of(two.target, timeout=20))
            assert up(probes, "a") is None
            assert taken(probes, "a") >= count
            assert not [name for name in samples(probes) if 'probe="b"' in name]
            assert [source.name for source in probes.sources()] == ["probe a"]
            async with serving(two):
                other.close()
                await wait_until_async(lambda: up(probes, "a") == 1)
            assert not [name for name in samples(probes) if 'probe="b"' in name]
            probes.update(config_of())
            assert samples(probes) == {}
            heard = len(one.heard)
            # Whatever was under way has ended once a probe that was begun later has.
            probes.update(config_of(two.target))
            async with serving(two):
                await wait_until_async(lambda: taken(probes) >= 3)
            assert len(one.heard) <= heard + 1


async def test_changes_are_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "agent_observability.credential_proxy.probes")
    async with probing(f"unix://{tmp_path / 'proxy.sock'}") as probes:
        await wait_until_async(lambda: up(probes) == 0)
        with listening(tmp_path / "proxy.sock") as proxy:
            async with serving(proxy):
                await wait_until_async(lambda: taken(probes) >= 3)
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == len(set(messages)) <= 3
    assert "there is no such socket" in messages[0]
    assert messages[-1] == f"probe a of {proxy.target}: takes connections again"


@pytest.mark.parametrize("drawn", [0.0, 0.5, 1.0])
async def test_pauses_vary_by_a_tenth(drawn: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr("agent_observability.credential_proxy.probes.asyncio.sleep", note)
    probes = Probes(config_of(f"unix://{tmp_path / 'none'}", interval=10), jitter=lambda: drawn)
    task = asyncio.create_task(probes.run())
    while len(pauses) < 2:
        await sleep(0)
    task.cancel()
    await asyncio.wait((task,))
    assert pauses[:2] == pytest.approx([9 + 2 * drawn] * 2)
