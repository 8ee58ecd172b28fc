"""The month's end: simulated months, what must hold of any history, and the days on which little is known."""

from __future__ import annotations

import datetime as dt
import random
import zoneinfo
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_observability.llm_cost.books import HISTORY_DAYS, Books, Key, Snapshot, by_scope
from agent_observability.llm_cost.calendar import Calendar
from agent_observability.llm_cost.forecast import LEVEL_DAYS, SEASON_DAYS, forecast, weekday_factors
from agent_observability.llm_cost.projection import Projection, Projector
from tests.llm_cost.backtest import Asked, backtest, coverage, error, report
from tests.llm_cost.simulation import CALENDAR, FIRST_DAY, PICO, PLAIN, SCENARIOS, seen, simulate
from tests.support import examples

A: Key = ("openai", "shop", "e2e_generation")
B: Key = ("anthropic", "search", "other")
HOUR = 3_600.0
TOTAL = ("total", "")


def day_of(date: str) -> int:
    return dt.date.fromisoformat(date).toordinal() - dt.date(1970, 1, 1).toordinal()


def snapshot(
    days: Mapping[int, Mapping[Key, int]], today: int, share: float, calendar: Calendar = CALENDAR, **fields: object
) -> Snapshot:
    """Of books that hold these days when a share of today has passed; what is there of today was spent by then."""
    books = Books(calendar, fresh=0.0)
    for day, sums in days.items():
        for key, pico in sums.items():
            books.add_day(day, key, pico)
    books.loaded(**fields)  # type: ignore[arg-type]
    found = books.snapshot(calendar.begin_of(today) + share * calendar.seconds(today))
    assert found is not None
    return found


def project(
    days: Mapping[int, Mapping[Key, int]], today: int, share: float, calendar: Calendar = CALENDAR, **fields: object
) -> Projection:
    return Projector(calendar).project(snapshot(days, today, share, calendar, **fields))


def dollars(projection: Projection) -> float:
    return sum(projection.by_key.values()) / PICO


@pytest.fixture(scope="module")
def asked() -> list[Asked]:
    found = backtest()
    report(found)
    return found


def since(number: int, asked: list[Asked]) -> list[Asked]:
    return [one for one in asked if one.number >= number]


@pytest.mark.parametrize("number", [1, 3])
def test_it_beats_the_run_rate_and_the_mean_of_7_days(asked: list[Asked], number: int) -> None:
    """By more than a hair over all months; and there is no scenario in which it loses by much."""
    chosen = since(number, asked)
    assert error(chosen, "projection") < 0.95 * error(chosen, "7-day mean")
    assert error(chosen, "projection") < 0.75 * error(chosen, "run-rate")
    for scenario in SCENARIOS:
        of_scenario = [one for one in chosen if one.scenario == scenario]
        assert error(of_scenario, "projection") < 1.05 * error(of_scenario, "7-day mean"), scenario


def test_it_is_hardly_worse_where_there_is_nothing_to_learn(asked: list[Asked]) -> None:
    for scenario in PLAIN:
        of_scenario = [one for one in asked if one.scenario == scenario]
        assert error(of_scenario, "projection") < 1.02 * error(of_scenario, "7-day mean"), scenario


def test_the_band_holds_what_it_claims(asked: list[Asked]) -> None:
    assert 0.70 <= coverage(asked) <= 0.92
    assert 0.70 <= coverage(since(3, asked)) <= 0.92
    parts = [inside for one in asked for inside in one.parts_inside]
    assert 0.70 <= sum(parts) / len(parts) <= 0.92
    for scenario in SCENARIOS:
        assert 0.60 <= coverage([one for one in asked if one.scenario == scenario]) <= 0.99, scenario


amounts = st.one_of(st.just(0), st.integers(0, 10**6), st.integers(0, 10**17))


