"""One supervised process, with real children."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent_observability.errors import StartError
from agent_observability.stack.identity import identify
from agent_observability.stack.part import Backoff, Part, PartSpec, PartState
from tests.support import wait_until_async


class Site:
    """A part, what it said, and whether its readiness URL answers."""

    def __init__(
        self, folder: Path, *command: str, ready: str = "", backoff: Backoff | None = None, stop: float = 5
    ) -> None:
        self.answers = True
        self.said: list[str] = []
        self.part = Part(
            PartSpec(name="toy", command=command, ready=ready),
            folder / "toy.log",
            probe=self._probe,
            changed=lambda: None,
            say=self.said.append,
            backoff=backoff or Backoff(),
            stop_seconds=stop,
        )

    async def _probe(self, _url: str) -> bool:
        return self.answers

    @contextlib.asynccontextmanager
    async def started(self) -> AsyncIterator[Part]:
        try:
            await self.part.start(5)
            yield self.part
        finally:
            await self.part.stop()


def shell(script: str) -> tuple[str, ...]:
    return ("sh", "-c", script)


@pytest.mark.parametrize(
    ("script", "backoff", "expected"),
    [
        ("exit 3", Backoff(0.05, 0.2, 60), ["0.05", "0.1", "0.2", "0.2"]),
        ("sleep 0.3", Backoff(0.05, 10, 0.2), ["0.05", "0.05", "0.05"]),
    ],
    ids=["grows-to-the-longest", "starts-over-after-a-healthy-run"],
)
async def test_a_crashed_part_is_restarted_with_backoff(
    tmp_path: Path, script: str, backoff: Backoff, expected: list[str]
) -> None:
    site = Site(tmp_path, *shell(script), backoff=backoff)
    async with site.started() as part:
        await wait_until_async(lambda: len(site.said) >= len(expected))
        assert part.restarts >= len(expected)
    waits = [match[1] for line in site.said if (match := re.search(r"restart \d+ in (\S+) s", line))]
    assert waits[: len(expected)] == expected


async def test_a_restarted_part_is_ready_again(tmp_path: Path) -> None:
    site = Site(tmp_path, *shell("exec sleep 60"), backoff=Backoff(0.05))
    async with site.started() as part:
        assert part.identity is not None
        first = part.identity
        os.kill(first.pid, 9)
        await wait_until_async(lambda: part.state is PartState.READY and part.identity not in (None, first))
        assert part.restarts == 1
    assert "toy was killed by SIGKILL; restart 1 in 0.05 s" in site.said[0]
    assert part.state is PartState.STOPPED


async def test_a_held_part_stays_down_until_it_is_released(tmp_path: Path) -> None:
    site = Site(tmp_path, *shell("exec sleep 60"), backoff=Backoff(0.01))
    async with site.started() as part:
        first = part.identity
        part.hold()
        await wait_until_async(lambda: part.state is PartState.HELD)
        assert first is not None and not first.alive
        await asyncio.sleep(0.1)  # ten times its backoff
        assert part.identity is None
        part.release()
        await wait_until_async(lambda: part.state is PartState.READY)
        assert part.restarts == 0


async def test_a_held_part_can_be_stopped(tmp_path: Path) -> None:
    site = Site(tmp_path, *shell("exec sleep 60"))
    async with site.started() as part:
        part.hold()
        await wait_until_async(lambda: part.state is PartState.HELD)
    assert part.state is PartState.STOPPED


async def test_a_part_waiting_for_its_restart_stops_at_once(tmp_path: Path) -> None:
    site = Site(tmp_path, *shell("exit 1"), backoff=Backoff(first=600, longest=600))
    async with asyncio.timeout(5), site.started() as part:
        await wait_until_async(lambda: part.state is PartState.WAITING)


async def test_stopping_ends_the_whole_group_even_against_its_will(tmp_path: Path) -> None:
    script = f"trap '' TERM; sleep 60 & echo $! > {tmp_path}/pid; while :; do sleep 60; done"
    site = Site(tmp_path, *shell(script), stop=0.3)
    async with site.started():
        helper = await wait_until_async(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
        assert identify(int(helper))
    await wait_until_async(lambda: identify(int(helper)) is None)
    assert site.said == ["toy did not end within 0.3 s of SIGTERM: killed"]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (
            shell("echo bad flag >&2; exit 2"),
            r"toy exited with status 2 while starting; the end of .*toy.log:\n    bad flag",
        ),
        (
            ("/no/such/program",),
            r"toy cannot be started: No such file or directory \(/no/such/program\) while starting",
        ),
    ],
)
async def test_a_part_that_ends_while_starting_says_why(
    tmp_path: Path, command: tuple[str, ...], expected: str
) -> None:
    site = Site(tmp_path, *command, ready="http://toy/-/ready")
    site.answers = False
    with pytest.raises(StartError, match=expected):
        async with site.started():
            pass


async def test_a_part_that_never_gets_ready_says_so(tmp_path: Path) -> None:
    site = Site(tmp_path, *shell("echo still loading; exec sleep 60"), ready="http://toy/-/ready")
    site.answers = False
    try:
        with pytest.raises(
            StartError, match=r"toy is not ready.*http://toy/-/ready did not answer 200(.|\n)*still loading"
        ):
            await site.part.start(0.5)
    finally:
        await site.part.stop()
    assert site.part.identity is None
