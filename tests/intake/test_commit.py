"""Between a request and its answer: one transaction, told to whoever takes from it, whatever fails meanwhile."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from agent_observability.intake.errors import RefusedError
from agent_observability.intake.formats import JsonFormat
from agent_observability.intake.intake import Intake
from agent_observability.ledger.batch import Event
from agent_observability.ledger.config import LedgerConfig
from agent_observability.units import Duration
from tests.intake.site import OTHER_PATH, PATH, Item, Plain, Site, serving, some
from tests.support import wait_until_async

Takers = Callable[[Intake, Plain], None]


def both(*others: Plain, path: str = PATH) -> Takers:
    """`Plain`, and others beside it on the same path."""

    def takers(intake: Intake, plain: Plain) -> None:
        form = JsonFormat(Item)
        for taker in (plain, *others):
            intake.take("usage", path, form, taker)

    return takers


async def held(site: Site, *ids: int) -> asyncio.Task[int]:
    """A request whose commit waits for the gate."""

    async def status() -> int:
        return (await site.post(some(*ids))).status

    site.backend.gate.clear()
    site.backend.waiting.clear()
    task = asyncio.create_task(status())
    await wait_until_async(site.backend.waiting.is_set)
    return task


async def test_no_answer_before_the_commit(tmp_path: Path) -> None:
    async with serving(tmp_path) as site:
        task = await held(site, 1)
        done, _ = await asyncio.wait([task], timeout=0.3)
        assert not done
        assert site.plain.stored == []
        with sqlite3.connect(tmp_path / "ledger.db") as reader:
            assert reader.execute("SELECT count(*) FROM event").fetchone() == (0,)
        reader.close()
        site.backend.gate.set()
        assert await task == 200
        assert (site.ids(), site.plain.stored) == ([1], [(True,)])


async def test_while_the_ledger_is_down_senders_come_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here somebody else holds its file; it recovers without anybody's doing."""
    monkeypatch.setattr("agent_observability.ledger.sqlite._BUSY_SECONDS", 0.1)
    async with serving(tmp_path) as site:
        assert (await site.post(some(1))).status == 200
        shell = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
        shell.execute("BEGIN IMMEDIATE")
        for number in (2, 3):
            answer = await site.post(some(number))
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
            assert answer.json["error"].startswith("the ledger ")
        assert site.plain.failed == 2
        shell.execute("ROLLBACK")
        shell.close()
        async with asyncio.timeout(20):
            await site.ledger.ready()
        assert (await site.post(some(2))).json["accepted"] == 1
        assert site.ids() == [1, 2]
        site.expect(accepted=2, unavailable=2)


