"""What tools do to rotate a log."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path


def rotated(log: Path) -> Path:
    return log.with_name("audit.log.1")


def rename(log: Path, create: bool = True) -> None:
    log.rename(rotated(log))
    if create:
        log.touch()


def copytruncate(log: Path) -> None:
    shutil.copyfile(log, rotated(log))
    os.truncate(log, 0)


def pack(pack: Callable[[bytes], bytes], ending: str, *, keep_mtime: bool) -> Callable[[Path], None]:
    def rotate(log: Path) -> None:
        packed = log.with_name(f"audit.log.1{ending}")
        packed.write_bytes(pack(log.read_bytes()))
        if keep_mtime:
            shutil.copystat(log, packed)
        log.unlink()
        log.touch()

    return rotate
