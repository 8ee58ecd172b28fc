"""Beside a file system that really hangs: scrapes stay quick, other mounts are shown, the exporter ends at once."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.support import Child, free_port, running, wait_until

ISOLATED = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]


def hangs(folder: Path) -> bool:
    """Whether a mount that hangs can be made here: root, unshare(1), and a kernel with FUSE."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or not Path("/dev/fuse").exists():
        return False
    command = [*ISOLATED, sys.executable, "-m", "tests.host.hanging", str(folder), "/bin/true"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def scrape(port: int) -> dict[str, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return {}
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


def test_a_mount_that_really_hangs(tmp_path: Path) -> None:
    dead = tmp_path / "dead"
    dead.mkdir()
    if not hangs(dead):
        pytest.skip("needs root, unshare and /dev/fuse to make a mount that hangs")
    port = free_port()
    exporter = [sys.executable, "-m", "agent_observability", "run", "host", f"--web.listen-address=127.0.0.1:{port}"]
    command = [*ISOLATED, sys.executable, "-m", "tests.host.hanging", str(dead), *exporter]
    with running(command, tmp_path / "log") as child:
        series = wait_until(lambda: scrape(port), what=child.output)
        labels = f'{{device="hanging",fstype="fuse",mountpoint="{dead}"}}'
        assert series[f"node_filesystem_device_error{labels}"] == "1"
        assert f"node_filesystem_size_bytes{labels}" not in series
        assert [name for name in series if name.startswith("node_filesystem_size_bytes") and 'mountpoint="/"' in name]
        assert series['node_scrape_collector_success{collector="filesystem"}'] == "1"
        started = time.perf_counter()
        scrape(port)
        assert time.perf_counter() - started < 0.5
        took = end(child)
        assert took < 5


def end(child: Child) -> float:
    """Seconds that the exporter, process 1 of its namespace, takes to end after SIGTERM."""
    pid = child.process.pid
    (inside,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    started = time.perf_counter()
    os.kill(int(inside), signal.SIGTERM)
    child.process.wait(10)
    return time.perf_counter() - started
