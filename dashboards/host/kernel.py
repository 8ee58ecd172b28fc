"""The machines themselves: kernel, uptime, limits, sensors."""

from __future__ import annotations

from dashboards.host.scope import HOST
from dashboards.page import Row
from dashboards.panels import Column, Query, Table, TimeSeries
from dashboards.promql import Expr, aggregate

__all__ = ["row"]


def row() -> Row:
    """A table of machines, file handles, temperatures."""
    return Row(
        "Machines",
        [
            Table(
                title="Machines",
                queries=[
                    Query(aggregate("max", HOST.gauge("node_uname_info"), _UNAME), "", instant=True, format="table"),
                    Query(_per_machine(HOST.gauge("node_boot_time_seconds").age()), "", instant=True, format="table"),
                    Query(_per_machine(HOST.recorded("instance:node_cpus:count")), "", instant=True, format="table"),
                    Query(_per_machine(HOST.gauge("node_memory_MemTotal_bytes")), "", instant=True, format="table"),
                ],
                columns=(
                    Column("instance", "Machine"),
                    Column("nodename", "Host name"),
                    Column("release", "Kernel"),
                    Column("machine", "Architecture"),
                    Column("B", "Up for", unit="dtdurations"),
                    Column("C", "CPUs", unit="short"),
                    Column("D", "Memory", unit="bytes"),
                ),
                sort="Machine",
                description="The chosen machines. A short uptime nobody planned: read the previous boot's log.",
                width=24,
            ),
            TimeSeries(
                title="File handles",
                queries=[Query(HOST.recorded("instance:node_filefd_allocated:ratio"), "{{instance}}")],
                description="Share of the machine's file handles in use. When none is left nothing can be opened: "
                "raise fs.file-max.",
                share=True,
            ),
            TimeSeries(
                title="Entropy",
                queries=[Query(HOST.gauge("node_entropy_available_bits").as_unit("suffix: bits"), "{{instance}}")],
                description="Random bits at hand. 256 is full on current kernels; near 0 on old ones, programs wait "
                "for randomness.",
            ),
            TimeSeries(
                title="Temperature",
                queries=[Query(HOST.gauge("node_hwmon_temp_celsius"), "{{instance}} {{chip}} {{sensor}}")],
                description="Sensors of the machine. Near the chip's limit it slows down: check fans and air flow.",
            ),
        ],
    )


_UNAME = ("instance", "nodename", "release", "machine")


def _per_machine(expr: Expr) -> Expr:
    return aggregate("max", expr, ("instance",))
