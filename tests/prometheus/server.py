"""A real Prometheus, started for a test with its own configuration and data."""

from __future__ import annotations

import contextlib
import json
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.support import Child, free_port, running, wait_until

SCRAPE_SECONDS = 1


class Prometheus:
    """Its query API."""

    def __init__(self, port: int, child: Child) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.child = child

    def api(self, path: str, **parameters: object) -> Any:
        """`data` of the answer."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.base}/api/v1/{path}?{query}", timeout=10) as response:
            return json.load(response)["data"]

    def query(self, expression: str, **parameters: object) -> dict[str, float]:
        """The values of an instant query by `job`."""
        result = self.api("query", query=expression, **parameters)["result"]
        return {sample["metric"].get("job", ""): float(sample["value"][1]) for sample in result}

    def targets(self) -> dict[str, str]:
        """The last scrape error by `job`, "" where there was none; jobs without a scrape yet are missing."""
        targets = self.api("targets")["activeTargets"]
        return {target["labels"]["job"]: target["lastError"] for target in targets if target["health"] != "unknown"}


@contextlib.contextmanager
def prometheus(
    folder: Path, jobs: list[dict[str, Any]], rules: Iterable[Path] = (), **external_labels: str
) -> Iterator[Prometheus]:
    """Run it with these `scrape_configs` and rule files, all done every second, until it is ready."""
    port = free_port()
    interval = f"{SCRAPE_SECONDS}s"
    file = folder / "prometheus.yml"
    settings: dict[str, Any] = {
        "scrape_interval": interval,
        "scrape_timeout": interval,
        "evaluation_interval": interval,
    }
    settings |= {"external_labels": external_labels} if external_labels else {}
    file.write_text(
        yaml.safe_dump({"global": settings, "scrape_configs": jobs, "rule_files": [str(rule) for rule in rules]})
    )
    command = (
        "prometheus",
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--enable-feature=exemplar-storage",
        "--log.level=warn",
    )
    with running(command, folder / "prometheus.log") as child:
        it = Prometheus(port, child)
        wait_until(lambda: _ready(it), 20, what=child.output)
        yield it


def _ready(it: Prometheus) -> bool:
    assert it.child.process.poll() is None, it.child.output()
    try:
        with urllib.request.urlopen(f"{it.base}/-/ready", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False
