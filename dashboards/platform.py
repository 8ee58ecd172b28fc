"""What the pages about the agent platform share: which series they look at, their variables, the rate of success."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agent_observability.registry import BY_NAME
from dashboards.page import cluster_variable, query_variable
from dashboards.promql import Expr, Match, Scope, aggregate, one_of, share

__all__ = [
    "ALERTS",
    "ENDED_BADLY",
    "ERRORS",
    "HOST",
    "PLATFORM",
    "SESSIONS",
    "replicas_ready",
    "success_rate",
    "variables",
]

_CLUSTER = ("cluster", one_of("$cluster"))
_JOB = ("job", Match("=", BY_NAME["cr_state"].job))

PLATFORM = Scope((_JOB, _CLUSTER))
"""Series without a project: titles of panels that show some end in "(all projects)"."""
SESSIONS = Scope((_JOB, _CLUSTER, ("project", one_of("$project"))))
HOST = Scope((("job", Match("=", BY_NAME["host"].job)), _CLUSTER))
"""The machines, whichever projects work on them."""
ALERTS = Scope((_CLUSTER, ("project", one_of("$project", ""))))
"""Alerts of the chosen projects, and those of no project, which concern them all."""

ENDED_BADLY = one_of("failed", "error")
ERRORS = Match("!~", "none|user|inactivity")
"""Reasons of ends that nobody wanted."""
# Stopped is a normal end, and counts neither way.
_FINISHED = one_of("completed", "failed", "error")


def success_rate(window: str, by: Iterable[str] = ()) -> Expr:
    """Completed sessions of those that finished within `window` ("1h" or "1d")."""
    record = f"vteam:sessions_ended:increase{window}"
    completed, finished = (
        aggregate("sum", SESSIONS.recorded(record, phase=phase), by) for phase in ("completed", _FINISHED)
    )
    return share(completed, finished)


def replicas_ready() -> Expr:
    """Ready replicas of each component that should have some."""
    ready, wanted = (PLATFORM.gauge(f"vteam_component_{what}_replicas") for what in ("ready", "desired"))
    return ready.only(wanted.positive(), on=("cluster", "component"))


def variables() -> tuple[dict[str, Any], ...]:
    """Cluster and project."""
    return cluster_variable(), query_variable("project", "Project", PLATFORM.gauge("vteam_sessions"))
