"""`agent-obs up`, end to end: real exporters, Prometheus, Alertmanager and receiver."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from agent_observability.stack.identity import ProcessIdentity
from agent_observability.stack.record import reclaim
from tests.stack.local import COMMAND, PARTS, LocalStack
from tests.support import wait_until

pytestmark = pytest.mark.stack


def query(stack: LocalStack, expression: str) -> list[Any]:
    query = urllib.parse.urlencode({"query": expression})
    url = f"http://127.0.0.1:{stack.ports['prometheus']}/api/v1/query?{query}"
    with urllib.request.urlopen(url, timeout=5) as response:
        result: list[Any] = json.load(response)["data"]["result"]
        return result


def test_once_sees_everything_work_and_leaves_nothing(tmp_path: Path) -> None:
    stack = LocalStack.create(tmp_path)
    started = time.monotonic()
    done = stack.run("up", "--once", "--config", str(stack.config))
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started < 60
    assert "Targets (4 of 4 up):" in done.stdout
    assert re.search(r"^Series: [1-9]\d+$", done.stdout, re.MULTILINE)
    assert re.search(r"^Rule groups \([1-9]\d* of \d+ evaluated, \d+ rules\):$", done.stdout, re.MULTILINE)
    assert re.search(r"^  firing   Watchdog \(none\)$", done.stdout, re.MULTILINE)
    assert str(stack.state.root) in done.stdout
    assert stack.record is None
    for port in stack.ports.values():
        socket.create_server(("127.0.0.1", port)).close()


def test_a_part_that_cannot_start_stops_everything_and_says_why(tmp_path: Path) -> None:
    stack = LocalStack.create(tmp_path)
    (tmp_path / "bin").mkdir()
    broken = tmp_path / "bin" / "prometheus"
    broken.write_text("#!/bin/sh\necho out of luck >&2\nexit 7\n")
    broken.chmod(0o755)
    done = stack.run("up", "--once", "--config", str(stack.config), PATH=f"{broken.parent}:/usr/bin:/bin")
    assert done.returncode == 1
    assert "prometheus exited with status 7 while starting" in done.stderr
    assert "out of luck" in done.stderr
    assert stack.record is None


def test_a_taken_port_is_told_before_anything_starts(tmp_path: Path) -> None:
    stack = LocalStack.create(tmp_path)
    with socket.create_server(("127.0.0.1", stack.ports["alertmanager"])):
        done = stack.run("up", "--config", str(stack.config))
    assert done.returncode == 1
    assert f"(pid {os.getpid()}); stop it, or choose another port: stack.ports.alertmanager" in done.stderr
    assert list(stack.state.logs.iterdir()) == []


def test_missing_programs_are_told(tmp_path: Path) -> None:
    stack = LocalStack.create(tmp_path)
    done = stack.run("up", "--config", str(stack.config), PATH=str(tmp_path))
    assert done.returncode == 1
    assert "not found on PATH: prometheus, alertmanager or prometheus-alertmanager" in done.stderr


def test_up_restarts_refuses_a_second_and_stops_everything(tmp_path: Path) -> None:
    stack = LocalStack.create(tmp_path)
    with stack.up() as up:
        record = wait_until(lambda: stack.ready, 60, what=up.output)
        wait_until(lambda: "3/3 targets up" in up.output() or len(query(stack, "up == 1")) == 3, 60, what=up.output)

        second = stack.run("drill", "NoSuchAlert")
        assert (second.returncode, "there are drills for: HostProcessGroupDown" in second.stderr) == (1, True)
        second = subprocess.run(
            (*COMMAND, "up", "--config", stack.config),
            env={**os.environ, **stack.environment},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert second.returncode == 1
        assert f"another `agent-obs up` (pid {up.process.pid}) is running" in second.stderr

        os.kill(record.parts["host"].pid, signal.SIGKILL)
        again = wait_until(lambda: (found := stack.ready) and found.parts["host"] != record.parts["host"] and found, 30)
        assert {name: again.parts[name] for name in PARTS - {"host"}} == {
            name: record.parts[name] for name in PARTS - {"host"}
        }
        assert "host was killed by SIGKILL; restart 1 in 0.5 s" in up.output()
        fresh = f'timestamp(up{{job="agent-obs-host"}} == 1) > {time.time():.0f}'
        wait_until(lambda: query(stack, fresh), 30, what=up.output)

        code, seconds = up.end(signal.SIGTERM, 20)
        assert (code, seconds < 15) == (0, True)
        assert not [name for name, identity in again.parts.items() if identity.alive]
        assert stack.record is None


def test_the_next_up_reclaims_what_a_killed_one_left(tmp_path: Path) -> None:
    stack = LocalStack.create(tmp_path)
    with stack.up() as killed:
        left = dict(wait_until(lambda: stack.ready, 60, what=killed.output).parts)
        killed.end(signal.SIGKILL, 5)
        assert all(identity.alive for identity in left.values())
        with stack.up() as up:
            again = wait_until(lambda: (found := stack.ready) and found.supervisor.pid == up.process.pid and found, 60)
            for name in PARTS:
                assert f"ended {name}, left by an `up` that was killed" in up.output()
            assert not [name for name, identity in left.items() if identity.alive]
            assert not set(left.values()) & set(again.parts.values())


def test_a_closed_terminal_stops_everything(tmp_path: Path) -> None:
    stack = LocalStack.create(tmp_path)
    terminal, child = pty.openpty()
    process = subprocess.Popen(
        (*COMMAND, "up", "--config", stack.config),
        env={**os.environ, **stack.environment, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"},
        stdin=child,
        stdout=child,
        stderr=child,
        start_new_session=True,
    )
    os.close(child)
    try:
        shown = _read_until(terminal, "targets up", 60)
        assert "Parts" in shown
        parts: dict[str, ProcessIdentity] = dict(wait_until(lambda: stack.ready, 10).parts)
        os.close(terminal)
        assert process.wait(20) == 0
        assert not [name for name, identity in parts.items() if identity.alive]
    finally:
        process.kill()
        process.wait()
        reclaim(stack.state.record)


def test_a_reader_that_goes_away_stops_everything(tmp_path: Path) -> None:
    stack = LocalStack.create(tmp_path)
    process = subprocess.Popen(
        (*COMMAND, "up", "--config", stack.config),
        env={**os.environ, **stack.environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.wait(60) == 0
        assert b"Traceback" not in process.stderr.read()
        assert stack.record is None
    finally:
        process.kill()
        process.wait()
        reclaim(stack.state.record)


def _read_until(terminal: int, text: str, seconds: float) -> str:
    """What the terminal showed up to `text`."""
    seen = b""
    os.set_blocking(terminal, False)

    def found() -> bool:
        nonlocal seen
        try:
            seen += os.read(terminal, 65536)
        except BlockingIOError:
            return False
        return text.encode() in seen

    wait_until(found, seconds, what=lambda: seen.decode(errors="replace"))
    return seen.decode(errors="replace")


def test_grafana_is_run_when_it_is_installed(tmp_path: Path) -> None:
    stack = LocalStack.create(tmp_path)
    program = tmp_path / "bin" / "grafana"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).with_name("fake_grafana.py")}" "$@"\n')
    program.chmod(0o755)
    with stack.up(PATH=f"{program.parent}:{os.environ['PATH']}") as up:
        record = wait_until(lambda: stack.ready, 60, what=up.output)
    assert "grafana" in record.parts
    assert record.urls["grafana"] == f"http://127.0.0.1:{stack.ports['grafana']}"
    seen = json.loads((stack.state.logs / "grafana.log").read_text().splitlines()[0])
    assert (seen["argument"], seen["prometheus"]) == ("server", record.urls["prometheus"])
    assert Path(seen["home"]).is_file()
