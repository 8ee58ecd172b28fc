"""The honest containers of the demo's credential proxy: busy, believable, and never like an attacker."""

from __future__ import annotations

from collections import defaultdict, deque
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from agent_observability.credential_proxy.config import AnomaliesConfig, CredentialProxyConfig
from agent_observability.demo.proxy_asks import MISTAKES, SERVICES, Ask
from agent_observability.demo.proxy_crowd import Crowd

NOW = datetime(2026, 11, 18, 13, 30, tzinfo=UTC).timestamp()
HOUR = 3_600.0


def hours(number: float, seed: int = 1) -> list[Ask]:
    """What the crowd asks for within some hours."""
    crowd = Crowd(seed, NOW)
    seconds = int(number * HOUR)
    return [ask for second in range(1, seconds + 1) for ask in crowd.until(NOW + second)]


def most_within(moments: list[float], seconds: float) -> int:
    recent: deque[float] = deque()
    most = 0
    for moment in sorted(moments):
        recent.append(moment)
        while recent[0] <= moment - seconds:
            recent.popleft()
        most = max(most, len(recent))
    return most


def by_container(asks: list[Ask]) -> dict[str, list[Ask]]:
    found = defaultdict(list)
    for ask in asks:
        found[ask.container or f"pid:{ask.pid}"].append(ask)
    return found


def test_the_services_are_those_that_the_exporter_expects() -> None:
    assert {service: list(operations) for service, operations in SERVICES.items()} == CredentialProxyConfig().services


def test_the_same_seed_and_moment_make_the_same_crowd() -> None:
    assert hours(0.1) == hours(0.1)
    assert hours(0.1) != hours(0.1, seed=2)


def test_one_to_three_requests_a_second_in_order_of_time() -> None:
    asks = hours(1)
    assert 1.0 < len(asks) / HOUR < 3.0
    assert all(NOW < before.at <= after.at <= NOW + HOUR for before, after in pairwise(asks))
    assert all(int(ask.container, 16) >= 0 and len(ask.container) == 12 for ask in asks if ask.container)
    assert 0.1 < sum(not ask.container for ask in asks) / len(asks) < 0.3


@pytest.mark.parametrize("seed", range(5))
def test_nobody_looks_like_an_attacker(seed: int) -> None:
    limits = AnomaliesConfig()
    crowd = Crowd(seed, NOW)
    asks = crowd.past(NOW) + [ask for second in range(1, int(2 * HOUR)) for ask in crowd.until(NOW + second)]
    for container, own in by_container(asks).items():
        assert most_within([ask.at for ask in own], 60) < limits.requests_per_minute, container
        refused = [ask.at for ask in own if ask.status != "GRANTED"]
        assert most_within(refused, limits.rejections_within) <= limits.rejections, container
        assert {ask.service for ask in own} <= SERVICES.keys(), container


def test_two_to_four_of_a_hundred_get_nothing_for_several_reasons() -> None:
    asks = hours(6)
    refused = [ask for ask in asks if ask.status != "GRANTED"]
    assert 0.02 < len(refused) / len(asks) < 0.04
    assert {ask.reason for ask in refused} == {reason for reason, *_ in MISTAKES} | {"internal_error"}
    assert all((ask.status == "ERROR") == (ask.reason == "internal_error") for ask in refused)
    assert not any(ask.reason or ask.problem for ask in asks if ask.status == "GRANTED")


def test_answers_take_milliseconds_and_a_few_of_them_long() -> None:
    durations = sorted(ask.milliseconds for ask in hours(2))
    assert 2 <= durations[len(durations) // 2] <= 6
    assert 20 < durations[-1] < 3_000


def test_sessions_come_and_go() -> None:
    found = by_container(hours(1))
    assert 60 < len(found) < 200
    assert max(own[-1].at - own[0].at for name, own in found.items() if len(own) > 15 and ":" not in name) < 16 * 60


def test_the_past_is_thin_and_reaches_a_day_back() -> None:
    crowd = Crowd(1, NOW)
    past = crowd.past(NOW)
    assert [ask.at for ask in past] == sorted(ask.at for ask in past)
    assert all(NOW - 24 * HOUR <= ask.at < NOW for ask in past)
    assert {datetime.fromtimestamp(ask.at, UTC).hour for ask in past} == set(range(24))
    assert 300 < len(past) < 1_500
    assert sum(ask.at > NOW - HOUR for ask in past) > 60


def test_sleepers_have_a_past_and_a_future() -> None:
    crowd = Crowd(1, NOW)
    asks = crowd.past(NOW) + [ask for second in range(1, int(HOUR)) for ask in crowd.until(NOW + second)]
    assert len(set(crowd.sleepers)) == 3
    for container in crowd.sleepers:
        own = [ask.at for ask in asks if ask.container == container]
        assert 45 < len(own) < 75
        assert max(after - before for before, after in pairwise(own)) < 15 * 60


@pytest.mark.parametrize("leap", [-2 * HOUR, -90.0, 90.0, 30 * 24 * HOUR])
def test_a_clock_that_leaps_makes_no_flood_and_no_silence(leap: float) -> None:
    crowd = Crowd(1, NOW)
    for second in range(300):
        crowd.until(NOW + second)
    then = NOW + 300 + leap
    assert len(crowd.until(then)) < 5
    after = [ask for second in range(1, 121) for ask in crowd.until(then + second)]
    assert 60 < len(after) < 360
    assert all(then <= ask.at <= then + 120 for ask in after)
