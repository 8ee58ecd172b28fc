"""File systems and disks in detail."""

from __future__ import annotations

from dashboards.host.scope import HOST
from dashboards.page import Row
from dashboards.panels import Query, TimeSeries
from dashboards.promql import topk
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_MOUNT = "{{instance}} {{mountpoint}}"
_DISK = "{{instance}} {{device}}"


def row() -> Row:
    """Space, inodes, throughput, operations, latency, queues."""
    full = HOST.recorded("instance_mountpoint:node_filesystem_used:ratio")
    inodes = HOST.recorded("instance_mountpoint:node_filesystem_inodes_used:ratio")
    return Row(
        "Disks",
        [
            TimeSeries(
                title="Space used",
                queries=[Query(topk(MAX_SERIES, full), _MOUNT)],
                description="The fullest file systems. A straight line upwards tells when it will be full: free space "
                "before.",
                thresholds=alert_thresholds("HostDiskAlmostFull", "instance_mountpoint:node_filesystem_used:ratio"),
                share=True,
                width=12,
            ),
            TimeSeries(
                title="Inodes used",
                queries=[Query(topk(MAX_SERIES, inodes), _MOUNT)],
                description="File systems running out of inodes refuse new files although space is left: delete small "
                "files.",
                thresholds=alert_thresholds(
                    "HostInodesAlmostFull", "instance_mountpoint:node_filesystem_inodes_used:ratio"
                ),
                share=True,
                width=12,
            ),
            TimeSeries(
                title="Throughput",
                queries=[
                    Query(HOST.rate("node_disk_read_bytes_total"), f"{_DISK} read"),
                    Query(HOST.rate("node_disk_written_bytes_total"), f"{_DISK} written"),
                ],
                description="Bytes per second read above, written below zero. Flat at a limit: the disk or its quota "
                "is exhausted.",
                mirrored="B",
            ),
            TimeSeries(
                title="Operations",
                queries=[
                    Query(HOST.rate("node_disk_reads_completed_total").as_unit("iops"), f"{_DISK} reads"),
                    Query(HOST.rate("node_disk_writes_completed_total").as_unit("iops"), f"{_DISK} writes"),
                ],
                description="Completed operations per second. Cloud disks cap them: flat at a round number is the cap.",
                mirrored="B",
            ),
            TimeSeries(
                title="Busy",
                queries=[Query(HOST.recorded("instance_device:node_disk_io_busy:ratio_rate5m"), _DISK)],
                description="Share of time with a request in flight. At 100 % a spinning disk is saturated; an SSD "
                "may not be, so judge by the latency.",
                share=True,
            ),
            TimeSeries(
                title="Latency",
                queries=[
                    Query(HOST.recorded("instance_device:node_disk_read_time_seconds:mean5m"), f"{_DISK} read"),
                    Query(HOST.recorded("instance_device:node_disk_write_time_seconds:mean5m"), f"{_DISK} write"),
                ],
                description="Mean time of an operation, queueing included. Above 10 ms on an SSD: find who writes, or "
                "use a faster disk.",
                width=12,
            ),
            TimeSeries(
                title="Queue",
                queries=[Query(HOST.rate("node_disk_io_time_weighted_seconds_total").as_unit("short"), _DISK)],
                description="Requests in flight on average. Growing with the latency: the disk cannot keep up.",
                width=12,
            ),
        ],
    )
