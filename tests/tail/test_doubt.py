"""A commit without an answer, and then a ledger that cannot be read to see what became of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent_observability.ledger.errors import LedgerUnavailableError
from agent_observability.tail import tailer as module
from tests.support import wait_until_async
from tests.tail.following import append
from tests.tail.test_tailer import Case


async def test_the_ledger_cannot_be_read_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader is told of what is stored all the same, once, and nothing counts twice."""
    monkeypatch.setattr(module, "_AGAIN_SECONDS", 0.02)
    case = Case(tmp_path)
    restore, failed = case.words.restore, 0

    def fail_after_the_first() -> None:
        nonlocal failed
        restore()
        if case.words.restored in (2, 3):
            failed += 1
            raise LedgerUnavailableError("cannot be read")

    case.words.restore = fail_after_the_first  # type: ignore[method-assign]
    append(case.log, "a")
    case.ledger.start()
    task = asyncio.create_task(case.tailer.run())
    try:
        await case.until(a=1)
        await wait_until_async(lambda: case.words.told == 1)
        case.ledger.lost_answers = 1
        append(case.log, "b")
        await case.until(a=1, b=1)
        await wait_until_async(lambda: failed == 2)
        append(case.log, "c")
        await case.until(a=1, b=1, c=1)
        await wait_until_async(lambda: case.words.told >= 3)
        assert case.words.told == 3
    finally:
        task.cancel()
        await asyncio.wait((task,))
        await case.ledger.stop()
