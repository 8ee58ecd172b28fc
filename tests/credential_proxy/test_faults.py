"""What goes wrong around the exporter: the ledger, the log, and what stands in its place."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from pathlib import Path

import pytest

from agent_observability.credential_proxy.config import AnomaliesConfig
from agent_observability.ledger import queries
from agent_observability.ledger.transaction import Transaction
from tests.credential_proxy.living import Living, asked, living
from tests.support import wait_until_async

GRANTED = 'credential_proxy_requests_total{target_service="github",operation="clone",status="granted"}'
UP = 'agent_obs_tail_up{source="audit"}'
_numbers = itertools.count()


def some(number: int) -> list[str]:
    """So many grants, each to a container of its own."""
    return [asked(time.time(), container=f"{next(_numbers):012x}") for _ in range(number)]


async def up(it: Living) -> float | None:
    return await it.value(UP)


async def until_up(it: Living, wanted: float) -> None:
    async with asyncio.timeout(20):
        while await up(it) != wanted:
            await asyncio.sleep(0.02)


class Disk:
    """Full, as far as commits are concerned, while `full` is set; `refused` counts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        self.refused = 0
        sign = Transaction.sign

        def fail(transaction: Transaction, number: int) -> None:
            if self.full:
                self.refused += 1
                raise OSError(28, "No space left on device")
            sign(transaction, number)

        monkeypatch.setattr(Transaction, "sign", fail)


async def test_the_ledger_goes_away_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Meanwhile nothing counts and the last figures are shown; then everything counts, once."""
    disk = Disk(monkeypatch)
    async with living(tmp_path) as it:
        it.write(*some(10))
        await it.read(10)
        await it.shown()
        disk.full = True
        it.write(*some(20))
        await wait_until_async(lambda: disk.refused >= 2, 20)
        assert await it.value(GRANTED) == 10
        assert await it.value("agent_obs_ledger_up") == 0
        it.log.rename(tmp_path / "audit.log.1")
        it.write(*some(5))
        disk.full = False
        await it.read(35)
        assert await it.values(GRANTED) == {GRANTED: 35}
        assert await it.value("credential_proxy_active_containers") == 35
        assert sum((await it.values("credential_proxy_hour_of_day")).values()) == 35


async def test_commits_that_fail_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every third or so, while the log grows: an anomaly does not begin twice, no line counts twice."""
    choice = random.Random(5)
    sign = Transaction.sign

    def fail(self: Transaction, number: int) -> None:
        if choice.random() < 0.3:
            raise OSError(5, "Input/output error")
        sign(self, number)

    async with living(tmp_path) as it:
        monkeypatch.setattr(Transaction, "sign", fail)
        for number in range(12):
            it.write(*some(50), *(asked(time.time(), container="aaaaaaaaaaaa") for _ in range(4)))
            await wait_until_async(lambda number=number: it.counted(GRANTED) >= 54 * number)  # type: ignore[misc]
        await it.read(648, 60)
        monkeypatch.setattr(Transaction, "sign", sign)
        assert it.counted('credential_proxy_anomalies_total{type="high_request_rate"}') == 1
        assert it.counted("credential_proxy_anomalies_total") == 1


async def test_a_ledger_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not ready, says why, tries again, and probes all the time."""
    monkeypatch.setattr("agent_observability.ledger.lives._AGAIN_SECONDS", 0.05)
    facts = queries.facts
    broken = True

    def read(*arguments: object) -> object:
        if broken:
            raise OSError(5, "Input/output error")
        return facts(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("agent_observability.credential_proxy.life.facts", read)
    async with living(tmp_path, wait=False) as it:
        it.write(*some(3))
        message = "the ledger cannot be read"
        await wait_until_async(lambda: caplog.text.count(message) >= 2, what=message)
        assert it.service.not_ready() == "the ledger has not been read yet"
        broken = False
        await it.read(3)
        await wait_until_async(lambda: not it.service.not_ready())


async def test_the_log_comes_goes_and_comes_again(tmp_path: Path) -> None:
    async with living(tmp_path) as it:
        assert await up(it) == 0
        it.write(*some(3))
        await it.read(3)
        await until_up(it, 1)
        assert [source.healthy for source in it.runtime.sources()] == [True]
        it.log.unlink()
        await until_up(it, 0)
        it.write(*some(4))
        await it.read(7)
        await until_up(it, 1)


async def test_something_else_in_the_place_of_the_log(tmp_path: Path) -> None:
    """A folder is told, and outlived."""
    (tmp_path / "audit.log").mkdir()
    async with living(tmp_path) as it:
        await until_up(it, 0)
        [source] = it.runtime.sources()
        assert not source.healthy
        assert str(it.log) in source.detail
        it.log.rmdir()
        it.write(*some(2))
        await it.read(2)
        await until_up(it, 1)


@pytest.mark.parametrize("running", [True, False])
async def test_an_emptied_log_that_grew_past_its_place(running: bool, tmp_path: Path) -> None:
    """With lines of the same length, which but for their time are the same: only their beginning tells."""
    lines = [asked(time.time() - 100 + n) for n in range(60)]
    assert len({len(line) for line in lines}) == 1
    async with living(tmp_path) as it:
        it.write(*lines[:10])
        await it.read(10)
        if running:
            it.log.write_text("".join(f"{line}\n" for line in lines[10:35]))
            await it.read(35)
    written = 35 if running else 10
    (tmp_path / "audit.log").write_text("".join(f"{line}\n" for line in lines[written:]))
    async with living(tmp_path) as it:
        await it.read(60)
        assert it.counted('agent_obs_tail_rotations_total{source="audit",kind="truncate"}') == 1 + running


async def test_a_log_full_of_rubbish(tmp_path: Path) -> None:
    """Lines that nobody can read are counted; those between them count."""
    rubbish = [
        b"\xff" * 300,
        b"{" * 5_000,
        b'{"a":' * 3_000,
        b"\x00" * 9,
        b'{"event_type":"credential_request"}',
        b"[]",
    ]
    async with living(tmp_path) as it:
        for line in rubbish:
            it.write(line, *some(1))
        await wait_until_async(lambda: it.counted(GRANTED) == len(rubbish))
        values = await it.values("agent_obs_tail_lines_total")
        assert values['agent_obs_tail_lines_total{source="audit",result="parsed"}'] == len(rubbish)
        assert await up(it) == 1


async def test_a_line_that_is_too_long(tmp_path: Path) -> None:
    async with living(tmp_path) as it:
        it.write(*some(1), b"x" * 1_000_000, *some(1))
        await it.read(3)
        values = await it.values("agent_obs_tail_lines_total")
        assert values == {
            'agent_obs_tail_lines_total{source="audit",result="parsed"}': 2,
            'agent_obs_tail_lines_total{source="audit",result="oversize"}': 1,
        }


async def test_too_many_containers(tmp_path: Path) -> None:
    """The ledger's memory of them is bounded as well, and what was forgotten is counted."""
    async with living(tmp_path, anomalies=AnomaliesConfig(containers=50)) as it:
        it.write(*some(500))
        await it.read(500)
        assert it.counted("credential_proxy_containers_evicted_total{}") == 450
        assert len(queries.facts(it.ledger.backend, "proxy_container")) == 50
        assert await it.value("credential_proxy_active_containers") == 50
