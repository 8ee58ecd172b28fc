"""The real process, killed again and again while its log grows and is rotated: every line counts once."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.credential_proxy.living import asked
from tests.kill import Watcher, kill_again_and_again, watching
from tests.support import Child, free_port, running, wait_until

_FAMILIES = (
    "credential_proxy_requests",
    "credential_proxy_rejections",
    "credential_proxy_response_duration_seconds",
    "credential_proxy_anomalies",
    "agent_obs_tail_lines",
    "agent_obs_tail_rotations",
)
_PARSED = ("agent_obs_tail_lines_total", "audit", "parsed")
_KINDS = (("github", "clone", "GRANTED"), ("github", "push", "REJECTED"), ("anthropic", "api_call", "ERROR"))


class Proxy:
    """Writes to its log until told to stop, and renames it now and then once `rotating`. `truth` by labels."""

    def __init__(self, log: Path, seed: int) -> None:
        self._log = log
        self._choice = random.Random(seed)
        self._ended = threading.Event()
        self.rotating = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.truth: Counter[tuple[str, ...]] = Counter()
        self.rotations = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        written = 0
        while not self._ended.wait(0.02):
            lines = []
            for _ in range(self._choice.randint(1, 60)):
                service, operation, status = self._choice.choice(_KINDS)
                self.truth[service, operation, status.lower()] += 1
                container = f"{self._choice.randrange(1_000):012x}"
                lines.append(asked(time.time(), service, operation, status, container=container))
            with self._log.open("a") as file:
                file.writelines(f"{line}\n" for line in lines)
            written += 1
            if self.rotating.is_set() and written % 50 == 0:
                self.rotations += 1
                self._log.rename(self._log.with_name(f"{self._log.name}.{self.rotations}"))


@pytest.mark.timeout(120)
def test_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    port = free_port()
    log = tmp_path / "audit.log"
    config = tmp_path / "config.yml"
    document = {
        "credential_proxy": {"log": {"paths": [str(log)], "interval": "50ms"}},
        "web": {"listen": {"credential_proxy": [f"127.0.0.1:{port}"]}},
        "ledger": {"directory": str(tmp_path)},
    }
    config.write_text(yaml.safe_dump(document))
    proxy = Proxy(log, seed=7)

    def agrees(watcher: Watcher, child: Child) -> None:
        proxy.stop()

        def shown() -> Counter[tuple[str, ...]]:
            requests = [item for item in watcher.values.items() if item[0][0] == "credential_proxy_requests_total"]
            return Counter({key[1:]: int(value) for key, value in requests if value})

        wait_until(
            lambda: shown() == proxy.truth, 30, what=lambda: f"{shown()} is not {proxy.truth}\n{child.output()[-1000:]}"
        )

    command = (sys.executable, "-m", "agent_observability", "run", "credential_proxy", "--config", config)
    proxy.start()
    try:
        with watching(port, _FAMILIES, 0.3) as watcher:
            with running(command, tmp_path / "first.log") as first:
                # What was rotated away before a log was ever followed is none of it.
                wait_until(lambda: watcher.values.get(_PARSED), 20, what=first.output)
                proxy.rotating.set()
            kill_again_and_again(
                command,
                tmp_path / "exporter.log",
                times=3,
                after=(1.0, 3.0),
                choice=random.Random(3),
                dead=lambda _: None,
                alive=lambda child: agrees(watcher, child),
            )
            parsed = watcher.values[_PARSED]
    finally:
        proxy.stop()
    assert parsed == proxy.truth.total() > 1_000
    assert proxy.rotations
    assert not watcher.fallen, watcher.fallen[:5]
    assert not watcher.unborn, watcher.unborn[:5]
    print(f"{proxy.truth.total()} records, {proxy.rotations} rotations, 4 kills, {watcher.scrapes} scrapes")
