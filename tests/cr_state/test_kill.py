"""SIGKILL at random moments: every session is counted once."""

from __future__ import annotations

from pathlib import Path

from tests.cr_state.killing import Killing


def test_killed_a_few_times(tmp_path: Path) -> None:
    killing = Killing(tmp_path)
    killing.run(times=6, after=(0.5, 3.5), seed=1)
    assert killing.created > 5
