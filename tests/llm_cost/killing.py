"""The exporter, killed again and again while clients push: in a real Prometheus nothing is lost and nothing doubled."""

from __future__ import annotations

import json
import random
import signal
import sys
import threading
import time
import urllib.parse
import urllib.request
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from tests.kill import watching
from tests.llm_cost.pushing import Truth, push_all
from tests.support import Child, free_port, running, wait_until

_FAMILIES = ("llm_requests", "llm_tokens", "llm_cost_usd", "llm_request_duration_seconds")
_PICO = 10**12


class Killing:
    """`kills`, `repeats` and `duplicates` are told afterwards."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port, self._intake, self._prometheus = free_port(), free_port(), free_port()
        self.kills = 0
        self.repeats = 0
        self.duplicates = 0

    def run(self, *, events: int, clients: int, after: tuple[float, float], seed: int) -> None:
        """Raises AssertionError if anything was lost, counted twice, or fell."""
        config = self._folder / "config.yml"
        document = {
            "web": {"listen": {"llm_cost": [f"127.0.0.1:{self._port}"]}},
            "intake": {"listen": [f"127.0.0.1:{self._intake}"]},
            "ledger": {"directory": str(self._folder)},
        }
        config.write_text(yaml.safe_dump(document))
        command = (sys.executable, "-m", "agent_observability", "run", "llm_cost", "--config", str(config))
        with self._scraping() as prometheus, watching(self._port, _FAMILIES) as watcher:
            done = threading.Event()
            truths: list[Truth] = []

            def push() -> None:
                try:
                    truth, crowd = push_all(f"http://127.0.0.1:{self._intake}", clients=clients, events=events)
                    self.repeats = sum(client.repeats for client in crowd)
                    self.duplicates = sum(client.duplicates for client in crowd)
                    truths.append(truth)
                finally:
                    done.set()

            thread = threading.Thread(target=push)
            thread.start()
            choice = random.Random(seed)
            while not done.is_set():
                with running(command, self._folder / f"exporter{self.kills}.log") as exporter:
                    if not done.wait(choice.uniform(*after)):
                        exporter.process.send_signal(signal.SIGKILL)
                        exporter.process.wait()
                        self.kills += 1
            thread.join()
            assert truths, "a client failed"
            with running(command, self._folder / "last.log") as exporter:
                wait_until(lambda: not self._differences(truths[0]), 60, what=lambda: self._why(truths[0], exporter))
            assert not watcher.fallen, watcher.fallen[:5]
            assert not watcher.unborn, watcher.unborn[:5]
            del prometheus

    def _scraping(self) -> Any:
        file = self._folder / "prometheus.yml"
        job = {
            "job_name": "agent-obs-llm_cost",
            "scrape_interval": "1s",
            "static_configs": [{"targets": [f"127.0.0.1:{self._port}"]}],
        }
        file.write_text(yaml.safe_dump({"scrape_configs": [job]}))
        listen = f"127.0.0.1:{self._prometheus}"
        flags = (f"--config.file={file}", f"--storage.tsdb.path={self._folder / 'tsdb'}")
        return running(("prometheus", *flags, f"--web.listen-address={listen}"), self._folder / "prometheus.log")

    def _differences(self, truth: Truth) -> list[str]:
        wanted = {
            "llm_tokens_total": {key: Fraction(value) for key, value in truth.tokens.items()},
            "llm_cost_usd_total": {(*key, "estimated"): Fraction(value, _PICO) for key, value in truth.pico.items()},
            "llm_requests_total": {(*key, "chat", "success"): Fraction(value) for key, value in truth.requests.items()},
        }
        labels = ("provider", "model", "project", "feature", "type", "cost_source", "operation", "status")
        different: list[str] = []
        for metric, expected in wanted.items():
            shown: dict[tuple[str, ...], float] = {}
            for series in self._ask(metric):
                key = tuple(series["metric"][label] for label in labels if label in series["metric"])
                if value := float(series["value"][1]):
                    shown[key] = value
            # The double that is nearest to the exact sum, as the exposition has it.
            different += [
                f"{metric}{key}: {shown.get(key)} instead of {float(expected.get(key, 0))}"
                for key in {*shown, *expected}
                if shown.get(key, 0.0) != float(expected.get(key, 0))
            ]
        return different

    def _why(self, truth: Truth, exporter: Child) -> str:
        return "\n".join([*self._differences(truth)[:5], exporter.output()[-500:]])

    def _ask(self, query: str) -> list[dict[str, Any]]:
        url = f"http://127.0.0.1:{self._prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": query})
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                result: list[dict[str, Any]] = json.load(response)["data"]["result"]
        except OSError:
            time.sleep(0.2)
            return []
        return result
