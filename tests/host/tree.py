"""What the host tests share: made-up /proc and /sys trees, and the sample lines a collector renders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from agent_observability.collector import Collector
from agent_observability.exposition import Format, write
from agent_observability.host.config import HostConfig, HostPaths
from tests.collectors import scraped

Files = Mapping[str, str | bytes]


def plant(root: Path, files: Files) -> None:
    """Write files below `root`; those there already are replaced as the kernel would, in place."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def host(root: Path, rootfs: Path = Path("/"), **sections: object) -> HostConfig:
    """A configuration that reads `root/proc` and `root/sys`."""
    return HostConfig(path=HostPaths(rootfs=rootfs, procfs=root / "proc", sysfs=root / "sys"), **sections)  # type: ignore[arg-type]


def samples(collector: Collector) -> list[str]:
    """The sample lines of one scrape; the exposition around them is tested elsewhere."""
    text = write(scraped(collector), Format.TEXT).decode()
    return [line for line in text.splitlines() if not line.startswith("#")]
