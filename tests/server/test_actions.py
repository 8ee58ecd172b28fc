"""Actions of an exporter: told as they go, ended with whoever asked, behind the same access control as all else."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import bcrypt
import pytest
import yaml

from agent_observability.config import WebConfig
from agent_observability.errors import AgentObsError
from agent_observability.units import Duration
from agent_observability.webconfig import WebSecurity, load_web_config
from tests.probe import ProbeRuntime
from tests.server.site import Site, closed_by_server, connect, serving
from tests.support import wait_until_async

Told = AsyncGenerator[Mapping[str, Any], None]
_POST = b"POST /-/act HTTP/1.1\r\nHost: x\r\n\r\n"


class Act:
    """An action that tells what it is given, waits for `go` before the last of it, and notes how it ended."""

    def __init__(self, *told: Mapping[str, Any] | Exception, endless: bool = False) -> None:
        self.told = told
        self.endless = endless
        self.go = asyncio.Event()
        self.parameters: list[Mapping[str, str]] = []
        self.begun = 0
        self.ended = 0

    async def __call__(self, parameters: Mapping[str, str]) -> Told:
        self.parameters.append(dict(parameters))
        self.begun += 1
        try:
            for number, one in enumerate(self.told):
                if number == len(self.told) - 1 and number:
                    await self.go.wait()
                if isinstance(one, Exception):
                    raise one
                yield one
            while self.endless:
                yield {"text": "x" * 10_000}
        finally:
            self.ended += 1


@pytest.fixture
def acting(monkeypatch: pytest.MonkeyPatch) -> Callable[[Act], None]:
    def give(act: Act) -> None:
        monkeypatch.setattr(ProbeRuntime, "actions", lambda _: {"act": act})

    return give


async def lines(site: Site, query: str = "", **options: Any) -> tuple[int, list[Any]]:
    answer = await site.request("POST", f"/-/act{query}", **options)
    assert answer.headers["Content-Type"].startswith("application/x-ndjson")
    return answer.status, [json.loads(line) for line in answer.text.splitlines()]


async def test_it_is_told_as_it_goes(acting: Callable[[Act], None]) -> None:
    """Not all at the end."""
    act = Act({"progress": 0}, {"progress": 1})
    acting(act)
    async with serving() as site, site.session() as client, client.post("/-/act?dry_run=true&a=b") as response:
        assert await response.content.readline() == b'{"progress": 0}\n'
        assert act.ended == 0
        act.go.set()
        assert await response.content.read() == b'{"progress": 1}\n'
        assert act.parameters == [{"dry_run": "true", "a": "b"}]
        assert act.ended == 1


async def test_nothing_to_tell(acting: Callable[[Act], None]) -> None:
    acting(Act())
    async with serving() as site:
        assert await lines(site) == (200, [{}])


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (ValueError("since: expected a day"), 400, "since: expected a day\n"),
        (AgentObsError("no ledger"), 503, "no ledger\n"),
    ],
)
async def test_what_cannot_begin(acting: Callable[[Act], None], error: Exception, status: int, text: str) -> None:
    act = Act(error)
    acting(act)
    async with serving() as site:
        answer = await site.request("POST", "/-/act")
        assert (answer.status, answer.text) == (status, text)
    assert act.ended == 1


async def test_what_goes_wrong_later_is_the_last_line(acting: Callable[[Act], None]) -> None:
    act = Act({"progress": 0}, AgentObsError("the ledger is gone"))
    act.go.set()
    acting(act)
    async with serving() as site:
        assert await lines(site) == (200, [{"progress": 0}, {"error": "the ledger is gone"}])


async def test_a_bug_is_logged_and_not_told(acting: Callable[[Act], None], caplog: pytest.LogCaptureFixture) -> None:
    act = Act({"progress": 0}, KeyError("password"))
    act.go.set()
    acting(act)
    async with serving() as site:
        assert await lines(site) == (200, [{"progress": 0}, {"error": "it failed; see the log of the exporter"}])
    assert "/-/act failed" in caplog.text
    assert "KeyError" in caplog.text


async def test_only_posts(acting: Callable[[Act], None]) -> None:
    act = Act({})
    acting(act)
    async with serving() as site:
        assert (await site.get("/-/act")).status == 405
        assert (await site.request("POST", "/-/other")).status == 404
    assert act.begun == 0


async def test_access_control(acting: Callable[[Act], None], tmp_path: Path) -> None:
    act = Act({"done": True})
    acting(act)
    file = tmp_path / "web.yml"
    users = {"basic_auth_users": {"operator": bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()}}
    file.write_text(yaml.safe_dump(users | {"http_server_config": {"headers": {"X-Frame-Options": "deny"}}}))
    async with serving(security=load_web_config(file)) as site:
        assert (await site.request("POST", "/-/act")).status == 401
        assert (await site.request("POST", "/-/act", auth=("operator", "wrong"))).status == 401
        assert act.begun == 0
        answer = await site.request("POST", "/-/act", auth=("operator", "open sesame"))
        assert (answer.status, answer.text) == (200, '{"done": true}\n')
        assert answer.headers["X-Frame-Options"] == "deny"


async def test_it_ends_with_whoever_asked(acting: Callable[[Act], None]) -> None:
    """Nobody listens any more: it is not gone on with, and what it holds is free for the next one."""
    act = Act(endless=True)
    acting(act)
    async with serving() as site:
        reader, writer = await connect(site.port, _POST)
        assert b"200 OK" in await reader.readline()
        writer.transport.abort()
        await wait_until_async(lambda: act.ended == 1, what="the end of the action")
        assert (await site.get("/-/healthy")).status == 200


async def test_a_client_that_never_reads_is_cut_off(
    acting: Callable[[Act], None], caplog: pytest.LogCaptureFixture
) -> None:
    act = Act(endless=True)
    acting(act)
    async with serving(web=WebConfig(write_timeout=Duration(0.3))) as site:
        site.server._door._sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(("127.0.0.1", site.port))
            sock.sendall(_POST)
            await wait_until_async(lambda: act.ended == 1, what="the end of the action")
        assert "did not take what it was told" in caplog.text
        assert (await site.get("/-/healthy")).status == 200


async def test_stopping_waits_for_no_action(acting: Callable[[Act], None]) -> None:
    """It is ended like any request that takes too long; whoever asked sees that it was not done."""
    act = Act({"progress": 0}, {"done": True})
    acting(act)
    async with serving(security=WebSecurity()) as site:
        reader, _ = await connect(site.port, _POST)
        await reader.readuntil(b'{"progress": 0}\n')
        async with asyncio.timeout(10):
            await site.server.stop()
        assert b"done" not in await closed_by_server(reader, 5)
    assert act.ended == 1


async def test_a_client_sees_a_cut_answer_as_one(acting: Callable[[Act], None]) -> None:
    act = Act({"progress": 0}, {"done": True})
    acting(act)
    async with serving() as site, site.session() as client, client.post("/-/act") as response:
        assert await response.content.readline() == b'{"progress": 0}\n'
        await site.server.stop()
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.content.read()
