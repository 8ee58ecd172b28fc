"""The file by which a drill asks for a part to be held down."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent_observability.errors import StartError
from agent_observability.stack import holds

HOLD_AND_SLEEP = """
import sys, time, pathlib
from agent_observability.stack import holds
holds.hold(pathlib.Path(sys.argv[1]), "canary")
print("held", flush=True)
time.sleep(60)
"""


def test_a_hold_lasts_until_it_is_released(tmp_path: Path) -> None:
    file = tmp_path / "hold.json"
    assert holds.wanted_hold(file) == ""
    holds.hold(file)
    assert holds.wanted_hold(file) == ""
    holds.hold(file, "canary")
    assert holds.wanted_hold(file) == "canary"
    holds.hold(file)
    assert holds.wanted_hold(file) == ""
    holds.release(file)
    assert list(tmp_path.iterdir()) == []


def test_a_hold_ends_after_its_bound(tmp_path: Path) -> None:
    file = tmp_path / "hold.json"
    holds.hold(file, "canary")
    then = file.stat().st_mtime - holds.HOLD_SECONDS - 1
    os.utime(file, (then, then))
    assert holds.wanted_hold(file) == ""


def test_a_live_holder_keeps_others_out_and_a_killed_one_holds_nothing(tmp_path: Path) -> None:
    file = tmp_path / "hold.json"
    other = subprocess.Popen([sys.executable, "-c", HOLD_AND_SLEEP, str(file)], stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"
        assert holds.wanted_hold(file) == "canary"
        with pytest.raises(StartError, match=rf"another drill is running \(pid {other.pid}\)"):
            holds.hold(file, "canary")
    finally:
        other.kill()
        other.communicate()
    assert holds.wanted_hold(file) == ""
    holds.hold(file, "canary")
    assert holds.wanted_hold(file) == "canary"


@pytest.mark.parametrize("content", [b"", b"{", b'{"holder": 1}', b"\xff"])
def test_an_unreadable_file_holds_nothing(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "hold.json"
    file.write_bytes(content)
    assert holds.wanted_hold(file) == ""
    holds.hold(file, "canary")
    assert holds.wanted_hold(file) == "canary"
