"""The first row: can what the suite shows be trusted?"""

from __future__ import annotations

from dashboards.alerts import firing_card
from dashboards.panels import Card, DataPanel
from dashboards.promql import aggregate
from dashboards.suite.scope import ALERTS, EXPORTERS, PROMETHEUS
from dashboards.thresholds import alert_thresholds

__all__ = ["cards"]


def cards() -> list[DataPanel]:
    """Six cards, the worst of the chosen exporters in each."""
    return [
        Card(
            title="Exporters up",
            expr=aggregate("min", EXPORTERS.gauge("up")).as_unit("bool_yes_no"),
            description="Whether Prometheus reaches every exporter. No: the overview below names the one; see whether "
            "its process runs and its port is open.",
            thresholds=alert_thresholds("AgentObsExporterDown", "up"),
        ),
        Card(
            title="Collectors succeeding",
            expr=aggregate("avg", EXPORTERS.gauge("agent_obs_collector_success")).as_unit("percentunit"),
            description="Share of collectors whose last run succeeded. Below 100 %: the collector table names the "
            "failing ones, the exporter's log says why.",
        ),
        Card(
            title="Slowest scrape",
            expr=aggregate("max", EXPORTERS.gauge("scrape_duration_seconds")),
            description="The longest of the last scrapes, seen from Prometheus. Near the scrape timeout collectors "
            "are cut off: find the slow one among the collectors.",
        ),
        Card(
            title="Series in Prometheus",
            expr=aggregate("sum", PROMETHEUS.gauge("prometheus_tsdb_head_series")),
            description="Series held in memory. A jump against the day before is new labels somewhere: compare the "
            "exporters' samples.",
        ),
        Card(
            title="Failed rule evaluations",
            expr=aggregate("sum", PROMETHEUS.increase("prometheus_rule_evaluation_failures_total", "5m")),
            description="Rule evaluations that failed in 5 minutes. While a rule fails its alerts are silent: "
            "Prometheus' rules page shows the error.",
            thresholds=alert_thresholds("AgentObsRuleEvaluationFailing", "prometheus_rule_evaluation_failures_total"),
        ),
        firing_card(ALERTS),
    ]
