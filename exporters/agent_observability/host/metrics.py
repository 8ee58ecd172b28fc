"""Every family of the host exporter. Data only: names and labels are node_exporter's and cAdvisor's.

Families read from one file are grouped by the name their figure has there, so that a collector is a lookup.
"""

from __future__ import annotations

from agent_observability.metric import Kind, Label, Metric

_C, _G, _U = Kind.COUNTER, Kind.GAUGE, Kind.UNTYPED
_COLLECTOR = (Label("collector"),)
_CPU = (Label("cpu"), Label("mode"))
_MOUNT = (Label("device"), Label("fstype"), Label("mountpoint"))
_DEVICE = (Label("device"),)
_SENSOR = (Label("chip"), Label("sensor"))
_CGROUP = (Label("id"),)
_GROUP = (Label("group"),)

UNAME_LABELS = ("domainname", "machine", "nodename", "release", "sysname", "version")
UNAME_INFO = Metric(
    "node_uname_info", Kind.INFO, "Kernel and host name, as uname(2) tells", tuple(map(Label, UNAME_LABELS))
)
TIME = Metric("node_time_seconds", _G, "The machine's clock as Unix time")

LOAD1 = Metric("node_load1", _G, "Load average over 1 minute")
LOAD5 = Metric("node_load5", _G, "Load average over 5 minutes")
LOAD15 = Metric("node_load15", _G, "Load average over 15 minutes")

CPU_SECONDS = Metric("node_cpu_seconds_total", _C, "Time each CPU spent in each mode; user includes guests", _CPU)

STAT = {
    "btime": Metric("node_boot_time_seconds", _G, "When the machine booted, as Unix time"),
    "ctxt": Metric("node_context_switches_total", _C, "Context switches since boot"),
    "intr": Metric("node_intr_total", _C, "Interrupts served since boot"),
    "processes": Metric("node_forks_total", _C, "Processes and threads created since boot"),
    "procs_running": Metric("node_procs_running", _G, "Threads running or ready to run"),
    "procs_blocked": Metric("node_procs_blocked", _G, "Threads that wait for I/O and cannot be interrupted"),
}
"""By the key of the line in /proc/stat."""

MEMINFO = {
    "MemTotal": Metric("node_memory_MemTotal_bytes", _G, "Memory the kernel can use"),
    "MemFree": Metric("node_memory_MemFree_bytes", _G, "Memory nobody uses, not even as a cache"),
    "MemAvailable": Metric("node_memory_MemAvailable_bytes", _G, "Estimate of what programs can get without swapping"),
    "Buffers": Metric("node_memory_Buffers_bytes", _G, "Cache of raw block devices"),
    "Cached": Metric("node_memory_Cached_bytes", _G, "Page cache, tmpfs and shared memory included"),
    "SReclaimable": Metric("node_memory_SReclaimable_bytes", _G, "Kernel caches that shrink under pressure"),
    "Slab": Metric("node_memory_Slab_bytes", _G, "Kernel data structures, reclaimable or not"),
    "SwapTotal": Metric("node_memory_SwapTotal_bytes", _G, "Size of all swap areas"),
    "SwapFree": Metric("node_memory_SwapFree_bytes", _G, "Swap that is not in use"),
    "SwapCached": Metric("node_memory_SwapCached_bytes", _G, "Memory that is in RAM and in swap at once"),
    "Active": Metric("node_memory_Active_bytes", _G, "Memory used recently"),
    "Inactive": Metric("node_memory_Inactive_bytes", _G, "Memory not used recently, first to be reclaimed"),
    "Dirty": Metric("node_memory_Dirty_bytes", _G, "Memory that waits to be written to disk"),
    "Writeback": Metric("node_memory_Writeback_bytes", _G, "Memory being written to disk"),
    "AnonPages": Metric("node_memory_AnonPages_bytes", _G, "Memory of programs that no file backs"),
    "Mapped": Metric("node_memory_Mapped_bytes", _G, "Files mapped into programs"),
    "Shmem": Metric("node_memory_Shmem_bytes", _G, "Shared memory and tmpfs"),
    "CommitLimit": Metric("node_memory_CommitLimit_bytes", _G, "What may be promised under strict overcommit"),
    "Committed_AS": Metric("node_memory_Committed_AS_bytes", _G, "What has been promised to programs"),
}
"""By the field of /proc/meminfo."""

