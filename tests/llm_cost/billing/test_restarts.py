"""Restarts, other leaders and a ledger that is down: nothing is counted twice, and nothing is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent_observability.ledger.errors import LedgerUnavailableError
from agent_observability.llm_cost import metrics as m
from tests.llm_cost.billing.lab import (
    polling,
    providers,
)
from tests.support import wait_until_async


async def test_killed_and_started_again_and_again(tmp_path: Path) -> None:
    async with providers("2026-03-18T12:00", page=2) as world:
        world.use("2026-03-18T09:00", input=1_000, cost=1, requests=2)
        for number in range(4):
            async with polling(tmp_path, world.config(), world.clock) as lab:
                assert (lab.tokens(), lab.billed("today")) == (1_000 + number, 1.0)
                assert sum(lab.counted(m.PROVIDER_REQUESTS).values()) == 2 + number
                # Told anew, with what was used while nobody looked, on the next start.
            world.clock.now += 300
            world.use("2026-03-18T12:00", input=1)


async def test_killed_between_commit_and_answer(tmp_path: Path) -> None:
    async with providers("2026-03-18T12:00") as world:
        world.use("2026-03-18T09:00", input=1_000, cost=1)
        async with polling(tmp_path, world.config(anthropic=0), world.clock, wait=False) as lab:
            # It is stored, nobody is told, and this life ends.
            lab.ledger.lost_answers = 10**6
            await wait_until_async(lambda: lab.ledger.commits == 1)
        world.clock.now += 300
        world.use("2026-03-18T12:00", input=30)
        async with polling(tmp_path, world.config(anthropic=0), world.clock) as lab:
            assert lab.tokens() == 1_030


async def test_a_lost_answer_is_told_from_a_lost_commit(tmp_path: Path) -> None:
    async with providers("2026-03-18T12:00") as world, polling(tmp_path, world.config(anthropic=0), world.clock) as lab:
        world.use("2026-03-18T09:00", input=1_000, cost=1)
        lab.ledger.lost_answers = 1
        await lab.poll()
        assert (lab.tokens(), lab.problem("openai/default/usage")) == (1_000, "")
        await lab.poll()
        assert lab.tokens() == 1_000


async def test_waits_while_the_ledger_is_down(tmp_path: Path) -> None:
    async with providers("2026-03-18T12:00") as world, polling(tmp_path, world.config(anthropic=0), world.clock) as lab:
        world.use("2026-03-18T09:00", input=1_000, cost=1)
        lab.ledger.down = True
        lab.rests.end()
        await wait_until_async(lambda: lab.ledger.refused > 3)
        assert (lab.tokens(), lab.billed("today")) == (0, 0.0)
        asked = sum(world.openai.asked.values())
        await wait_until_async(lambda: lab.ledger.refused > 6)
        # It holds on to what it has, and does not ask again meanwhile.
        assert sum(world.openai.asked.values()) == asked
        lab.ledger.down = False
        await lab.polled()
        assert (lab.tokens(), lab.billed("today")) == (1_000, 1.0)


async def test_another_leader_has_polled_in_the_meantime(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with providers("2026-03-18T12:00") as world:
        world.use("2026-03-18T09:00", input=1_000, cost=1)
        async with polling(tmp_path, world.config(anthropic=0), world.clock) as lab:
            old = lab.poller.watches[0]
            first = (old.account, old._position)
            world.use("2026-03-18T10:00", input=500, cost=1)
            await lab.poll()
            # As a replica that led before, and knows only what it knew then.
            old.account, old._position = first
            world.use("2026-03-18T11:00", input=20, cost=1)
            await lab.poll()
            assert (lab.tokens(), lab.billed("today")) == (1_520, 3.0)
            assert "somebody else has polled" in caplog.text


async def test_a_process_that_starts_again_at_once_does_not_ask_at_once(tmp_path: Path) -> None:
    async with providers("2026-03-18T12:00") as world:
        world.use("2026-03-18T09:00", input=5, cost=1)
        async with polling(tmp_path, world.config(anthropic=0), world.clock):
            asked = sum(world.openai.asked.values())
        world.clock.now += 10
        async with polling(tmp_path, world.config(anthropic=0), world.clock) as lab:
            assert (sum(world.openai.asked.values()), lab.rests.taken) == (asked, [50.0])
            # What the ledger holds is shown all the same.
            assert lab.billed("today") == 1.0
            await lab.poll()
            assert (lab.tokens(), lab.billed("today")) == (5, 1.0)


async def test_a_ledger_that_cannot_be_read_is_waited_for(tmp_path: Path) -> None:
    async with providers("2026-03-18T12:00") as world:
        world.use("2026-03-18T09:00", input=4, cost=3)
        async with polling(tmp_path, world.config(anthropic=0), world.clock) as lab:
            watch = lab.poller.watches[0]
            load = watch._load

            async def fails() -> dict[str, bytes]:
                raise LedgerUnavailableError("down")

            # Somebody else has written, and what that was cannot be read now.
            watch._position, watch._load = "", fails
            world.use("2026-03-18T10:00", input=1)
            await lab.poll()
            assert lab.problem("openai/default/usage") == "cannot be stored"
            watch._load = load
            await lab.poll()
            assert (lab.tokens(), lab.problem("openai/default/usage")) == (5, "")


async def test_a_poll_that_is_cancelled_leaves_nothing_open(tmp_path: Path) -> None:
    async with providers("2026-03-18T12:00") as world:
        world.openai.faults.latency = 60
        async with polling(tmp_path, world.config(anthropic=0), world.clock, wait=False) as lab:
            await wait_until_async(lambda: sum(world.openai.asked.values()) == 1)
        client = lab.poller.watches[0].api.client
        assert client._session is None
        assert not [task for task in asyncio.all_tasks() if "Watch" in repr(task)]
