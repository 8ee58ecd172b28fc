"""Families that healthy machines may lack, and why. Panels that read one say so; no other may be empty. Data only."""

from __future__ import annotations

__all__ = ["OPTIONAL"]

_NO_DISK = "containers without a file system or disk of their own show none"
_NO_PSI = "the kernel must be built with PSI and not started with psi=0"
_NO_NETWORK = "a container without a network has no interface but the loopback"
_NO_CGROUP = "the cgroup controller is not enabled or not mounted"
_NO_GROUPS = "no process group is configured to be watched"
_NO_CAPS = "every family of the exporter is bounded by its source"

OPTIONAL: dict[str, str] = {
    "node_filesystem_size_bytes": _NO_DISK,
    "instance_mountpoint:node_filesystem_inodes_used:ratio": "file systems such as btrfs do not count inodes",
    "node_disk_read_bytes_total": _NO_DISK,
    "node_disk_reads_completed_total": _NO_DISK,
    "node_disk_io_time_seconds_total": _NO_DISK,
    "node_disk_io_time_weighted_seconds_total": _NO_DISK,
    "instance_device:node_disk_read_time_seconds:mean5m": "nothing was read from a disk for 5 minutes",
    "instance_device:node_disk_write_time_seconds:mean5m": "nothing was written to a disk for 5 minutes",
    "instance:node_swap_used:ratio": "the machine has no swap",
    "node_vmstat_oom_kill": "kernels before 4.13 do not count kills",
    "node_network_receive_bytes_total": _NO_NETWORK,
    "node_network_receive_packets_total": _NO_NETWORK,
    "node_network_receive_errs_total": _NO_NETWORK,
    "node_network_receive_drop_total": _NO_NETWORK,
    "instance_device:node_network_receive_bytes:rate5m": "no interface is physical or a container's own",
    "node_pressure_cpu_waiting_seconds_total": _NO_PSI,
    "node_pressure_memory_waiting_seconds_total": _NO_PSI,
    "node_pressure_memory_stalled_seconds_total": _NO_PSI,
    "node_pressure_io_waiting_seconds_total": _NO_PSI,
    "node_pressure_io_stalled_seconds_total": _NO_PSI,
    "instance:node_nf_conntrack_entries:ratio": "the kernel module nf_conntrack is not loaded",
    "node_hwmon_temp_celsius": "most virtual machines have no sensors",
    "node_entropy_available_bits": "the sandbox hides it",
    "container_cpu_usage_seconds_total": _NO_CGROUP,
    "instance_id:container_cpu_throttled_periods:ratio_rate5m": "the cgroup has no CPU limit",
    "container_memory_working_set_bytes": _NO_CGROUP,
    "instance_id:container_memory_working_set:ratio": "the cgroup has no memory limit",
    "container_oom_events_total": _NO_CGROUP,
    "container_processes": _NO_CGROUP,
    "host_process_group_processes": _NO_GROUPS,
    "host_process_group_resident_memory_bytes": _NO_GROUPS,
    "host_process_group_cpu_seconds_total": _NO_GROUPS,
    "host_process_group_open_fds": _NO_GROUPS,
    "agent_obs_series": _NO_CAPS,
    "agent_obs_series_dropped_total": _NO_CAPS,
}
"""Reasons by the name of an exposed or recorded series."""
