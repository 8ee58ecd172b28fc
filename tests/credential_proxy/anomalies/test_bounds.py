"""However many containers there are and whatever they do, little is remembered, and attackers are the last to go."""

from __future__ import annotations

import logging
import threading

import pytest

from agent_observability.credential_proxy.anomalies.window import room
from agent_observability.credential_proxy.config import AnomaliesConfig
from agent_observability.ledger.batch import check_text
from tests.credential_proxy.anomalies.asking import NOW, Watching, asked, every, refused

EVICTED = ("containers_evicted_total",)
UNKNOWN = "unknown_service"


def few(containers: int) -> Watching:
    return Watching(AnomaliesConfig(containers=containers))


def test_the_one_longest_without_a_request_makes_room() -> None:
    watching = few(3)
    watching.see(asked(0, "a"), asked(1, "b"), asked(2, "c"), asked(3, "a"))
    watching.see(asked(4, "d"))
    assert set(watching.facts) == {"a", "c", "d"} and watching.counts == {EVICTED: 1}
    watching.see(asked(5, "b"), asked(6, "c"))
    assert set(watching.facts) == {"b", "c", "d"} and watching.counts == {EVICTED: 3}
    # One that came back within the same records is known, not forgotten.
    watching.see(asked(7, "x"), asked(8, "y"), asked(9, "z"), asked(10, "b"))
    assert set(watching.facts) == {"y", "z", "b"}


def test_one_that_attacks_outlives_any_number_that_do_not() -> None:
    watching = few(10)
    watching.see(asked(0, "attacker", service="aws"))
    watching.see(*[asked(1 + at, f"c{at}") for at in range(800)])
    assert watching.active() == {UNKNOWN: 1} and "attacker" in watching.facts
    assert watching.counts[EVICTED] == 791
    watching.see(*[asked(901 + at, f"d{at}") for at in range(20)])
    assert "attacker" not in watching.facts and watching.active() == {}


def test_who_was_idle_for_long_is_forgotten_and_not_evicted() -> None:
    watching = Watching()
    watching.see(asked(0, "old"), asked(1, "new"))
    watching.see(*[asked(at, "new") for at in every(900, 60, 900)])
    assert set(watching.facts) == {"new"} and EVICTED not in watching.counts
    # A record from the future does not make the others old.
    watching.see(asked(500_000, "ahead"), now=54_100)
    assert set(watching.facts) == {"new", "ahead"}


def test_a_crowd_of_invented_containers(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    watching = few(500)
    for first in range(0, 10_000, 1_000):
        watching.see(*[asked((first + at) / 100, f"c{first + at}", service="aws") for at in range(1_000)])
    assert len(watching.facts) == 500
    assert watching.counts == {EVICTED: 9_500, ("anomalies_total", UNKNOWN): 10_000}
    assert watching.active() == {UNKNOWN: 500}
    assert len(watching.named()) == 20


@pytest.mark.parametrize("late", [False, True])
def test_a_flood_of_one_container_leaves_little_behind(late: bool) -> None:
    watching = Watching()
    for first in range(0, 20_000, 500):
        moments = [(first + at) / 200 for at in range(500)]
        watching.see(*[refused(moment) for moment in (reversed(moments) if late else moments)])
    assert {type_: many for (_, type_), many in watching.counts.items()} == {
        "high_request_rate": 1,
        "repeated_rejections": 1,
    }
    assert len(watching.facts["one"]) < 60 + 10 * room(10) + 60 * room(5) + 100
    assert watching.detector.busiest(1)[0][1] >= 11_000


def test_names_that_no_key_can_hold() -> None:
    watching = Watching()
    names = ["x" * 5_000, "nul\0nul", "tab\tand\nline", "\ud800", "é" * 300, "🙂" * 300]
    for name in names:
        watching.see(*[refused(at / 10, name) for at in range(12)])
    assert len(watching.facts) == len(names)
    assert watching.counts["anomalies_total", "high_request_rate"] == len(names)
    findings = watching.find([asked(5_000 + at / 10, name) for name in names for at in range(12)])
    assert len(findings.events) == len(names)
    for event in findings.events:
        check_text(event.id)
        event.data.decode()
    for kind, name in watching.detector.facts():
        check_text(kind, name)


def test_facts_are_told_once() -> None:
    watching = few(2)
    watching.find([asked(0, "a"), asked(1, "b"), asked(2, "c")])
    facts = watching.detector.facts()
    assert {name: data is None for (_, name), data in facts.items()} == {"a": True, "b": False, "c": False}
    assert watching.detector.facts() == {}
    watching.find([asked(3, "c")])
    assert [name for _, name in watching.detector.facts()] == ["c"]


def test_gauges_are_read_while_records_come() -> None:
    """A scrape is another thread's: it neither fails nor finds half of something."""
    watching = few(50)
    failed: list[BaseException] = []
    over = threading.Event()

    def scrape() -> None:
        try:
            while not over.is_set():
                assert watching.detector.active_containers() <= 50
                shown = watching.detector.shown()
                assert sum(shown.active.values()) <= 200
                assert len(shown.named) == min(sum(shown.active.values()), 20)
                assert all(many > 0 for _, many in watching.detector.busiest(20))
        except BaseException as error:
            failed.append(error)

    scraping = threading.Thread(target=scrape)
    scraping.start()
    try:
        watching.now = NOW
        for first in range(0, 6_000, 300):
            watching.find([refused(at / 100, f"c{at % 70}") for at in range(first, first + 300)])
    finally:
        over.set()
        scraping.join(30)
    assert failed == []
