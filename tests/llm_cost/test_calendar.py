"""Days and months of time zones, compared with what `datetime` says of each moment."""

from __future__ import annotations

import datetime as dt
import sys
import zoneinfo
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_observability.llm_cost.calendar import Calendar
from tests.support import examples

ZONES = sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})
EPOCH = dt.date(1970, 1, 1).toordinal()
HOUR = 3_600.0
LATE, EARLY = 4_102_444_800, -2_000_000_000  # 2100, 1906


def number(date: str) -> int:
    return dt.date.fromisoformat(date).toordinal() - EPOCH


def unix(moment: str) -> float:
    return dt.datetime.fromisoformat(moment).timestamp()


def calendar(zone: str) -> Calendar:
    return Calendar(zoneinfo.ZoneInfo(zone))


def local(zone: str, time: float) -> int:
    return dt.datetime.fromtimestamp(time, zoneinfo.ZoneInfo(zone)).toordinal() - EPOCH


@pytest.mark.parametrize(
    ("zone", "date", "begin", "hours"),
    [
        ("UTC", "2024-02-29", "2024-02-29T00:00:00+00:00", 24),
        ("Europe/Berlin", "2026-03-29", "2026-03-29T00:00:00+01:00", 23),
        ("Europe/Berlin", "2026-03-30", "2026-03-30T00:00:00+02:00", 24),
        ("Europe/Berlin", "2026-10-25", "2026-10-25T00:00:00+02:00", 25),
        ("America/New_York", "2026-03-08", "2026-03-08T00:00:00-05:00", 23),
        ("America/New_York", "2026-11-01", "2026-11-01T00:00:00-04:00", 25),
        ("Asia/Kolkata", "2026-03-29", "2026-03-29T00:00:00+05:30", 24),
        ("Asia/Kathmandu", "2026-01-01", "2026-01-01T00:00:00+05:45", 24),
        # Half an hour of daylight saving.
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-05T00:00:00+11:00", 24.5),
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-04T00:00:00+10:30", 23.5),
        # Across the date line: 30 December never was.
        ("Pacific/Apia", "2011-12-29", "2011-12-29T00:00:00-10:00", 24),
        ("Pacific/Apia", "2011-12-30", "2011-12-31T00:00:00+14:00", 0),
        ("Pacific/Apia", "2011-12-31", "2011-12-31T00:00:00+14:00", 24),
        # Clocks go from 24:00 to 01:00, and from 01:00 back to 00:00.
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T01:00:00-02:00", 23),
        ("America/Havana", "2026-03-08", "2026-03-08T01:00:00-04:00", 23),
        ("America/Havana", "2026-11-01", "2026-11-01T00:00:00-04:00", 25),
        # From 24:00 back to 23:00, and from 00:01 back to 23:01: a day that has begun goes on.
        ("America/Sao_Paulo", "2018-02-17", "2018-02-17T00:00:00-02:00", 25),
        ("America/St_Johns", "2006-10-28", "2006-10-28T00:00:00-02:30", 24),
        ("America/St_Johns", "2006-10-29", "2006-10-29T00:00:00-02:30", 25),
        # From 23:30 to 00:30: the day begins half an hour late.
        ("America/Toronto", "1919-03-31", "1919-03-31T00:30:00-04:00", 23.5),
    ],
)
def test_when_days_begin_and_how_long_they_are(zone: str, date: str, begin: str, hours: float) -> None:
    days = calendar(zone)
    assert days.begin_of(number(date)) == unix(begin)
    assert days.seconds(number(date)) == hours * HOUR
    if hours:
        assert days.day_of(int(unix(begin) * 1_000)) == number(date)
        assert days.passed(unix(begin) + hours * HOUR / 4) == 0.25


@pytest.mark.parametrize(
    ("zone", "moment", "date"),
    [
        ("Europe/Berlin", "2026-01-31T22:59:59.999+00:00", "2026-01-31"),
        ("Europe/Berlin", "2026-01-31T23:00:00+00:00", "2026-02-01"),
        ("America/New_York", "2027-01-01T04:59:59.999+00:00", "2026-12-31"),
        ("Asia/Kolkata", "2026-12-31T18:30:00+00:00", "2027-01-01"),
        ("Pacific/Apia", "2011-12-30T09:59:59.999+00:00", "2011-12-29"),
        ("Pacific/Apia", "2011-12-30T10:00:00+00:00", "2011-12-31"),
        # 23:30 of the day before by the clock, for the second time.
        ("America/St_Johns", "2006-10-28T23:30:00-03:30", "2006-10-29"),
        ("UTC", "1969-12-31T23:59:59.999+00:00", "1969-12-31"),
    ],
)
def test_day_of_a_moment(zone: str, moment: str, date: str) -> None:
    assert calendar(zone).day_of(round(unix(moment) * 1_000)) == number(date)
    assert calendar(zone).today(unix(moment)) == number(date)


