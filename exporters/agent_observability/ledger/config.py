"""The `ledger` section of the configuration: where it is kept and for how long."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from agent_observability.decode import Secret
from agent_observability.units import Duration, Size

__all__ = ["LedgerConfig", "RetentionConfig"]

Positive = Annotated[int, msgspec.Meta(ge=1)]
_DAY = 86_400


class RetentionConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What is deleted when: events by age and by the size of the whole ledger, whichever comes first."""

    events: Annotated[Duration, msgspec.Meta(gt=0)] = Duration(90 * _DAY)
    size: Annotated[Size, msgspec.Meta(ge=1024**2)] = Size(10 * 1024**3)
    daily: Annotated[Duration, msgspec.Meta(gt=0)] = Duration(730 * _DAY)


class LedgerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """SQLite files in `directory`, one per process (`intake.db`), or PostgreSQL at `url`, one schema per process.

    Without a directory it is `ledger` below `$XDG_STATE_HOME/agent-observability`. `queue` bounds the events and counts
    that wait to be committed; a source waits at most `patience` for its place there.
    """

    directory: Path | None = None
    url: Secret = Secret("")
    retention: RetentionConfig = RetentionConfig()
    queue: Positive = 50_000
    patience: Annotated[Duration, msgspec.Meta(gt=0)] = Duration(5)

    def __post_init__(self) -> None:
        if self.directory and self.url.reveal():
            raise ValueError("give either directory or url, not both")