async def test_a_ledger_that_another_process_writes_to(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    async with serving(tmp_path), serving(tmp_path, wait=False) as second:
        answer = await second.post(some(1))
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        second.expect(unavailable=1)


async def test_a_full_queue_pushes_back(tmp_path: Path) -> None:
    config = LedgerConfig(queue=10, patience=Duration(0.1))
    async with serving(tmp_path, ledger_config=config) as site:
        first = await held(site, 1)
        second = asyncio.create_task(site.post(some(*range(10, 20))))
        await wait_until_async(lambda: site.ledger._queue._size)
        answer = await site.post(some(5))
        assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
        assert answer.json["error"].endswith("events and counts wait to be written")
        # It is known that it is not stored.
        assert site.plain.failed == 0
        site.backend.gate.set()
        assert (await first, (await second).status) == (200, 200)
        assert (await site.post(some(5))).status == 200
        site.expect(accepted=3, rate_limited=1)


async def test_a_ledger_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows whether it is stored: the taker is told, the sender comes again, and it counts once."""
    monkeypatch.setattr("agent_observability.ledger.ledger._ANSWER_SECONDS", 0.2)
    async with serving(tmp_path) as site:
        task = await held(site, 1)
        assert await task == 503
        assert (site.plain.failed, site.plain.stored) == (1, [])
        monkeypatch.setattr("agent_observability.ledger.ledger._ANSWER_SECONDS", 20)
        site.backend.gate.set()
        assert (await site.post(some(1))).json == {"accepted": 0, "duplicates": 1, "rejected": 0}


async def test_a_request_that_is_cut_off_by_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The taker is told that it may be stored."""
    monkeypatch.setattr("agent_observability.door.SHUTDOWN_SECONDS", 0.1)
    async with serving(tmp_path) as site:
        task = await held(site, 1)
        await site.intake.stop()
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await task
        assert (site.plain.failed, site.plain.stored) == (1, [])


class _Unstorable(Plain):
    def event(self, item: Item) -> Event:
        return super().event(item)._replace(labels=("x" * 2_000,))


async def test_what_cannot_be_stored_is_refused_alone(tmp_path: Path) -> None:
    def takers(intake: Intake, plain: Plain) -> None:
        intake.take("usage", PATH, JsonFormat(Item), plain)
        intake.take("units", OTHER_PATH, JsonFormat(Item), bad)

    bad = _Unstorable("bad")
    async with serving(tmp_path, takers=takers) as site:
        posts = [site.post(some(number), PATH if number % 5 else OTHER_PATH) for number in range(20)]
        answers = await asyncio.gather(*posts)
        assert [answer.status for answer in answers] == [200 if number % 5 else 422 for number in range(20)]
        assert answers[0].json["error"].startswith("cannot be stored: a key is longer than 1000 bytes")
        assert site.ids() == [number for number in range(20) if number % 5]
        assert (bad.failed, bad.stored) == (0, [])


async def test_a_taker_that_is_not_ready(tmp_path: Path) -> None:
    late = Plain("late")
    async with serving(tmp_path, takers=both(late)) as site:
        late.reason = "the books are being read"
        answer = await site.post(some(1))
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert answer.json == {"error": "the books are being read"}
        assert site.plain.callers == []
        late.reason = ""
        assert (await site.post(some(1))).status == 200


async def test_a_taker_may_refuse(tmp_path: Path) -> None:
    """Then nobody takes it."""
    second = Plain("second")
    async with serving(tmp_path, takers=both(second)) as site:
        second.refused = RefusedError(503, "unavailable", "just ended", seconds=1)
        answer = await site.post(some(1))
        assert (answer.status, answer.headers["Retry-After"], answer.json) == (503, "1", {"error": "just ended"})
        assert site.ids() == []


async def test_a_taker_that_fails(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The log has the reason, the sender has not; neither exporter takes it, and the next request is a new one."""
    second = Plain("second")
    async with serving(tmp_path, takers=both(second)) as site:
        second.error = KeyError("a secret of the exporter")
        answer = await site.post(some(1))
        assert (answer.status, answer.json) == (500, {"error": "the intake failed; see its log"})
        assert "a secret of the exporter" in caplog.text
        assert (site.ids(), site.ids("second"), site.plain.stored) == ([], [], [])
        second.error = None
        assert (await site.post(some(1))).json["accepted"] == 1
        assert (site.ids(), site.ids("second")) == ([1], [1])
        site.expect(accepted=1, unavailable=1)


async def test_two_takers_share_one_transaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent_observability.ledger.sqlite._BUSY_SECONDS", 0.1)
    second = Plain("second")
    async with serving(tmp_path, takers=both(second)) as site:
        numbers: list[int] = []
        transaction = site.backend.transaction

        def counted(number: int):  # type: ignore[no-untyped-def]
            numbers.append(number)
            return transaction(number)

        monkeypatch.setattr(site.backend, "transaction", counted)
        assert (await site.post(some(1, 2))).json == {"accepted": 2, "duplicates": 0, "rejected": 0}
        assert len(numbers) == 1
        assert (site.ids(), site.ids("second")) == ([1, 2], [1, 2])
        assert (site.plain.stored, second.stored) == ([(True, True)], [(True, True)])
        # A repeated item is one duplicate, not one for each of them.
        assert (await site.post(some(2, 3, 4))).json == {"accepted": 2, "duplicates": 1, "rejected": 0}
        assert (site.plain.stored[1], second.stored[1]) == ((False, True, True), (False, True, True))
        with sqlite3.connect(tmp_path / "ledger.db", isolation_level=None) as shell:
            shell.execute("BEGIN IMMEDIATE")
            assert (await site.post(some(5))).status == 503
            shell.execute("ROLLBACK")
        shell.close()
        assert (site.plain.failed, second.failed) == (1, 1)
        assert (site.ids(), site.ids("second")) == ([1, 2, 3, 4], [1, 2, 3, 4])


async def test_who_fails_to_take_note_of_what_is_stored(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is stored, so that the sender is told so; the others take note of it, and that one knows of its doubt."""
    second = Plain("second")
    async with serving(tmp_path, takers=both(second)) as site:
        site.plain.stored_error = RuntimeError("lost count")
        assert (await site.post(some(1))).json["accepted"] == 1
        assert "lost count" in caplog.text
        assert (site.plain.failed, second.failed, second.stored) == (1, 0, [(True,)])


class _Doubtless(Plain):
    def doubt(self) -> None:
        raise RuntimeError("no idea")


async def test_nor_does_it_matter_when_they_fail_at_that(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bad = _Doubtless("bad")
    bad.stored_error = RuntimeError("lost count")
    async with serving(tmp_path, takers=both(bad)) as site:
        assert (await site.post(some(1))).json["accepted"] == 1
        assert "no idea" in caplog.text
        assert site.plain.stored == [(True,)]


async def test_nothing_to_store_is_taken_note_of_too(tmp_path: Path) -> None:
    async with serving(tmp_path) as site:
        site.plain.ignored = 1
        assert (await site.post(some(1))).json == {"accepted": 0, "duplicates": 0, "rejected": 0}
        assert site.plain.stored == [()]
        assert site.metrics("items") == ['agent_obs_intake_items_total{intake="usage",result="ignored"} 1']
