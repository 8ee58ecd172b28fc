"""A full scrape of the host exporter over HTTP beside node_exporter's with the same collectors on.

Both are scraped in turn as Prometheus does it: one kept-alive connection each, gzip accepted.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from agent_observability.host.config import HostCollectors
from tests.support import free_port

ROUNDS = 5
SCRAPES = 200
HEADERS = {
    "Accept": "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "Accept-Encoding": "gzip",
    "X-Prometheus-Scrape-Timeout-Seconds": "10",
}
TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")


@dataclass
class Target:
    """A scraped process; one figure per round, in milliseconds per scrape."""

    process: subprocess.Popen[bytes]
    connection: http.client.HTTPConnection
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def scrape(self) -> bytes:
        self.connection.request("GET", "/metrics", headers=HEADERS)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200 or answer.headers["Content-Encoding"] != "gzip":
            raise RuntimeError(f"{self.process.args}: {answer.status}, {answer.headers['Content-Encoding']}")
        return body

    def measure(self) -> None:
        cpu, started = self.cpu_seconds(), time.perf_counter()
        for _ in range(SCRAPES):
            self.scrape()
        self.wall.append((time.perf_counter() - started) / SCRAPES * 1000)
        self.cpu.append((self.cpu_seconds() - cpu) / SCRAPES * 1000)

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * TICK_SECONDS

    def rss_mib(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


@contextlib.contextmanager
def started(command: list[str], port: int) -> Iterator[Target]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            target = Target(process, http.client.HTTPConnection("127.0.0.1", port, timeout=10))
            deadline = time.monotonic() + 30
            while True:
                try:
                    target.scrape()
                except OSError:
                    if time.monotonic() > deadline or process.poll() is not None:
                        raise
                    target.connection.close()
                    time.sleep(0.02)
                else:
                    break
            yield target
        finally:
            process.terminate()


def node_exporter(program: str, port: int) -> list[str]:
    """Its command with the collectors on that the host exporter has, too."""
    known = subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout
    # Its collector named processes counts something else.
    shared = [
        name for name in HostCollectors.__struct_fields__ if f"--collector.{name} " in known and name != "processes"
    ]
    return [
        program,
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.disable-exporter-metrics",
        "--collector.disable-defaults",
        *(f"--collector.{name}" for name in shared),
    ]


def main() -> None:
    program = shutil.which("prometheus-node-exporter") or shutil.which("node_exporter")
    if program is None:
        sys.exit("needs node_exporter (Debian: prometheus-node-exporter) to compare with")
    ports = free_port(), free_port()
    ours = [sys.executable, "-m", "agent_observability", "run", "host", f"--web.listen-address=127.0.0.1:{ports[0]}"]
    with started(ours, ports[0]) as host, started(node_exporter(program, ports[1]), ports[1]) as node:
        for number in range(ROUNDS):
            for target in (host, node):
                target.measure()
            print(
                f"round {number + 1}: {host.wall[-1]:.2f} ms against {node.wall[-1]:.2f} ms, "
                f"CPU {host.cpu[-1]:.2f} ms against {node.cpu[-1]:.2f} ms per scrape"
            )
        rss = host.rss_mib()
    scrape, other = statistics.median(host.wall), statistics.median(node.wall)
    result = {
        "bench": "host",
        "scrape_ms": round(scrape, 2),
        "node_exporter_ms": round(other, 2),
        "ratio": round(scrape / other, 3),
        "cpu_ratio": round(statistics.median(host.cpu) / statistics.median(node.cpu), 3),
        "rss_mib": round(rss, 1),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
