from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

from agent_observability.collector import LabelCache
from tests.collectors import LONG, VALUE, FakeCollector, scrape, scrape_past_deadline, scraper_of, success
from tests.support import wait_until_async


async def test_collectors_run_in_order_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "agent_observability.scrape._HANDOVER_SECONDS", LONG
    )  # on a busy machine anything may take long
    collectors = [FakeCollector(name) for name in "abc"]
    scraper = scraper_of(*collectors)
    assert success(scraper) == {"a": False, "b": False, "c": False}
    assert [status.error for status in scraper.statuses()] == ["has not run yet"] * 3
    assert await scrape(scraper) == [f'value{{collector="{name}"}} 1' for name in "abc"]
    assert {collector.thread for collector in collectors} == {"scrape-1"}
    assert await scrape(scraper, "c") == ['value{collector="c"} 2']
    assert success(scraper) == {"a": True, "b": True, "c": True}
    assert all(0 <= status.duration < LONG for status in scraper.statuses())
    assert [status.name for status in scraper.statuses(["c", "gone", "a"])] == ["c", "a"]


async def test_a_failing_collector_is_reported_and_the_others_are_served(caplog: pytest.LogCaptureFixture) -> None:
    broken = FakeCollector("broken", error=OSError("no such device"))
    scraper = scraper_of(FakeCollector("a"), broken, FakeCollector("z"))
    with caplog.at_level(logging.WARNING):
        for run in (1, 2):
            assert await scrape(scraper) == [f'value{{collector="a"}} {run}', f'value{{collector="z"}} {run}']
    assert success(scraper) == {"a": True, "broken": False, "z": True}
    assert scraper.statuses(["broken"])[0].error == "OSError: no such device"
    assert [record.getMessage() for record in caplog.records] == ["collector broken failed: OSError: no such device"]

    broken.error = None
    assert 'value{collector="broken"} 3' in await scrape(scraper)
    assert success(scraper)["broken"]
    broken.error = OSError("gone again")
    assert not [line for line in await scrape(scraper) if "broken" in line]  # an old value would pass for a fresh one


async def test_concurrent_scrapes_share_one_run() -> None:
    slow = FakeCollector("slow")
    slow.open.clear()
    scraper = scraper_of(slow)
    scrapes = [asyncio.ensure_future(scrape(scraper)) for _ in range(10)]
    await wait_until_async(slow.entered.is_set)
    scrapes.append(asyncio.ensure_future(scrape(scraper)))
    await asyncio.sleep(0)
    slow.open.set()
    assert await asyncio.gather(*scrapes) == [['value{collector="slow"} 1']] * 11
    assert slow.runs == 1


async def test_a_scrape_waits_only_for_the_collectors_it_wants() -> None:
    """Even if those were started by another scrape, together with one that is stuck."""
    stuck, quick = FakeCollector("stuck"), FakeCollector("quick")
    stuck.open.clear()
    quick.open.clear()
    scraper = scraper_of(quick, stuck)
    everything = asyncio.ensure_future(scrape(scraper))
    await wait_until_async(lambda: quick.entered.is_set() and stuck.entered.is_set())
    one = asyncio.ensure_future(scrape(scraper, "quick"))
    await asyncio.sleep(0)
    quick.open.set()
    assert await asyncio.wait_for(one, LONG / 2) == ['value{collector="quick"} 1']
    assert not everything.done()
    stuck.open.set()
    await everything


async def test_an_abandoned_scrape_leaves_its_run_to_the_next() -> None:
    slow = FakeCollector("slow")
    slow.open.clear()
    scraper = scraper_of(slow)
    abandoned = asyncio.ensure_future(scrape(scraper))
    await wait_until_async(slow.entered.is_set)
    abandoned.cancel()
    following = asyncio.ensure_future(scrape(scraper))
    await asyncio.sleep(0)
    slow.open.set()
    assert await following == ['value{collector="slow"} 1']
    assert slow.runs == 1


async def test_replaced_collectors() -> None:
    kept, dropped, added = FakeCollector("kept"), FakeCollector("dropped"), FakeCollector("added")
    scraper = scraper_of(kept, dropped)
    await scrape(scraper)
    scraper.replace([added, kept])
    assert scraper.names == ("added", "kept")
    assert success(scraper) == {"added": False, "kept": True}
    kept.open.clear()
    lines = await scrape_past_deadline(scraper, "kept")
    assert lines == ['value{collector="added"} 1', 'value{collector="kept"} 1']  # its last result survived
    kept.open.set()
    scraper.replace([FakeCollector("kept")])
    assert await scrape(scraper) == ['value{collector="kept"} 1']


async def test_replaced_while_running() -> None:
    old, new = FakeCollector("disk"), FakeCollector("disk")
    old.open.clear()
    scraper = scraper_of(old)
    running = asyncio.ensure_future(scrape(scraper))
    await wait_until_async(old.entered.is_set)
    scraper.replace([new])
    assert await scrape(scraper) == ['value{collector="disk"} 1']
    old.open.set()
    assert await running == ['value{collector="disk"} 1']


@pytest.mark.parametrize(
    "make",
    [
        lambda: scraper_of(FakeCollector("a"), FakeCollector("a")),
        lambda: scraper_of().replace([FakeCollector("a")] * 2),
    ],
)
async def test_names_are_used_once(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="two collectors are named a"):
        make()


async def test_rendering_that_fails_is_the_scrapes_error(caplog: pytest.LogCaptureFixture) -> None:
    def fail(families: object, statuses: object) -> bytes:
        raise RuntimeError("cannot render")

    scraper = scraper_of(FakeCollector("a"))
    with pytest.raises(RuntimeError, match="cannot render"):
        await scraper.scrape(["a"], LONG, fail)
    assert await scrape(scraper) == ['value{collector="a"} 2']  # and no later scrape's


async def test_unchanged_families_are_not_rendered_again() -> None:
    cache = LabelCache()
    first = cache.render(VALUE, [(("a",), 1)])
    assert cache.render(VALUE, [(("a",), 1)]) is first
    assert cache.render(VALUE, [(("a",), 2)]).blocks[0].text == b'value{collector="a"} 2\n'