@given(
    history=st.lists(st.tuples(amounts, amounts), max_size=HISTORY_DAYS + 40),
    today=st.integers(day_of("2026-01-25"), day_of("2026-03-10")),
    share=st.floats(0, 0.999),
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
@settings(max_examples=examples(300), deadline=None)
def test_what_holds_of_every_projection(history: list[tuple[int, int]], today: int, share: float, zone: str) -> None:
    """Keys add up, and are never below what was spent; bands hold their projection, and begin at what was spent."""
    first = today - len(history) + 1
    days = {first + at: {A: one, B: other} for at, (one, other) in enumerate(history)}
    taken = snapshot(days, today, share, Calendar(zoneinfo.ZoneInfo(zone)))
    found = Projector(Calendar(zoneinfo.ZoneInfo(zone))).project(taken)
    if not history:
        assert found == Projection(by_key={}, bands={})
        return
    assert found.by_key.keys() == taken.month_to_date.keys()
    spent, ends = by_scope(taken.month_to_date), by_scope(found.by_key)
    assert found.bands.keys() == spent.keys()
    for key, pico in found.by_key.items():
        assert pico >= taken.month_to_date[key] >= 0
    for scope, (low, high) in found.bands.items():
        assert spent[scope] <= low <= ends[scope] <= high


@given(st.lists(st.floats(0, 1e6), min_size=7, max_size=HISTORY_DAYS), st.integers(1, 31))
@settings(max_examples=examples(200), deadline=None)
def test_the_weights_are_sane_whatever_the_days(values: list[float], length: int) -> None:
    """None is negative, and together they are not far from the days to come."""
    days = [(at, at % 7, amount) for at, amount in enumerate(values)]
    made = forecast(days, [((len(values) + at) % 7, 1.0) for at in range(length)])
    assert all(weight >= 0 for weight in made.weights.values())
    assert len(made.weights) <= LEVEL_DAYS
    assert made.length == length
    assert 1 <= made.known <= LEVEL_DAYS + 1e-6
    if len(values) < SEASON_DAYS:
        assert set(made.weights.values()) == {length / 7}


@pytest.mark.parametrize("full_days", [1, 2, 3, 6, 7, 20, 21, 60])
@pytest.mark.parametrize(("today", "share"), [("2026-05-01", 0.0), ("2026-05-01", 0.25), ("2026-05-20", 0.5)])
def test_even_spending_is_projected_evenly(full_days: int, today: str, share: float) -> None:
    """10 dollars a day since a while ago, or only since some days ago."""
    day = day_of(today)
    days = {other: {A: 7 * PICO, B: 3 * PICO} for other in range(day - full_days - 1, day)}
    days[day] = {A: round(7 * PICO * share), B: round(3 * PICO * share)}
    found = project(days, day, share)
    first = max(day_of("2026-05-01"), day - full_days - 1)
    assert dollars(found) == pytest.approx(10 * (day_of("2026-06-01") - first))
    assert found.by_key[A] / found.by_key[B] == pytest.approx(7 / 3)


def test_a_week_of_work_is_projected_exactly() -> None:
    """Nothing on Sundays, little on Saturdays; asked on each day of a month of 30 days and of 31."""
    costs = (10, 12, 11, 10, 9, 2, 0)
    days = {day: {A: costs[CALENDAR.weekday(day)] * PICO} for day in range(day_of("2026-01-01"), day_of("2026-08-01"))}
    for first, end in (("2026-06-01", "2026-07-01"), ("2026-07-01", "2026-08-01")):
        whole = sum(days[day][A] for day in range(day_of(first), day_of(end))) / PICO
        for today in range(day_of(first), day_of(end)):
            known = {day: sums for day, sums in days.items() if day < today}
            assert dollars(project(known, today, 0.0)) == pytest.approx(whole)


def test_who_spends_on_sundays_alone_is_not_blown_up() -> None:
    """10 dollars a Sunday, where all others spend 100 a day but on weekends."""
    days: dict[int, dict[Key, int]] = {}
    for day in range(day_of("2026-03-01"), day_of("2026-06-01")):
        weekday = CALENDAR.weekday(day)
        days[day] = {A: 100 * PICO} if weekday < 5 else {B: 10 * PICO} if weekday == 6 else {}
    found = project(days, day_of("2026-06-01"), 0.0)
    # June has 4 Sundays and 22 working days.
    assert found.by_key[B] == pytest.approx(40 * PICO, rel=0.25)
    assert found.by_key[A] == pytest.approx(2_200 * PICO, rel=0.05)


def test_a_launch_does_not_last_the_month() -> None:
    """Three days of five times as much: the rest of the month is hardly projected higher."""
    today = day_of("2026-07-11")
    days = {day: {A: 10 * PICO} for day in range(today - 60, today)}
    before = dollars(project(days, today, 0.0))
    for day in range(today - 4, today - 1):
        days[day] = {A: 50 * PICO}
    launched = dollars(project(days, today, 0.0))
    mean_of_7_days = 10 * 10 + 120 + (4 * 10 + 3 * 50) / 7 * 21
    assert before == pytest.approx(310)
    assert 310 + 120 <= launched < 310 + 120 + 0.25 * (mean_of_7_days - 310 - 120)


def test_a_new_level_is_believed_after_a_week() -> None:
    today = day_of("2026-07-15")
    days = {day: {A: (30 if day >= today - 10 else 10) * PICO} for day in range(today - 60, today)}
    rest = dollars(project(days, today, 0.0)) - 4 * 10 - 10 * 30
    assert rest == pytest.approx(17 * 30, rel=0.2)


def test_growth_goes_on_for_a_while() -> None:
    """One percent a day, for two months: neither ignored nor continued to the end at full speed."""
    today = day_of("2026-07-05")
    days = {day: {A: round(10 * PICO * 1.01 ** (day - today))} for day in range(today - 60, today)}
    rest = dollars(project(days, today, 0.0)) - sum(days[day][A] for day in range(today - 4, today)) / PICO
    mean = sum(days[day][A] for day in range(today - 7, today)) / 7 / PICO
    actual = sum(10 * 1.01 ** (day - today) for day in range(today, day_of("2026-08-01")))
    assert mean * 27 < 0.9 * actual < rest < 1.02 * actual


def test_nothing_is_known_of_nothing() -> None:
    assert project({}, day_of("2026-05-05"), 0.5) == Projection(by_key={}, bands={})


@pytest.mark.parametrize(
    ("begun", "hours", "spent", "expected"),
    [
        # A minute after the first cent there is no telling: as if an hour had passed.
        (9.0, 1 / 60, 0.01, 0.01 + 0.01 * (24 * 16 + 15 - 1 / 60)),
        (9.0, 1.0, 2.0, 2 + 2 * (24 * 16 + 14)),
        (9.0, 10.0, 20.0, 20 + 2 * (24 * 16 + 5)),
        (0.0, 24.0 - 1e-6, 24.0, 24 + 1 * 24 * 16),
    ],
)
def test_the_first_day_of_all(begun: float, hours: float, spent: float, expected: float) -> None:
    """15 May: from the rate since the first event, for the rest of the day and 16 more."""
    today = day_of("2026-05-15")
    begin = CALENDAR.begin_of(today)
    found = project({today: {A: round(spent * PICO)}}, today, (begun + hours) / 24, begun=begin + begun * HOUR)
    assert dollars(found) == pytest.approx(expected, rel=1e-6)
    low, high = found.bands[TOTAL]
    assert round(spent * PICO) < low < found.by_key[A] < high < 10 * found.by_key[A]


def test_the_second_day_goes_on_from_the_first() -> None:
    """6 hours of the first day and 6 of the second, a dollar an hour."""
    today = day_of("2026-05-15")
    begun = CALENDAR.begin_of(today) - 6 * HOUR
    found = project({today - 1: {A: 6 * PICO}, today: {A: 6 * PICO}}, today, 0.25, begun=begun)
    assert dollars(found) == pytest.approx(12 + 18 + 24 * 16)


@pytest.mark.parametrize("full_days", [1, 2, 3, 6, 7, 8])
def test_the_first_day_is_never_taken_for_a_full_one(full_days: int) -> None:
    """A dollar an hour from 18:00 on."""
    today = day_of("2026-05-20")
    begun = CALENDAR.begin_of(today - full_days) - 6 * HOUR
    days = {day: {A: 24 * PICO} for day in range(today - full_days, today)}
    days |= {today - full_days - 1: {A: 6 * PICO}, today: {A: 12 * PICO}}
    found = project(days, today, 0.5, begun=begun)
    assert dollars(found) == pytest.approx(6 + 24 * (full_days + 12))


@pytest.mark.parametrize("first_of", ["2026-01-01", "2026-02-01", "2028-03-01", "2026-05-01", "2027-01-01"])
def test_a_month_begins_where_the_last_one_ended(first_of: str) -> None:
    """In its first minute it is what a month of that length costs; in its last one, what was spent."""
    first = day_of(first_of)
    end = CALENDAR.next_month(first)
    days = {day: {A: 10 * PICO} for day in range(first - 63, end)}
    known = {day: sums for day, sums in days.items() if day < first}
    begins = project(known, first, 30 / 86_400)
    assert dollars(begins) == pytest.approx(10 * (end - first), rel=1e-3)
    ends = project(days, end - 1, 1 - 30 / 86_400)
    assert dollars(ends) == pytest.approx(10 * (end - first), rel=1e-3)
    low, high = ends.bands[TOTAL]
    assert high - low < PICO


@pytest.mark.parametrize(
    ("zone", "month", "days"),
    [
        ("Europe/Berlin", "2026-03-01", 31),
        ("America/New_York", "2026-11-01", 30),
        ("Asia/Kolkata", "2028-02-01", 29),
        ("Australia/Lord_Howe", "2026-04-01", 30),
        # A day of this December never was.
        ("Pacific/Apia", "2011-12-01", 30),
        ("Pacific/Apia", "2012-01-01", 31),
    ],
)
def test_days_are_counted_as_the_zone_has_them(zone: str, month: str, days: int) -> None:
    calendar = Calendar(zoneinfo.ZoneInfo(zone))
    first = day_of(month)
    known = {day: {A: 10 * PICO} for day in range(first - 63, first) if calendar.seconds(day)}
    assert dollars(project(known, first, 0.0, calendar)) == pytest.approx(10 * days)


def test_what_has_ended_is_projected_to_stay_what_it_is() -> None:
    """A key that last spent more than four weeks ago, and one that never spent this month."""
    today = day_of("2026-05-31")
    days = {day: {A: 10 * PICO} for day in range(today - 60, today)}
    days[day_of("2026-05-01")] |= {B: 5 * PICO}
    days[day_of("2026-04-20")] |= {("openai", "old", "other"): 5 * PICO}
    found = project(days, today, 0.5)
    assert found.by_key[B] == 5 * PICO
    assert found.by_key["openai", "old", "other"] == 0
    assert found.bands["project", "search"] == (5 * PICO, 5 * PICO)
    assert found.bands["project", "old"] == (0, 0)


def test_a_late_event_changes_what_was_remembered() -> None:
    books = Books(CALENDAR, fresh=0.0)
    today = day_of("2026-05-20")
    for day in range(today - 40, today):
        books.add_day(day, A, 10 * PICO)
    books.loaded()
    now, projector = CALENDAR.begin_of(today) + HOUR, Projector(CALENDAR)

    def look() -> Snapshot:
        found = books.snapshot(now)
        assert found is not None
        return found

    before = projector.project(look())
    books.add(int((now - 3 * 24 * HOUR) * 1_000), {B: 40 * PICO})
    after = projector.project(look())
    assert after == Projector(CALENDAR).project(look())
    assert sum(after.by_key.values()) > sum(before.by_key.values()) + 40 * PICO
    assert projector._sums.keys() <= set(range(today - HISTORY_DAYS, today))


def test_simulated_snapshots_are_those_of_the_books() -> None:
    """What the back-test asks with is what the books would give out."""
    spending = simulate("mixed", 7, count=4)
    for at, share in ((0, 0.5), (9, 0.3), (30, 0.0), (31, 0.9), (75, 0.2), (119, 0.95)):
        expected = seen(spending, FIRST_DAY + at, share)
        days = {day: sums for day, sums in spending.items() if day < expected.day}
        days[expected.day] = {key: expected.today[key] for key in spending[expected.day]}
        found = snapshot(days, expected.day, share)
        for name in ("now", "day", "today", "yesterday", "month_to_date", "days", "begun"):
            assert getattr(found, name) == getattr(expected, name), name


def test_weekdays_are_told_from_chance() -> None:
    """Weeks in which no weekday differs hardly get factors; two weeks, and weeks of nothing, get none at all."""
    chance = random.Random(5)
    for weeks, most in ((3, 0.06), (9, 0.03)):
        off = [
            abs(factor - 1)
            for _ in range(100)
            for factor in weekday_factors([(day % 7, chance.lognormvariate(0, 0.2)) for day in range(7 * weeks)])
        ]
        assert sum(off) / len(off) < most
    assert weekday_factors([(day % 7, chance.random()) for day in range(14)]) == (1.0,) * 7
    assert weekday_factors([(day % 7, 0.0) for day in range(28)]) == (1.0,) * 7
    for noise in (0.0, 0.2):
        weekly = [(day % 7, (1.4 if day % 7 < 5 else 0.0) * chance.lognormvariate(0, noise)) for day in range(63)]
        assert weekday_factors(weekly) == pytest.approx([1.4] * 5 + [0.0] * 2, abs=noise)
