"""Families that healthy machines may lack, and why. Panels that read one say so; no other may be empty. Data only."""

from __future__ import annotations

__all__ = ["OPTIONAL"]

_NO_DISK = "containers without a file system or disk of their own show none"
_NO_PSI = "the kernel must be built with PSI and not started with psi=0"
_NO_CONNTRACK = "the kernel module nf_conntrack is not loaded"
_NO_CGROUP = "the cgroup controller is not enabled or not mounted"
_NO_GROUPS = "no process group is configured to be watched"
_NO_CAPS = "every family of the exporter is bounded by its source"

OPTIONAL: dict[str, str] = {
    "node_filesystem_size_bytes": _NO_DISK,
    "node_filesystem_files": _NO_DISK,
    "node_disk_read_bytes_total": _NO_DISK,
    "node_disk_reads_completed_total": _NO_DISK,
    "node_disk_io_time_seconds_total": _NO_DISK,
    "node_disk_io_time_weighted_seconds_total": _NO_DISK,
    "node_memory_SwapTotal_bytes": "the machine has no swap",
    "node_vmstat_oom_kill": "kernels before 4.13 do not count them",
    "node_pressure_cpu_waiting_seconds_total": _NO_PSI,
    "node_pressure_memory_waiting_seconds_total": _NO_PSI,
    "node_pressure_memory_stalled_seconds_total": _NO_PSI,
    "node_pressure_io_waiting_seconds_total": _NO_PSI,
    "node_pressure_io_stalled_seconds_total": _NO_PSI,
    "node_nf_conntrack_entries": _NO_CONNTRACK,
    "node_hwmon_temp_celsius": "most virtual machines have no sensors",
    "node_entropy_available_bits": "the sandbox hides it",
    "container_cpu_usage_seconds_total": _NO_CGROUP,
    "container_cpu_cfs_periods_total": "no CPU limit is set for the cgroup",
    "container_memory_working_set_bytes": _NO_CGROUP,
    "container_spec_memory_limit_bytes": "no memory limit is set for the cgroup",
    "container_oom_events_total": _NO_CGROUP,
    "container_processes": _NO_CGROUP,
    "host_process_group_processes": _NO_GROUPS,
    "host_process_group_resident_memory_bytes": _NO_GROUPS,
    "host_process_group_cpu_seconds_total": _NO_GROUPS,
    "host_process_group_open_fds": _NO_GROUPS,
    "agent_obs_series": _NO_CAPS,
    "agent_obs_series_dropped_total": _NO_CAPS,
}
