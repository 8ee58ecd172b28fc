"""One million events, as `tests/llm_cost/test_kill.py` has 20,000."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.llm_cost.killing import Killing

EVENTS = 1_000_000


@pytest.mark.timeout(3600)
def test_a_million_events(tmp_path: Path) -> None:
    killing = Killing(tmp_path)
    killing.run(events=EVENTS, clients=4, after=(2.0, 15.0), seed=2)
    print(
        f"llm_cost: {EVENTS} events, {killing.kills} kills, {killing.repeats} repeated and"
        f" {killing.duplicates} doubled requests, each event counted once"
    )
    assert killing.kills >= 10
