"""Space and inodes of mounted file systems: mounts from mountinfo, figures from statvfs(3)."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host.config import HostConfig
from agent_observability.host.files import KernelFile
from agent_observability.host.metrics import (
    FILESYSTEM_AVAIL,
    FILESYSTEM_DEVICE_ERROR,
    FILESYSTEM_FILES,
    FILESYSTEM_FILES_FREE,
    FILESYSTEM_FREE,
    FILESYSTEM_READONLY,
    FILESYSTEM_SIZE,
)
from agent_observability.host.mountinfo import Mount, below, parse_mountinfo
from agent_observability.host.statvfs import MountProber
from agent_observability.metric import Metric

__all__ = ["FilesystemCollector"]


class FilesystemCollector(LiveCollector):
    """A mount that hangs or fails shows `device_error` 1 and nothing else."""

    name = "filesystem"
    metrics = (
        FILESYSTEM_SIZE,
        FILESYSTEM_FREE,
        FILESYSTEM_AVAIL,
        FILESYSTEM_FILES,
        FILESYSTEM_FILES_FREE,
        FILESYSTEM_READONLY,
        FILESYSTEM_DEVICE_ERROR,
    )

    def __init__(self, config: HostConfig, prober: MountProber) -> None:
        super().__init__()
        # Process 1 sees the machine's mounts, which this process need not.
        self._file = KernelFile(config.path.procfs / "1/mountinfo", config.path.procfs / "self/mountinfo")
        self._rootfs = config.path.rootfs
        self._config = config.filesystem
        self._prober = prober
        # Mounts rarely change, and a machine with many containers has thousands.
        self._select = functools.lru_cache(maxsize=1)(self._shown)

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        mounts = self._file.parsed(self._select)
        answers = self._prober.ask(
            {mount.key: _join(self._rootfs, mount.mountpoint) for mount in mounts},
            seconds=self._config.stat_timeout,
            max_stuck=self._config.max_stuck,
        )
        samples: dict[Metric, list[Sample]] = {metric: [] for metric in self.metrics}
        for mount in mounts:
            labels = (mount.device, mount.fstype, mount.mountpoint)
            answer = answers.get(mount.key)
            samples[FILESYSTEM_DEVICE_ERROR].append((labels, int(not isinstance(answer, os.statvfs_result))))
            if isinstance(answer, os.statvfs_result):
                samples[FILESYSTEM_READONLY].append((labels, int(mount.readonly)))
                for metric, value in _figures(answer):
                    samples[metric].append((labels, value))
        return samples.items()

    def _shown(self, content: bytes) -> list[Mount]:
        """Those to show, local block devices first because they are the least likely to hang."""
        shown = [
            mount
            for mount in below(parse_mountinfo(content), os.fspath(self._rootfs))
            if not self._config.mount_points_exclude.search(mount.mountpoint)
            and not self._config.fs_types_exclude.search(mount.fstype)
        ]
        return sorted(shown, key=lambda mount: not mount.device.startswith("/dev/"))


def _figures(answer: os.statvfs_result) -> Iterable[tuple[Metric, int]]:
    yield FILESYSTEM_SIZE, answer.f_blocks * answer.f_frsize
    yield FILESYSTEM_FREE, answer.f_bfree * answer.f_frsize
    yield FILESYSTEM_AVAIL, answer.f_bavail * answer.f_frsize
    yield FILESYSTEM_FILES, answer.f_files
    yield FILESYSTEM_FILES_FREE, answer.f_ffree


def _join(rootfs: Path, mountpoint: str) -> str:
    return os.fspath(rootfs / mountpoint.lstrip("/"))
