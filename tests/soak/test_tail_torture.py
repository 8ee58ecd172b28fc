"""200,000 records through everything that can happen to a log, as `tests/tail/test_torture.py` has 5,000."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.tail.torture import Torture

RECORDS = 200_000


@pytest.mark.timeout(3600)
def test_two_hundred_thousand_records(tmp_path: Path) -> None:
    log, ledger = tmp_path / "logs" / "audit.log", tmp_path / "ledger.db"
    torture = Torture(tmp_path, (sys.executable, "-m", "tests.tail.victim", log, ledger), ledger, log)
    torture.run(records=RECORDS, writers=5, pause=0.1, after=(0.8, 4.0), seed=3)
    assert torture.kills >= 20
    assert all(
        torture.done[name] >= 3 for name in ("rename", "copytruncate", "compress", "truncate", "regrow", "remove")
    )
