"""A day of many containers, most of them honest, and what of it is an attack.

    day = simulate(seed)
    day.records     in the order in which a log that several proxies write to has them
    day.attacks     who attacked when, what must be found of it, and what may be

Honest containers have habits, make mistakes, and come as close to the limits as is allowed: exactly ten requests within
any minute, five rejections within any ten minutes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from agent_observability.credential_proxy.record import Record
from tests.credential_proxy.habits import BEGIN, DAY, HABITS, HOUR, quiet

__all__ = ["BEGIN", "SERVICES", "Attack", "Day", "simulate"]

SERVICES = {
    "github": ("clone", "push", "pull", "create_pr", "comment", "read"),
    "anthropic": ("api_call",),
}

_UNKNOWN = ("aws", "gcp", "azure", "vault", "npm", "pypi", "gitlab", "slack", "kubernetes", "docker", "stripe", "jira")
_USUAL = (("github", "read", 6), ("github", "clone", 3), ("github", "pull", 3), ("github", "push", 2))
_CALLS = [(service, operation) for service, operation, weight in _USUAL for _ in range(weight)]
_CALLS += [("anthropic", "api_call")] * 8 + [("github", "create_pr"), ("github", "comment")]
_PER_MINUTE = 10
_REJECTIONS = 5
_REJECTIONS_SECONDS = 600.0
# When the proxy itself fails, for everybody.
_OUTAGE = (BEGIN + 9.4 * HOUR, BEGIN + 9.5 * HOUR)


@dataclass(frozen=True)
class Attack:
    """What must be found are `types`; a rate outlier may be, whatever the attack is."""

    kind: str
    container: str
    begin: float
    end: float
    types: frozenset[str]


@dataclass(frozen=True)
class Day:
    records: list[Record]
    attacks: list[Attack]
    honest: frozenset[str]


def simulate(seed: int, honest: int = 320, each: int = 6) -> Day:
    """So many honest containers, and `each` attackers of every kind."""
    chance = random.Random(seed)
    arriving: list[tuple[float, Record]] = []
    names: set[str] = set()
    for number in range(honest):
        name = _name(chance)
        names.add(name)
        habit = HABITS[number % len(HABITS)]
        arriving += _arriving(chance, _requests(chance, name, _paced(habit(chance))))
    attacks: list[Attack] = []
    for kind in _ATTACKS:
        for _ in range(each):
            name = _name(chance)
            begin = BEGIN + chance.uniform(4, 22) * HOUR
            hostile, types = kind(chance, name, begin)
            attacks.append(Attack(kind.__name__, name, hostile[0].timestamp, hostile[-1].timestamp, frozenset(types)))
            arriving += _arriving(chance, [*_requests(chance, name, quiet(chance)), *hostile])
    arriving.sort()
    return Day([record for _, record in arriving], attacks, frozenset(names))


def _name(chance: random.Random) -> str:
    return f"{chance.getrandbits(48):012x}"


def _arriving(chance: random.Random, records: list[Record]) -> Iterator[tuple[float, Record]]:
    """When each is in the log: most at once, those of some proxies within a minute."""
    slow = 45.0 if chance.random() < 0.1 else 0.3
    for record in records:
        yield record.timestamp + chance.uniform(0, slow), record


def _paced(moments: list[float]) -> list[float]:
    """As many as are allowed within any minute; the others wait."""
    paced: list[float] = []
    for moment in sorted(moments):
        earliest = paced[-_PER_MINUTE] + 60.0 if len(paced) >= _PER_MINUTE else moment
        paced.append(max(moment, earliest))
    return [moment for moment in paced if moment < BEGIN + DAY]


def _requests(chance: random.Random, name: str, moments: list[float]) -> list[Record]:
    """Honest requests: some are mistaken, as many as are allowed within ten minutes."""
    clumsy = chance.choice((0.0, 0.005, 0.02, 0.3))
    rejected: list[float] = []
    records = []
    for moment in moments:
        service, operation = chance.choice(_CALLS)
        status, reason = "granted", ""
        if _OUTAGE[0] <= moment < _OUTAGE[1]:
            status, reason = "error", "internal_error"
        elif chance.random() < clumsy and not (
            len(rejected) >= _REJECTIONS and moment < rejected[-_REJECTIONS] + _REJECTIONS_SECONDS
        ):
            rejected.append(moment)
            status, reason = "rejected", chance.choice(("operation_not_allowed", "resource_not_allowed"))
        records.append(Record(moment, service, operation, status, reason, name, 0.004))
    return records


Hostile = tuple[list[Record], tuple[str, ...]]


def _spread(chance: random.Random, begin: float, many: int, low: float, high: float) -> list[float]:
    moments = [begin]
    for _ in range(many - 1):
        moments.append(moments[-1] + chance.uniform(low, high))
    return moments


def _granted(name: str, moments: list[float]) -> list[Record]:
    return [Record(moment, "github", "read", "granted", "", name, 0.002) for moment in moments]


def burst(chance: random.Random, name: str, begin: float) -> Hostile:
    """Many at once."""
    many = chance.randrange(15, 60)
    return _granted(name, sorted(begin + chance.uniform(0, 20) for _ in range(many))), ("high_request_rate",)


def just_too_fast(chance: random.Random, name: str, begin: float) -> Hostile:
    """Eleven, within hardly less than a minute."""
    return _granted(name, [begin + 5.99 * number for number in range(11)]), ("high_request_rate",)


def scan(chance: random.Random, name: str, begin: float) -> Hostile:
    """Asks for service after service that there may be."""
    services = chance.sample(_UNKNOWN, chance.randrange(7, 12))
    moments = _spread(chance, begin, len(services), 8, 45)
    records = [
        Record(moment, service, "read", "rejected", "unknown_service", name, 0.002)
        for moment, service in zip(moments, services, strict=True)
    ]
    return records, ("unknown_service", "repeated_rejections")


def leak(chance: random.Random, name: str, begin: float) -> Hostile:
    """One service that is not configured, and was given."""
    return [Record(begin, chance.choice(_UNKNOWN), "read", "granted", "", name, 0.002)], ("unknown_service",)


def brute_force(chance: random.Random, name: str, begin: float) -> Hostile:
    """Operations and resources that are not allowed, one after the other."""
    moments = _spread(chance, begin, chance.randrange(7, 40), 8, 80)
    reasons = ("operation_not_allowed", "resource_not_allowed")
    records = [
        Record(moment, "github", f"admin_{at}", "rejected", chance.choice(reasons), name, 0.002)
        for at, moment in enumerate(moments)
    ]
    return records, ("repeated_rejections",)


def just_too_often(chance: random.Random, name: str, begin: float) -> Hostile:
    """Six rejections, within hardly less than ten minutes."""
    records = [
        Record(begin + 119.9 * number, "github", "read", "rejected", "resource_not_allowed", name, 0.002)
        for number in range(6)
    ]
    return records, ("repeated_rejections",)


def drip(chance: random.Random, name: str, begin: float) -> Hostile:
    """Four to eight a minute for ten minutes and more, of one that used to be quiet."""
    pace = 60 / chance.uniform(4, 8)
    many = int(chance.uniform(600, 1_500) / pace)
    return _granted(name, _spread(chance, begin, many, 0.8 * pace, 1.2 * pace)), ("rate_outlier",)


_ATTACKS: tuple[Callable[[random.Random, str, float], Hostile], ...] = (
    burst,
    just_too_fast,
    scan,
    leak,
    brute_force,
    just_too_often,
    drip,
)
