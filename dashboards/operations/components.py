"""The platform's components in detail."""

from __future__ import annotations

from dashboards.page import Row
from dashboards.panels import Column, Query, Table, TimeSeries, cells
from dashboards.platform import PLATFORM, replicas_ready
from dashboards.promql import aggregate
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]


def row() -> Row:
    """A table of components; availability, replicas, restarts over time."""
    ready, desired = (PLATFORM.gauge(f"vteam_component_{what}_replicas") for what in ("ready", "desired"))
    availability = PLATFORM.recorded("vteam:component_availability:ratio1h")
    restarts = PLATFORM.increase("vteam_component_restarts_total", "1d").rounded()
    by = ("component",)
    restarting = alert_thresholds("ComponentRestarting", "vteam_component_restarts_total")
    return Row(
        "Components",
        [
            Table(
                title="Components (all projects)",
                queries=[
                    cells(aggregate("max", PLATFORM.gauge("vteam_component_info"), ("component", "version"))),
                    cells(aggregate("min", replicas_ready(), by)),
                    cells(aggregate("sum", ready, by)),
                    cells(aggregate("sum", desired, by)),
                    cells(aggregate("max", PLATFORM.gauge("vteam_component_generation"), by)),
                    cells(aggregate("sum", restarts, by)),
                    cells(aggregate("min", availability, by)),
                ],
                columns=(
                    Column("component", "Component"),
                    Column("B", "State", states=alert_thresholds("ComponentDown", "vteam_component_ready_replicas")),
                    Column("version", "Version"),
                    Column("E", "Revision", unit="short"),
                    Column("C", "Ready", unit="short"),
                    Column("D", "Wanted", unit="short"),
                    Column("G", "Availability, 1 h", unit="percentunit"),
                    Column("F", "Restarts, 24 h", unit="short"),
                ),
                sort="Component",
                description="What runs in which version. Fewer ready than wanted right after a rollout: it is under "
                "way or stuck; kubectl rollout status tells which, kubectl rollout undo takes it back.",
                width=24,
            ),
            TimeSeries(
                title="Availability over an hour (all projects)",
                queries=[Query(availability, "{{component}}")],
                description="Share of the wanted replicas that were ready, over an hour. A dip at a blue mark: the "
                "rollout took replicas away faster than it brought new ones.",
                thresholds=alert_thresholds("ComponentAvailabilityLow", "vteam:component_availability:ratio1h"),
                share=True,
            ),
            TimeSeries(
                title="Replicas (all projects)",
                queries=[Query(ready, "{{component}} ready"), Query(desired, "{{component}} wanted")],
                description="Ready and wanted replicas. Apart for long: pods cannot be scheduled or do not pass their "
                "readiness probe.",
            ),
            TimeSeries(
                title="Restarts within an hour (all projects)",
                queries=[Query(PLATFORM.increase("vteam_component_restarts_total", "1h").rounded(), "{{component}}")],
                description="Container restarts of each component. Regular ones point at a leak and its memory limit, "
                "sudden ones at a bad version or configuration.",
                thresholds=restarting,
            ),
        ],
    )
