"""One connection, to real sockets: one that takes it, a full queue, one that nobody listens on, and none."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
from pathlib import Path

import pytest

from agent_observability.credential_proxy.config import ProbesConfig, address_of
from agent_observability.credential_proxy.probes import knock
from tests.credential_proxy.proxies import errors, listening, probing, serving, taken, up
from tests.support import free_port, wait_until_async

NOBODY = 65_534


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
