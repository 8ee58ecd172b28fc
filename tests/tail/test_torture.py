"""A small torture; the large one is in `tests/soak/test_tail_torture.py`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.tail.torture import Torture


def test_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    log, ledger = tmp_path / "logs" / "audit.log", tmp_path / "ledger.db"
    torture = Torture(tmp_path, (sys.executable, "-m", "tests.tail.victim", log, ledger), ledger, log)
    torture.run(records=5_000, writers=3, pause=0.05, after=(0.9, 2.5), seed=1)
    assert torture.kills >= 2
