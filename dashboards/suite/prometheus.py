"""Prometheus itself."""

from __future__ import annotations

from dashboards.page import Row
from dashboards.panels import Query, States, TimeSeries
from dashboards.promql import aggregate, ratio, topk
from dashboards.suite.scope import PROMETHEUS
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]


def row() -> Row:
    """Ingestion, storage, rules, delivery."""
    return Row(
        "Prometheus",
        [
            TimeSeries(
                title="Samples written",
                queries=[
                    Query(
                        aggregate("sum", PROMETHEUS.rate("prometheus_tsdb_head_samples_appended_total"), ("instance",)),
                        "{{instance}}",
                    )
                ],
                description="Samples stored per second. Falling without a reason: targets are missing.",
            ),
            TimeSeries(
                title="Series in memory",
                queries=[Query(PROMETHEUS.gauge("prometheus_tsdb_head_series"), "{{instance}}")],
                description="They decide how much memory Prometheus needs, a few KiB each. Growing without end: some "
                "label is unbounded.",
            ),
            TimeSeries(
                title="Storage",
                queries=[
                    Query(PROMETHEUS.gauge("prometheus_tsdb_storage_blocks_bytes"), "{{instance}} blocks"),
                    Query(PROMETHEUS.gauge("prometheus_tsdb_retention_limit_bytes"), "{{instance}} limit"),
                ],
                description="Size of the blocks on disk and its limit (0: none). At the limit the oldest data is "
                "deleted: give it more room.",
            ),
            TimeSeries(
                title="Rule groups: share of their interval",
                queries=[
                    Query(
                        topk(
                            MAX_SERIES,
                            ratio(
                                PROMETHEUS.gauge("prometheus_rule_group_last_duration_seconds"),
                                PROMETHEUS.gauge("prometheus_rule_group_interval_seconds"),
                            ),
                        ),
                        "{{rule_group}}",
                    )
                ],
                description="Evaluation time of each group against its interval. Near 100 % evaluations are skipped: "
                "make its queries cheaper or the interval longer.",
            ),
            TimeSeries(
                title="Failed rule evaluations",
                queries=[
                    Query(
                        topk(MAX_SERIES, PROMETHEUS.increase("prometheus_rule_evaluation_failures_total", "5m")),
                        "{{rule_group}}",
                    )
                ],
                description="Failures in 5 minutes by group. While a rule fails its alerts are silent: see "
                "Prometheus' rules page.",
                thresholds=alert_thresholds(
                    "AgentObsRuleEvaluationFailing", "prometheus_rule_evaluation_failures_total"
                ),
            ),
            TimeSeries(
                title="Alerts handed to Alertmanager",
                queries=[
                    Query(PROMETHEUS.rate("prometheus_notifications_sent_total"), "{{alertmanager}} sent"),
                    Query(PROMETHEUS.rate("prometheus_notifications_errors_total"), "{{alertmanager}} failed"),
                    Query(PROMETHEUS.rate("prometheus_notifications_dropped_total"), "{{instance}} dropped"),
                ],
                description="Failed or dropped: nobody is paged. See whether Alertmanager runs and can be reached.",
                thresholds=alert_thresholds("AgentObsPrometheusNotDelivering", "prometheus_notifications_errors_total"),
            ),
            States(
                title="Configuration",
                queries=[Query(PROMETHEUS.gauge("prometheus_config_last_reload_successful"), "{{instance}}")],
                description="Whether the last reload was accepted. If not, new rules and targets have no effect: "
                "promtool check config names the mistake.",
                thresholds=alert_thresholds("AgentObsConfigReloadFailed", "prometheus_config_last_reload_successful"),
                width=24,
                height=4,
            ),
        ],
    )
