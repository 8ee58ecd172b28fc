"""Metrics every exporter exposes about itself (`agent_obs_*`, `process_*`, `python_info`). Data only."""

from __future__ import annotations

from agent_observability.metric import Kind, Label, Metric
from agent_observability.tail.metrics import TAIL_METRICS

__all__ = [
    "BUILD_INFO",
    "COLLECTOR_DURATION",
    "COLLECTOR_SUCCESS",
    "CONFIG_RELOAD_SUCCESS",
    "CONFIG_RELOAD_TIMESTAMP",
    "EVENT_DELAY",
    "INTAKE_ITEMS",
    "INTAKE_LAST_ITEM",
    "INTAKE_METRICS",
    "INTAKE_REQUESTS",
    "INTAKE_REQUEST_DURATION",
    "LEADER",
    "LEDGER_COMMIT_DURATION",
    "LEDGER_COMMIT_FAILURES",
    "LEDGER_EVENTS",
    "LEDGER_METRICS",
    "LEDGER_ROWS",
    "LEDGER_SIZE",
    "LEDGER_UP",
    "PROCESS_METRICS",
    "PYTHON_INFO",
    "SCRAPE_DURATION",
    "SERIES",
    "SERIES_DROPPED",
    "SUITE_METRICS",
]

_COLLECTOR = Label("collector")
_METRIC = Label("metric")

BUILD_INFO = Metric(
    "agent_obs_build_info",
    Kind.INFO,
    "Version of the exporter and of the Python it runs on",
    (Label("version"), Label("python_version"), Label("exporter")),
)
COLLECTOR_SUCCESS = Metric(
    "agent_obs_collector_success",
    Kind.GAUGE,
    "1 if the collector's last run ended in time and without an error, else 0",
    (_COLLECTOR,),
)
COLLECTOR_DURATION = Metric(
    "agent_obs_collector_duration_seconds",
    Kind.GAUGE,
    "How long the collector's last run took; for one that has not ended, how long it has been running",
    (_COLLECTOR,),
)
SCRAPE_DURATION = Metric(
    "agent_obs_scrape_duration_seconds",
    Kind.HISTOGRAM,
    "Time from receiving a scrape to having its response rendered",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
SERIES = Metric("agent_obs_series", Kind.GAUGE, "Series held by a family whose size depends on input", (_METRIC,))
SERIES_DROPPED = Metric(
    "agent_obs_series_dropped_total",
    Kind.COUNTER,
    "Samples that a cap folded into __overflow__ or, in info and gauge families, refused",
    (_METRIC, Label("label")),
)
CONFIG_RELOAD_SUCCESS = Metric(
    "agent_obs_config_last_reload_successful",
    Kind.GAUGE,
    "1 if the last attempt to load the configuration succeeded, 0 if an older one is still in use",
)
CONFIG_RELOAD_TIMESTAMP = Metric(
    "agent_obs_config_last_reload_success_timestamp_seconds",
    Kind.GAUGE,
    "When the configuration in use was loaded, as Unix time",
)

EVENT_DELAY = Metric(
    "agent_obs_event_delay_seconds",
    Kind.HISTOGRAM,
    "From the time something happened, as its source tells it, until it was counted",
    (Label("source"),),
    buckets=(0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0),
)

LEADER = Metric("agent_obs_leader", Kind.GAUGE, "1 if this process writes to its ledger; of several replicas, one does")
LEDGER_UP = Metric(
    "agent_obs_ledger_up", Kind.GAUGE, "1 if the ledger can be written, by this process or by the one it stands by for"
)
LEDGER_EVENTS = Metric(
    "agent_obs_ledger_events_total",
    Kind.COUNTER,
    "Events offered to the ledger, by what became of them",
    (Label("kind"), Label("result", ("stored", "duplicate", "rejected"))),
)
LEDGER_COMMIT_DURATION = Metric(
    "agent_obs_ledger_commit_duration_seconds",
    Kind.HISTOGRAM,
    "Time from the begin of a transaction to its commit; many events share one",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
LEDGER_COMMIT_FAILURES = Metric(
    "agent_obs_ledger_commit_failures_total", Kind.COUNTER, "Transactions that could not be committed"
)
LEDGER_ROWS = Metric("agent_obs_ledger_rows", Kind.GAUGE, "Rows per table of the ledger", (Label("table"),))
LEDGER_SIZE = Metric("agent_obs_ledger_size_bytes", Kind.GAUGE, "Size of the ledger on disk")
LEDGER_METRICS = (
    LEADER,
    LEDGER_UP,
    LEDGER_EVENTS,
    LEDGER_COMMIT_DURATION,
    LEDGER_COMMIT_FAILURES,
    LEDGER_ROWS,
    LEDGER_SIZE,
)

_INTAKE = Label("intake", ("usage", "units", "otlp_traces", "otlp_metrics", "otlp_logs"))
INTAKE_REQUESTS = Metric(
    "agent_obs_intake_requests_total",
    Kind.COUNTER,
    "Requests to the intake by what became of them",
    (
        _INTAKE,
        Label(
            "result",
            ("accepted", "partial", "invalid", "unauthorized", "too_large", "rate_limited", "unavailable"),
        ),
    ),
)
INTAKE_REQUEST_DURATION = Metric(
    "agent_obs_intake_request_duration_seconds",
    Kind.HISTOGRAM,
    "From a request's first byte until it was answered, the commit included",
    (_INTAKE,),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
INTAKE_ITEMS = Metric(
    "agent_obs_intake_items_total",
    Kind.COUNTER,
    "Events, spans, data points and log records in requests by what became of them",
    (_INTAKE, Label("result", ("accepted", "duplicate", "rejected", "ignored"))),
)
INTAKE_LAST_ITEM = Metric(
    "agent_obs_intake_last_item_timestamp_seconds",
    Kind.GAUGE,
    "When something was last accepted, as Unix time",
    (_INTAKE,),
)
INTAKE_METRICS = (INTAKE_REQUESTS, INTAKE_REQUEST_DURATION, INTAKE_ITEMS, INTAKE_LAST_ITEM)

PROCESS_METRICS = (
    Metric("process_virtual_memory_bytes", Kind.GAUGE, "Virtual memory size in bytes"),
    Metric("process_resident_memory_bytes", Kind.GAUGE, "Resident memory size in bytes"),
    Metric("process_start_time_seconds", Kind.GAUGE, "Start time of the process as Unix time"),
    Metric("process_cpu_seconds_total", Kind.COUNTER, "Total user and system CPU time spent in seconds"),
    Metric("process_open_fds", Kind.GAUGE, "Number of open file descriptors"),
    Metric("process_max_fds", Kind.GAUGE, "Maximum number of open file descriptors"),
)
PYTHON_INFO = Metric(
    "python_info",
    Kind.INFO,
    "Python platform information",
    tuple(Label(name) for name in ("version", "implementation", "major", "minor", "patchlevel")),
)

SUITE_METRICS = (
    BUILD_INFO,
    COLLECTOR_SUCCESS,
    COLLECTOR_DURATION,
    SCRAPE_DURATION,
    SERIES,
    SERIES_DROPPED,
    CONFIG_RELOAD_SUCCESS,
    CONFIG_RELOAD_TIMESTAMP,
    EVENT_DELAY,
    *LEDGER_METRICS,
    *INTAKE_METRICS,
    *TAIL_METRICS,
    *PROCESS_METRICS,
    PYTHON_INFO,
)
