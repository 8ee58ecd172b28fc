"""Which ledgers a configuration has: for the command line, which looks at them from outside their processes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agent_observability.errors import StartError
from agent_observability.ledger.backend import Backend
from agent_observability.ledger.config import LedgerConfig
from agent_observability.ledger.ledger import open_backend, require_driver

__all__ = ["find"]


def find(config: LedgerConfig, default: Path, processes: Sequence[str] = ()) -> dict[str, Backend]:
    """The ledgers that exist, by process: all, or those of `processes`. Raises StartError where one is missing."""
    if config.url.reveal():
        require_driver()
        from agent_observability.ledger.postgresql import schemas

        known = schemas(config.url)
        place = "the database"
    else:
        directory = config.directory or default
        known = sorted(file.stem for file in directory.glob("*.db")) if directory.is_dir() else []
        place = str(directory)
    if missing := [process for process in processes if process not in known]:
        there = f"there {'is' if len(known) == 1 else 'are'} {', '.join(known)}" if known else "there are none"
        raise StartError(f"{place} has no ledger of {', '.join(missing)}; {there}")
    if not known:
        raise StartError(f"{place} has no ledgers; name the configuration of the exporters with --config")
    return {process: open_backend(config, process, default) for process in processes or known}
