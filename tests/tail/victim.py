"""A process that counts audit lines by service, operation and status: what `tests/tail/torture.py` kills.

`python -m tests.tail.victim LOG LEDGER` follows the log until it is ended.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from agent_observability.credential_proxy.metrics import REQUESTS
from agent_observability.ledger.batch import count
from agent_observability.ledger.config import LedgerConfig
from agent_observability.ledger.families import LedgerFamilies
from agent_observability.ledger.ledger import Ledger
from agent_observability.ledger.sqlite import SqliteBackend
from agent_observability.tail.config import TailConfig
from agent_observability.tail.metrics import TAIL_COUNTED
from agent_observability.tail.part import Taken
from agent_observability.tail.state import Patience
from agent_observability.tail.tailer import Tailer
from agent_observability.units import Duration

PATIENCE = Patience(idle=3, missing=2, search=0.2)


class _Line(msgspec.Struct):
    service: str
    operation: str
    status: str


class Counting:
    """A reader that remembers nothing but how often it was told to restore."""

    restored = 0

    def __init__(self) -> None:
        self._decode = msgspec.json.Decoder(_Line).decode

    def take(self, path: str, lines: Sequence[bytes]) -> Taken:
        found: Counter[tuple[str, str, str]] = Counter()
        malformed = 0
        for line in lines:
            try:
                one = self._decode(line)
            except msgspec.MsgspecError:
                malformed += 1
            else:
                found[one.service, one.operation, one.status.lower()] += 1
        counts = [count(REQUESTS, labels, number) for labels, number in found.items()]
        return Taken(parsed=len(lines) - malformed, malformed=malformed, counts=counts)

    def facts(self) -> Mapping[tuple[str, str], bytes | None]:
        return {}

    def restore(self) -> None:
        self.restored += 1


async def _follow(log: str, ledger_file: Path) -> None:
    ledger = Ledger(SqliteBackend(ledger_file), LedgerConfig())
    ledger.keep(LedgerFamilies("victim", (REQUESTS, *TAIL_COUNTED)))
    ledger.start()
    config = TailConfig(paths=[log], interval=Duration(0.05))
    await Tailer("audit_log", config, ledger, Counting(), patience=PATIENCE).run()


if __name__ == "__main__":
    asyncio.run(_follow(sys.argv[1], Path(sys.argv[2])))
