"""Every family of the host exporter. Data only: names and labels are node_exporter's and cAdvisor's."""

from __future__ import annotations

from agent_observability.metric import Kind, Metric

__all__ = ["HOST_METRICS", "LOAD1"]

LOAD1 = Metric("node_load1", Kind.GAUGE, "1m load average")

HOST_METRICS = (LOAD1,)
