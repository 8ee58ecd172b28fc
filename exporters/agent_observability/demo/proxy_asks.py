"""What the demo's credential proxy is asked and what it answers. Data only, all of it made up."""

from __future__ import annotations

import random
from dataclasses import dataclass

from agent_observability.demo.cast import PROJECTS

__all__ = ["MISTAKES", "OUTAGE", "SERVICES", "Ask", "answer_seconds", "resource"]

SERVICES = {
    "github": ("clone", "push", "pull", "create_pr", "comment", "read"),
    "anthropic": ("api_call",),
}
"""What the proxy serves, and to what end."""

MISTAKES = (
    ("operation_not_allowed", "github", "delete_repo", "Operation not allowed: delete_repo"),
    ("operation_not_allowed", "anthropic", "admin_call", "Operation not allowed: admin_call"),
    ("rate_limit_exceeded", "github", "read", "Rate limit exceeded: github"),
    ("rate_limit_exceeded", "anthropic", "api_call", "RATE_LIMIT_EXCEEDED"),
    ("resource_not_allowed", "github", "clone", "Resource not allowed: example/vault"),
    ("invalid_request", "github", "", "Missing service or operation"),
)
"""What honest sessions get wrong now and then: reason, service, operation and the proxy's words."""

OUTAGE = "upstream did not answer"

_SLOW = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request. `at` is when it was answered (Unix time); `status` is as the log of format A says it.

    `container` is "" where the log knows only the pid. `reason` is what an observer makes of the answer, "" for a
    grant, and `problem` is what the proxy says. `attack` is the number of the attack that it belongs to, 0 for none.
    """

    at: float
    container: str
    pid: int
    service: str
    operation: str
    resource: str = ""
    status: str = "GRANTED"
    reason: str = ""
    problem: str = ""
    milliseconds: int = 3
    attack: int = 0


def resource(choose: random.Random, service: str) -> str:
    """What a credential is asked for."""
    if service == "github":
        return f"example/{choose.choice(PROJECTS)}-{choose.randrange(1, 5)}"
    return "messages" if service == "anthropic" else service


def answer_seconds(choose: random.Random) -> float:
    """A few milliseconds; one answer in a hundred takes long."""
    return choose.lognormvariate(-5.7, 0.5) * (choose.uniform(10, 60) if choose.random() < _SLOW else 1)
