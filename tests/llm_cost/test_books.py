"""The books against sums that are worked out anew from all events, and what stands there at the turns of time."""

from __future__ import annotations

import datetime as dt
import sys
import threading
import zoneinfo
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_observability.llm_cost.books import HISTORY_DAYS, KEPT_DAYS, Books, Key, Snapshot, by_scope
from agent_observability.llm_cost.calendar import Calendar
from tests.support import examples

A: Key = ("openai", "shop", "e2e_generation")
B: Key = ("anthropic", "shop", "voice_architect")
C: Key = ("anthropic", "search", "other")
KEYS = (A, B, C)
DAY, HOUR = 86_400.0, 3_600.0
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe")


def calendar(zone: str) -> Calendar:
    return Calendar(zoneinfo.ZoneInfo(zone))


def unix(moment: str) -> float:
    return dt.datetime.fromisoformat(moment).timestamp()


def opened(zone: str = "UTC") -> Books:
    """Books that are loaded and give no snapshot twice."""
    books = Books(calendar(zone), fresh=0.0)
    books.loaded()
    return books


def look(books: Books, now: float | str) -> Snapshot:
    snapshot = books.snapshot(unix(now) if isinstance(now, str) else now)
    assert snapshot is not None
    return snapshot


def money(snapshot: Snapshot) -> dict[str, int]:
    windows = ("last_hour", "today", "yesterday", "month_to_date")
    return {window: sum(getattr(snapshot, window).values()) for window in windows}


@dataclass
class Naive:
    """All events, by the local date that `datetime` has for them; for zones that set no clock back over midnight."""

    zone: zoneinfo.ZoneInfo
    events: list[tuple[int, Key, int]] = field(default_factory=list)

    def date(self, timestamp_ms: int) -> dt.date:
        return dt.datetime.fromtimestamp(timestamp_ms // 1_000, self.zone).date()

    def snapshot(self, now: float) -> dict[str, dict[Key, int]]:
        today = self.date(int(now) * 1_000)
        minute = now // 60
        known = [
            (self.date(time), time // 60_000, key, pico) for time, key, pico in self.events if time // 60_000 <= minute
        ]
        first = today.replace(day=1)
        before = (first - dt.timedelta(days=1)).replace(day=1)
        keys = {key for date, _, key, _ in known if before <= date}
        windows = {
            "last_hour": [event for event in known if minute - event[1] < 60],
            "today": [event for event in known if event[0] == today],
            "yesterday": [event for event in known if event[0] == today - dt.timedelta(days=1)],
            "month_to_date": [event for event in known if first <= event[0]],
        }
        return {
            window: {key: sum(pico for *_, owner, pico in events if owner == key) for key in keys}
            for window, events in windows.items()
        }

    def history(self, now: float, days: int) -> list[int]:
        sums: Counter[dt.date] = Counter()
        for time, _, pico in self.events:
            sums[self.date(time)] += pico
        today = self.date(int(now) * 1_000)
        return [sums[today - dt.timedelta(days=ago)] for ago in range(days, 0, -1)]

    def metered(self, provider: str, first: int, last: int) -> int:
        return sum(p for t, key, p in self.events if key[0] == provider and first <= t // 86_400_000 <= last)


# When an event is told, in seconds after the one before, and how late; negative: ahead of its time.
steps = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 90), st.integers(0, 4 * 3_600), st.integers(0, 6 * 86_400)),
        st.one_of(st.integers(-300, 0), st.integers(0, 5_400), st.integers(0, 30 * 86_400)),
        st.sampled_from(KEYS),
        st.one_of(st.integers(0, 10**18), st.integers(1, 9)),
        st.booleans(),
    ),
    max_size=40,
)
# Month ends, a leap day, changes of the clocks, and a day that was skipped.
starts = st.sampled_from(
    [
        unix(moment)
        for moment in (
            "2026-01-31T22:50:00+00:00",
            "2028-02-28T23:40:00+00:00",
            "2026-03-28T21:00:00+00:00",
            "2026-10-24T20:00:00+00:00",
            "2026-11-01T03:30:00+00:00",
            "2026-04-04T13:00:00+00:00",
            "2011-12-29T20:00:00+00:00",
        )
    ]
)


