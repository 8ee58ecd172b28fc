"""A clock that is set back, and right again later: the hours of the week are still there."""

from __future__ import annotations

import datetime as dt
import zoneinfo

import pytest

from agent_observability.credential_proxy.hours import Hours, by_hour

NOW = dt.datetime(2025, 11, 13, 10, 15, 30, tzinfo=dt.UTC).timestamp()
DAY = 86_400
UTC = zoneinfo.ZoneInfo("UTC")


def shown(hours: Hours, now: float) -> dict[str, int]:
    return {hour: number for hour, number in by_hour(hours.counts, UTC, now).items() if number}


@pytest.mark.parametrize("back", [2 * DAY, 30 * DAY, NOW - 1_000_000])
@pytest.mark.parametrize("restarted", [False, True])
def test_set_back_and_right_again(back: float, restarted: bool) -> None:
    hours = Hours()
    hours.add([NOW - 3_600, NOW, NOW], NOW)
    if restarted:
        kept = {str(hour): " ".join(map(str, quarters)).encode() for hour, quarters in hours.counts.items()}
        hours = Hours()
        hours.restore(kept, NOW - back)
    assert shown(hours, NOW - back) == {}
    hours.add([NOW - back - 7_200], NOW - back)
    assert sum(shown(hours, NOW - back).values()) == 1
    hours.add([NOW + 1], NOW + 1)
    assert shown(hours, NOW + 1)["09"] == 1
    assert shown(hours, NOW + 1)["10"] == 3
    # A week later nothing of all that is kept.
    hours.add([NOW + 9 * DAY], NOW + 9 * DAY)
    assert len(hours.counts) == 1
