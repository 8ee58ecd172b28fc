"""Who asks far more than it used to."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_observability.credential_proxy.anomalies.baseline import BUCKET_SECONDS, HORIZON_SECONDS, Baseline
from agent_observability.credential_proxy.config import AnomaliesConfig
from agent_observability.credential_proxy.record import Record
from tests.credential_proxy.anomalies.asking import Watching, asked, every
from tests.support import examples

OUTLIER = "rate_outlier"


def past(*counts: int) -> list[Record]:
    """A bucket after the other, so many requests in each; the next bucket is that of NOW."""
    first = -len(counts) * BUCKET_SECONDS
    return [
        asked(first + at * BUCKET_SECONDS + 299.0 * number / count)
        for at, count in enumerate(counts)
        for number in range(count)
    ]


def drip(per_minute: float, minutes: float, begin: float = 0.0) -> list[Record]:
    return [asked(at) for at in every(60 / per_minute, int(minutes * per_minute), begin)]


@pytest.mark.parametrize("offset", [0, 60, 150, 240, 290])
@pytest.mark.parametrize("per_minute", [4.5, 6, 8, 9.9])
@pytest.mark.parametrize("usual", [(1,) * 12, (2, 0, 3, 1) * 4, (0, 0, 1) * 12])
def test_a_slow_drip_is_found_within_minutes(usual: tuple[int, ...], per_minute: float, offset: float) -> None:
    watching = Watching()
    assert watching.each(*past(*usual)) == []
    told = watching.each(*drip(per_minute, 12, offset))
    assert [one[:2] for one in told] == [(OUTLIER, "one")]
    assert told[0][2] <= offset + 600
    assert watching.active() == {OUTLIER: 1}


@pytest.mark.parametrize(
    ("counts", "now"),
    [
        ((), drip(9.9, 30)),
        ((1, 1, 1, 1), drip(9.9, 14)),
        ((2,) * 30, drip(3, 5)),
        ((2,) * 30, drip(9.9, 1)),
        ((20,) * 30, drip(9.9, 60)),
        ((5, 30, 12, 18) * 6, drip(9.9, 60)),
        ((30, 0, 0, 0, 0, 0) * 8, drip(9.9, 5)),
    ],
    ids=["new", "hardly known", "slow", "short", "busy", "moody", "builds"],
)
def test_what_is_usual_or_little_is_no_outlier(counts: tuple[int, ...], now: list[Record]) -> None:
    watching = Watching()
    assert watching.each(*past(*counts), *now) == []


def test_an_attack_is_not_soon_taken_for_usual() -> None:
    """It goes on for an hour and a half as one anomaly, and a later one is found again."""
    watching = Watching()
    watching.see(*past(*(2, 1, 3) * 10))
    assert len(watching.each(*drip(6, 90))) == 1
    quiet = [asked(at) for at in every(150, 40, 5_500)]
    assert watching.each(*quiet) == []
    assert len(watching.each(*drip(9, 15, 11_700))) == 1


def test_what_goes_on_for_hours_becomes_usual() -> None:
    watching = Watching()
    watching.see(*past(*(2, 1, 3) * 10))
    assert len(watching.each(*drip(6, 600))) == 1
    assert watching.active() == {}


def test_who_grows_slowly_is_no_outlier() -> None:
    watching = Watching()
    counts = [1 + round(45 * (at / 280) ** 2) for at in range(280)]
    assert watching.each(*past(*counts)) == []


@pytest.mark.parametrize(("factor", "found"), [(0, 0), (1, 1), (4, 1), (20, 0)])
def test_how_far_is_far_is_configured(factor: float, found: int) -> None:
    watching = Watching(AnomaliesConfig(outlier_factor=factor))
    watching.see(*past(*(3,) * 20))
    assert len(watching.each(*drip(9, 12))) == found


def test_what_is_long_ago_says_nothing() -> None:
    watching = Watching()
    watching.see(*past(*(1,) * 30))
    assert watching.each(*drip(8, 12, HORIZON_SECONDS + BUCKET_SECONDS)) == []


def test_what_it_is_told_with() -> None:
    watching = Watching()
    watching.see(*past(*(2,) * 12))
    findings = watching.find(drip(6, 12))
    told = findings.events[0].data.decode()
    assert '"evidence":{"requests":21,"seconds":200.0,"before":2,"usual":2.0,' in told
    assert '"operations":{"github/read":' in told


def test_the_nameless_do_not_hide_a_container_that_is_called_as_they_are() -> None:
    watching = Watching()
    records = [record._replace(container="unknown") for record in (*past(*(3,) * 20), *drip(9, 12))]
    nameless = [record._replace(container="", service="aws") for record in records]
    told = watching.each(*[one for both in zip(records, nameless, strict=True) for one in both])
    assert [type_ for type_, _, _ in told if type_ == OUTLIER] == [OUTLIER]


def test_what_was_usual_long_ago_does_not_let_an_attack_be_learned() -> None:
    """A container that was busy once, then quiet, and now asks a little more each time."""
    baseline = Baseline(0)
    for bucket, count in enumerate([40] * 8 + [2] * 36 + [15] * 16):
        if bucket:
            baseline.turn(bucket)
        baseline.count = count
    assert max(entry & 0xFFFF for entry in baseline.history[-30:]) == 8


def test_late_records_belong_to_their_own_bucket() -> None:
    baseline = Baseline(100, count=20, before=3)
    assert not baseline.turn(99)
    assert (baseline.count, baseline.before) == (20, 4)
    assert not baseline.turn(96)
    assert (baseline.count, baseline.before) == (20, 4)
    assert baseline.turn(101)
    assert (baseline.count, baseline.before, [entry & 0xFFFF for entry in baseline.history]) == (0, 20, [4])
    assert baseline.turn(110)
    assert (baseline.count, baseline.before, [entry & 0xFFFF for entry in baseline.history]) == (0, 0, [4, 20])


def test_a_clock_that_is_set_back_takes_the_past_along() -> None:
    watching = Watching()
    watching.see(*past(*(1,) * 40))
    assert watching.each(*drip(8, 12, -3_600)) == [(OUTLIER, "one", pytest.approx(-3_600 + 165))]


@given(st.lists(st.tuples(st.integers(-400, 400), st.integers(1, 60)), max_size=200))
@settings(max_examples=examples(100))
def test_whatever_comes_it_stays_small(moves: list[tuple[int, int]]) -> None:
    bucket = 5_000
    baseline = Baseline(bucket)
    for move, many in moves:
        bucket = max(0, bucket + move)
        for _ in range(many):
            if bucket == baseline.bucket or baseline.turn(bucket):
                baseline.count += 1
                if baseline.count > baseline.alarm:
                    baseline.outlying(4.0)
        buckets = [entry >> 16 for entry in baseline.history]
        assert buckets == sorted(set(buckets)) and len(buckets) <= 36
        assert all(entry & 0xFFFF > 0 for entry in baseline.history)
