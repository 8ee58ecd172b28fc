"""Which process a pid means, and ending exactly that one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_observability.stack.identity import ProcessIdentity, end_group, identify
from agent_observability.stack.record import RunRecord, read_record, reclaim, write_record
from tests.support import wait_until


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def identity_of(process: subprocess.Popen[bytes]) -> ProcessIdentity:
    identity = identify(process.pid)
    assert identity is not None
    return identity


def test_identity_is_stable_and_ends_with_the_process(sleeper: subprocess.Popen[bytes]) -> None:
    identity = identity_of(sleeper)
    assert identify(sleeper.pid) == identity and identity.alive
    sleeper.kill()
    # Not reaped yet: a zombie is no running process.
    wait_until(lambda: not identity.alive)
    sleeper.wait()
    assert identify(sleeper.pid) is None


def test_a_recycled_pid_is_never_killed(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    earlier = ProcessIdentity(sleeper.pid, identity_of(sleeper).started + "0")
    write_record(tmp_path / "up.json", RunRecord(supervisor=earlier, parts={"host": earlier}))
    assert reclaim(tmp_path / "up.json") == []
    assert not end_group(earlier, 1)
    assert sleeper.poll() is None


def test_reclaim_ends_what_is_recorded_with_its_helpers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = f"trap '' TERM; sleep 60 & echo $! > {tmp_path}/pid; exec sleep 60"
    leader = subprocess.Popen(["sh", "-c", script], start_new_session=True)
    text = wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
    helper = identify(int(text))
    own = identify(os.getpid())
    assert own is not None and helper is not None
    record = RunRecord(supervisor=own, parts={"grafana": identity_of(leader), "gone": ProcessIdentity(2**22 + 1, "x")})
    write_record(tmp_path / "up.json", record)
    assert read_record(tmp_path / "up.json") == record
    # `sleep` takes over the pid and ignores SIGTERM as its shell did, so only SIGKILL ends it.
    monkeypatch.setattr("agent_observability.stack.record._END_SECONDS", 0.3)
    assert reclaim(tmp_path / "up.json") == ["grafana"]
    assert leader.wait(5) == -9
    wait_until(lambda: not helper.alive)
    assert not (tmp_path / "up.json").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"supervisor": {"pid": "x"}}', "\xff"])
def test_an_unreadable_record_reclaims_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "up.json").write_text(text, encoding="latin-1")
    assert read_record(tmp_path / "up.json") is None
    assert reclaim(tmp_path / "up.json") == []
