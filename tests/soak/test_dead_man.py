"""The dead-man switch with the waits of the real routing: it hears once a minute, neither more nor less often."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import yaml

from tests.alertmanager.deployment import FILE, alert, alertmanager, write_routing
from tests.alertmanager.receivers import receivers
from tests.support import wait_until

BEATS = 5


def test_the_dead_man_hears_once_a_minute(tmp_path: Path) -> None:
    with receivers(tmp_path) as taken:
        file = write_routing(tmp_path, taken)
        document = yaml.safe_load(file.read_text())
        document["route"] = yaml.safe_load(FILE.read_text())["route"]
        file.write_text(yaml.safe_dump(document))
        with alertmanager(tmp_path, file, authority=taken.authority) as running:
            times = []
            for number in range(BEATS):
                running.post(alert("Watchdog", "none"))
                wait_until(lambda number=number: len(taken.beats) > number, 130, what=running.child.output)  # type: ignore[misc]
                times.append(time.monotonic())
    gaps = [after - before for before, after in pairwise(times)]
    print("seconds between messages:", [round(gap, 1) for gap in gaps])
    assert all(55 < gap < 65 for gap in gaps)