FILESYSTEM_SIZE = Metric("node_filesystem_size_bytes", _G, "Size of the file system", _MOUNT)
FILESYSTEM_FREE = Metric("node_filesystem_free_bytes", _G, "Free space, root's reserve included", _MOUNT)
FILESYSTEM_AVAIL = Metric("node_filesystem_avail_bytes", _G, "Free space that users other than root can use", _MOUNT)
FILESYSTEM_FILES = Metric("node_filesystem_files", _G, "Inodes of the file system", _MOUNT)
FILESYSTEM_FILES_FREE = Metric("node_filesystem_files_free", _G, "Free inodes of the file system", _MOUNT)
FILESYSTEM_READONLY = Metric("node_filesystem_readonly", _G, "1 if mounted read-only", _MOUNT)
FILESYSTEM_DEVICE_ERROR = Metric(
    "node_filesystem_device_error", _G, "1 if the file system does not answer or refuses to tell its figures", _MOUNT
)

DISKSTATS = {
    "reads_completed": Metric("node_disk_reads_completed_total", _C, "Reads completed", _DEVICE),
    "read_bytes": Metric("node_disk_read_bytes_total", _C, "Bytes read", _DEVICE),
    "read_time": Metric("node_disk_read_time_seconds_total", _C, "Time spent by all reads", _DEVICE),
    "writes_completed": Metric("node_disk_writes_completed_total", _C, "Writes completed", _DEVICE),
    "written_bytes": Metric("node_disk_written_bytes_total", _C, "Bytes written", _DEVICE),
    "write_time": Metric("node_disk_write_time_seconds_total", _C, "Time spent by all writes", _DEVICE),
    "io_now": Metric("node_disk_io_now", _G, "I/O requests in flight", _DEVICE),
    "io_time": Metric("node_disk_io_time_seconds_total", _C, "Time with at least one request in flight", _DEVICE),
    "io_time_weighted": Metric(
        "node_disk_io_time_weighted_seconds_total", _C, "Time multiplied by the requests in flight", _DEVICE
    ),
}
"""By the figure's name in `diskstats.py`; /proc/diskstats itself numbers its columns."""

NETDEV = {
    "receive_bytes": Metric("node_network_receive_bytes_total", _C, "Bytes received", _DEVICE),
    "receive_packets": Metric("node_network_receive_packets_total", _C, "Packets received", _DEVICE),
    "receive_errs": Metric("node_network_receive_errs_total", _C, "Packets received with an error", _DEVICE),
    "receive_drop": Metric("node_network_receive_drop_total", _C, "Received packets that were dropped", _DEVICE),
    "transmit_bytes": Metric("node_network_transmit_bytes_total", _C, "Bytes sent", _DEVICE),
    "transmit_packets": Metric("node_network_transmit_packets_total", _C, "Packets sent", _DEVICE),
    "transmit_errs": Metric("node_network_transmit_errs_total", _C, "Packets that could not be sent", _DEVICE),
    "transmit_drop": Metric("node_network_transmit_drop_total", _C, "Packets dropped before they were sent", _DEVICE),
}
"""By direction and column of /proc/net/dev."""

NETWORK_UP = Metric("node_network_up", _G, "1 if the interface is operational, 0 if down or unknown", _DEVICE)
NETWORK_SPEED = Metric(
    "node_network_speed_bytes", _G, "Link speed in bytes per second, negative where the driver does not know", _DEVICE
)

NETSTAT = {
    ("Tcp", "CurrEstab"): Metric("node_netstat_Tcp_CurrEstab", _U, "TCP connections established or closing"),
}
"""By protocol and field of /proc/net/snmp."""

SOCKSTAT = {
    ("TCP", "inuse"): Metric("node_sockstat_TCP_inuse", _G, "TCP sockets in use"),
    ("TCP", "tw"): Metric("node_sockstat_TCP_tw", _G, "TCP sockets in TIME_WAIT"),
    ("TCP", "alloc"): Metric("node_sockstat_TCP_alloc", _G, "TCP sockets allocated, in whatever state"),
}
"""By protocol and field of /proc/net/sockstat."""

VMSTAT = {
    "pgfault": Metric("node_vmstat_pgfault", _U, "Page faults since boot, minor and major"),
    "pgmajfault": Metric("node_vmstat_pgmajfault", _U, "Page faults since boot that had to wait for a disk"),
    "oom_kill": Metric("node_vmstat_oom_kill", _U, "Processes killed since boot because memory ran out"),
}
"""By the field of /proc/vmstat."""

FILEFD_ALLOCATED = Metric("node_filefd_allocated", _G, "File handles in use on the whole machine")
FILEFD_MAXIMUM = Metric("node_filefd_maximum", _G, "File handles the kernel will allocate at most")

CONNTRACK = {
    "nf_conntrack_count": Metric("node_nf_conntrack_entries", _G, "Connections tracked now"),
    "nf_conntrack_max": Metric("node_nf_conntrack_entries_limit", _G, "Connections that can be tracked"),
}
"""By the file below /proc/sys/net/netfilter."""

ENTROPY_AVAILABLE = Metric("node_entropy_available_bits", _G, "Entropy in the kernel's random pool")

