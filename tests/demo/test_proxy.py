"""The demo's credential proxy as a whole: its socket, its logs, its attacks and its API."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from agent_observability.demo.proxy import CredentialProxy
from agent_observability.errors import StartError
from tests.llm_cost.billing.lab import serving
from tests.support import free_port, running, wait_until, wait_until_async

NOW = datetime(2026, 11, 18, 13, 30, tzinfo=UTC).timestamp()


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def proxy_in(folder: Path, clock: Clock | None = None, **settings: Any) -> CredentialProxy:
    more = {"clock": clock} if clock else {}
    return CredentialProxy(folder, folder / "proxy.sock", **more, **settings)


@contextlib.asynccontextmanager
async def living(proxy: CredentialProxy) -> AsyncIterator[CredentialProxy]:
    proxy.begin()
    task = asyncio.create_task(proxy.run())
    try:
        yield proxy
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await proxy.stop()


def lines_in(folder: Path) -> list[str]:
    return [line for path in sorted(folder.glob("audit*.log")) for line in path.read_text().splitlines()]


def counted(lines: list[str]) -> Counter[tuple[str, str]]:
    """Services and statuses, from the text alone."""
    found: Counter[tuple[str, str]] = Counter()
    for line in lines:
        if line.find("{") in (0, line.find("Credential request: ") + len("Credential request: ")):
            record = json.loads(line[line.index("{") :])
            if "status" in record:
                found[record["service"], record["status"].replace("FAILED_TO_RETRIEVE", "ERROR")] += 1
    return found


async def test_what_is_written_is_the_truth(tmp_path: Path) -> None:
    clock = Clock()
    proxy = proxy_in(tmp_path, clock, attacks=False)
    proxy.begin()
    for _ in range(600):
        clock.now += 1
        proxy.tick()
    await proxy.stop()
    truth: Counter[tuple[str, str]] = Counter()
    for (service, _, status), number in proxy.truth.requests.items():
        truth[service, status.upper()] += number
    lines = lines_in(tmp_path)
    assert counted(lines) == truth
    assert len(lines) == proxy.truth.parsed + proxy.truth.ignored
    assert proxy.truth.ignored > 20
    assert sum(truth.values()) > 600


async def test_the_past_is_there_before_anything_is_ready(tmp_path: Path) -> None:
    proxy = proxy_in(tmp_path, Clock())
    proxy.begin()
    times = [json.loads(line)["timestamp"] for line in (tmp_path / "audit.log").read_text().splitlines()]
    assert times == sorted(times)
    assert times[0] < "2026-11-17T15" < "2026-11-18T13:2" < times[-1]
    await proxy.stop()


async def test_one_that_is_started_again_goes_on_without_another_past(tmp_path: Path) -> None:
    for _ in range(2):
        proxy = proxy_in(tmp_path, Clock())
        proxy.begin()
        await proxy.stop()
    assert proxy.truth.parsed == 0
    assert lines_in(tmp_path)


async def test_attacks_come_by_themselves_one_after_the_other(tmp_path: Path) -> None:
    clock = Clock()
    proxy = proxy_in(tmp_path, clock)
    proxy.begin()
    began = {}
    for second in range(3_600):
        clock.now += 1
        proxy.tick()
        for attack in proxy.attacks.values():
            began.setdefault(attack.number, second + 1)
    await proxy.stop()
    assert began[1] == 60
    waits = [after - before for before, after in zip(began.values(), list(began.values())[1:], strict=False)]
    assert all(300 <= wait <= 481 for wait in waits)
    assert [attack.kind for attack in proxy.attacks.values()][:4] == ["scan", "burst", "brute", "scan"]
    assert len({attack.container for attack in proxy.attacks.values()}) == len(began)
    assert all(attack.completed.keys() == {one.type for one in attack.expected} for attack in proxy.attacks.values())


async def test_a_container_of_each_attack_of_its_own_but_a_drip_has_a_past(tmp_path: Path) -> None:
    proxy = proxy_in(tmp_path, Clock())
    proxy.begin()
    known = (tmp_path / "audit.log").read_text()
    containers = {kind: proxy.attack(kind).container for kind in ("burst", "scan", "brute", "drip")}
    assert {kind: container in known for kind, container in containers.items()} == {
        "burst": False,
        "scan": False,
        "brute": False,
        "drip": True,
    }
    assert len(set(containers.values())) == 4
    await proxy.stop()


async def test_the_socket_takes_one_guest_after_the_other(tmp_path: Path) -> None:
    async with living(proxy_in(tmp_path)) as proxy:
        assert proxy.door.path.stat().st_mode & 0o777 == 0o600
        for number in range(1, 4):
            _, writer = await asyncio.open_unix_connection(proxy.door.path)
            writer.close()
            await wait_until_async(lambda number=number: proxy.door.taken == number)  # type: ignore[misc]
        _, holds = await asyncio.open_unix_connection(proxy.door.path)
        await wait_until_async(lambda: proxy.door.taken == 4)
        reader, waits = await asyncio.open_unix_connection(proxy.door.path)
        waits.write(b"{}\n")
        await waits.drain()
        assert proxy.door.taken == 4, "it serves one at a time"
        holds.close()
        assert b"the demo gives no credentials" in await asyncio.wait_for(reader.read(), 5)
        waits.close()
    assert not proxy.door.path.exists()


async def test_the_api(tmp_path: Path) -> None:
    async with (
        living(proxy_in(tmp_path, attacks=False)) as proxy,
        serving(*proxy.routes()) as url,
        aiohttp.ClientSession() as session,
    ):

        async def post(path: str, body: Any = None) -> tuple[int, Any]:
            async with session.post(url + path, json=body) as response:
                return response.status, await response.json()

        status, told = await post("/attack/scan")
        assert (status, told["expected"]) == (200, ["unknown_service", "repeated_rejections"])
        assert told["container"] == proxy.attacks[told["number"]].container
        status, told = await post("/attack/flood")
        assert (status, told["kinds"]) == (404, ["scan", "burst", "brute", "drip"])
        for _ in range(9):
            assert (await post("/attack/drip"))[0] == 200
        assert (await post("/attack/drip"))[0] == 429

        assert await post("/proxy/faults", {"down": True, "paused": True}) == (200, {"down": True, "paused": True})
        with socket.socket(socket.AF_UNIX) as knocking:
            assert knocking.connect_ex(str(proxy.door.path)) != 0
        assert await post("/proxy/faults", {"down": False}) == (200, {"down": False, "paused": True})
        with socket.socket(socket.AF_UNIX) as knocking:
            assert knocking.connect_ex(str(proxy.door.path)) == 0
        for wrong in ([], {"up": True}, {"down": "yes"}, {"down": 1}):
            status, told = await post("/proxy/faults", wrong)
            assert (status, "expected a JSON object of faults" in told["error"]) == (400, True)
        async with session.post(url + "/proxy/faults", data=b"{") as response:
            assert response.status == 400


async def test_nothing_is_asked_for_while_it_is_paused(tmp_path: Path) -> None:
    clock = Clock()
    proxy = proxy_in(tmp_path, clock)
    proxy.begin()
    past = proxy.truth.parsed
    proxy.paused = True
    for _ in range(300):
        clock.now += 1
        proxy.tick()
    assert proxy.truth.parsed == past
    proxy.paused = False
    for _ in range(20):
        clock.now += 1
        proxy.tick()
    assert past < proxy.truth.parsed < past + 100
    await proxy.stop()


def test_a_folder_of_others_is_refused(tmp_path: Path) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    with pytest.raises(StartError, match="expected a folder of this user that others cannot write to"):
        proxy_in(open_to_all).begin()
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    with pytest.raises(StartError, match="expected a folder of this user"):
        proxy_in(link).begin()


def test_in_the_demos_process(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = (sys.executable, "-m", "agent_observability.demo", "--port", str(port), "--proxy", tmp_path / "proxy")

    def ask(path: str, data: bytes | None = None) -> Any:
        with urllib.request.urlopen(url + path, data, timeout=5) as response:
            return json.load(response)

    with running((*command, "--sessions", "10"), tmp_path / "log") as child:
        wait_until(lambda: "http" in child.output(), 30, what=child.output)
        past = ask("/truth")["credential_proxy"]["parsed"]
        assert past > 200
        container = ask("/attack/burst", b"")["container"]
        wait_until(lambda: container in (tmp_path / "proxy" / "audit.log").read_text(), 10, what=child.output)
        told = ask("/truth")
        assert told["credential_proxy"]["parsed"] > past
        assert told["credential_proxy"]["attacks"][0]["container"] == container
        assert "counts" in told
        with socket.socket(socket.AF_UNIX) as guest:
            guest.connect(str(tmp_path / "proxy" / "proxy.sock"))
        with running((*command[:-3], str(free_port()), *command[-2:]), tmp_path / "second") as second:
            assert second.process.wait(30) == 1
            assert "somebody listens on" in second.output()
            assert "Traceback" not in second.output()
