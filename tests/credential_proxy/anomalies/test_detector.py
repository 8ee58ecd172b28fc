"""When an anomaly begins, goes on and ends, and what counts as history."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_observability.credential_proxy.config import AnomaliesConfig
from agent_observability.credential_proxy.metrics import ANOMALY_TYPES
from agent_observability.credential_proxy.record import Record
from agent_observability.units import Duration
from tests.credential_proxy.anomalies.asking import NOW, SERVICES, Watching, asked, every, refused
from tests.credential_proxy.anomalies.reference import literally
from tests.support import examples

RATE, UNKNOWN, REJECTIONS, OUTLIER = ANOMALY_TYPES

HONEST = [
    ("ten a minute for hours", [asked(6.0 * number) for number in range(2_000)]),
    ("ten at once, again and again", [asked(60.0 * round_ + 0.01 * at) for round_ in range(20) for at in range(10)]),
    ("five rejections", [refused(10.0 * number) for number in range(5)]),
    ("a rejection every two minutes", [refused(120.0 * number) for number in range(300)]),
    ("errors of the proxy", [asked(7.0 * at, status="error", reason="internal_error") for at in range(30)]),
    ("no service at all", [asked(0, service="", status="rejected", reason="invalid_request")]),
    ("an operation nobody knows", [asked(0, operation="fly")]),
    ("nobody", [refused(0.1 * at, container="") for at in range(30)]),
    ("many at once, one each", [asked(0.01 * at, container=f"c{at}") for at in range(500)]),
]


@pytest.mark.parametrize("records", [records for _, records in HONEST], ids=[name for name, _ in HONEST])
def test_what_is_honest_is_no_anomaly(records: list[Record]) -> None:
    watching = Watching()
    assert watching.see(*records) == watching.each() == []
    assert watching.counts == {} and watching.active() == {}


ATTACKS = [
    ("eleven within a minute", [asked(5.9 * at) for at in range(11)], [(RATE, "one", 59.0)]),
    ("eleven at once", [asked(0)] * 11, [(RATE, "one", 0)]),
    (
        "an unknown service",
        [asked(3, service="aws", status="rejected", reason="unknown_service")],
        [(UNKNOWN, "one", 3)],
    ),
    (
        "an unknown service, by nobody",
        [asked(0.1 * at, "", "aws", "read") for at in range(50)],
        [(UNKNOWN, "unknown", 0)],
    ),
    ("an unknown service that was given", [asked(3, service="aws")], [(UNKNOWN, "one", 3)]),
    (
        "a service that is configured and yet unknown to the proxy",
        [asked(3, status="rejected", reason="unknown_service")],
        [(UNKNOWN, "one", 3)],
    ),
    (
        "one that the log does not name",
        [asked(3, service="", status="rejected", reason="unknown_service")],
        [(UNKNOWN, "one", 3)],
    ),
    ("six rejections", [refused(110.0 * at) for at in range(6)], [(REJECTIONS, "one", 550)]),
    ("six rejections in just ten minutes", [refused(119.99 * at) for at in range(6)], [(REJECTIONS, "one", 599.95)]),
    (
        "a scan of services",
        [asked(10 * at, service=f"s{at}", status="rejected", reason="unknown_service") for at in range(8)],
        [(UNKNOWN, "one", 0), (REJECTIONS, "one", 50)],
    ),
    (
        "two at the same time",
        [asked(at / 2, container=name) for at in range(22) for name in ("one", "two")],
        [(RATE, "one", 5), (RATE, "two", 5)],
    ),
    ("a late one completes it", [*[asked(10 + at) for at in range(10)], asked(-40)], [(RATE, "one", -40)]),
]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(("records", "expected"), [case[1:] for case in ATTACKS], ids=[case[0] for case in ATTACKS])
def test_an_attack_is_counted_once_as_it_begins(records: list[Record], expected: list[object], together: bool) -> None:
    watching = Watching()
    assert (watching.see(*records) if together else watching.each(*records)) == expected
    types = [type_ for type_, *_ in expected]
    assert watching.counts == {("anomalies_total", type_): types.count(type_) for type_ in types}
    assert watching.active() == {type_: types.count(type_) for type_ in types}


def test_it_goes_on_while_there_are_signs_and_begins_again_after_the_cooldown() -> None:
    watching = Watching()
    signs = [asked(seconds, service="aws") for seconds in (0, 800, 1_600, 2_499)]
    assert watching.each(*signs) == [(UNKNOWN, "one", 0)]
    assert watching.each(asked(3_398, service="vault")) == []
    assert watching.each(asked(4_298, service="aws")) == [(UNKNOWN, "one", 4_298)]
    assert watching.counts == {("anomalies_total", UNKNOWN): 2}
    # Another type and another container are other anomalies.
    assert watching.each(asked(4_299, "two", service="aws")) == [(UNKNOWN, "two", 4_299)]
    assert watching.active() == {UNKNOWN: 2}


def test_it_ends_by_the_clock_when_nothing_comes_any_more() -> None:
    watching = Watching()
    watching.see(asked(0, service="aws"))
    watching.see(asked(100, service="aws"))
    for seconds, active, named in ((999, 1, 1), (1_001, 0, 1), (1_899, 0, 1), (1_901, 0, 0)):
        watching.now = NOW + seconds
        assert watching.active() == ({UNKNOWN: active} if active else {})
        assert watching.named() == [(UNKNOWN, "one", bool(active))] * named
    assert set(watching.detector.shown().active) == set(ANOMALY_TYPES)


def test_it_has_a_name_for_as_long_as_it_goes_on() -> None:
    """However long that is: half an hour is the least."""
    watching = Watching(AnomaliesConfig(cooldown=Duration(7_200)))
    watching.see(asked(0, service="aws"))
    watching.now = NOW + 7_199
    assert watching.active() == {UNKNOWN: 1} and watching.named() == [(UNKNOWN, "one", True)]
    watching.now = NOW + 7_201
    assert watching.active() == {} and watching.named() == []


def test_one_that_is_over_stays_over_while_another_goes_on() -> None:
    watching = Watching()
    watching.each(asked(0, "over", service="aws"), asked(901, "other", service="aws"))
    assert watching.active() == {UNKNOWN: 1}
    assert watching.named() == [(UNKNOWN, "other", True), (UNKNOWN, "over", False)]
    # Another kind of the same container is another anomaly.
    watching.each(*[refused(902 + at, "over") for at in range(6)])
    assert watching.named() == [(REJECTIONS, "over", True), (UNKNOWN, "other", True), (UNKNOWN, "over", False)]
    watching.each(asked(1_000, "over", service="aws"))
    assert watching.active() == {UNKNOWN: 2, REJECTIONS: 1}
    assert all(goes_on for _, _, goes_on in watching.named())


def test_those_that_are_over_take_no_name_from_one_that_goes_on() -> None:
    watching = Watching()
    watching.each(asked(0, "first", service="aws"), *[asked(1 + at, f"c{at:02}", service="aws") for at in range(30)])
    watching.each(asked(600, "first", service="aws"))
    watching.now = NOW + 1_400
    assert watching.active() == {UNKNOWN: 1}
    assert watching.named() == [
        (UNKNOWN, "first", True),
        *[(UNKNOWN, f"c{at:02}", False) for at in range(29, 10, -1)],
    ]


@given(st.lists(st.tuples(st.integers(0, 40), st.floats(0, 600)), max_size=60), st.floats(0, 2_500))
@settings(max_examples=examples(100))
def test_numbers_and_names_agree(asks: list[tuple[int, float]], later: float) -> None:
    """At any moment: as many names go on as are counted, up to as many as there is room for."""
    watching = Watching()
    moment = 0.0
    for number, gap in asks:
        moment += gap
        watching.see(asked(moment, f"c{number}", service="aws"))
    watching.now += later
    going_on = [container for _, container, goes_on in watching.named() if goes_on]
    assert len(going_on) == min(sum(watching.active().values()), 20)
    assert [goes_on for *_, goes_on in watching.named()] == sorted((n[2] for n in watching.named()), reverse=True)


def test_history_raises_nothing() -> None:
    watching = Watching()
    attack = [asked(at, service="aws", status="rejected", reason="unknown_service") for at in range(12)]
    told = watching.see(*attack, now=620)
    assert sorted(told) == sorted([(UNKNOWN, "one", 0), (REJECTIONS, "one", 5), (RATE, "one", 10)])
    assert watching.counts == {("replayed_anomalies_total", type_): 1 for type_ in (UNKNOWN, REJECTIONS, RATE)}
    assert watching.active() == {} and watching.named() == []
    # Nor does it keep a live one from beginning, as soon as the attack is seen to go on.
    assert watching.see(asked(625, service="aws"), now=626) == [(UNKNOWN, "one", 625)]
    assert watching.counts["anomalies_total", UNKNOWN] == 1
    assert watching.active() == {UNKNOWN: 1}


def test_history_that_comes_after_what_is_live_leaves_it_alone() -> None:
    watching = Watching()
    watching.see(asked(0, service="aws"))
    old = [asked(-86_400 + 100 * at, service="aws") for at in range(30)]
    assert watching.see(*old, now=5) == [(UNKNOWN, "one", -86_400)]
    assert watching.counts == {("anomalies_total", UNKNOWN): 1, ("replayed_anomalies_total", UNKNOWN): 1}
    assert watching.active() == {UNKNOWN: 1}
    assert watching.see(asked(10, service="aws")) == []


@pytest.mark.parametrize("step", [3_600.0, -3_600.0])
def test_a_clock_that_is_put_right_neither_raises_nor_loses_anything(step: float) -> None:
    """Only the wall clock steps: what is told of the past would be history for a while, but is not twice there."""
    steady, stepping = Watching(), Watching()
    attack = [asked(4.0 * at, service="github" if at % 7 else "aws") for at in range(200)]
    for at, record in enumerate(attack):
        assert steady.see(record, now=4.0 * at) == stepping.see(record, now=4.0 * at + (step if at >= 100 else 0))
    assert sum(steady.counts.values()) == sum(stepping.counts.values()) == 2
    assert stepping.counts == steady.counts


def test_a_sign_from_the_future_is_not_shown_for_longer() -> None:
    watching = Watching()
    watching.see(asked(80_000, service="aws"), now=0)
    assert watching.active() == {UNKNOWN: 1}
    watching.now = NOW + 901
    assert watching.active() == {}


@pytest.mark.parametrize("ahead", [3_600, 80_000])
def test_a_record_from_the_future_hides_nothing(ahead: float) -> None:
    """Neither an anomaly that goes on, nor the rejections before it."""
    watching = Watching()
    watching.see(asked(0, service="aws"), *[refused(1 + at) for at in range(4)], now=5)
    watching.see(asked(ahead), now=5)
    assert watching.active() == {UNKNOWN: 1}
    assert watching.see(refused(6), refused(7), now=8) == [(REJECTIONS, "one", 7)]
    assert watching.active() == {UNKNOWN: 1, REJECTIONS: 1}


@pytest.mark.parametrize(("limit", "rejections", "within"), [(1, 1, 1), (3, 2, 86_400), (1_000, 1_000, 600)])
def test_limits_are_those_of_the_configuration(limit: int, rejections: int, within: float) -> None:
    config = AnomaliesConfig(requests_per_minute=limit, rejections=rejections, rejections_within=within)
    watching = Watching(config)
    gap = min(59.0, within * 0.9) / max(limit, rejections)
    records = [refused(gap * at) for at in range(max(limit, rejections) + 1)]
    expected = sorted([(RATE, "one", round(gap * limit, 3)), (REJECTIONS, "one", round(gap * rejections, 3))])
    assert sorted(watching.see(*records)) == expected


names = st.sampled_from(["one", "two", ""])
kinds = st.sampled_from(
    [
        ("github", "granted", ""),
        ("github", "granted", ""),
        ("github", "rejected", "operation_not_allowed"),
        ("github", "error", "internal_error"),
        ("aws", "rejected", "unknown_service"),
    ]
)
gaps = st.one_of(st.floats(0, 8), st.floats(0, 200), st.sampled_from([6.0, 60.0, 600.0, 900.0, 1_000.0]))


@st.composite
def days(draw: st.DrawFn) -> list[Record]:
    """Records of a few containers, some of them up to a minute late."""
    records, moment = [], 0.0
    for gap, late, name, (service, status, reason) in draw(
        st.lists(st.tuples(gaps, st.floats(0, 60), names, kinds), max_size=80)
    ):
        moment += gap
        records.append(asked(moment - late if late > 40 else moment, name, service, "read", status, reason))
    return records


@given(days(), st.integers(1, 4), st.integers(1, 3))
@settings(max_examples=examples(100))
def test_the_stated_rules_taken_literally_find_the_same(records: list[Record], limit: int, rejections: int) -> None:
    config = AnomaliesConfig(requests_per_minute=limit, rejections=rejections, rejections_within=300, outlier_factor=0)
    watching = Watching(config)
    watching.see(*records, now=0)
    expected = [
        (type_, name, round(round(moment * 1000) / 1000 - NOW, 3))
        for type_, name, moment in literally(records, config, SERVICES)
    ]
    assert sorted(watching.told) == sorted(expected)


def test_gauges_tell_of_the_last_minutes() -> None:
    watching = Watching()
    watching.see(asked(-1_000, "gone"), asked(-500, "idle"), *[asked(at, "busy") for at in every(10, 9, -80)])
    watching.see(*[asked(at, "mad") for at in every(0.1, 400, -39.9)], asked(0, "shy"), now=0)
    assert watching.detector.active_containers() == 4
    busiest = watching.detector.busiest(20)
    assert busiest == [("mad", 400), ("busy", 6), ("shy", 1)]
    assert watching.detector.busiest(1) == [("mad", 400)]
    watching.now += 120
    assert watching.detector.busiest(20) == [] and watching.detector.active_containers() == 3


def test_the_newest_twenty_are_named() -> None:
    watching = Watching()
    watching.each(*[asked(at, f"c{at:02}", service="aws") for at in range(30)])
    assert watching.named() == [(UNKNOWN, f"c{at:02}", True) for at in range(29, 9, -1)]
    assert watching.active() == {UNKNOWN: 30}