PRESSURE = {
    ("cpu", "some"): Metric(
        "node_pressure_cpu_waiting_seconds_total", _C, "Time in which at least one task waited for a CPU"
    ),
    ("memory", "some"): Metric(
        "node_pressure_memory_waiting_seconds_total", _C, "Time in which at least one task waited for memory"
    ),
    ("memory", "full"): Metric(
        "node_pressure_memory_stalled_seconds_total", _C, "Time in which all tasks waited for memory"
    ),
    ("io", "some"): Metric(
        "node_pressure_io_waiting_seconds_total", _C, "Time in which at least one task waited for I/O"
    ),
    ("io", "full"): Metric("node_pressure_io_stalled_seconds_total", _C, "Time in which all tasks waited for I/O"),
}
"""By the file below /proc/pressure and the line in it."""

HWMON_TEMP = Metric("node_hwmon_temp_celsius", _G, "Temperature of a sensor", _SENSOR)

COLLECTOR_SUCCESS = Metric("node_scrape_collector_success", _G, "1 if the collector's last run succeeded", _COLLECTOR)
COLLECTOR_DURATION = Metric(
    "node_scrape_collector_duration_seconds", _G, "How long the collector's last run took", _COLLECTOR
)

CONTAINER_CPU = Metric("container_cpu_usage_seconds_total", _C, "CPU time the cgroup used", _CGROUP)
CONTAINER_CFS_PERIODS = Metric(
    "container_cpu_cfs_periods_total", _C, "Periods in which the CPU quota was enforced", _CGROUP
)
CONTAINER_CFS_THROTTLED = Metric(
    "container_cpu_cfs_throttled_periods_total", _C, "Periods in which the cgroup ran out of its CPU quota", _CGROUP
)
CONTAINER_MEMORY_USAGE = Metric("container_memory_usage_bytes", _G, "Memory in use, page cache included", _CGROUP)
CONTAINER_MEMORY_WORKING_SET = Metric(
    "container_memory_working_set_bytes", _G, "Memory in use without file pages not used recently", _CGROUP
)
CONTAINER_MEMORY_LIMIT = Metric("container_spec_memory_limit_bytes", _G, "Memory limit, 0 if there is none", _CGROUP)
CONTAINER_MEMORY_FAILCNT = Metric("container_memory_failcnt", _U, "How often the memory limit was hit", _CGROUP)
CONTAINER_OOM_EVENTS = Metric(
    "container_oom_events_total", _C, "Processes of the cgroup killed because memory ran out", _CGROUP
)
CONTAINER_PROCESSES = Metric("container_processes", _G, "Processes in the cgroup, child cgroups left out", _CGROUP)

GROUP_PROCESSES = Metric("host_process_group_processes", _G, "Processes in the group", _GROUP)
GROUP_MEMORY = Metric(
    "host_process_group_resident_memory_bytes",
    _G,
    "Resident memory of the group, shared pages counted for each",
    _GROUP,
)
GROUP_OPEN_FDS = Metric("host_process_group_open_fds", _G, "Files the group's processes hold open", _GROUP)
GROUP_CPU = Metric(
    "host_process_group_cpu_seconds_total", _C, "CPU time the group's processes used, those that ended included", _GROUP
)

HOST_METRICS = (
    UNAME_INFO,
    TIME,
    LOAD1,
    LOAD5,
    LOAD15,
    CPU_SECONDS,
    *STAT.values(),
    *MEMINFO.values(),
    FILESYSTEM_SIZE,
    FILESYSTEM_FREE,
    FILESYSTEM_AVAIL,
    FILESYSTEM_FILES,
    FILESYSTEM_FILES_FREE,
    FILESYSTEM_READONLY,
    FILESYSTEM_DEVICE_ERROR,
    *DISKSTATS.values(),
    *NETDEV.values(),
    NETWORK_UP,
    NETWORK_SPEED,
    *NETSTAT.values(),
    *SOCKSTAT.values(),
    *VMSTAT.values(),
    FILEFD_ALLOCATED,
    FILEFD_MAXIMUM,
    *CONNTRACK.values(),
    ENTROPY_AVAILABLE,
    *PRESSURE.values(),
    HWMON_TEMP,
    CONTAINER_CPU,
    CONTAINER_CFS_PERIODS,
    CONTAINER_CFS_THROTTLED,
    CONTAINER_MEMORY_USAGE,
    CONTAINER_MEMORY_WORKING_SET,
    CONTAINER_MEMORY_LIMIT,
    CONTAINER_MEMORY_FAILCNT,
    CONTAINER_OOM_EVENTS,
    CONTAINER_PROCESSES,
    GROUP_PROCESSES,
    GROUP_MEMORY,
    GROUP_OPEN_FDS,
    GROUP_CPU,
    COLLECTOR_SUCCESS,
    COLLECTOR_DURATION,
)
