"""Real processes with one ledger: who leads, who waits, what each shows over HTTP, and how the next one takes over."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ledger.storage import Storage
from tests.support import Child, free_port, running, wait_until

RECORDS = 2_000


@dataclass(frozen=True, slots=True)
class Replica:
    """One running victim."""

    child: Child
    port: int

    def get(self, path: str) -> tuple[int, str]:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(client):
            try:
                client.request("GET", path, headers={"X-Prometheus-Scrape-Timeout-Seconds": "5"})
                response = client.getresponse()
                return response.status, response.read().decode()
            except OSError:
                return 0, ""

    def samples(self) -> dict[str, float]:
        lines = self.get("/metrics")[1].splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[:1] != "#")}

    @property
    def ready(self) -> bool:
        return self.get("/-/ready")[0] == 200


@contextlib.contextmanager
def replica(folder: Path, storage: Storage, name: str) -> Iterator[Replica]:
    port = free_port()
    where = {"url": storage.cluster.url().reveal()} if storage.cluster else {"directory": str(folder)}
    file = folder / f"{name}.yml"
    web = {"listen": {"victim": [f"127.0.0.1:{port}"]}}
    file.write_text(json.dumps({"web": web, "ledger": where, "victim": {"records": RECORDS}}))
    command = (sys.executable, "-m", "tests.ledger.victim", "run", "victim", "--config", file)
    with running(command, folder / f"{name}.log") as child:
        it = Replica(child, port)
        wait_until(lambda: it.get("/-/healthy")[0] == 200, 20, what=child.output)
        yield it


@pytest.fixture(autouse=True)
def _fresh(storage: Storage) -> None:
    if storage.cluster:
        storage.cluster.drop("agent_obs_victim")


def counted(one: Replica) -> float:
    return sum(value for name, value in one.samples().items() if name.startswith("victim_records_total{"))


def test_a_standby_waits_and_takes_over(storage: Storage, tmp_path: Path) -> None:
    """From a leader that is killed: every record is counted once by the two of them."""
    with replica(tmp_path, storage, "one") as leader:
        wait_until(lambda: leader.ready, 20, what=leader.child.output)
        with replica(tmp_path, storage, "two") as standby:
            wait_until(lambda: counted(leader) > 0, 20)
            status, reason = standby.get("/-/ready")
            assert status == 503
            assert "writes to" in reason or "is written by process" in reason
            assert counted(standby) == 0
            roles = [
                (one.samples()["agent_obs_leader"], one.samples()["agent_obs_ledger_up"]) for one in (leader, standby)
            ]
            assert roles == [(1, 1), (0, 1)]
            page = standby.get("/")[1]
            assert "ledger" in page
            leader.child.process.send_signal(signal.SIGKILL)
            leader.child.process.wait()
            wait_until(lambda: standby.ready, 20, what=standby.child.output)
            wait_until(lambda: counted(standby) == RECORDS, 60, what=lambda: str(counted(standby)))


def test_the_ledgers_own_metrics(storage: Storage, tmp_path: Path) -> None:
    with replica(tmp_path, storage, "one") as it:
        wait_until(lambda: counted(it) == RECORDS, 60, what=lambda: str(counted(it)))
        found = it.samples()
        stored = sum(number % 7 != 3 for number in range(RECORDS))
        assert found['agent_obs_ledger_events_total{kind="record",result="stored"}'] == stored
        assert found["agent_obs_ledger_commit_duration_seconds_count"] > 50
        assert found["agent_obs_ledger_commit_failures_total"] == 0
        assert found["agent_obs_ledger_size_bytes"] > 4096
        assert found['agent_obs_ledger_rows{table="position"}'] <= 1
        assert found['agent_obs_collector_success{collector="ledger"}'] == 1
        assert found["agent_obs_leader"] == 1
        code, seconds = it.child.end(signal.SIGTERM, 5)
        assert code == 0
        assert seconds < 5
