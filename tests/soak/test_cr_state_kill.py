"""The CR state exporter killed fifty times beside a living platform: every session is counted once."""

from __future__ import annotations

from pathlib import Path

from tests.cr_state.killing import Killing

_TIMES = 50


def test_killed_fifty_times(tmp_path: Path) -> None:
    killing = Killing(tmp_path)
    killing.run(times=_TIMES, after=(0.4, 5.0), seed=5)
    print(f"cr_state: {_TIMES} kills, {killing.created} sessions, {killing.completed} completed, each counted once")
    assert killing.completed > 20
