"""Alertmanager itself."""

from __future__ import annotations

from dashboards.page import Row
from dashboards.panels import Query, States, TimeSeries
from dashboards.promql import aggregate
from dashboards.suite.scope import ALERTMANAGER
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]


def row() -> Row:
    """Alerts held, notifications, silences, configuration."""
    by = ("integration",)
    return Row(
        "Alertmanager",
        [
            TimeSeries(
                title="Alerts held",
                queries=[Query(aggregate("sum", ALERTMANAGER.gauge("alertmanager_alerts"), ("state",)), "{{state}}")],
                description="Active alerts and those a silence or another alert holds back. None at all: Watchdog "
                "does not arrive.",
            ),
            TimeSeries(
                title="Notifications",
                queries=[
                    Query(
                        aggregate("sum", ALERTMANAGER.rate("alertmanager_notifications_total"), by),
                        "{{integration}} tried",
                    ),
                    Query(
                        aggregate("sum", ALERTMANAGER.rate("alertmanager_notifications_failed_total"), by),
                        "{{integration}} failed",
                    ),
                ],
                description="Deliveries tried and failed per second. Failing: Alertmanager's log names the receiver "
                "and the reason.",
            ),
            TimeSeries(
                title="Silences",
                queries=[Query(aggregate("sum", ALERTMANAGER.gauge("alertmanager_silences"), ("state",)), "{{state}}")],
                description="Active silences keep pages from people. Check that each is still meant.",
            ),
            States(
                title="Configuration",
                queries=[Query(ALERTMANAGER.gauge("alertmanager_config_last_reload_successful"), "{{instance}}")],
                description="Whether the last reload was accepted. If not, routing changes have no effect: amtool "
                "check-config names the mistake.",
                thresholds=alert_thresholds("AgentObsConfigReloadFailed", "alertmanager_config_last_reload_successful"),
                width=24,
                height=4,
            ),
        ],
    )
