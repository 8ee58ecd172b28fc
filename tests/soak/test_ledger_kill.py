"""A ledger's process killed hundreds of times: nothing lost, nothing twice, no counter that fell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ledger.cluster import Cluster, why_not
from tests.ledger.test_kill import Killing


@pytest.mark.parametrize(("engine", "times"), [("sqlite", 300), ("postgresql", 150)])
def test_hundreds_of_kills(engine: str, times: int, tmp_path: Path) -> None:
    if engine == "postgresql" and (reason := why_not()):
        pytest.skip(reason)
    cluster = Cluster() if engine == "postgresql" else None
    run = Killing(tmp_path, cluster, records=400 * times, pause=0.03)
    try:
        run.run(times=times, after=(0.4, 2.5), seed=times)
    finally:
        if cluster:
            cluster.remove()
    print(f"{engine}: {times} kills, {run.found} with progress, {run.records} records, each counted once")
    assert run.found > times / 2
