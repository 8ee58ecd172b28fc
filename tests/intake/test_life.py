"""The life of an intake: what it binds, who registers, and how it ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent_observability.errors import StartError
from agent_observability.intake.config import IntakeConfig
from agent_observability.intake.formats import JsonFormat
from agent_observability.intake.intake import Intake
from tests.intake.site import PATH, Item, Plain, serving, some
from tests.server.site import closed_by_server, connect
from tests.support import context_of, free_port, wait_until_async


async def test_stop_answers_what_runs(tmp_path: Path) -> None:
    async with serving(tmp_path) as site:
        site.backend.gate.clear()
        waiting = [asyncio.create_task(site.post(some(number))) for number in range(5)]
        await wait_until_async(lambda: len(site.plain.callers) == 5)
        stopping = asyncio.create_task(site.intake.stop())
        await wait_until_async(lambda: not site.intake._door._listeners[0].is_serving())
        port = site.intake._door._sockets
        assert all(sock.fileno() == -1 for sock in port)
        site.backend.gate.set()
        assert [answer.status for answer in await asyncio.gather(*waiting)] == [200] * 5
        await stopping
        assert sorted(site.ids()) == list(range(5))


async def test_stop_does_not_wait_for_a_body_that_never_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent_observability.door.SHUTDOWN_SECONDS", 0.2)
    async with serving(tmp_path) as site:
        head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n"
        reader, writer = await connect(site.port, f"{head}{{".encode())
        await wait_until_async(lambda: site.intake._running == 1)
        async with asyncio.timeout(5):
            await site.intake.stop()
        assert site.intake._running == 0
        await closed_by_server(reader, 5)
        writer.close()


async def test_stop_before_the_start(tmp_path: Path) -> None:
    intake = Intake(IntakeConfig(listen=["127.0.0.1:0"]), context_of(tmp_path).ledger)
    await intake.stop()
    intake.bind()
    await intake.stop()


async def test_an_address_in_use(tmp_path: Path) -> None:
    port = free_port()
    ledger = context_of(tmp_path).ledger
    first, second = (Intake(IntakeConfig(listen=[f"127.0.0.1:{port}"]), ledger) for _ in range(2))
    first.bind()
    with pytest.raises(StartError, match=rf"port {port} is held by"):
        second.bind()
    await first.stop()


def test_who_takes_from_one_path_takes_one_format(tmp_path: Path) -> None:
    intake = Intake(IntakeConfig(), context_of(tmp_path).ledger)
    form = JsonFormat(Item)
    intake.take("usage", PATH, form, Plain())
    intake.take("usage", PATH, form, Plain())
    for name, other in (("units", form), ("usage", JsonFormat(Item))):
        with pytest.raises(ValueError, match="/api/v1/usage is taken as usage, in one format for all"):
            intake.take(name, PATH, other, Plain())


def test_the_first_who_claims_it_shows_it(tmp_path: Path) -> None:
    intake = Intake(IntakeConfig(), context_of(tmp_path).ledger)
    assert [intake.claim() for _ in range(3)] == [True, False, False]
    assert (intake.source().healthy, intake.source().detail) == (True, "127.0.0.1:4318, without keys")
