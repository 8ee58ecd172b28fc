"""Signals: ends answer what is running, within five seconds, whatever collectors and clients do; SIGHUP reloads."""

from __future__ import annotations

import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.probe import blocked
from tests.process.exporters import probes
from tests.support import wait_until

LIMIT_SECONDS = 5
ENDS = [signal.SIGTERM, signal.SIGINT]


@pytest.mark.parametrize("number", ENDS)
def test_a_running_scrape_is_answered(tmp_path: Path, number: signal.Signals) -> None:
    """The collector goes on for ever: its scrape is cut short, answered whole, and the process ends."""
    hold = tmp_path / "hold"
    hold.touch()
    with probes(tmp_path, probe={"hold": str(hold)}) as it, ThreadPoolExecutor() as pool:
        scrape = pool.submit(it.get, "/metrics", "probe", 60)
        wait_until(blocked(hold).exists)
        code, _ = it.child.end(number, LIMIT_SECONDS)
        status, page = scrape.result(1)
    assert (code, status) == (0, 200)
    assert 'agent_obs_collector_success{collector="blocking"} 0\n' in page
    assert 'probe_info{text="steady"} 1\n' in page
    assert "Traceback" not in it.child.output()


def test_a_scrape_that_needs_a_moment_gets_it(tmp_path: Path) -> None:
    hold = tmp_path / "hold"
    hold.touch()
    with probes(tmp_path, probe={"hold": str(hold)}) as it, ThreadPoolExecutor() as pool:
        scrape = pool.submit(it.get, "/metrics", "probe", 60)
        wait_until(blocked(hold).exists)
        threading.Timer(0.3, hold.unlink).start()
        code, _ = it.child.end(signal.SIGTERM, LIMIT_SECONDS)
        page = scrape.result(1)[1]
    assert code == 0
    assert "probe_blocking_runs 1\n" in page


@pytest.mark.parametrize(
    ("opening", "seconds"),
    [
        pytest.param(b"", 2, id="silent"),
        pytest.param(b"GET /metrics HTTP/1.1\r\nHo", 2, id="half a request"),
        pytest.param(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 200, LIMIT_SECONDS, id="never reading"),
    ],
)
def test_clients_do_not_delay_the_end(tmp_path: Path, opening: bytes, seconds: float) -> None:
    with probes(tmp_path, probe={"filler": 3000}) as it, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", it.ports["probe"]))
        client.sendall(opening)
        process = psutil.Process(it.child.process.pid)
        wait_until(lambda: client.getsockname() in [connection.raddr for connection in process.net_connections()])
        code, _ = it.child.end(signal.SIGTERM, seconds)
    assert code == 0


def test_an_idle_process_ends_at_once(tmp_path: Path) -> None:
    with probes(tmp_path, "probe", "second") as it:
        it.metrics()
        code, seconds = it.child.end(signal.SIGTERM, LIMIT_SECONDS)
    assert code == 0
    assert seconds < 2
    assert "level=error" not in it.child.output()
    assert "level=warning" not in it.child.output()


def test_sighup_reloads(tmp_path: Path) -> None:
    with probes(tmp_path, probe={"text": "before"}) as it:
        assert 'probe_info{text="before"} 1\n' in it.metrics()
        it.configure(probe={"text": "after"})
        it.child.process.send_signal(signal.SIGHUP)
        wait_until(lambda: 'probe_info{text="after"} 1\n' in it.metrics(), what=it.child.output)

        it.configure(probe={"text": 3})
        it.child.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "agent_obs_config_last_reload_successful 0\n" in it.metrics(), what=it.child.output)
        assert 'probe_info{text="after"} 1\n' in it.metrics()
        assert f"{it.file}: probe.text: " in it.child.output()

        it.configure(probe={"text": "mended"})
        it.child.process.send_signal(signal.SIGHUP)
        wait_until(lambda: 'probe_info{text="mended"} 1\n' in it.metrics(), what=it.child.output)
        assert "agent_obs_config_last_reload_successful 1\n" in it.metrics()
