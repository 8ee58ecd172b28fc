"""The socket of the demo's credential proxy: what it replaces, what it leaves alone, and what it leaves behind."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from agent_observability.demo.proxy_door import Door
from agent_observability.errors import StartError


def test_a_socket_that_was_left_behind_is_replaced_and_one_in_use_is_not(tmp_path: Path) -> None:
    path = tmp_path / "proxy.sock"
    (tmp_path / "audit.log").touch()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    door = Door(path)
    door.open()
    with pytest.raises(StartError, match=r"somebody listens on .* already"):
        Door(path).open()
    door.close()
    path.write_text("mine")
    with pytest.raises(StartError, match="is there and no socket: move it away"):
        Door(path).open()
    assert path.read_text() == "mine"


def test_a_path_that_is_too_long_for_a_socket_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"cannot listen on .*: .*too long"):
        Door(tmp_path / ("x" * 120)).open()


def test_a_folder_of_its_own_goes_with_the_socket(tmp_path: Path) -> None:
    door = Door(tmp_path / "own" / "proxy.sock")
    door.open()
    assert door.path.parent.stat().st_mode & 0o777 == 0o700
    door.close()
    assert not door.path.parent.exists()