@given(zone=st.sampled_from(ZONES), start=starts, steps=steps)
@settings(max_examples=examples(300), deadline=None)
def test_sums_equal_a_naive_recomputation(
    zone: str, start: float, steps: list[tuple[int, int, Key, int, bool]]
) -> None:
    books, naive, now = opened(zone), Naive(zoneinfo.ZoneInfo(zone)), start
    for passed, late, key, pico, asked in steps:
        now += passed
        timestamp = int(now - late) * 1_000 + 7
        books.add(timestamp, {key: pico})
        naive.events.append((timestamp, key, pico))
        if asked:
            check(books, naive, now)
    for later in (0, 61, HOUR, DAY, 32 * DAY):
        check(books, naive, now + later)


def check(books: Books, naive: Naive, now: float) -> None:
    snapshot, expected = look(books, now), naive.snapshot(now)
    for window, sums in expected.items():
        # What is not due yet may have brought its key along already, with 0.
        found = getattr(snapshot, window)
        assert {key: found[key] for key in sums} == sums, window
        assert all(found[key] == 0 for key in found.keys() - sums.keys()), window
    assert set(snapshot.today) == set(snapshot.yesterday) == set(snapshot.month_to_date) == set(snapshot.last_hour)
    for days in (1, 7, HISTORY_DAYS):
        assert snapshot.history(days) == naive.history(now, days)
    utc = int(now // DAY)
    for first, last in ((utc - 8, utc - 2), (utc - 40, utc)):
        for provider in ("openai", "anthropic", "nobody"):
            assert books.metered(provider, first, last) == naive.metered(provider, first, last)


def test_a_snapshot_is_not_changed_by_what_comes_later() -> None:
    books = opened()
    now = unix("2026-06-15T12:00:00+00:00")
    books.add(int(now - DAY) * 1_000, {A: 1})
    books.add(int(now) * 1_000, {A: 2})
    before = look(books, now)
    books.add(int(now - DAY) * 1_000, {A: 10})
    books.add(int(now) * 1_000, {A: 20})
    assert money(before) == {"last_hour": 2, "today": 2, "yesterday": 1, "month_to_date": 3}
    assert before.history(2) == [0, 1]
    after = look(books, now)
    assert money(after) == {"last_hour": 22, "today": 22, "yesterday": 11, "month_to_date": 33}
    assert after.history(2) == [0, 11]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-01-31T23:59:59+01:00", {"last_hour": 4, "today": 4, "yesterday": 2, "month_to_date": 7}),
        ("2026-02-01T00:00:00+01:00", {"last_hour": 4, "today": 0, "yesterday": 4, "month_to_date": 0}),
        ("2026-02-01T00:01:00+01:00", {"last_hour": 12, "today": 8, "yesterday": 4, "month_to_date": 8}),
        ("2026-02-01T00:57:59+01:00", {"last_hour": 12, "today": 8, "yesterday": 4, "month_to_date": 8}),
        ("2026-02-01T00:58:00+01:00", {"last_hour": 8, "today": 8, "yesterday": 4, "month_to_date": 8}),
        ("2026-02-02T00:00:00+01:00", {"last_hour": 0, "today": 0, "yesterday": 8, "month_to_date": 8}),
        ("2026-03-31T23:59:00+02:00", {"last_hour": 0, "today": 0, "yesterday": 0, "month_to_date": 0}),
    ],
)
def test_the_end_of_a_month(now: str, expected: dict[str, int]) -> None:
    """Tomorrow's money was told before midnight, and stands nowhere until it is due."""
    books = opened("Europe/Berlin")
    for moment, pico in (("01-01T00:00", 1), ("01-30T12:00", 2), ("01-31T23:58", 4), ("02-01T00:01", 8)):
        books.add(int(unix(f"2026-{moment}:00+01:00") * 1_000), {A: pico})
    assert money(look(books, now)) == expected


