"""Event times: offsets, local times, hours that come twice or never, numbers, and what is no time."""

from __future__ import annotations

import datetime as dt
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.credential_proxy.parser import Parser
from agent_observability.credential_proxy.record import Record
from agent_observability.credential_proxy.times import NEWEST, OLDEST, Times
from tests.credential_proxy.records import SERVICES, format_b, format_c

AT = 1_763_028_930.0  # 2025-11-13T10:15:30Z
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("2025-11-13T10:15:30Z", AT),
        ("2025-11-13T10:15:30z", AT),
        ("2025-11-13t10:15:30.5Z", AT + 0.5),
        ("2025-11-13 10:15:30 UTC", AT),
        ("2025-11-13T10:15:30+00:00", AT),
        ("2025-11-13T12:15:30+02:00", AT),
        ("2025-11-13T12:15:30+0200", AT),
        ("2025-11-13T12:15:30+02", AT),
        ("2025-11-13T04:45:30-05:30", AT),
        ("2025-11-13T11:15:30", AT),
        ("2025-11-13 11:15:30,250", AT + 0.25),
        ("2025-11-13T11:15:30.123456789", AT + 0.123457),
        ("2025-11-13T10:15:30,1234567890123Z", AT + 0.123456),
        (" 2025-11-13T10:15:30Z ", AT),
        ("2025-11-13T10:15Z", AT - 30),
        ("2025-11-13T10:15:60Z", AT + 30),
        (AT, AT),
        (int(AT), AT),
        (AT * 1e3, AT),
        (int(AT) * 10**6, AT),
        (int(AT) * 10**9, AT),
        ("1763028930.25", AT + 0.25),
        ("1763028930250", AT + 0.25),
        (OLDEST, OLDEST),
        ("2099-12-31T23:59:59Z", NEWEST - 1),
    ],
)
def test_times(said: object, expected: float) -> None:
    assert Times(BERLIN).read(said) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "said",
    [
        *("", "now", "2025-13-01T00:00:00Z", "2025-02-30T00:00:00Z", "2025-11-13", "10:15:30", "2025-11-13T25:00:00Z"),
        *(
            "2025-11-13T10:15:61Z",
            "2025-11-13T10:15:30+99:00",
            "0001-01-01T00:00:00",
            "9999-12-31T23:59:59",
            "nan",
            "inf",
        ),
        *(
            "1999-12-31T23:59:59Z",
            "2100-01-01T00:00:00Z",
            "1e9",
            "-1763028930",
            "9999-12-31T23:59:60Z",
            "٢٠٢٥-11-13T10:15:30Z",
        ),
        *(
            0,
            1,
            -AT,
            1e30,
            float("nan"),
            float("inf"),
            float("-inf"),
            10**400,
            True,
            None,
            [],
            {},
            b"2025-11-13T10:15:30Z",
        ),
    ],
)
def test_no_times(said: object) -> None:
    times = Times(BERLIN)
    assert times.read(said) is None
    assert times.read("2025-11-13T10:15:30Z") == AT


# Clocks in Berlin went back from 03:00 to 02:00 at this time, and forth from 02:00 to 03:00 at that.
BACK = dt.datetime(2025, 10, 26, 1, tzinfo=dt.UTC).timestamp()
FORTH = dt.datetime(2025, 3, 30, 1, tzinfo=dt.UTC).timestamp()


@pytest.mark.parametrize(
    ("previous", "said", "expected"),
    [
        (None, "2025-10-26T02:30:00", BACK - 1_800),
        (BACK - 7_200, "2025-10-26T02:30:00", BACK - 1_800),
        (BACK - 1, "2025-10-26T02:59:59.5", BACK - 0.5),
        (BACK - 1, "2025-10-26T02:00:00", BACK),
        (BACK + 1_799, "2025-10-26T02:30:00", BACK + 1_800),
        # A record that is a bit late, just behind the change.
        (BACK + 1, "2025-10-26T02:59:58", BACK - 2),
        (BACK + 7_200, "2025-10-26T02:30:00", BACK + 1_800),
        (BACK + 1, "2025-10-26T03:00:00", BACK + 3_600),
        (BACK + 1, "2025-10-26T01:59:59", BACK - 3_601),
        (None, "2025-03-30T02:30:00", FORTH + 1_800),
        (FORTH + 9_000, "2025-03-30T02:30:00", FORTH + 1_800),
        (FORTH - 1, "2025-03-30T03:00:00", FORTH),
    ],
)
def test_hours_that_come_twice_or_never(previous: float | None, said: str, expected: float) -> None:
    times = Times(BERLIN)
    times.previous = previous
    assert times.read(said) == expected


@pytest.mark.parametrize("written", [format_b, format_c])
def test_a_log_through_the_end_of_summer_time(written: object) -> None:
    assert callable(written)
    moments = [BACK - 7_000 + 600 * number for number in range(24)]
    records = [Record(moment, "github", "read", "granted", "", "pid:7", None) for moment in moments]
    parser = Parser(SERVICES, BERLIN)
    # Line by line, as it is read while it is written, and in one go.
    assert [parser.parse(written(record, zone=BERLIN)) for record in records] == records
    parser.previous = None
    assert list(parser.read([written(record, zone=BERLIN) for record in records]).records) == records


@given(
    st.sampled_from(ZONES),
    st.lists(st.datetimes(dt.datetime(2000, 1, 2), dt.datetime(2099, 12, 30)), min_size=1, max_size=20),
)
def test_local_times_agree_with_the_zone(name: str, moments: list[dt.datetime]) -> None:
    zone = zoneinfo.ZoneInfo(name)
    times = Times(zone)
    for moment in moments:
        either = {moment.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1)}
        found = times.unix(moment)
        assert found in either
        if len(either) > 1 and dt.datetime.fromtimestamp(min(either), zone).replace(tzinfo=None) != moment:
            # Skipped by the clocks: with the offset from before.
            assert found == moment.replace(tzinfo=zone).timestamp()


@given(
    st.sampled_from(ZONES),
    st.floats() | st.integers() | st.text() | st.datetimes().map(str) | st.booleans() | st.none(),
)
def test_nothing_raises(name: str, said: object) -> None:
    found = Times(zoneinfo.ZoneInfo(name)).read(said)
    assert found is None or OLDEST <= found < NEWEST


@given(st.datetimes(timezones=st.timezones() | st.none()))
def test_any_datetime(moment: dt.datetime) -> None:
    found = Times(BERLIN).unix(moment)
    assert found is None or OLDEST <= found < NEWEST
