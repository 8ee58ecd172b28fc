"""200,000 records through everything that can happen to a log, as `tests/tail/test_torture.py` has 5,000."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.support import free_port
from tests.tail.torture import Torture

RECORDS = 200_000


def victim(folder: Path) -> Torture:
    """The tailer alone, which is started in no time."""
    log, ledger = folder / "logs" / "audit.log", folder / "ledger.db"
    return Torture(folder, (sys.executable, "-m", "tests.tail.victim", log, ledger), ledger, log)


def exporter(folder: Path) -> Torture:
    """The whole credential proxy exporter."""
    log, config = folder / "logs" / "audit.log", folder / "config.yml"
    document = {
        "web": {"listen": {"credential_proxy": [f"127.0.0.1:{free_port()}"]}},
        "credential_proxy": {"log": {"paths": [str(log)]}},
        "ledger": {"directory": str(folder)},
    }
    config.write_text(yaml.safe_dump(document))
    command = (sys.executable, "-m", "agent_observability", "run", "credential_proxy", "--config", config)
    # It keeps what was rotated away open for a minute.
    return Torture(folder, command, folder / "credential_proxy.db", log, patience=150.0)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("make", "after"), [(victim, (0.8, 4.0)), (exporter, (2.5, 7.0))])
def test_two_hundred_thousand_records(
    tmp_path: Path, make: Callable[[Path], Torture], after: tuple[float, float]
) -> None:
    torture = make(tmp_path)
    torture.run(records=RECORDS, writers=5, pause=0.1, after=after, seed=3)
    assert torture.kills >= 20
    assert all(
        torture.done[name] >= 3 for name in ("rename", "copytruncate", "compress", "truncate", "regrow", "remove")
    )
