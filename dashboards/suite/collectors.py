"""Collectors: the parts of an exporter that read one source each."""

from __future__ import annotations

from dashboards.page import Row
from dashboards.panels import Column, Heatmap, Query, Table, TimeSeries
from dashboards.promql import aggregate, topk
from dashboards.suite.scope import EXPORTERS
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_BY = ("job", "instance", "collector")


def row() -> Row:
    """Success and duration per collector, time to answer a scrape."""
    success, duration = (
        aggregate(operator, EXPORTERS.gauge(f"agent_obs_collector_{what}"), _BY)
        for operator, what in (("min", "success"), ("max", "duration_seconds"))
    )
    return Row(
        "Collectors",
        [
            Table(
                title="Collectors, failing first",
                queries=[
                    Query(success, "", instant=True, format="table"),
                    Query(duration, "", instant=True, format="table"),
                ],
                columns=(
                    Column(
                        "A", "State", states=alert_thresholds("AgentObsCollectorFailing", "agent_obs_collector_success")
                    ),
                    Column("job", "Exporter"),
                    Column("instance", "Instance"),
                    Column("collector", "Collector"),
                    Column("B", "Last run took", unit="s"),
                ),
                sort="State",
                description="A failing collector serves its last good values: its panels stand still. The exporter's "
                "landing page and log give the error.",
            ),
            TimeSeries(
                title="Slowest collectors",
                queries=[Query(topk(MAX_SERIES, duration), "{{job}} {{collector}}")],
                description="How long each collector's last run took. One far above the rest delays nobody else, but "
                "is cut off at the scrape's deadline.",
                width=12,
            ),
            Heatmap(
                title="Time to answer a scrape",
                queries=[Query(EXPORTERS.buckets("agent_obs_scrape_duration_seconds"), "{{le}}", format="heatmap")],
                description="How the exporters' own time per scrape is spread. A second band higher up: some scrapes "
                "hit a slow source.",
                unit="s",
            ),
            TimeSeries(
                title="Time to answer a scrape, by exporter",
                queries=[
                    Query(EXPORTERS.quantile(0.5, "agent_obs_scrape_duration_seconds", ("job",)), "{{job}} median"),
                    Query(EXPORTERS.quantile(0.99, "agent_obs_scrape_duration_seconds", ("job",)), "{{job}} 99 %"),
                ],
                description="Typical and slowest scrapes of each exporter. Compare with the scrape interval and "
                "timeout.",
                width=12,
            ),
        ],
    )
