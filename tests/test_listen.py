from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator

import psutil
import pytest

from agent_observability.errors import StartError
from agent_observability.listen import listen, parse_address, port_holder
from tests.support import free_port


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        (":9801", "", 9801),
        ("127.0.0.1:9801", "127.0.0.1", 9801),
        ("[::1]:9801", "::1", 9801),
        ("[fe80::1%eth0]:80", "fe80::1%eth0", 80),
        ("localhost:0", "localhost", 0),
        ("0.0.0.0:65535", "0.0.0.0", 65535),
    ],
)
def test_addresses(address: str, host: str, port: int) -> None:
    assert parse_address(address) == (host, port)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "9801",
        "localhost",
        "localhost:",
        "::1:9801",
        "[::1]",
        "[]:80",
        ":65536",
        ":123456",
        ":-1",
        ":80a",
        "http://a:80",
        ":80 ",
    ],
)
def test_refused_addresses(address: str) -> None:
    with pytest.raises(StartError) as raised:
        parse_address(address)
    assert str(raised.value) == f"listen address {address!r}: expected host:port, :port or [ipv6]:port"


@contextlib.contextmanager
def listening(address: str) -> Iterator[list[socket.socket]]:
    sockets = listen(address)
    try:
        yield sockets
    finally:
        for sock in sockets:
            sock.close()


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=5):
            return True
    except OSError:
        return False


def test_one_interface() -> None:
    with listening("127.0.0.1:0") as (sock,):
        assert sock.getsockname()[0] == "127.0.0.1"
        assert not sock.getblocking()
        assert _answers("127.0.0.1", sock.getsockname()[1])


def test_all_interfaces_speak_both_protocols() -> None:
    with listening(":0") as (sock,):
        port = sock.getsockname()[1]
        assert _answers("127.0.0.1", port)
        if socket.has_dualstack_ipv6():
            assert _answers("::1", port)


def test_an_address_can_be_taken_again_at_once() -> None:
    port = free_port()
    with listening(f"127.0.0.1:{port}") as (sock,), socket.create_connection(("127.0.0.1", port), timeout=5):
        sock.setblocking(True)
        sock.accept()[0].close()  # closed by the server first: the port stays in TIME_WAIT
    with listening(f"127.0.0.1:{port}"):
        assert _answers("127.0.0.1", port)


def test_a_port_in_use_names_its_holder() -> None:
    with listening("127.0.0.1:0") as (sock,):
        port = sock.getsockname()[1]
        holder = f"{psutil.Process().name()} (pid {os.getpid()})"
        assert port_holder(port) == holder
        with pytest.raises(StartError) as raised:
            listen(f"127.0.0.1:{port}")
        assert str(raised.value) == f"cannot listen on '127.0.0.1:{port}': port {port} is held by {holder}"


def test_a_port_nobody_holds() -> None:
    assert port_holder(free_port()) == "another process"


def test_a_holder_that_the_system_hides(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(kind: str) -> list[object]:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", refused)
    assert port_holder(9801) == "another process"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nowhere.invalid:80", "listen address 'nowhere.invalid:80': "),
        (f"{'x' * 64}:80", f"listen address '{'x' * 64}:80': no host name"),
        ("192.0.2.1:0", "cannot listen on '192.0.2.1:0': Cannot assign requested address"),
    ],
)
def test_addresses_of_nobody(address: str, message: str) -> None:
    with pytest.raises(StartError) as raised:
        listen(address)
    assert str(raised.value).startswith(message)
