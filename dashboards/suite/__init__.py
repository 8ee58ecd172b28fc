"""The suite page: exporters, their collectors, Prometheus and Alertmanager themselves."""

from __future__ import annotations

from dashboards.page import Page, cluster_variable, query_variable
from dashboards.suite import alertmanager, cards, collectors, exporters, ledger, logs, overview, prometheus, series
from dashboards.suite.scope import ALERTS, ANY_EXPORTER, CHOSEN_EXPORTER, EXPORTER_JOBS

__all__ = ["page"]


def page() -> Page:
    """The page `agentobs-suite`."""
    return Page(
        uid="agentobs-suite",
        title="Suite",
        description="Can the other pages and the alerts be trusted: is every exporter, Prometheus and Alertmanager "
        "well?",
        variables=(
            cluster_variable(),
            query_variable("job", "Exporter", ANY_EXPORTER.gauge("up"), all_value=EXPORTER_JOBS),
            query_variable("instance", "Instance", CHOSEN_EXPORTER.gauge("up")),
        ),
        cards=cards.cards(),
        rows=(
            overview.row(),
            collectors.row(),
            exporters.row(),
            series.row(),
            ledger.row(),
            logs.row(),
            prometheus.row(),
            alertmanager.row(),
        ),
        next_page=("agentobs-host", "What the machines are doing"),
        alerts=ALERTS,
        time="now-6h",
        refresh="10s",
    )
