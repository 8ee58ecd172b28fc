"""Collectors that miss a deadline, and scrapes that must end."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import textwrap

import pytest

from tests.collectors import LONG, SHORT, FakeCollector, scrape, scrape_past_deadline, scraper_of, success
from tests.support import wait_until_async


async def test_a_blocked_collector_costs_only_its_own_freshness(caplog: pytest.LogCaptureFixture) -> None:
    slow = FakeCollector("slow")
    scraper = scraper_of(slow, FakeCollector("a"), FakeCollector("b"))
    await scrape(scraper)
    slow.open.clear()
    loop = asyncio.get_running_loop()

    with caplog.at_level(logging.WARNING):
        # The first scrape gives it until the deadline. Those behind it in the queue get another thread.
        assert await scrape_past_deadline(scraper, "slow") == [
            'value{collector="slow"} 1',
            'value{collector="a"} 2',
            'value{collector="b"} 2',
        ]
        assert success(scraper) == {"slow": False, "a": True, "b": True}
        assert scraper.statuses(["slow"])[0].error.startswith("still running after")
        so_far = scraper.statuses(["slow"])[0].duration
        assert scraper.statuses(["slow"])[0].duration > so_far > 0

        # Later scrapes do not wait for it, whatever time they have.
        begun = loop.time()
        for run in (3, 4):
            assert await scrape(scraper) == [
                'value{collector="slow"} 1',
                f'value{{collector="a"}} {run}',
                f'value{{collector="b"}} {run}',
            ]
        assert loop.time() - begun < LONG / 2
        assert slow.runs == 2
        assert success(scraper) == {"slow": False, "a": True, "b": True}

        slow.open.set()
        await wait_until_async(lambda: success(scraper)["slow"])
    assert 'value{collector="slow"} 3' in await scrape(scraper)
    messages = [record.getMessage() for record in caplog.records]
    assert messages[0] == "collector slow missed the scrape's deadline"
    assert messages[1].startswith("collector slow ended after")
    assert len(messages) == 2


async def test_late_and_then_failing() -> None:
    slow = FakeCollector("slow")
    scraper = scraper_of(slow)
    await scrape(scraper)
    slow.open.clear()
    slow.error = OSError("stale handle")
    assert await scrape(scraper, seconds=SHORT) == ['value{collector="slow"} 1']
    slow.open.set()
    await wait_until_async(lambda: scraper.statuses()[0].error == "OSError: stale handle")
    assert await scrape(scraper) == []


async def test_late_before_its_first_result() -> None:
    slow = FakeCollector("slow")
    slow.open.clear()
    scraper = scraper_of(slow, FakeCollector("a"))
    assert await scrape_past_deadline(scraper, "slow") == ['value{collector="a"} 1']
    assert success(scraper) == {"slow": False, "a": True}
    slow.open.set()


async def test_several_blocked_collectors_each_get_out_of_the_way() -> None:
    blocked = [FakeCollector(f"blocked-{i}") for i in range(3)]
    for collector in blocked:
        collector.open.clear()
    last = FakeCollector("last")
    scraper = scraper_of(*blocked, last)
    running = asyncio.ensure_future(scrape(scraper))
    await wait_until_async(last.entered.is_set)
    assert len({collector.thread for collector in (*blocked, last)}) == 4
    for collector in blocked:
        collector.open.set()
    assert len(await running) == 4
    assert all(success(scraper).values())


async def test_a_short_deadline_does_not_cut_off_a_patient_scrape() -> None:
    slow = FakeCollector("slow")
    slow.open.clear()
    scraper = scraper_of(slow)
    patient = asyncio.ensure_future(scrape(scraper))
    await asyncio.sleep(0)
    assert await scrape(scraper, seconds=SHORT) == []
    assert not patient.done()
    slow.open.set()
    assert await patient == ['value{collector="slow"} 1']
    assert success(scraper) == {"slow": True}


async def test_a_run_begun_by_another_scrape_is_not_called_late() -> None:
    slow, quick = FakeCollector("slow"), FakeCollector("quick")
    slow.open.clear()
    scraper = scraper_of(quick, slow)
    first = asyncio.ensure_future(scrape(scraper))
    await wait_until_async(lambda: success(scraper)["quick"])
    quick.open.clear()
    second = asyncio.ensure_future(scrape(scraper, "quick"))
    await wait_until_async(lambda: quick.runs == 2)
    slow.open.set()
    assert await first == ['value{collector="quick"} 1', 'value{collector="slow"} 1']
    assert success(scraper) == {"quick": True, "slow": True}
    quick.open.set()
    assert await second == ['value{collector="quick"} 2']


async def test_hurry_ends_scrapes_under_way() -> None:
    slow, quick = FakeCollector("slow"), FakeCollector("quick")
    slow.open.clear()
    scraper = scraper_of(quick, slow)
    running = asyncio.ensure_future(scrape(scraper, seconds=600))
    await wait_until_async(slow.entered.is_set)
    scraper.hurry(SHORT)
    assert await asyncio.wait_for(running, LONG) == ['value{collector="quick"} 1']
    slow.open.set()


async def test_hurry_never_lengthens_a_scrape() -> None:
    slow = FakeCollector("slow")
    slow.open.clear()
    scraper = scraper_of(slow)
    running = asyncio.ensure_future(scrape(scraper, seconds=SHORT))
    await wait_until_async(slow.entered.is_set)
    scraper.hurry(600)
    assert await asyncio.wait_for(running, LONG) == []
    slow.open.set()


def test_a_stuck_collector_does_not_delay_the_exit() -> None:
    program = textwrap.dedent("""
        import asyncio, threading
        from agent_observability.scrape import Scraper
        from agent_observability.workers import Workers

        class Stuck:
            name, metrics = "stuck", ()
            def collect(self):
                threading.Event().wait()

        scraper = Scraper([Stuck()], Workers("scrape"))
        asyncio.run(scraper.scrape(["stuck"], 0.1, lambda families, statuses: b""))
        print(scraper.statuses()[0].error[:13], flush=True)
    """)
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=20, check=False)
    assert (result.returncode, result.stdout) == (0, b"still running\n"), result.stderr
