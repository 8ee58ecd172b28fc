"""One Alertmanager for all tests that deliver with the waits of everyday."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.alertmanager.deployment import alertmanager, write_routing
from tests.alertmanager.receivers import receivers
from tests.alertmanager.world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("delivery")
    with receivers(folder) as taken:
        file = write_routing(folder, taken)
        with alertmanager(folder, file, authority=taken.authority) as started:
            yield World(started, taken)