def test_money_from_the_future_waits_for_its_minute() -> None:
    books = opened()
    now = unix("2026-06-15T12:00:00+00:00")
    books.add(int(now + 299) * 1_000, {A: 5})
    for later, expected in ((0, 0), (239, 0), (240, 5), (300, 5)):
        found = money(look(books, now + later))
        assert found == {"last_hour": expected, "today": expected, "yesterday": 0, "month_to_date": expected}
    assert look(books, now).begun is None
    assert look(books, now + 300).begun == now + 299


@pytest.mark.parametrize(("zone", "now"), [("UTC", "2026-06-15T12:00:00+00:00"), ("Asia/Kolkata", "2026-02-01T09:00Z")])
def test_late_events_count_where_they_belong(zone: str, now: str) -> None:
    books, naive = opened(zone), Naive(zoneinfo.ZoneInfo(zone))
    for late in (0, 3_000, DAY, 15 * DAY, 29.9 * DAY):
        timestamp = int((unix(now) - late) * 1_000)
        books.add(timestamp, {A: 1})
        naive.events.append((timestamp, A, 1))
        check(books, naive, unix(now))


@pytest.mark.parametrize(
    ("now", "keys"),
    [
        ("2026-01-31T12:00:00-05:00", {A}),
        ("2026-02-01T00:00:00-05:00", {A}),
        ("2026-02-28T23:59:59-05:00", {A, B}),
        ("2026-03-01T00:00:00-05:00", {B}),
        ("2026-03-31T23:59:59-04:00", {B}),
        ("2026-04-01T00:00:00-04:00", set()),
    ],
)
def test_keys_stay_at_0_until_the_next_month_is_over(now: str, keys: set[Key]) -> None:
    books = opened("America/New_York")
    for moment, key in (("2026-01-31T12:00:00-05:00", A), ("2026-02-28T12:00:00-05:00", B)):
        if moment <= now:
            books.add(int(unix(moment) * 1_000), {key: 7})
    found = look(books, now)
    assert set(found.last_hour) == set(found.today) == set(found.yesterday) == set(found.month_to_date) == keys


def test_what_was_loaded_and_what_is_added_make_one_sum() -> None:
    """Days from the ledger, the last hour from its events, and no snapshot before all is there."""
    days = calendar("Europe/Berlin")
    books = Books(days, fresh=0.0)
    now = unix("2026-06-15T12:00:00+02:00")
    today = days.today(now)
    books.add_day(today - 1, A, 100)
    books.add_day(today, A, 30)
    books.add_utc_day(today, "openai", 30)
    books.add_recent(int(now - 60) * 1_000, A, 10)
    books.add_recent(int(now + 120) * 1_000, A, 5)
    books.add(int(now) * 1_000, {A: 1})
    assert books.snapshot(now) is None
    books.loaded()
    assert money(look(books, now)) == {"last_hour": 11, "today": 26, "yesterday": 100, "month_to_date": 126}
    assert money(look(books, now + 120)) == {"last_hour": 16, "today": 31, "yesterday": 100, "month_to_date": 131}
    assert books.metered("openai", today - 7, today) == 31
    assert look(books, now).begun == days.begin_of(today - 1)
    books.loaded(begun=now - 30 * HOUR)
    assert look(books, now).begun == now - 30 * HOUR


