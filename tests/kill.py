"""SIGKILL at random moments, again and again, under the eyes of scrapers: for every exporter that keeps something."""

from __future__ import annotations

import contextlib
import random
import signal
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.support import Child, running

__all__ = ["Watcher", "kill_again_and_again", "watching"]

_ACCEPT = "application/openmetrics-text; version=1.0.0"


class Watcher:
    """Scrapes like a Prometheus with a short interval, through outages, and notes every counter that ever fell."""

    def __init__(self, port: int, families: Sequence[str], seconds: float) -> None:
        self._url = f"http://127.0.0.1:{port}/metrics"
        self._families = frozenset(families)
        self._seconds = seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._values: dict[tuple[str, ...], float] = {}
        self.fallen: list[str] = []
        self.unborn: list[str] = []
        """Series whose first sample was not 0."""
        self.scrapes = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(10)

    @property
    def values(self) -> Mapping[tuple[str, ...], float]:
        """The last value of each series, by sample name and label values."""
        return dict(self._values)

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            headers = {"Accept": _ACCEPT, "X-Prometheus-Scrape-Timeout-Seconds": "5", "User-Agent": "watcher"}
            try:
                with urllib.request.urlopen(urllib.request.Request(self._url, headers=headers), timeout=5) as response:
                    text = response.read().decode()
            except OSError:
                continue
            # A body cut short by the kill has no end.
            if text.endswith("# EOF\n"):
                self.scrapes += 1
                self._note(text)

    def _note(self, text: str) -> None:
        for family in text_string_to_metric_families(text):
            if family.name in self._families:
                for sample in family.samples:
                    key = (sample.name, *sample.labels.values())
                    before = self._values.get(key)
                    if before is None and sample.value:
                        self.unborn.append(f"{key} began at {sample.value}")
                    elif before is not None and sample.value < before:
                        self.fallen.append(f"{key} fell from {before} to {sample.value}")
                    self._values[key] = sample.value


@contextlib.contextmanager
def watching(port: int, families: Sequence[str], seconds: float = 1.0) -> Iterator[Watcher]:
    """Watch the counters and histograms of these family names (without `_total`)."""
    watcher = Watcher(port, families, seconds)
    watcher.start()
    try:
        yield watcher
    finally:
        watcher.stop()


def kill_again_and_again(
    command: Sequence[str | Path],
    log: Path,
    *,
    times: int,
    after: tuple[float, float],
    choice: random.Random,
    dead: Callable[[int], None],
    alive: Callable[[Child], None],
) -> None:
    """Start `command`, kill it after a random time, call `dead(number)`, and so on; in the end call `alive` on one.

    `after` are the least and the most seconds it lives, from before it is ready to well into its work.
    """
    for number in range(times):
        with running(command, log) as child:
            time.sleep(choice.uniform(*after))
            assert child.process.poll() is None, child.output()
            child.process.send_signal(signal.SIGKILL)
            child.process.wait()
        dead(number)
    with running(command, log) as child:
        alive(child)
        child.end(signal.SIGTERM, 10)
