"""`up.json`: which processes an `up` runs and where they answer, for `drill` and for the next `up`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from agent_observability.stack.identity import ProcessIdentity, end_group
from agent_observability.stack.state import write_atomically

__all__ = ["RunRecord", "read_record", "reclaim", "write_record"]

_END_SECONDS = 10.0


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One `up`. `parts` holds the running child processes only; `urls` is what answers where."""

    supervisor: ProcessIdentity
    parts: dict[str, ProcessIdentity] = {}
    urls: dict[str, str] = {}
    ready: bool = False


def write_record(path: Path, record: RunRecord) -> None:
    """Raises OSError."""
    write_atomically(path, msgspec.json.encode(record).decode())


def read_record(path: Path) -> RunRecord | None:
    """The last `up`, running or not; None if there is none that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=RunRecord)
    except (OSError, msgspec.DecodeError):
        return None


def reclaim(path: Path) -> list[str]:
    """Ends what a killed `up` left running and returns the names of these parts; blocks until they are gone."""
    record = read_record(path)
    if record is None:
        return []
    with ThreadPoolExecutor(max_workers=8) as pool:
        ended = list(pool.map(lambda identity: end_group(identity, _END_SECONDS), record.parts.values()))
    path.unlink(missing_ok=True)
    return [name for name, was_running in zip(record.parts, ended, strict=True) if was_running]