@pytest.mark.parametrize(
    ("date", "first", "days"),
    [
        ("2026-01-31", "2026-01-01", 31),
        ("2026-02-01", "2026-02-01", 28),
        ("2028-02-29", "2028-02-01", 29),
        ("2100-02-28", "2100-02-01", 28),
        ("2000-02-29", "2000-02-01", 29),
        ("2026-04-30", "2026-04-01", 30),
        ("2026-12-31", "2026-12-01", 31),
        ("1969-12-31", "1969-12-01", 31),
    ],
)
def test_months(date: str, first: str, days: int) -> None:
    assert calendar("Asia/Kolkata").month_of(number(date)) == (number(first), days)


def test_every_day_of_four_hundred_years_is_in_its_month() -> None:
    days = calendar("UTC")
    day, end = number("1800-01-01"), number("2200-01-01")
    while day < end:
        first, length = days.month_of(day)
        assert first == day
        date = dt.date.fromordinal(day + EPOCH)
        assert all(days.month_of(first + later) == (first, length) for later in (1, 14, length - 1))
        assert days.weekday(day) == date.weekday()
        day += length
    assert day == end


@pytest.mark.parametrize("zone", ZONES)
def test_days_follow_each_other_in_every_zone(zone: str) -> None:
    """At each change of the clocks since 1970: no holes, no overlaps, and the date is that of the clock."""
    days = calendar(zone)
    for changed in changes(zone, 0, 2_200_000_000):
        day = days.day_of(changed * 1_000)
        assert days.begin_of(day) <= changed < days.begin_of(day + 1)
        for other in range(day - 2, day + 3):
            begin, end = days.begin_of(other), days.begin_of(other + 1)
            assert begin <= end
            if begin < end:
                assert local(zone, begin - 1) < local(zone, begin) == other
                assert days.day_of(int(begin) * 1_000) == other
                assert days.day_of(int(end) * 1_000 - 1) == other
        begun = local(zone, changed - 1)
        for seconds in (-90_000, -3_600, -1, 0, 59, 60, 1_800, 3_599, 3_600, 7_200, 90_000):
            # What the clock shows again after it was set back belongs to the day that had begun.
            shown = local(zone, changed + seconds)
            assert days.day_of((changed + seconds) * 1_000) == (shown if seconds < 0 else max(shown, begun))


def changes(zone: str, start: int, end: int) -> list[int]:
    """When the offset changes, found by steps of ten days: shorter-lived changes cancel out and change nothing."""
    info = zoneinfo.ZoneInfo(zone)

    def offset(time: int) -> dt.timedelta | None:
        return dt.datetime.fromtimestamp(time, info).utcoffset()

    found, step = [], 864_000
    for time in range(start, end, step):
        if offset(time) == offset(time + step):
            continue
        early, late = time, time + step
        while late - early > 1:
            middle = (early + late) // 2
            early, late = (middle, late) if offset(middle) == offset(early) else (early, middle)
        found.append(late)
    return found


@given(
    zone=st.sampled_from(ZONES),
    times=st.lists(st.integers(EARLY * 1_000, LATE * 1_000), min_size=1, max_size=20),
)
@settings(max_examples=examples(400), deadline=None)
def test_what_is_remembered_changes_no_answer(zone: str, times: list[int]) -> None:
    """One calendar that is asked in any order, against a new one for each question."""
    days = calendar(zone)
    for time in times:
        day = days.day_of(time)
        assert day == calendar(zone).day_of(time)
        assert days.begin_of(day) * 1_000 <= time < days.begin_of(day + 1) * 1_000
        assert 0 <= days.passed(time / 1_000) < 1
        first, length = days.month_of(day)
        assert first <= day < first + length


def test_beginnings_are_not_remembered_without_end() -> None:
    days = calendar("Europe/Berlin")
    for day in range(10_000):
        days.begin_of(day)
    assert len(days._begins) <= 2_000


def test_the_share_that_has_passed_is_never_negative_or_whole() -> None:
    """Next to midnight, where a float of seconds and one of milliseconds are rounded differently."""
    days = calendar("Asia/Kolkata")
    for day in range(number("2026-01-01"), number("2027-01-01")):
        begin = days.begin_of(day)
        for now in (begin, begin + 1e-6, begin - 1e-7, begin - 2e-7, begin - 1e-3):
            assert 0 <= days.passed(now) < 1


@pytest.mark.parametrize("timestamp", [-(10**17), 10**15, sys.maxsize, 253_402_300_800_000])
def test_times_that_no_calendar_has(timestamp: int) -> None:
    with pytest.raises(ValueError, match=r"day -?\d+ since 1970-01-01 is not in the years 1 to 9999"):
        calendar("Europe/Berlin").day_of(timestamp)


@pytest.mark.parametrize(("zone", "utc"), [("UTC", True), ("Etc/UTC", True), ("Europe/London", False)])
def test_zones_that_are_utc(zone: str, utc: bool) -> None:
    assert calendar(zone).utc is utc


def test_threads_may_share_a_calendar() -> None:
    """Days that lie so far apart that what is remembered is thrown away again and again."""
    days, expected = calendar("America/New_York"), calendar("America/New_York")
    times = [day * 86_400_000 + 43_200_000 for day in range(0, 30_000, 7)]

    def ask(turn: int) -> bool:
        return all(days.day_of(time) == time // 86_400_000 for time in times[turn::2] + times[::-3])

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, [0, 1, 0, 1]))
    assert [days.day_of(time) for time in times] == [expected.day_of(time) for time in times]
