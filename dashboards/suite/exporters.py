"""The exporters as processes: CPU, memory, files, configuration."""

from __future__ import annotations

from dashboards.page import Row
from dashboards.panels import Query, States, TimeSeries
from dashboards.promql import ratio
from dashboards.suite.scope import EXPORTERS
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_TARGET = "{{job}} {{instance}}"


def row() -> Row:
    """Resources and configuration per exporter."""
    return Row(
        "Exporters as processes",
        [
            TimeSeries(
                title="CPU",
                queries=[Query(EXPORTERS.rate("process_cpu_seconds_total"), _TARGET)],
                description="Share of one CPU. Compare with the number of scrapes and events before suspecting a loop.",
            ),
            TimeSeries(
                title="Memory",
                queries=[Query(EXPORTERS.gauge("process_resident_memory_bytes"), _TARGET)],
                description="Resident memory. It follows the number of series; growing alone is a leak worth a report.",
            ),
            TimeSeries(
                title="Open files",
                queries=[
                    Query(
                        ratio(EXPORTERS.gauge("process_open_fds"), EXPORTERS.gauge("process_max_fds")),
                        _TARGET,
                    )
                ],
                description="Share of the files the process may open. Near 100 % it refuses scrapes: raise the limit, "
                "find the leak.",
            ),
            States(
                title="Configuration",
                queries=[Query(EXPORTERS.gauge("agent_obs_config_last_reload_successful"), _TARGET)],
                description="Whether the last reload was accepted. If not, the old configuration is in use: agent-obs "
                "check names the mistake.",
                thresholds=alert_thresholds("AgentObsConfigReloadFailed", "agent_obs_config_last_reload_successful"),
            ),
            TimeSeries(
                title="Age of the configuration",
                queries=[
                    Query(
                        EXPORTERS.gauge("agent_obs_config_last_reload_success_timestamp_seconds").age(),
                        f"{_TARGET} loaded",
                    ),
                    Query(EXPORTERS.gauge("process_start_time_seconds").age(), f"{_TARGET} started"),
                ],
                description="Time since start and since the last good load. Saw teeth mean restarts: see the "
                "supervisor's log.",
                width=12,
            ),
        ],
    )
