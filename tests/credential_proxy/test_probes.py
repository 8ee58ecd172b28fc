"""Probes against real sockets: one that takes connections, a full queue, one that nobody listens on, and none."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agent_observability.credential_proxy.config import ProbesConfig, address_of
from agent_observability.credential_proxy.probes import Probes, knock
from agent_observability.exposition import Format, write
from agent_observability.units import Duration
from tests.collectors import scraped
from tests.support import free_port, wait_until_async

TIMEOUT = 0.3
NOBODY = 65_534


class Proxy:
    """A listener of which a test says when it takes connections; `heard` is what clients said, per connection."""

    def __init__(self, listener: socket.socket, target: str) -> None:
        self.listener = listener
        self.target = target
        self.heard: list[bytes] = []

    async def serve(self) -> None:
        """One connection after the other, each until its client has closed it."""
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(self.listener)
            with client:
                self.heard.append(await loop.sock_recv(client, 1_000))


@contextlib.contextmanager
def listening(where: Path | int, backlog: int = 16) -> Iterator[Proxy]:
    """A Unix socket at a path, or a TCP socket on a port."""
    if isinstance(where, Path):
        listener, target = socket.socket(socket.AF_UNIX), f"unix://{where}"
        listener.bind(str(where))
    else:
        listener, target = socket.socket(), f"tcp://127.0.0.1:{where}"
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", where))
    with listener:
        listener.listen(backlog)
        listener.setblocking(False)
        yield Proxy(listener, target)


@contextlib.asynccontextmanager
async def serving(proxy: Proxy) -> AsyncIterator[None]:
    task = asyncio.create_task(proxy.serve())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait((task,))


@contextlib.asynccontextmanager
async def probing(*targets: str, interval: float = 0.02, timeout: float = TIMEOUT) -> AsyncIterator[Probes]:
    """The targets as probes `a`, `b`, …"""
    probes = Probes(config_of(*targets, interval=interval, timeout=timeout))
    task = asyncio.create_task(probes.run())
    try:
        yield probes
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.wait((task,))


def config_of(*targets: str, interval: float = 0.02, timeout: float = TIMEOUT) -> ProbesConfig:
    """Quicker than a configuration may be."""
    named = dict(zip("abcdef", targets, strict=False))
    return ProbesConfig(targets=named, interval=Duration(interval), timeout=Duration(timeout))


def samples(probes: Probes) -> dict[str, float]:
    text = write(scraped(probes), Format.TEXT).decode()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def up(probes: Probes, name: str = "a") -> float | None:
    return samples(probes).get(f'credential_proxy_up{{probe="{name}"}}')


def taken(probes: Probes, name: str = "a") -> float:
    """How many connections were timed."""
    return samples(probes)[f'credential_proxy_probe_duration_seconds_count{{probe="{name}"}}']


def errors(probes: Probes) -> list[str]:
    """What is wrong, by probe."""
    return ["" if source.healthy else source.detail for source in probes.sources()]


@pytest.mark.parametrize("kind", ["unix", "tcp"])
async def test_a_proxy_that_takes_connections(kind: str, tmp_path: Path) -> None:
    """It hears nothing but the end of each."""
    with listening(tmp_path / "proxy.sock" if kind == "unix" else free_port()) as proxy:
        async with serving(proxy), probing(proxy.target) as probes:
            await wait_until_async(lambda: len(proxy.heard) >= 3)
            await wait_until_async(lambda: taken(probes) >= 3)
            assert up(probes) == 1
            assert set(proxy.heard) == {b""}
            [source] = probes.sources()
            assert (source.name, source.healthy, source.detail) == ("probe a", True, proxy.target)


async def test_no_connection_stays_open(tmp_path: Path) -> None:
    """Although nobody accepts them: what lies in the queue is closed already."""
    with listening(tmp_path / "proxy.sock", backlog=50) as proxy:
        async with probing(proxy.target) as probes:
            await wait_until_async(lambda: taken(probes) >= 5)
        proxy.listener.setblocking(True)
        for _ in range(5):
            client, _ = proxy.listener.accept()
            client.settimeout(5)
            with client:
                assert client.recv(1) == b""


async def test_a_full_queue(tmp_path: Path) -> None:
    """A proxy that hangs is down once its queue is full, and up as soon as there is a place again."""
    with listening(tmp_path / "proxy.sock", backlog=1) as proxy:
        async with probing(proxy.target) as probes:
            await wait_until_async(lambda: up(probes) == 0)
            before = taken(probes)
            assert before <= 2
            [error] = errors(probes)
            assert (
                error == f"{proxy.target}: no connection was taken within 0.3 s: the proxy hangs, or has too much to do"
            )
            async with serving(proxy):
                await wait_until_async(lambda: up(probes) == 1)
            assert taken(probes) > before
            assert errors(probes) == [""]


async def test_a_moment_of_much_to_do(tmp_path: Path) -> None:
    """A full queue in which there is a place within the time-out is no outage."""
    with (
        listening(tmp_path / "proxy.sock", backlog=0) as proxy,
        contextlib.closing(socket.socket(socket.AF_UNIX)) as other,
    ):
        other.connect(str(tmp_path / "proxy.sock"))
        assert "no connection was taken" in knock(proxy.target, 0.05).error
        async with probing(proxy.target, timeout=20) as probes:
            await wait_until_async(lambda: probes._workers._started)
            assert up(probes) is None
            async with serving(proxy):
                other.close()
                await wait_until_async(lambda: up(probes) is not None)
            assert up(probes) == 1


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("missing", "there is no such socket: the proxy is not running, or the socket's folder is not mounted here"),
        ("left over", "the connection was refused: nobody listens"),
        ("file", "the connection was refused: nobody listens"),
        ("datagram", "this is a socket of another type"),
        ("port", "the connection was refused: nobody listens"),
    ],
)
async def test_no_connection(case: str, words: str, tmp_path: Path) -> None:
    """It is down, and not timed; and is tried again and again."""
    path = tmp_path / "proxy.sock"
    if case == "left over":
        with listening(path):
            pass
    elif case == "file":
        path.touch()
    elif case == "datagram":
        datagrams = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        datagrams.bind(str(path))
        datagrams.close()
        datagrams = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path.unlink()
        datagrams.bind(str(path))
    target = f"tcp://127.0.0.1:{free_port()}" if case == "port" else f"unix://{path}"
    async with probing(target) as probes:
        await wait_until_async(lambda: up(probes) == 0)
        assert errors(probes) == [f"{target}: {words}"]
        assert taken(probes) == 0
        path.unlink(missing_ok=True)
        if case != "port":
            with listening(path) as proxy:
                async with serving(proxy):
                    await wait_until_async(lambda: up(probes) == 1)
    if case == "datagram":
        datagrams.close()


def test_a_socket_of_somebody_else() -> None:
    """The one at fault is told: whose socket it is, and who would be needed."""
    if os.geteuid():
        pytest.skip("only root can be somebody else for a moment")
    # Not in tmp_path, whose parents are closed to others.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder, "proxy.sock")
        with listening(path) as proxy:
            path.chmod(0o600)
            assert knock(proxy.target, 5).error == ""
            os.seteuid(NOBODY)
            try:
                forbidden = knock(proxy.target, 5).error
            finally:
                os.seteuid(0)
            Path(folder).chmod(0o700)
            os.seteuid(NOBODY)
            try:
                hidden = knock(proxy.target, 5).error
            finally:
                os.seteuid(0)
    assert forbidden == f"only uid 0 may connect (the socket's mode is 0600): this process has the uid {NOBODY}"
    assert hidden == f"this process (uid {NOBODY}) may not enter the socket's folder: run it with the uid of the proxy"


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "." * 300, "ü" * 64])
def test_names_that_are_none(host: str) -> None:
    assert knock(f"tcp://{host}:1", 1).error


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


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ("unix:///run/proxy.sock", "/run/proxy.sock"),
        ("unix:///run/a b:1", "/run/a b:1"),
        ("tcp://127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("tcp://proxy.svc:65535", ("proxy.svc", 65535)),
        ("tcp://[::1]:80", ("::1", 80)),
        ("unix://" + "/x" * 54, None),
        ("unix:///a\0b", None),
        ("unix://run/proxy.sock", None),
        ("tcp://proxy", None),
        ("tcp://proxy:0", None),
        ("tcp://proxy:65536", None),
        ("tcp://proxy/x:80", None),
        ("tcp://::1:80", None),
        ("http://proxy:80", None),
        ("", None),
    ],
)
def test_addresses(target: str, address: object) -> None:
    if address is None:
        with pytest.raises(ValueError, match="a probe of"):
            address_of(target)
        with pytest.raises(ValueError, match="a probe of"):
            ProbesConfig(targets={"it": target})
    else:
        assert address_of(target) == address
