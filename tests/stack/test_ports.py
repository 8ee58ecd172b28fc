"""Ports in use and programs not installed: what the user is told."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import psutil
import pytest

from agent_observability.errors import StartError
from agent_observability.stack import programs
from agent_observability.stack.ports import PortClaim, check_ports
from tests.support import free_port


def test_free_ports_pass_and_stay_free() -> None:
    claims = [PortClaim(f"127.0.0.1:{free_port()}", name, "x") for name in ("host", "prometheus")]
    check_ports(claims)
    check_ports(claims)


def test_a_taken_port_names_part_holder_and_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        with pytest.raises(StartError) as caught:
            check_ports([PortClaim(f"127.0.0.1:{port}", "prometheus", "stack.ports.prometheus")])
    name = psutil.Process().name()
    assert str(caught.value) == (
        f"prometheus cannot listen on '127.0.0.1:{port}': port {port} is held by {name} (pid {os.getpid()}); "
        "stop it, or choose another port: stack.ports.prometheus"
    )


def test_a_port_wanted_twice_names_both() -> None:
    port = free_port()
    claims = [PortClaim(f"127.0.0.1:{port}", name, f"stack.ports.{name}") for name in ("prometheus", "receiver")]
    expected = (
        f"port {port} is wanted by prometheus and by receiver: change stack.ports.prometheus or stack.ports.receiver"
    )
    with pytest.raises(StartError, match=expected):
        check_ports(claims)


def test_every_problem_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        claims = [PortClaim(f"127.0.0.1:{held.getsockname()[1]}", "host", "x") for held in (one, two)]
        with pytest.raises(StartError) as caught:
            check_ports(claims)
    assert len(str(caught.value).splitlines()) == 2


def test_missing_programs_are_named_with_how_to_install_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StartError) as caught:
        programs.find_all((programs.PROMETHEUS, programs.ALERTMANAGER))
    assert str(caught.value).splitlines() == [
        "not found on PATH: prometheus, alertmanager or prometheus-alertmanager",
        "  Debian, Ubuntu: sudo apt-get install prometheus prometheus-alertmanager",
        "  macOS:          brew install prometheus alertmanager",
        "  or download:    https://prometheus.io/download/#prometheus",
        "  or download:    https://prometheus.io/download/#alertmanager",
    ]


@pytest.mark.parametrize("name", ["alertmanager", "prometheus-alertmanager"])
def test_both_names_of_alertmanager_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    program = tmp_path / name
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert programs.find_all((programs.ALERTMANAGER,)) == [str(program)]
