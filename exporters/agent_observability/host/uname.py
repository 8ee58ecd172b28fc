"""Kernel and host name, as uname(2) and /proc/sys/kernel/domainname tell."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host.config import HostConfig
from agent_observability.host.files import KernelFile
from agent_observability.host.metrics import UNAME_INFO, UNAME_LABELS
from agent_observability.metric import Metric

__all__ = ["UnameCollector", "uname_labels"]


def uname_labels(system: os.uname_result, domainname: bytes | None) -> tuple[str, ...]:
    """The values of `UNAME_LABELS`. Python's uname lacks the NIS domain; the kernel shows an unset one as `(none)`."""
    fields = {name: getattr(system, name) for name in UNAME_LABELS if name != "domainname"}
    fields["domainname"] = os.fsdecode((domainname or b"").rstrip(b"\n"))
    return tuple(fields[name] for name in UNAME_LABELS)


class UnameCollector(LiveCollector):
    """Shows the host name of the UTS namespace the exporter runs in."""

    name = "uname"
    metrics = (UNAME_INFO,)

    def __init__(self, config: HostConfig) -> None:
        super().__init__()
        self._domainname = KernelFile(config.path.procfs / "sys/kernel/domainname")

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        yield UNAME_INFO, [(uname_labels(os.uname(), self._domainname.parsed_optional(bytes)), 1)]
