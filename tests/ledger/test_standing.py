"""What a process may show, by what has become of its right to write."""

from __future__ import annotations

import math
import time

from agent_observability.ledger.books import Books
from agent_observability.ledger.errors import LedgerStandbyError
from agent_observability.ledger.reports import Reports
from agent_observability.ledger.standing import Standing, State


def standing() -> tuple[Standing, list[State]]:
    seen: list[State] = []
    return Standing("ledger", Books(), Reports(), seen.append), seen


def test_nothing_is_shown_before_it_has_led() -> None:
    it, _ = standing()
    it.down(OSError("no"))
    it.wait(math.inf)
    assert it.exposed_until == -math.inf


def test_one_that_was_cut_off_shows_for_as_long_as_its_lease() -> None:
    it, _ = standing()
    now = time.monotonic()
    it.leads(now, math.inf)
    it.up()
    assert it.exposed_until == math.inf
    it.down(OSError("cut"))
    it.wait(15)
    assert it.exposed_until == now + 15


def test_one_that_was_overtaken_shows_nothing_whatever_goes_wrong_next() -> None:
    it, seen = standing()
    it.leads(time.monotonic(), math.inf)
    it.up()
    for error in (OSError("cut"), LedgerStandbyError("another leads"), OSError("cut again")):
        it.down(error)
        it.wait(math.inf)
    assert it.exposed_until == -math.inf
    assert seen == [
        State(up=True, reason=""),
        State(up=False, reason="cut"),
        State(up=False, reason="another leads", standby=True),
        State(up=False, reason="cut again"),
    ]
