"""Families the pages query although no exporter of the suite exposes them. Data only.

Every family exists in Prometheus 2.42 and Alertmanager 0.25 as well as in Prometheus 3 and current Alertmanagers.
"""

from __future__ import annotations

from agent_observability.metric import Kind, Label, Metric

__all__ = ["ALERTMANAGER", "EXTERNAL_METRICS", "PROMETHEUS", "SCRAPE"]


def _labels(*names: str) -> tuple[Label, ...]:
    return tuple(Label(name) for name in names)


SCRAPE: tuple[Metric, ...] = (
    Metric("up", Kind.GAUGE, "1 if the last scrape of the target worked"),
    Metric("scrape_duration_seconds", Kind.GAUGE, "How long the last scrape took, seen from Prometheus"),
    Metric("scrape_samples_scraped", Kind.GAUGE, "Samples the target exposed in the last scrape"),
    Metric(
        "ALERTS",
        Kind.GAUGE,
        "1 while an alert is pending or firing",
        _labels("alertname", "alertstate", "severity", "project", "component"),
    ),
)

PROMETHEUS: tuple[Metric, ...] = (
    Metric("prometheus_tsdb_head_series", Kind.GAUGE, "Series held in memory"),
    Metric("prometheus_tsdb_head_samples_appended_total", Kind.COUNTER, "Samples written"),
    Metric("prometheus_tsdb_storage_blocks_bytes", Kind.GAUGE, "Size of the blocks on disk"),
    Metric("prometheus_tsdb_retention_limit_bytes", Kind.GAUGE, "Size limit of the blocks, 0 without one"),
    Metric("prometheus_rule_evaluation_failures_total", Kind.COUNTER, "Failed rule evaluations", _labels("rule_group")),
    Metric(
        "prometheus_rule_group_last_duration_seconds",
        Kind.GAUGE,
        "How long the group's last evaluation took",
        _labels("rule_group"),
    ),
    Metric(
        "prometheus_rule_group_interval_seconds", Kind.GAUGE, "How often the group is evaluated", _labels("rule_group")
    ),
    Metric("prometheus_notifications_sent_total", Kind.COUNTER, "Alerts sent", _labels("alertmanager")),
    Metric("prometheus_notifications_errors_total", Kind.COUNTER, "Alerts not delivered", _labels("alertmanager")),
    Metric("prometheus_notifications_dropped_total", Kind.COUNTER, "Alerts dropped"),
    Metric("prometheus_config_last_reload_successful", Kind.GAUGE, "1 if the last reload worked"),
)

ALERTMANAGER: tuple[Metric, ...] = (
    Metric("alertmanager_alerts", Kind.GAUGE, "Alerts held", _labels("state")),
    Metric("alertmanager_silences", Kind.GAUGE, "Silences held", _labels("state")),
    Metric("alertmanager_notifications_total", Kind.COUNTER, "Notifications attempted", _labels("integration")),
    Metric(
        "alertmanager_notifications_failed_total", Kind.COUNTER, "Notifications that failed", _labels("integration")
    ),
    Metric("alertmanager_config_last_reload_successful", Kind.GAUGE, "1 if the last reload worked"),
)

EXTERNAL_METRICS = (*SCRAPE, *PROMETHEUS, *ALERTMANAGER)
