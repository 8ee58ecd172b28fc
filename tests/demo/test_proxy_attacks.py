"""The demo's attacks: each is what it says it is, by the rules as they are written, and nothing else."""

from __future__ import annotations

import random
from collections import deque

import pytest

from agent_observability.credential_proxy.config import AnomaliesConfig
from agent_observability.credential_proxy.metrics import ANOMALY_TYPES
from agent_observability.demo.proxy_asks import SERVICES, Ask
from agent_observability.demo.proxy_attacks import KINDS, Attack, plan_attack

BEGAN = 1_763_028_930.0
LIMITS = AnomaliesConfig()


def attack_of(kind: str, seed: int = 1, pace: float = 1.0) -> Attack:
    return plan_attack(kind, random.Random(seed), number=3, container="c" * 12, pid=9, began=BEGAN, pace=pace)


def all_of(attack: Attack) -> list[Ask]:
    return attack.until(BEGAN + attack.seconds + 1, random.Random(1))


def completed(asks: list[Ask]) -> dict[str, int]:
    """With which request each stated rule is broken first, by a naive reading of the rules."""
    found: dict[str, int] = {}
    asked: deque[float] = deque()
    refused: deque[float] = deque()
    for number, ask in enumerate(asks, start=1):
        asked.append(ask.at)
        while asked[0] < ask.at - 60:
            asked.popleft()
        if len(asked) > LIMITS.requests_per_minute:
            found.setdefault("high_request_rate", number)
        if ask.service not in SERVICES:
            found.setdefault("unknown_service", number)
        if ask.status == "REJECTED":
            refused.append(ask.at)
        if len(refused) > LIMITS.rejections:
            found.setdefault("repeated_rejections", number)
    return found


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("kind", KINDS)
def test_an_attack_is_what_is_expected_of_it(kind: str, seed: int) -> None:
    attack = attack_of(kind, seed)
    stated = {expected.type: expected.request for expected in attack.expected if expected.request}
    assert completed(all_of(attack)) == stated
    assert {expected.type for expected in attack.expected} <= set(ANOMALY_TYPES)


@pytest.mark.parametrize(
    ("kind", "requests", "seconds"),
    [("burst", 16, (9, 20)), ("scan", 8, (8, 24)), ("brute", 10, (60, 80)), ("drip", 96, (672, 768))],
)
def test_their_sizes(kind: str, requests: int, seconds: tuple[float, float]) -> None:
    attack = attack_of(kind)
    assert len(all_of(attack)) == requests
    assert seconds[0] <= attack.seconds <= seconds[1]


@pytest.mark.parametrize("kind", KINDS)
def test_requests_come_when_they_are_due_and_once(kind: str) -> None:
    attack = attack_of(kind)
    choose = random.Random(1)
    asks = [ask for second in range(800) for ask in attack.until(BEGAN + second, choose)]
    assert attack.over
    assert len(asks) == attack.summary()["requests"]
    assert [ask.at for ask in asks] == sorted({ask.at for ask in asks})
    assert {(ask.attack, ask.container) for ask in asks} == {(3, "c" * 12)}
    assert attack.until(BEGAN + 10_000, choose) == []


def test_pace() -> None:
    assert attack_of("burst", pace=10).seconds == pytest.approx(attack_of("burst").seconds / 10)


def test_it_notes_when_it_was_complete() -> None:
    attack = attack_of("scan")
    for number in range(1, 9):
        attack.noted(100.0 + number)
    assert attack.completed == {"unknown_service": 101.0, "repeated_rejections": 106.0}


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="attack 'flood': expected one of scan, burst, brute, drip"):
        attack_of("flood")
