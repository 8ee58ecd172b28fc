"""Hours of the day: windows, zones, late records, restarts."""

from __future__ import annotations

import datetime as dt
import logging
import random
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.credential_proxy.hours import HOUR_FACT, Hours, by_hour

NOW = dt.datetime(2025, 11, 13, 10, 15, 30, tzinfo=dt.UTC).timestamp()
DAY = 86_400


def zone(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name)


def shown(hours: Hours, name: str = "UTC", now: float = NOW) -> dict[str, int]:
    """Without the hours in which there was nothing."""
    return {hour: number for hour, number in by_hour(hours.counts, zone(name), now).items() if number}


@pytest.mark.parametrize(
    ("name", "hour"),
    [
        ("UTC", "10"),
        ("Europe/Berlin", "11"),
        ("Asia/Kolkata", "15"),
        ("Asia/Kathmandu", "16"),
        ("America/St_Johns", "06"),
        ("Pacific/Apia", "23"),
    ],
)
def test_zones(name: str, hour: str) -> None:
    hours = Hours()
    hours.add([NOW] * 3, NOW)
    assert shown(hours, name) == {hour: 3}


def test_all_hours_are_shown() -> None:
    assert by_hour({}, zone("UTC"), NOW) == {f"{hour:02}": 0 for hour in range(24)}


def test_a_local_hour_of_a_zone_between_hours() -> None:
    hours = Hours()
    # 15:29:59 and 15:30:00 of UTC are 20:59:59 and 21:00:00 in Kolkata.
    half = dt.datetime(2025, 11, 12, 15, 30, tzinfo=dt.UTC).timestamp()
    hours.add([half - 1, half], NOW)
    assert shown(hours, "Asia/Kolkata") == {"20": 1, "21": 1}
    assert shown(hours, "UTC") == {"15": 2}


def test_the_hour_that_comes_twice() -> None:
    now = dt.datetime(2025, 10, 27, tzinfo=dt.UTC).timestamp()
    hours = Hours()
    hours.add([dt.datetime(2025, 10, 26, hour, 30, tzinfo=dt.UTC).timestamp() for hour in (0, 1, 2)], now)
    assert shown(hours, "Europe/Berlin", now) == {"02": 2, "03": 1}


def test_what_is_older_than_a_week_goes() -> None:
    hours = Hours()
    old = NOW - 7 * DAY
    # The window begins with a quarter of an hour, so that it holds as many as there are in a week.
    hours.add([old - 901, old + 900, NOW - 1], NOW)
    facts = hours.facts()
    assert sum(shown(hours).values()) == 2
    assert {int(key) for _, key in facts} == {int(old + 900) // 3_600, int(NOW - 1) // 3_600}
    hours.add([NOW + DAY], NOW + DAY)
    later = hours.facts()
    assert later[HOUR_FACT, str(int(old + 900) // 3_600)] is None
    assert shown(hours, now=NOW + DAY) == {"10": 2}
    assert shown(hours, now=NOW + 9 * DAY) == {}
    hours.add([NOW + 30 * DAY], NOW + 30 * DAY)
    much_later = hours.facts()
    assert sum(data is None for data in much_later.values()) == 2
    assert len(hours.counts) == 1


def test_late_records_and_those_ahead_of_the_clock() -> None:
    hours = Hours()
    hours.add([NOW], NOW)
    hours.add([NOW - 3 * DAY, NOW + 3_600, NOW + DAY, NOW + 3 * DAY], NOW)
    assert shown(hours) == {"10": 3, "11": 1}


def test_what_others_hold_does_not_change() -> None:
    hours = Hours()
    hours.add([NOW], NOW)
    before = hours.counts
    hours.add([NOW], NOW)
    assert by_hour(before, zone("UTC"), NOW)["10"] == 1
    assert by_hour(hours.counts, zone("UTC"), NOW)["10"] == 2


def test_a_fact_that_is_none_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    hours = Hours()
    with caplog.at_level(logging.ERROR):
        hours.restore(
            {str(int(NOW) // 3_600): b"0 4 0 0", "never": b"1 1 1 1", "490000": b"1", "490001": b"a b c d"}, NOW
        )
    assert shown(hours) == {"10": 4}
    assert [record.args and record.args[0] for record in caplog.records] == ["never", "490000", "490001"]


def test_memory_is_bounded() -> None:
    hours = Hours()
    chance = random.Random(3)
    now = NOW
    for _ in range(300):
        now += 3_600
        hours.add([now - chance.random() * 30 * DAY for _ in range(200)], now)
        assert len(hours.counts) <= 7 * 24 + 26


@given(
    st.lists(st.tuples(st.lists(st.floats(-9 * DAY, 1 * DAY), min_size=1, max_size=30), st.integers(0, DAY))),
    st.randoms(use_true_random=False),
)
def test_restarts_change_nothing(chunks: list[tuple[list[float], int]], chance: random.Random) -> None:
    """Facts are kept as a ledger does; at random, all starts again from them."""
    kept: dict[str, bytes] = {}
    hours = Hours()
    counted: list[float] = []
    now = NOW
    for shifts, passed in chunks:
        now += passed
        times = [now + shift for shift in shifts]
        counted += [time for time in times if in_week(time, now)]
        hours.add(times, now)
        for (_, key), data in hours.facts().items():
            if data is None:
                kept.pop(key, None)
            else:
                kept[key] = data
        if chance.random() < 0.5:
            hours = Hours()
            hours.restore(kept, now)
    expected = dict.fromkeys(by_hour({}, zone("UTC"), now), 0)
    for time in counted:
        if in_week(time, now):
            expected[f"{dt.datetime.fromtimestamp(time, dt.UTC).hour:02}"] += 1
    assert by_hour(hours.counts, zone("UTC"), now) == expected


def in_week(time: float, now: float) -> bool:
    """672 quarters of an hour until now, and those of a day ahead."""
    return -672 < time // 900 - now // 900 <= 96
