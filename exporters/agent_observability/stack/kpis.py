"""The figures of this machine that the live panel shows. Data only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent_observability.stack.text import bytes_per_second, percent

__all__ = ["KPIS", "Kpi"]


@dataclass(frozen=True, slots=True)
class Kpi:
    """`query` (PromQL) gives one series; `top` is what a full bar means, None for the largest value in sight."""

    name: str
    query: str
    write: Callable[[float], str]
    top: float | None = None


# Windows of 30 s: six scrapes, so that the panel is quick to follow and one missed scrape does not tear it.
KPIS: tuple[Kpi, ...] = (
    Kpi(
        "CPU",
        '1 - avg(rate(node_cpu_seconds_total{job="agent-obs-host",mode="idle"}[30s]))',
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
        'max(1 - node_filesystem_avail_bytes{job="agent-obs-host"}'
        ' / (node_filesystem_size_bytes{job="agent-obs-host"} > 0))',
        percent,
        1.0,
    ),
    Kpi("Received", 'sum(rate(node_network_receive_bytes_total{job="agent-obs-host"}[30s]))', bytes_per_second),
    Kpi("Sent", 'sum(rate(node_network_transmit_bytes_total{job="agent-obs-host"}[30s]))', bytes_per_second),
    Kpi("Load, 1 min", 'max(node_load1{job="agent-obs-host"})', "{:.2f}".format),
)