def test_days_of_utc_need_no_books_of_their_own_in_utc() -> None:
    books = opened("UTC")
    now = unix("2026-06-15T12:00:00+00:00")
    day = int(now // DAY)
    books.add_day(day - 3, A, 4)
    books.add_utc_day(day - 3, "openai", 4)
    books.add(int(now - 2 * DAY) * 1_000, {A: 1})
    books.add(int(now - 2 * DAY) * 1_000, {B: 2})
    assert books.metered("openai", day - 8, day - 2) == 5
    assert not books._utc_days._sums


def test_a_day_of_utc_is_covered_if_metering_began_the_day_before() -> None:
    """Of the first day only a part was metered, and of a restored one it is not known which."""
    begun = unix("2026-06-10T15:00:00+00:00")
    first = int(begun // DAY)
    for zone in ("UTC", "Europe/Berlin", "Pacific/Kiritimati", "Pacific/Pago_Pago"):
        seen, restored = opened(zone), Books(calendar(zone), fresh=0.0)
        seen.add(int(begun) * 1_000, {A: 1})
        restored.add_day(calendar(zone).today(begun), A, 1)
        restored.loaded()
        for books in (seen, restored):
            assert [books.covers(day) for day in (first - 1, first, first + 2, first + 9)] == [False, False, True, True]
    assert not opened("UTC").covers(first)


def test_old_days_and_minutes_are_dropped() -> None:
    """Two years of an event each quarter of an hour; what is too late to be kept opens nothing again."""
    books = opened("Europe/Berlin")
    start = unix("2026-01-01T00:00:00+01:00")
    for quarter in range(2 * 365 * 96):
        books.add(int(start + quarter * 900) * 1_000, {KEYS[quarter % 3]: 1})
        if quarter % 5_000 == 0:
            books.add(int(start + quarter * 900 - 90 * DAY) * 1_000, {A: 1})
    now = start + 730 * DAY - 900
    assert len(books._days._sums) == len(books._utc_days._sums) == KEPT_DAYS + 1
    assert len(books._months._sums) <= 5
    assert len(books._minutes._sums) <= 66
    days, today = calendar("Europe/Berlin"), look(books, now).day
    quarters = [int(days.seconds(day) / 900) for day in range(today - HISTORY_DAYS, today)]
    assert look(books, now).history(HISTORY_DAYS) == quarters
    assert set(quarters) == {96, 100}
    assert money(look(books, now)) == {"last_hour": 4, "today": 96, "yesterday": 96, "month_to_date": 31 * 96}


def test_a_snapshot_is_given_out_again_for_a_second() -> None:
    books = Books(calendar("UTC"))
    books.loaded()
    now = unix("2026-06-15T12:00:00+00:00")
    first = look(books, now)
    books.add(int(now) * 1_000, {A: 1})
    assert look(books, now + 0.9) is first
    assert money(look(books, now + 1))["today"] == 1
    # A clock that was set back.
    assert money(look(books, now - 60))["today"] == 0


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("restless")
def test_threads_add_while_others_look() -> None:
    """Every snapshot is one moment: windows that hold the same events hold the same money."""
    books = opened()
    now = unix("2026-06-15T12:00:00+00:00")
    done = threading.Event()

    def add(key: Key) -> None:
        for _ in range(5_000):
            books.add(int(now) * 1_000, {key: 3})

    def watch() -> set[int]:
        seen = [0]
        while not done.is_set():
            found = money(look(books, now))
            assert found["last_hour"] == found["today"] == found["month_to_date"] >= seen[-1]
            seen.append(found["today"])
        return set(seen)

    with ThreadPoolExecutor(4) as pool:
        watcher = pool.submit(watch)
        try:
            for added in [pool.submit(add, key) for key in KEYS]:
                added.result()
        finally:
            done.set()
        assert len(watcher.result()) > 1
    assert look(books, now).today == dict.fromkeys(KEYS, 15_000)


def test_sums_by_scope() -> None:
    assert by_scope({A: 1, B: 2, C: 4}) == {
        ("total", ""): 7,
        ("provider", "openai"): 1,
        ("provider", "anthropic"): 6,
        ("project", "shop"): 3,
        ("project", "search"): 4,
        ("feature", "e2e_generation"): 1,
        ("feature", "voice_architect"): 2,
        ("feature", "other"): 4,
    }
    assert by_scope({}) == {("total", ""): 0}
