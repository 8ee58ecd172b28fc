"""Who is up, what fires."""

from __future__ import annotations

from dashboards.alerts import firing_table
from dashboards.page import Row
from dashboards.panels import Column, Query, States, Table, TimeSeries
from dashboards.promql import aggregate
from dashboards.suite.scope import ALERTS, EXPORTERS
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_TARGET = "{{job}} {{instance}}"


def row() -> Row:
    """Exporters over time, firing alerts, versions, scrapes."""
    build = aggregate(
        "count", EXPORTERS.gauge("agent_obs_build_info"), ("exporter", "instance", "version", "python_version")
    )
    return Row(
        "Overview",
        [
            States(
                title="Exporters",
                queries=[Query(EXPORTERS.gauge("up"), _TARGET)],
                description="When each exporter could be scraped. A gap here is a gap on its pages.",
                thresholds=alert_thresholds("AgentObsExporterDown", "up"),
            ),
            firing_table(ALERTS),
            Table(
                title="Versions",
                queries=[Query(build, "", instant=True, format="table")],
                columns=(
                    Column("exporter", "Exporter"),
                    Column("instance", "Instance"),
                    Column("version", "Version"),
                    Column("python_version", "Python"),
                ),
                sort="Exporter",
                description="What runs where. Different versions side by side: a rollout is under way or stuck.",
            ),
            TimeSeries(
                title="Scrape duration",
                queries=[Query(EXPORTERS.gauge("scrape_duration_seconds"), _TARGET)],
                description="How long Prometheus waits for each exporter. Growing: more objects, or a slow source.",
                width=12,
            ),
        ],
        collapsed=False,
    )
