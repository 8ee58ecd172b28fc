"""The alerts that `agent-obs drill` can make fire, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent_observability.errors import StartError

__all__ = ["CANARY", "CANARY_GROUP", "DRILLS", "Drill", "chosen_drills"]

CANARY = "canary"
"""The part that exists to be stopped: a sleeping process."""

CANARY_GROUP = "drill"
"""The process group under which the host exporter watches it."""


@dataclass(frozen=True, slots=True)
class Drill:
    """`part` is held down until `alert` with `labels` has arrived; `series` (PromQL, one series) is `healthy` before
    and something else once the exporter has noticed.
    """

    alert: str
    part: str
    labels: Mapping[str, str]
    series: str
    healthy: float


DRILLS: tuple[Drill, ...] = (
    Drill(
        "HostProcessGroupDown",
        CANARY,
        {"group": CANARY_GROUP},
        f'host_process_group_processes{{job="agent-obs-host",group="{CANARY_GROUP}"}}',
        1.0,
    ),
)


def chosen_drills(alerts: list[str]) -> list[Drill]:
    """The drills for these alerts; the first of all without any. Raises StartError for one that has no drill."""
    known = {drill.alert: drill for drill in DRILLS}
    if unknown := [alert for alert in alerts if alert not in known]:
        raise StartError(f"no drill for {', '.join(unknown)}; there are drills for: {', '.join(known)}")
    return [known[alert] for alert in dict.fromkeys(alerts)] or [DRILLS[0]]
