"""How long a birth lasts: until everybody who scrapes was shown it, however many look in between."""

from __future__ import annotations

import pytest

from agent_observability.births import Births


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def look(births: Births[str], scraper: str | None, latest: int | None = None) -> list[str]:
    """A scrape that was rendered when the birth `latest` was the last one; what is born by that."""
    births.shown(births.latest if latest is None else latest, scraper)
    return births.born()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def births(clock: Clock) -> Births[str]:
    """Of a process that has run for a while."""
    births: Births[str] = Births(clock)
    clock.now += 200
    return births


def test_the_first_birth_waits_until_scrapers_are_known(clock: Clock) -> None:
    """The second of a pair comes within one interval of the first."""
    births: Births[str] = Births(clock)
    births.add("a")
    assert look(births, None) == []
    assert look(births, "p") == []
    clock.now += 10
    assert look(births, "q") == []
    births.add("b")
    clock.now += 5
    assert look(births, "p") == ["a"]
    assert look(births, "q") == ["b"]


def test_a_process_that_nobody_scrapes_waits_for_a_minute(clock: Clock) -> None:
    births: Births[str] = Births(clock)
    births.add("a")
    clock.now += 59
    assert look(births, None) == []
    clock.now += 2
    assert look(births, None) == ["a"]


def test_a_single_scrape_after_the_start_is_enough_in_the_end(clock: Clock) -> None:
    births: Births[str] = Births(clock)
    births.add("a")
    assert look(births, "p") == []
    clock.now += 181
    assert births.born() == ["a"]


def test_without_scrapers_the_first_look_ends_it(births: Births[str]) -> None:
    births.add("a")
    assert look(births, None) == ["a"]
    assert look(births, None) == []


def test_only_what_was_shown_is_born(births: Births[str]) -> None:
    births.add("a")
    latest = births.latest
    births.add("b")
    assert look(births, "p", latest) == ["a"]
    assert look(births, "p") == ["b"]


def test_each_of_a_pair_is_waited_for(births: Births[str], clock: Clock) -> None:
    for _ in range(2):
        for scraper in ("p", "q"):
            look(births, scraper)
        clock.now += 15
    births.add("a")
    assert look(births, "p") == []
    clock.now += 7
    assert look(births, "q") == ["a"]


def test_a_look_by_somebody_else_ends_nothing(births: Births[str], clock: Clock) -> None:
    look(births, "p")
    clock.now += 15
    births.add("a")
    assert look(births, None) == []
    assert look(births, "p") == ["a"]


def test_an_older_rendering_ends_no_newer_birth(births: Births[str]) -> None:
    """Two scrapes of one scraper that overlap may be sent in either order."""
    births.add("a")
    first = births.latest
    births.add("b")
    assert look(births, "p") == ["a", "b"]
    births.add("c")
    assert look(births, "p", first) == []
    assert look(births, "p") == ["c"]


@pytest.mark.parametrize(
    ("interval", "away", "waited_for"), [(15, 36, True), (15, 39, False), (1, 14, True), (1, 16, False)]
)
def test_one_that_stays_away_is_given_up(
    births: Births[str], clock: Clock, interval: float, away: float, waited_for: bool
) -> None:
    for _ in range(3):
        look(births, "p")
        look(births, "q")
        clock.now += interval
    births.add("a")
    clock.now += away - interval
    assert look(births, "p") == ([] if waited_for else ["a"])


def test_nobody_holds_a_birth_up_for_long(births: Births[str], clock: Clock) -> None:
    look(births, "once")
    births.add("a")
    clock.now += 179
    assert look(births, "p") == []
    clock.now += 2
    assert look(births, "p") == ["a"]


def test_what_was_hidden_is_born_anew(births: Births[str], clock: Clock) -> None:
    """A standby that takes over knows nobody, however long it has run."""
    look(births, "p")
    births.forget_scrapers()
    births.add("a")
    assert look(births, "p") == []
    assert look(births, "q") == []
    assert look(births, "p") == ["a"]


def test_scrapers_are_bounded(births: Births[str]) -> None:
    for number in range(100):
        look(births, f"s{number}")
    births.add("a")
    for number in range(84, 99):
        assert look(births, f"s{number}") == []
    assert look(births, "s99") == ["a"]
