"""Attacks on the demo's credential proxy: what a container does that was tricked into asking, and what shows it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from agent_observability.demo.proxy_asks import Ask, answer_seconds

__all__ = ["KINDS", "Attack", "Expected", "plan_attack"]

_STRANGERS = ("aws", "gcp", "vault", "azure", "kubernetes", "npm", "slack", "database")
_FORBIDDEN = ("delete_repo", "add_deploy_key", "list_secrets", "transfer_repo", "read_org")
_DRIP_SECONDS = 720.0


@dataclass(frozen=True, slots=True)
class Expected:
    """An anomaly that the attack is, and with which of its requests that is clear; 0 where it depends on the past."""

    type: str
    request: int


@dataclass(frozen=True, slots=True)
class _Step:
    after: float
    service: str
    operation: str
    resource: str = ""
    status: str = "GRANTED"
    reason: str = ""
    problem: str = ""


@dataclass(slots=True, kw_only=True)
class Attack:
    """One attack. `completed` says when (Unix time) the request that makes an anomaly of it was written, by type."""

    number: int
    kind: str
    container: str
    pid: int
    began: float
    steps: Sequence[_Step]
    expected: Sequence[Expected]
    pace: float = 1.0
    written: int = 0
    completed: dict[str, float] = field(default_factory=dict)
    _taken: int = 0

    @property
    def over(self) -> bool:
        """Whether there is nothing more to ask."""
        return self._taken == len(self.steps)

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return sum(step.after for step in self.steps) / self.pace

    def until(self, now: float, choose: random.Random) -> list[Ask]:
        """The requests that are due and were not told yet. Each is asked at a moment of its own."""
        asks: list[Ask] = []
        while not self.over and (at := self._at(self._taken)) <= now:
            step = self.steps[self._taken]
            self._taken += 1
            asks.append(
                Ask(
                    at=at,
                    container=self.container,
                    pid=self.pid,
                    service=step.service,
                    operation=step.operation,
                    resource=step.resource,
                    status=step.status,
                    reason=step.reason,
                    problem=step.problem,
                    milliseconds=max(1, round(1000 * answer_seconds(choose))),
                    attack=self.number,
                )
            )
        return asks

    def noted(self, now: float) -> None:
        """One more of its requests is in the log."""
        self.written += 1
        for expected in self.expected:
            if expected.request == self.written:
                self.completed[expected.type] = now

    def summary(self) -> dict[str, object]:
        """As JSON."""
        return {
            "number": self.number,
            "kind": self.kind,
            "container": self.container,
            "expected": [expected.type for expected in self.expected],
            "seconds": round(self.seconds, 1),
            "requests": len(self.steps),
            "written": self.written,
            "completed": self.completed,
        }

    def _at(self, step: int) -> float:
        return self.began + sum(one.after for one in self.steps[: step + 1]) / self.pace


def _burst(choose: random.Random) -> list[_Step]:
    """Sixteen grants in less than twenty seconds."""
    return [_Step(choose.uniform(0.6, 1.2), "anthropic", "api_call", "messages") for _ in range(16)]


def _scan(choose: random.Random) -> list[_Step]:
    """Is there anything else to be had here?"""
    strangers = choose.sample(_STRANGERS, len(_STRANGERS))
    return [
        _Step(choose.uniform(1, 3), name, "read", "", "REJECTED", "unknown_service", f"Unknown service: {name}")
        for name in strangers
    ]


def _brute(choose: random.Random) -> list[_Step]:
    """The right service, and one thing after the other that it is not for."""
    steps = []
    for number in range(10):
        if number % 2:
            name = f"example/private-{number}"
            words = ("REJECTED", "resource_not_allowed", f"Resource not allowed: {name}")
            steps.append(_Step(choose.uniform(6.5, 8), "github", "clone", name, *words))
        else:
            operation = _FORBIDDEN[number // 2]
            words = ("REJECTED", "operation_not_allowed", f"Operation not allowed: {operation}")
            steps.append(_Step(choose.uniform(6.5, 8), "github", operation, "example/checkout-1", *words))
    return steps


def _drip(choose: random.Random) -> list[_Step]:
    """Never too much in a minute, but far more than this container ever asked for."""
    number = round(_DRIP_SECONDS / 7.5)
    return [_Step(choose.uniform(7, 8), "github", "read", f"example/docs-{at % 4 + 1}") for at in range(number)]


_PLANS: Mapping[str, tuple[Callable[[random.Random], list[_Step]], tuple[Expected, ...]]] = {
    "scan": (_scan, (Expected("unknown_service", 1), Expected("repeated_rejections", 6))),
    "burst": (_burst, (Expected("high_request_rate", 11),)),
    "brute": (_brute, (Expected("repeated_rejections", 6),)),
    "drip": (_drip, (Expected("rate_outlier", 0),)),
}

KINDS = tuple(_PLANS)


def plan_attack(
    kind: str, choose: random.Random, *, number: int, container: str, pid: int, began: float, pace: float = 1.0
) -> Attack:
    """An attack that begins at `began`; at a `pace` of 2 it takes half as long. Raises ValueError for no kind."""
    if kind not in _PLANS:
        raise ValueError(f"attack {kind[:40]!r}: expected one of {', '.join(KINDS)}")
    plan, expected = _PLANS[kind]
    return Attack(
        number=number,
        kind=kind,
        container=container,
        pid=pid,
        began=began,
        steps=plan(choose),
        expected=expected,
        pace=pace,
    )
