"""100,000 sessions with six series each: the first sync, scrapes while they change, and what a change costs.

The API is another process. Each scrape comes a second after some sessions, chosen at random, have changed.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.bench.host import HEADERS, Target
from tests.support import free_port, wait_until

OBJECTS = 100_000
ROUNDS = 5
FEW, MANY = 100, 3_000
UPDATES = 20_000


@contextlib.contextmanager
def process(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as started:
        try:
            yield started
        finally:
            started.kill()


def stored(ledger: Path) -> int:
    """Sessions in the ledger."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as connection:
            [[number]] = connection.execute("SELECT count(*) FROM fact WHERE kind = 'session'")
    except sqlite3.Error:
        return 0
    return int(number)


def get(port: int, path: str, method: str = "GET") -> bytes:
    with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)) as answer:
        return bytes(answer.read())


def scrapes(target: Target, api: int, changed: int, *, gzip: bool = True) -> float:
    """Seconds, the median of some rounds."""
    found = []
    headers = HEADERS if gzip else {**HEADERS, "Accept-Encoding": "identity"}
    for _ in range(ROUNDS):
        get(api, f"/change/{changed}", "POST")
        time.sleep(1)
        begun = time.perf_counter()
        target.connection.request("GET", "/metrics", headers=headers)
        body = target.connection.getresponse().read()
        found.append(time.perf_counter() - begun)
    print(f"{changed} changed, {len(body)} bytes: {', '.join(f'{one:.4f}' for one in found)} s", file=sys.stderr)
    return statistics.median(found)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        with process(sys.executable, "-m", "tests.bench.kube_pages", str(OBJECTS)) as pages:
            assert pages.stdout is not None
            api = int(pages.stdout.readline())
            config = Path(folder) / "config.yml"
            listen = {"listen": {"cr_state": [f"127.0.0.1:{port}"]}}
            section = {"kubernetes": {"url": f"http://127.0.0.1:{api}"}, "detail": {"policy": "all"}}
            config.write_text(json.dumps({"web": listen, "cr_state": section, "ledger": {"directory": folder}}))
            command = (sys.executable, "-m", "agent_observability", "run", "cr_state", "--config", str(config))
            with process(*command) as exporter:
                ledger = Path(folder) / "cr_state.db"
                wait_until(lambda: stored(ledger) == OBJECTS, 120, what="the first sync")
                synced = time.time() - float(get(api, "/began"))
                target = Target(exporter, http.client.HTTPConnection("127.0.0.1", port, timeout=60))
                for _ in range(3):
                    target.scrape()
                figures = {
                    "bench": "cr_state",
                    "objects": OBJECTS,
                    "gzip_scrape_s": round(scrapes(target, api, FEW), 4),
                    "gzip_scrape_3000_changed_s": round(scrapes(target, api, MANY), 4),
                    "sync_s": round(synced, 2),
                    "rss_mib": round(target.rss_mib(), 1),
                    "plain_scrape_s": round(scrapes(target, api, FEW, gzip=False), 4),
                }
                print(f"after plain scrapes {target.rss_mib():.1f} MiB", file=sys.stderr)
                time.sleep(2)
                before = target.cpu_seconds()
                for _ in range(20):
                    get(api, f"/change/{UPDATES // 20}", "POST")
                    time.sleep(0.3)
                time.sleep(3)
                figures["update_us"] = round((target.cpu_seconds() - before) / UPDATES * 1e6, 1)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
