"""What a healthy system may lack, and why. Panels that show it say so; no other may be empty. Data only.

`OPTIONAL` are series that may be missing. `Empty` is for queries that may find nothing among the series there are.
"""

from __future__ import annotations

import enum

__all__ = ["OPTIONAL", "Empty"]

_NAMES_BY_REASON: dict[str, tuple[str, ...]] = {
    "a container may have no file system or disk of its own": (
        "node_filesystem_size_bytes",
        "node_disk_read_bytes_total",
        "node_disk_written_bytes_total",
        "node_disk_reads_completed_total",
        "node_disk_writes_completed_total",
        "node_disk_io_time_seconds_total",
        "node_disk_io_time_weighted_seconds_total",
    ),
    "file systems such as btrfs do not count inodes": ("instance_mountpoint:node_filesystem_inodes_used:ratio",),
    "an idle disk has no latency": (
        "instance_device:node_disk_read_time_seconds:mean5m",
        "instance_device:node_disk_write_time_seconds:mean5m",
    ),
    "the machine may have no swap": ("instance:node_swap_used:ratio",),
    "kernels before 4.13 do not count kills": ("node_vmstat_oom_kill",),
    "a container may have no network": (
        "node_network_receive_bytes_total",
        "node_network_receive_packets_total",
        "node_network_receive_errs_total",
        "node_network_receive_drop_total",
        "node_network_transmit_bytes_total",
        "node_network_transmit_packets_total",
        "node_network_transmit_errs_total",
        "node_network_transmit_drop_total",
    ),
    "every interface may be a bridge, a tunnel or a container's end": (
        "instance_device:node_network_receive_bytes:rate5m",
        "instance_device:node_network_transmit_bytes:rate5m",
    ),
    "the kernel must be built with PSI and not started with psi=0": (
        "node_pressure_cpu_waiting_seconds_total",
        "node_pressure_memory_waiting_seconds_total",
        "node_pressure_memory_stalled_seconds_total",
        "node_pressure_io_waiting_seconds_total",
        "node_pressure_io_stalled_seconds_total",
    ),
    "the kernel module nf_conntrack may not be loaded": ("instance:node_nf_conntrack_entries:ratio",),
    "most virtual machines have no sensors": ("node_hwmon_temp_celsius",),
    "a sandbox may hide the entropy": ("node_entropy_available_bits",),
    "the cgroup controller may not be enabled or mounted": (
        "container_cpu_usage_seconds_total",
        "container_memory_working_set_bytes",
        "container_oom_events_total",
        "container_processes",
    ),
    "the cgroup may have no CPU limit": ("instance_id:container_cpu_throttled_periods:ratio_rate5m",),
    "the cgroup may have no memory limit": ("instance_id:container_memory_working_set:ratio",),
    "no process group may be configured to be watched": (
        "host_process_group_processes",
        "host_process_group_resident_memory_bytes",
        "host_process_group_cpu_seconds_total",
        "host_process_group_open_fds",
    ),
    "no exporter may store events": ("agent_obs_ledger_events_total",),
    "no exporter may follow a log": (
        "agent_obs_tail_up",
        "agent_obs_tail_lag_bytes",
        "agent_obs_tail_last_event_timestamp_seconds",
        "agent_obs_tail_lines_total",
        "agent_obs_tail_lost_bytes_total",
        "agent_obs_tail_rotations_total",
    ),
    "no component may be configured to be probed": (
        "vteam_component_probes_total",
        "vteam_component_probe_duration_seconds",
    ),
    "the platform may have no RFE workflows": ("vteam_rfe_step_status", "vteam_rfe_workflows"),
    "no session may be active, or have ended lately": (
        "vteam_session_phase_info",
        "vteam_session_info",
        "vteam_session_created_timestamp_seconds",
        "vteam_session_start_timestamp_seconds",
        "vteam_session_completion_timestamp_seconds",
    ),
    "sessions' objects may not report it": (
        "vteam_session_cost_usd",
        "vteam_session_turns",
        "vteam_session_tokens",
        "vteam_session_repo_status",
    ),
    "every field of every object may be understood": ("cr_state_decode_errors_total",),
    "it takes most of a day of sessions": ("vteam:active_sessions_total:avg1d",),
    "every call of a model may have succeeded": ("llm_request_errors_total",),
    "callers may not report it": ("llm_time_to_first_token_seconds", "vteam:llm_first_token:p95_5m"),
    "models may not reason": ("llm_reasoning_tokens_total",),
    "every call may have a price": ("llm_unpriced_requests_total",),
    "no budget may be configured": (
        "llm_budget_limit_usd",
        "llm_budget_spent_usd",
        "llm_budget_remaining_usd",
        "llm_budget_reset_timestamp_seconds",
        "vteam:llm_budget_used:ratio",
    ),
    "features may not report what they bring about": ("llm_feature_units_total", "vteam:llm_cost_per_unit:30d"),
    "no session may have been completed": ("vteam:llm_cost_per_completed_session:30d",),
    "no provider's reports may be configured to be read": (
        "llm_provider_billed_usd",
        "llm_provider_tokens_total",
        "llm_poll_success",
        "llm_poll_last_success_timestamp_seconds",
        "llm_poll_duration_seconds",
    ),
    "it takes a week of bills of a dollar and more": ("llm_cost_capture_ratio",),
    "no probe of the proxy may be configured": (
        "credential_proxy_up",
        "credential_proxy_probe_duration_seconds",
    ),
    "no coding agent may report its sessions": (
        "vteam_runner_claude_requests_total",
        "vteam_runner_claude_request_duration_seconds",
        "vteam_runner_claude_tokens_total",
        "vteam_runner_workspace_operations_total",
    ),
}

OPTIONAL: dict[str, str] = {name: reason for reason, names in _NAMES_BY_REASON.items() for name in names}
"""Reasons by the name of an exposed or recorded series."""


class Empty(enum.StrEnum):
    """Reasons of single queries."""

    QUIET = "nothing of the kind may have happened in that time"
    NO_SESSION = "no session may be active"
    NOBODY_NEW = "nobody may be new this week"
    NOBODY_BEFORE = "nobody may have been active in the 30 days that count"
    ALL_DONE = "every new project may have completed a session"
    TOO_YOUNG = "the first whole period may not be over"
    NOT_SOLD = "no model in use may have such a price"
