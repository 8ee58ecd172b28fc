"""File handles of the machine from /proc/sys/fs/file-nr (proc_sys_fs(5))."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host.config import HostConfig
from agent_observability.host.files import KernelFile
from agent_observability.host.metrics import FILEFD_ALLOCATED, FILEFD_MAXIMUM
from agent_observability.metric import Metric

__all__ = ["FilefdCollector", "parse_file_nr"]


def parse_file_nr(content: bytes) -> tuple[int, int]:
    """Handles allocated, and the maximum; the number between them is unused since Linux 2.6. Raises ValueError."""
    fields = content.split()
    if len(fields) != 3:
        raise ValueError(f"expected three numbers, got {content[:80]!r}")
    return int(fields[0]), int(fields[2])


class FilefdCollector(LiveCollector):
    """Absent in a sandbox that hides /proc/sys."""

    name = "filefd"
    metrics = (FILEFD_ALLOCATED, FILEFD_MAXIMUM)

    def __init__(self, config: HostConfig) -> None:
        super().__init__()
        self._file = KernelFile(config.path.procfs / "sys/fs/file-nr")

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        if (handles := self._file.parsed_optional(parse_file_nr)) is not None:
            for metric, value in zip(self.metrics, handles, strict=True):
                yield metric, [((), value)]
