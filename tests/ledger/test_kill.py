"""A process killed again and again has counted everything once: so say its ledger, its scrapes and Prometheus."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.kill import kill_again_and_again, watching
from tests.ledger.cluster import Cluster
from tests.ledger.victim import METRICS, Truth
from tests.prometheus.server import SCRAPE_SECONDS, Prometheus, prometheus
from tests.support import Child, free_port, wait_until

Rows = Callable[[str], Sequence[Sequence[Any]]]
_FAMILIES = [metric.family for metric in METRICS]


class Killing:
    """One run on one engine. `cluster` is None for SQLite."""

    def __init__(self, folder: Path, cluster: Cluster | None, *, records: int, pause: float) -> None:
        self.folder = folder
        self.cluster = cluster
        self.port = free_port()
        self.records = records
        self.truth = Truth()
        self.found = 0
        if cluster:
            cluster.drop("agent_obs_victim")
        ledger = {"url": cluster.url().reveal()} if cluster else {"directory": str(folder)}
        config = {
            "web": {"listen": {"victim": [f"127.0.0.1:{self.port}"]}},
            "ledger": ledger,
            "victim": {"records": records, "pause": pause},
        }
        (folder / "config.yml").write_text(json.dumps(config))

    def run(self, *, times: int, after: tuple[float, float], seed: int) -> None:
        """Kill it, and compare with the truth after each kill and in the end."""
        job = {"job_name": "victim", "static_configs": [{"targets": [f"127.0.0.1:{self.port}"]}]}
        command = (sys.executable, "-m", "tests.ledger.victim", "run", "victim", "--config", self.folder / "config.yml")
        with (
            prometheus(self.folder, [job]) as server,
            watching(self.port, _FAMILIES, SCRAPE_SECONDS) as watcher,
        ):
            # Before it has found its target it sees no births.
            wait_until(server.targets, 20, what="the first attempt of a scrape")

            def finish(child: Child) -> None:
                wait_until(lambda: self.position() == self.records, 120, what=child.output)
                truth = dict(self.truth.advance(self.records).samples())
                wait_until(lambda: {key: watcher.values.get(key) for key in truth} == truth, 20, what="the last scrape")
                wait_until(lambda: self.increases(server) == truth, 20, what=lambda: _differences(self, server, truth))

            kill_again_and_again(
                command,
                self.folder / "victim.log",
                times=times,
                after=after,
                choice=random.Random(seed),
                dead=self.check,
                alive=finish,
            )
            self.check(times)
        assert (watcher.fallen, watcher.unborn) == ([], [])
        assert watcher.scrapes > 3

    def position(self) -> int:
        with self.rows() as rows:
            return _position(rows)

    def check(self, number: int) -> None:
        """Position, events and counters of the ledger, as the killed process left them."""
        with self.rows() as rows:
            position = _position(rows)
            self.found += position > self.truth.position
            self.truth.advance(position)
            series = {
                (name, tuple(json.loads(labels))): [int(part) for part in value.split()]
                for name, labels, value in rows("SELECT metric, labels, value FROM series")
            }
            assert series == self.truth.series(), f"after kill {number}"
            # One that was killed before it had made its tables has nothing.
            [[events, ids]] = rows("SELECT count(*), count(DISTINCT id) FROM event") or [[0, 0]]
            assert (events, ids) == (self.truth.stored, self.truth.stored), f"after kill {number}"
            assert {row[0] for row in rows("SELECT value FROM admitted")} == set(self.truth.models)

    @contextlib.contextmanager
    def rows(self) -> Iterator[Rows]:
        """Queries behind the exporter's back."""
        if self.cluster:
            with self.cluster.connect() as connection:
                connection.execute("SET search_path TO agent_obs_victim")
                yield lambda query: connection.execute(query.encode()).fetchall() if _made(connection) else []
        elif not (self.folder / "victim.db").exists():
            yield lambda _: []
        else:
            with contextlib.closing(sqlite3.connect(self.folder / "victim.db", timeout=10)) as shell:
                made = shell.execute("SELECT name FROM sqlite_master WHERE name = 'writer'").fetchone()
                yield lambda query: shell.execute(query).fetchall() if made else []

    def increases(self, server: Prometheus) -> dict[tuple[str, ...], float]:
        """What `increase()` sums up before it extrapolates: all rises between samples, of all samples of the run."""
        found = {}
        for name, labels in _sample_names():
            for series in server.api("query", query=f"{name}[2h]")["result"]:
                values = [float(value) for _, value in series["values"]]
                key = (name, *(series["metric"][label] for label in labels))
                falls = [pair for pair in itertools.pairwise(values) if pair[1] < pair[0]]
                assert not falls, f"{key}: {falls}"
                found[key] = values[-1] - values[0]
        return found


def _sample_names() -> Iterator[tuple[str, tuple[str, ...]]]:
    for metric in METRICS:
        for name in metric.sample_names:
            if not name.endswith("_bucket"):
                yield name, metric.label_names


def _differences(run: Killing, server: Prometheus, truth: dict[tuple[str, ...], float]) -> str:
    found = run.increases(server)
    return "; ".join(
        f"{key}: {found.get(key)} instead of {value}" for key, value in truth.items() if found.get(key) != value
    )


def _position(rows: Rows) -> int:
    found = rows("SELECT value FROM position WHERE source = 'stream'")
    return int(found[0][0]) if found else 0


def _made(connection: Any) -> bool:
    [found] = connection.execute("SELECT to_regclass('writer') IS NOT NULL").fetchone()
    return bool(found)


def test_sqlite(tmp_path: Path) -> None:
    run = Killing(tmp_path, None, records=6_000, pause=0.03)
    run.run(times=6, after=(0.5, 3), seed=4)
    assert run.found >= 2


def test_postgresql(tmp_path: Path, cluster: Cluster) -> None:
    run = Killing(tmp_path, cluster, records=6_000, pause=0.03)
    run.run(times=4, after=(0.5, 3), seed=5)
    assert run.found >= 2
