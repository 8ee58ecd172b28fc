"""All exporters in one idle process: resident memory, and the time from exec to ready."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import yaml

from agent_observability.registry import EXPORTERS
from tests.support import free_port

ROUNDS = 5
# Memory settles after a few scrapes, which is what an idle exporter still answers.
SCRAPES = 20


def measure(config: Path, ports: list[int]) -> tuple[float, float]:
    """One start: MiB of RSS after some scrapes of every port, and seconds until every port is ready."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "agent_observability", "run", "all", "--config", str(config)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            for port in ports:
                wait_ready(port, started + 30)
            ready = time.perf_counter() - started
            for _ in range(SCRAPES):
                for port in ports:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read()
            status = Path(f"/proc/{process.pid}/status").read_text()
            return int(status.split("VmRSS:")[1].split()[0]) / 1024, ready
        finally:
            process.terminate()


def wait_ready(port: int, deadline: float, path: str = "/-/ready") -> None:
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError):
            if time.perf_counter() > deadline:
                raise
        time.sleep(0.005)


def main(folder: Path) -> None:
    ports = [free_port() for _ in EXPORTERS]
    listen = {entry.name: [f"127.0.0.1:{port}"] for entry, port in zip(EXPORTERS, ports, strict=True)}
    config = folder / "config.yml"
    api = free_port()
    document = {
        "web": {"listen": listen},
        "cr_state": {"kubernetes": {"url": f"http://127.0.0.1:{api}"}},
        "intake": {"listen": [f"127.0.0.1:{free_port()}"]},
        "ledger": {"directory": str(folder)},
    }
    config.write_text(yaml.safe_dump(document))
    # A platform without sessions, past or future.
    command = (sys.executable, "-m", "agent_observability.demo", "--port", str(api))
    with subprocess.Popen([*command, "--sessions", "0", "--per-hour", "0.001"], stdout=subprocess.DEVNULL) as platform:
        try:
            wait_ready(api, time.perf_counter() + 30, "/readyz")
            runs = [measure(config, ports) for _ in range(ROUNDS)]
        finally:
            platform.terminate()
    rss, ready = (statistics.median(column) for column in zip(*runs, strict=True))
    print(f"{len(EXPORTERS)} exporter(s), median of {ROUNDS} starts", file=sys.stderr)
    print(json.dumps({"bench": "idle", "rss_mib": round(rss, 1), "ready_s": round(ready, 2)}))


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        main(Path(name))
