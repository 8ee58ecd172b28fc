"""A Prometheus with the suite's rules, and the command that checks it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from agent_observability.registry import BY_NAME
from tests.prometheus.server import Prometheus, prometheus
from tests.support import ROOT, free_port, running, wait_until

FAILING = "agent-obs-failing"


@dataclass(frozen=True, slots=True)
class Installation:
    """`targets` is the file that names the host exporter's addresses; Prometheus watches it."""

    folder: Path
    prometheus: Prometheus
    exporter: str
    targets: Path

    def scrape(self, *addresses: str) -> None:
        """Make these the targets of the host exporter's job, and wait until Prometheus has noticed."""
        self.label(*({"instance": f"node-{address}", "__address__": address} for address in addresses))

    def label(self, *labels: dict[str, str]) -> None:
        """Make targets with these labels the only ones."""
        groups = [{"targets": [each["__address__"]], "labels": each} for each in labels]
        self.targets.write_text(json.dumps(groups))
        instances = sorted(each["instance"] for each in labels)

        def known() -> list[str]:
            return sorted(target["labels"]["instance"] for target in self.prometheus.api("targets")["activeTargets"])

        # Prometheus gathers changes of its targets for five seconds.
        wait_until(lambda: known() == instances, 30, what=lambda: str(known()))


def check(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """`agent-obs check` with these arguments; the installation has the host exporter only."""
    if "--prometheus" in arguments and "--exporter" not in arguments:
        arguments = (*arguments, "--exporter", "host")
    command = [sys.executable, "-m", "agent_observability", "check", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=90)


@contextlib.contextmanager
def installation(folder: Path) -> Iterator[Installation]:
    """A real host exporter and a real Prometheus, which evaluates all rules every second, and one that fails."""
    port = free_port()
    rules = folder / "loaded"
    rules.mkdir()
    failing = {"record": "a:failing:rule", "expr": 'label_replace(vector(1), "a", "$1", "b", "(")'}
    documents: dict[str, Any] = {
        file.name: yaml.safe_load(file.read_text()) for file in (ROOT / "rules").glob("*.yaml")
    }
    documents["failing.yaml"] = {"groups": [{"name": FAILING, "rules": [failing]}]}
    for name, document in documents.items():
        for group in document["groups"]:
            group["interval"] = "1s"
        (rules / name).write_text(yaml.safe_dump(document))
    targets = folder / "host.json"
    targets.write_text("[]")
    job = {
        "job_name": BY_NAME["host"].job,
        "honor_labels": True,
        "file_sd_configs": [{"files": [str(targets)], "refresh_interval": "1s"}],
    }
    address = f"127.0.0.1:{port}"
    exporter = (sys.executable, "-m", "agent_observability", "run", "host", f"--web.listen-address={address}")
    with (
        running(exporter, folder / "exporter.log"),
        prometheus(folder, [job], rules.glob("*.yaml"), grafana_url="http://localhost:3000") as server,
    ):
        it = Installation(folder, server, address, targets)
        it.scrape(address)
        yield it
