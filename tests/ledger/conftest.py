"""Fixtures: one PostgreSQL server per test process, and a place for a ledger on each engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ledger.cluster import Cluster, why_not
from tests.ledger.storage import Storage, place


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    if reason := why_not():
        pytest.skip(reason)
    server = Cluster()
    yield server
    server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return place(tmp_path, request.getfixturevalue("cluster") if request.param == "postgresql" else None)


@pytest.fixture
def sqlite(tmp_path: Path) -> Storage:
    return place(tmp_path, None)


@pytest.fixture
def postgresql(tmp_path: Path, cluster: Cluster) -> Storage:
    return place(tmp_path, cluster)
