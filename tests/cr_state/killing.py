"""The exporter, killed again and again beside a platform that lives on in another process."""

from __future__ import annotations

import json
import random
import sys
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from tests.kill import Watcher, kill_again_and_again, watching
from tests.support import Child, free_port, running, wait_until

# Seen afterwards, whatever happens between two lives of the exporter: at this pace nothing is deleted so soon.
_EXACT = {
    "created": ("vteam_sessions_created_total", 1),
    "completed": ("vteam_sessions_completed_total", 2),
    "repos": ("vteam_session_repos_total", 2),
    "jobs_created": ("vteam_operator_jobs_created_total", 1),
    "jobs_completed": ("vteam_operator_jobs_completed_total", 2),
}
_FAMILIES = (
    "vteam_sessions_created",
    "vteam_sessions_completed",
    "vteam_session_duration_seconds",
    "vteam_session_outcomes",
    "vteam_session_phase_transitions",
    "vteam_session_repos",
    "vteam_operator_jobs_created",
    "vteam_operator_jobs_completed",
    "cr_state_events",
)


class Killing:
    """`created` and `completed` sessions were counted in the end."""

    def __init__(self, folder: Path, *, pace: float = 10.0) -> None:
        self._folder = folder
        self._pace = pace
        self._api = free_port()
        self._port = free_port()
        self.created = 0
        self.completed = 0

    def run(self, *, times: int, after: tuple[float, float], seed: int) -> None:
        """Raises AssertionError if anything was lost, counted twice, or fell."""
        config = self._folder / "config.yml"
        section = {"kubernetes": {"url": f"http://127.0.0.1:{self._api}"}}
        listen = {"listen": {"cr_state": [f"127.0.0.1:{self._port}"]}}
        document = {"cr_state": section, "web": listen, "ledger": {"directory": str(self._folder)}}
        config.write_text(yaml.safe_dump(document))
        rate = ("--pace", str(self._pace), "--per-hour", "900", "--sessions", "100")
        demo = (sys.executable, "-m", "agent_observability.demo", "--port", str(self._api), *rate)
        command = (sys.executable, "-m", "agent_observability", "run", "cr_state", "--config", config)
        with running(demo, self._folder / "demo.log") as platform:
            wait_until(lambda: "http" in platform.output(), 30, what=platform.output)
            with running(command, self._folder / "first.log") as first:
                # What it finds at first is history; the platform begins to live once it is followed.
                wait_until(lambda: self._truth()["counts"].get("created"), 60, what=first.output)
            with watching(self._port, _FAMILIES) as watcher:
                kill_again_and_again(
                    command,
                    self._folder / "exporter.log",
                    times=times,
                    after=after,
                    choice=random.Random(seed),
                    dead=lambda _: None,
                    alive=lambda child: self._compare(watcher, child),
                )
            assert not watcher.fallen, watcher.fallen[:5]
            assert not watcher.unborn, watcher.unborn[:5]

    def _compare(self, watcher: Watcher, child: Child) -> None:
        body = json.dumps({"paused": True}).encode()
        urllib.request.urlopen(f"http://127.0.0.1:{self._api}/faults", data=body, timeout=5).close()
        truth = {metric: self._sums(name, labels) for name, (metric, labels) in _EXACT.items()}

        def shown() -> dict[str, Counter[tuple[str, ...]]]:
            found: dict[str, Counter[tuple[str, ...]]] = {metric: Counter() for metric in truth}
            for (sample, *labels), value in watcher.values.items():
                for metric, kept in _EXACT.values():
                    if sample == metric and value:
                        found[metric][tuple(labels[:kept])] += int(value)
            return found

        wait_until(
            lambda: shown() == truth, 60, what=lambda: f"{shown()}\ninstead of\n{truth}\n{child.output()[-2000:]}"
        )
        self.created = sum(truth["vteam_sessions_created_total"].values())
        self.completed = sum(truth["vteam_sessions_completed_total"].values())

    def _sums(self, name: str, labels: int) -> Counter[tuple[str, ...]]:
        sums: Counter[tuple[str, ...]] = Counter()
        for key, number in self._truth()["counts"].get(name, {}).items():
            sums[tuple(key.split("/")[:labels])] += number
        return sums

    def _truth(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._api}/truth", timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
        return found
