"""Random usage by several clients, with repeats, duplicates and SIGKILLs: Prometheus shows the truth exactly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.llm_cost.killing import Killing


@pytest.mark.stack
@pytest.mark.timeout(180)
def test_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    killing = Killing(tmp_path)
    killing.run(events=20_000, clients=4, after=(1.5, 4.0), seed=1)
    assert killing.kills >= 1
    assert killing.repeats
    assert killing.duplicates
