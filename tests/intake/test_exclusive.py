"""Parts that follow from what earlier ones have left behind: one after the other, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from agent_observability.intake.formats import Items, JsonFormat
from agent_observability.intake.intake import Intake
from agent_observability.intake.part import Caller, Part
from agent_observability.units import Duration
from tests.intake.site import OTHER_PATH, PATH, Item, Plain, Sequel, serving, some
from tests.intake.test_commit import both, held
from tests.support import wait_until_async


async def test_exclusive_parts_follow_each_other(tmp_path: Path) -> None:
    """Each sees what all before it have left behind, however many come at once; the others do not wait for them."""
    sequel = Sequel()
    async with serving(tmp_path, takers=both(sequel)) as site:
        answers = await asyncio.gather(*(site.post(some(3 * n, 3 * n + 1, 3 * n + 2)) for n in range(40)))
        assert {answer.status for answer in answers} == {200}
        assert sequel.seen == list(range(0, 120, 3))
        assert site.facts() == {"sequel": 120}
        assert sorted(site.ids()) == list(range(120))


async def test_they_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """Neither where two share a lock, nor where requests need the same two in opposite orders."""
    first, second, third = Sequel("first"), Sequel("second"), Sequel("third")
    third.lock = first.lock

    def takers(intake: Intake, _: Plain) -> None:
        form = JsonFormat(Item)
        for taker in (first, second, third):
            intake.take("usage", PATH, form, taker)
        for taker in (second, first):
            intake.take("units", OTHER_PATH, form, taker)

    async with serving(tmp_path, takers=takers) as site:
        posts = (site.post(some(number), PATH if number % 2 else OTHER_PATH) for number in range(30))
        async with asyncio.timeout(20):
            answers = await asyncio.gather(*posts)
        assert {answer.status for answer in answers} == {200}
        assert (first.seen, second.seen, third.seen) == (list(range(30)), list(range(30)), list(range(15)))
        assert site.facts() == {"first": 30, "second": 30, "third": 15}


class _Late(Sequel):
    """Finds out only at the second look that it depends on what was before."""

    looks = 0

    def take(self, given: Items[Item], caller: Caller, now: float) -> Part:
        self.looks += 1
        part = super().take(given, caller, now)
        part.exclusive = self.looks > 1
        return part


async def test_a_part_that_becomes_exclusive_later(tmp_path: Path) -> None:
    sequel, late = Sequel(), _Late("late")
    locked: list[bool] = []
    take = late.take

    def watched(given: Items[Item], caller: Caller, now: float) -> Part:
        locked.append(late.lock.locked())
        return take(given, caller, now)

    late.take = watched  # type: ignore[method-assign]
    async with serving(tmp_path, takers=both(sequel, late)) as site:
        assert (await site.post(some(1))).status == 200
        assert locked == [False, False, True]
        assert not late.lock.locked()
        assert site.facts() == {"sequel": 1, "late": 1}


async def test_waiting_for_others_has_an_end(tmp_path: Path) -> None:
    sequel = Sequel()
    async with serving(tmp_path, takers=both(sequel), timeout=Duration(0.3)) as site:
        first = await held(site, 1)
        answer = await site.post(some(2))
        assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
        assert answer.json == {"error": "others that must be stored before this take too long"}
        site.backend.gate.set()
        assert await first == 200
        assert (await site.post(some(2))).status == 200
        assert (sequel.seen, sequel.failed) == ([0, 1], 0)


async def test_a_failure_leaves_no_lock_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent_observability.ledger.ledger._ANSWER_SECONDS", 0.2)
    sequel = Sequel()
    async with serving(tmp_path, takers=both(sequel)) as site:
        assert await (await held(site, 1)) == 503
        assert (sequel.failed, sequel.lock.locked()) == (1, False)
        site.backend.gate.set()
        monkeypatch.setattr("agent_observability.ledger.ledger._ANSWER_SECONDS", 20)
        assert (await site.post(some(2))).status == 200


async def test_large_requests_are_taken_one_at_a_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Beside the event loop, and never while another one's result is taken note of."""
    inside: list[str] = []
    overlaps: list[str] = []

    class Watched(Plain):
        def take(self, given: Items[Item], caller: Caller, now: float) -> Part:
            return self._alone("take", lambda: super(Watched, self).take(given, caller, now))

        def note(self, new: object) -> None:
            self._alone("note", lambda: super(Watched, self).note(new))  # type: ignore[arg-type]

        def _alone(self, what: str, work: Callable[[], object]):  # type: ignore[no-untyped-def]
            if inside:
                overlaps.append(f"{what} during {inside[0]}")
            inside.append(what)
            try:
                return work()
            finally:
                inside.remove(what)

    watched = Watched("watched")
    async with serving(tmp_path, takers=both(watched)) as site:
        sizes = [9_000, 1, 8_000, 2, 9_500, 3, 1, 7_000]
        starts = [10_000 * number for number in range(len(sizes))]
        posts = (site.post(some(*range(at, at + size))) for at, size in zip(starts, sizes, strict=True))
        answers = await asyncio.gather(*posts)
        assert [answer.json["accepted"] for answer in answers] == sizes
    assert overlaps == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


class _Slow(Plain):
    """Waits inside of `take` for large requests."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.go_on = threading.Event()

    def take(self, given: Items[Item], caller: Caller, now: float) -> Part:
        if given.number > 100:
            self.entered.set()
            assert self.go_on.wait(30)
        return super().take(given, caller, now)


async def test_nothing_is_taken_note_of_while_something_is_taken(tmp_path: Path) -> None:
    """Taking reads what taking note changes, in another thread."""
    slow = _Slow()

    def takers(intake: Intake, _: Plain) -> None:
        intake.take("usage", PATH, JsonFormat(Item), slow)

    async with serving(tmp_path, takers=takers) as site:
        small = await held(site, 1)
        large = asyncio.create_task(site.post(some(*range(10, 10_000))))
        await asyncio.to_thread(slow.entered.wait, 30)
        site.backend.gate.set()
        await wait_until_async(lambda: site.ids() == [1])
        done, _ = await asyncio.wait([small], timeout=0.2)
        assert (done, slow.stored) == (set(), [])
        slow.go_on.set()
        assert (await small, (await large).status) == (200, 200)
        assert [len(new) for new in slow.stored] == [1, 9_990]
