"""Metrics of the credential proxy exporter. Data only."""

from __future__ import annotations

from agent_observability.metric import Kind, Label, Metric

__all__ = [
    "ACTIVE_CONTAINERS",
    "ANOMALIES",
    "ANOMALY_ACTIVE",
    "ANOMALY_INFO",
    "ANOMALY_TYPES",
    "CONTAINERS_EVICTED",
    "CONTAINER_ANOMALY",
    "CONTAINER_REQUESTS",
    "COUNTED",
    "CREDENTIAL_PROXY_METRICS",
    "HOUR_OF_DAY",
    "LAST_EVENT",
    "LOG_SIZE",
    "PROBE_DURATION",
    "REASONS",
    "REJECTIONS",
    "REPLAYED_ANOMALIES",
    "REQUESTS",
    "RESPONSE_DURATION",
    "STATUSES",
    "UP",
]

STATUSES = ("granted", "rejected", "error")
REASONS = (
    "unknown_service",
    "operation_not_allowed",
    "rate_limit_exceeded",
    "resource_not_allowed",
    "invalid_request",
    "internal_error",
    "other",
)
ANOMALY_TYPES = ("high_request_rate", "unknown_service", "repeated_rejections", "rate_outlier")

# Of the configured services and their operations; everything else is `other`, so that a scan of names makes no series.
_SERVICE = Label("target_service")
_OPERATION = Label("operation")
_TYPE = Label("type", ANOMALY_TYPES)
_CONTAINER = Label("container_id")
_WHO = (_TYPE, _CONTAINER, Label("project"))
_PROBE = Label("probe")

REQUESTS = Metric(
    "credential_proxy_requests_total",
    Kind.COUNTER,
    "Credential requests in the audit log, by what the proxy answered",
    (_SERVICE, _OPERATION, Label("status", STATUSES)),
)
REJECTIONS = Metric(
    "credential_proxy_rejections_total",
    Kind.COUNTER,
    "Credential requests that got no credential, by reason; internal_error is where the proxy itself failed",
    (_SERVICE, Label("reason", REASONS)),
)
RESPONSE_DURATION = Metric(
    "credential_proxy_response_duration_seconds",
    Kind.HISTOGRAM,
    "How long the proxy took to answer, where its log tells",
    (_SERVICE,),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 10.0),
    scale=1_000_000,
)
ANOMALIES = Metric(
    "credential_proxy_anomalies_total",
    Kind.COUNTER,
    "Anomalies in the behaviour of a container, as they began",
    (_TYPE,),
)
REPLAYED_ANOMALIES = Metric(
    "credential_proxy_replayed_anomalies_total",
    Kind.COUNTER,
    "Anomalies that were long over when the log was read: history, which raises no alert",
    (_TYPE,),
)
ANOMALY_ACTIVE = Metric(
    "credential_proxy_anomaly_active", Kind.GAUGE, "Containers whose anomaly of this type has not ended", (_TYPE,)
)
ANOMALY_INFO = Metric(
    "credential_proxy_anomaly_info",
    Kind.INFO,
    "Who behaves strangely: the newest anomalies, for half an hour after their last sign or as long as they go on",
    _WHO,
    series_cap=20,
)
CONTAINER_ANOMALY = Metric(
    "credential_proxy_container_anomaly_active",
    Kind.GAUGE,
    "1 while the anomaly of a container that is named goes on, 0 from its end until it is named no more",
    _WHO,
    series_cap=20,
)
ACTIVE_CONTAINERS = Metric(
    "credential_proxy_active_containers",
    Kind.GAUGE,
    "Containers that asked for a credential within the last 10 minutes",
)
CONTAINERS_EVICTED = Metric(
    "credential_proxy_containers_evicted_total",
    Kind.COUNTER,
    "Containers forgotten because there were too many; an attack that one had begun may go unnoticed",
)
CONTAINER_REQUESTS = Metric(
    "credential_proxy_container_requests_last_minute",
    Kind.GAUGE,
    "Requests of the noisiest containers within the last minute",
    (_CONTAINER,),
    series_cap=20,
)
HOUR_OF_DAY = Metric(
    "credential_proxy_hour_of_day_requests",
    Kind.GAUGE,
    "Requests of the last 7 days by hour of the day, in the configured time zone",
    (Label("hour", tuple(f"{hour:02}" for hour in range(24))),),
)
UP = Metric("credential_proxy_up", Kind.GAUGE, "1 if the proxy took the last connection of the probe", (_PROBE,))
PROBE_DURATION = Metric(
    "credential_proxy_probe_duration_seconds",
    Kind.HISTOGRAM,
    "How long the proxy took to take a probe's connection",
    (_PROBE,),
    buckets=(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
LAST_EVENT = Metric(
    "credential_proxy_last_event_timestamp_seconds",
    Kind.GAUGE,
    "Event time of the newest credential request, as Unix time",
)
LOG_SIZE = Metric(
    "credential_proxy_audit_log_size_bytes",
    Kind.GAUGE,
    "Size of the audit logs that are followed, without rotated ones",
)

COUNTED = (REQUESTS, REJECTIONS, RESPONSE_DURATION, ANOMALIES, REPLAYED_ANOMALIES, CONTAINERS_EVICTED)
"""What the ledger keeps, together with what the tailer counts."""
CREDENTIAL_PROXY_METRICS = (
    *COUNTED,
    ANOMALY_ACTIVE,
    ANOMALY_INFO,
    CONTAINER_ANOMALY,
    ACTIVE_CONTAINERS,
    CONTAINER_REQUESTS,
    HOUR_OF_DAY,
    UP,
    PROBE_DURATION,
    LAST_EVENT,
    LOG_SIZE,
)
