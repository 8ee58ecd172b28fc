"""The figures that the live panel shows: of this machine, and of the agent platform where there is one."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from agent_observability.stack.text import bytes_per_second, percent

__all__ = ["KPIS", "SHOWN", "Kpi", "shown"]

SHOWN = 6
"""How many there is room for."""


@dataclass(frozen=True, slots=True)
class Kpi:
    """`query` (PromQL) gives one series; `top` is what a full bar means, None for the largest value in sight.

    `job` is the scrape job that it needs.
    """

    name: str
    query: str
    write: Callable[[float], str]
    top: float | None = None
    job: str = "agent-obs-host"


# Figures that alerts judge are read from the same recording rules. CPU is asked over 30 s instead: six scrapes, so that
# the panel is quick to follow and one missed scrape does not tear it.
KPIS: tuple[Kpi, ...] = (
    Kpi(
        "CPU",
        '1 - avg(sum without (mode) (rate(node_cpu_seconds_total{job="agent-obs-host",mode=~"idle|iowait"}[30s])))',
        percent,
        1.0,
    ),
    Kpi(
        "Memory",
        'max(1 - node_memory_MemAvailable_bytes{job="agent-obs-host"}'
        ' / node_memory_MemTotal_bytes{job="agent-obs-host"})',
        percent,
        1.0,
    ),
    Kpi(
        "Fullest disk",
        'max(instance_mountpoint:node_filesystem_used:ratio{job="agent-obs-host"})',
        percent,
        1.0,
    ),
    Kpi(
        "Sessions active",
        'sum(vteam_sessions{job="agent-obs-cr_state",phase=~"pending|creating|running|stopping"})',
        "{:.0f}".format,
        job="agent-obs-cr_state",
    ),
    Kpi(
        "Ended, 5 min",
        'sum(increase(vteam_sessions_completed_total{job="agent-obs-cr_state"}[5m]))',
        "{:.0f}".format,
        job="agent-obs-cr_state",
    ),
    Kpi(
        "Spent today", 'sum(llm_cost_today_usd{job="agent-obs-llm_cost"})', "${:,.2f}".format, job="agent-obs-llm_cost"
    ),
    Kpi("Received", 'sum(instance:node_network_receive_bytes:rate5m{job="agent-obs-host"})', bytes_per_second),
    Kpi("Sent", 'sum(instance:node_network_transmit_bytes:rate5m{job="agent-obs-host"})', bytes_per_second),
    Kpi("Load, 1 min", 'max(node_load1{job="agent-obs-host"})', "{:.2f}".format),
)


def shown(jobs: Collection[str]) -> tuple[Kpi, ...]:
    """The first of those that the running jobs feed."""
    return tuple([kpi for kpi in KPIS if kpi.job in jobs][:SHOWN])
