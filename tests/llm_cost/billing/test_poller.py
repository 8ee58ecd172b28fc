"""What polls bring into the ledger and into gauges, over midnights, restatements and providers that fail."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from agent_observability.llm_cost import metrics as m
from agent_observability.llm_cost.billing.sums import capture_days, capture_ratio
from tests.llm_cost.billing.lab import (
    ANTHROPIC_KEY,
    CLAUDE,
    OPENAI_KEY,
    at,
    day,
    polling,
    providers,
)


async def test_both_providers_are_read_and_shown(tmp_path: Path) -> None:
    async with providers("2026-03-18T12:00") as world:
        world.use("2026-03-18T09:00", input=1_000, cost=1.5, requests=3)
        world.use("2026-03-17T09:00", input=100, cost=0.25)
        world.use("2026-03-02T09:00", input=10, cost=7)
        world.use("2026-02-27T09:00", input=10, cost=1_000)
        world.use("2026-03-18T09:00", input=70, cost=0.000000000001, model=CLAUDE)
        async with polling(tmp_path, world.config(), world.clock) as lab:
            assert lab.tokens() == 1_100
            assert lab.counted(m.PROVIDER_REQUESTS) == {("openai", "default", "gpt-4o-2024-08-06"): 4}
            assert lab.tokens(CLAUDE) == 70
            gauges = lab.gauges()
            assert gauges[m.BILLED] == {
                ("openai", "default", "today"): 1.5,
                ("openai", "default", "yesterday"): 0.25,
                ("openai", "default", "month_to_date"): 8.75,
                ("anthropic", "default", "today"): 1e-12,
                ("anthropic", "default", "yesterday"): 0.0,
                ("anthropic", "default", "month_to_date"): 1e-12,
            }
            sources = [
                f"{provider}/default/{one}" for provider in ("openai", "anthropic") for one in ("usage", "costs")
            ]
            assert gauges[m.POLL_SUCCESS] == {(source,): 1.0 for source in sources}
            assert gauges[m.POLL_LAST_SUCCESS] == {(source,): world.clock.now for source in sources}
            assert all(seconds > 0 for seconds in gauges[m.POLL_DURATION].values())
            assert [(one.name, one.healthy, one.lag) for one in lab.poller.sources()] == [
                (source, True, "0 s") for source in sources
            ]


async def test_today_grows_and_a_second_look_counts_nothing_twice(tmp_path: Path) -> None:
    async with providers("2026-03-18T12:00") as world:
        world.use("2026-03-18T09:00", input=1_000, cost=1)
        async with polling(tmp_path, world.config(), world.clock) as lab:
            await lab.poll()
            assert (lab.tokens(), lab.billed("today")) == (1_000, 1.0)
            world.use("2026-03-18T12:00", input=50, cost=0.5)
            world.clock.set("2026-03-18T12:05")
            await lab.poll()
            assert (lab.tokens(), lab.billed("today")) == (1_050, 1.5)


async def test_restatements_move_bills_both_ways_but_no_counter_down(tmp_path: Path) -> None:
    async with providers("2026-03-18T12:00") as world:
        world.use("2026-03-17T09:00", input=1_000, cost=10)
        async with polling(tmp_path, world.config(), world.clock) as lab:
            seen = []
            for thousandths in (1_000, 900, 950, 1_000, 1_100, 400, 1_100, 1_101):
                world.meter.restate("openai", day("2026-03-17"), thousandths)
                await lab.poll()
                seen.append((lab.billed("yesterday"), lab.tokens()))
            assert seen == [
                (10.0, 1_000),
                (9.0, 1_000),
                (9.5, 1_000),
                (10.0, 1_000),
                (11.0, 1_100),
                (4.0, 1_100),
                (11.0, 1_100),
                (11.01, 1_101),
            ]


async def test_a_past_before_the_first_poll_is_billed_but_not_counted(tmp_path: Path) -> None:
    async with providers("2026-03-18T12:00") as world:
        for date in range(1, 19):
            world.use(f"2026-03-{date:02d}T01:00", input=100, cost=1)
        async with polling(tmp_path, world.config(), world.clock) as lab:
            assert (lab.tokens(), lab.billed("month_to_date")) == (200, 18.0)
            world.meter.restate("openai", day("2026-03-16"), 3_000)
            await lab.poll()
            assert (lab.tokens(), lab.billed("month_to_date")) == (200, 20.0)


async def test_midnight_and_the_end_of_a_month_between_polls(tmp_path: Path) -> None:
    async with providers("2026-03-31T23:58") as world:
        world.use("2026-03-31T09:00", input=100, cost=3)
        world.use("2026-03-30T09:00", input=100, cost=2)
        async with polling(tmp_path, world.config(), world.clock) as lab:
            assert [lab.billed(window) for window in m.WINDOWS] == [3.0, 2.0, 5.0]
            world.use("2026-03-31T23:59", input=7, cost=0.5)
            world.clock.set("2026-04-01T00:00")
            # Nobody knows yet what April costs; March's last day is as it was read last.
            assert [lab.billed(window) for window in m.WINDOWS] == [None, 3.0, None]
            world.clock.set("2026-04-01T00:03")
            world.use("2026-04-01T00:01", input=1, cost=0.25)
            await lab.poll()
            assert [lab.billed(window) for window in m.WINDOWS] == [0.25, 3.5, 0.25]
            assert lab.tokens() == 208


async def test_the_month_goes_on_after_midnight_until_the_next_poll(tmp_path: Path) -> None:
    async with providers("2026-03-17T23:58") as world:
        world.use("2026-03-17T09:00", input=100, cost=3)
        async with polling(tmp_path, world.config(), world.clock) as lab:
            world.clock.set("2026-03-18T00:01")
            assert [lab.billed(window) for window in m.WINDOWS] == [None, 3.0, 3.0]


async def test_two_accounts_of_a_provider_are_told_apart_and_summed_up(tmp_path: Path) -> None:
    async with providers("2026-03-18T12:00") as world:
        for date in range(1, 19):
            world.use(f"2026-03-{date:02d}T01:00", input=100, cost=1)
        async with polling(tmp_path, world.config(openai=2, anthropic=0), world.clock) as lab:
            assert (lab.tokens(), lab.tokens(account="second")) == (200, 200)
            first, last = capture_days(lab.poller.today("openai"))
            assert (first, last) == (day("2026-03-10"), day("2026-03-16"))
            assert lab.poller.billed_between("openai", first, last) == 14 * m.PICO
            assert lab.poller.billed_between("anthropic", first, last) is None
            metered = world.meter.metered("openai", first, last)
            assert capture_ratio(metered, lab.poller.billed_between("openai", first, last)) == 0.5


async def test_bills_vanish_once_they_are_old(tmp_path: Path) -> None:
    async with providers("2026-03-18T12:00") as world:
        world.use("2026-03-18T09:00", input=1, cost=1)
        async with polling(tmp_path, world.config(anthropic=0), world.clock) as lab:
            world.openai.faults.status[500] = 10**6
            world.clock.set("2026-03-19T20:00")
            await lab.poll()
            assert [lab.billed(window) for window in m.WINDOWS] == [None, 1.0, 1.0]
            world.clock.set("2026-03-20T00:01")
            await lab.poll()
            assert lab.gauges()[m.BILLED] == {}
            assert lab.gauges()[m.POLL_SUCCESS][("openai/default/costs",)] == 0
            assert lab.gauges()[m.POLL_LAST_SUCCESS][("openai/default/costs",)] == at("2026-03-18T12:00")


async def test_what_was_missed_during_a_long_failure_is_caught_up(tmp_path: Path) -> None:
    async with providers("2026-03-02T12:00") as world, polling(tmp_path, world.config(anthropic=0), world.clock) as lab:
        world.openai.faults.status[500] = 10**6
        await lab.poll()
        for date in range(3, 24):
            world.use(f"2026-03-{date:02d}T01:00", input=10, cost=1)
        world.clock.set("2026-03-23T12:00")
        world.openai.faults.status.clear()
        await lab.poll()
        assert (lab.tokens(), lab.billed("month_to_date")) == (210, 21.0)


async def test_usage_may_fail_while_costs_are_read(tmp_path: Path) -> None:
    async with providers("2026-03-18T12:00") as world:
        world.use("2026-03-18T09:00", input=5, cost=1)
        world.openai.faults.status[400] = 1
        async with polling(tmp_path, world.config(anthropic=0), world.clock) as lab:
            assert lab.problem("openai/default/usage") == "/v1/organization/usage/completions answered 400"
            assert (lab.problem("openai/default/costs"), lab.billed("today"), lab.tokens()) == ("", 1.0, 0)
            # The first usage that is read is the first poll as far as counters are concerned.
            await lab.poll()
            assert (lab.problem("openai/default/usage"), lab.tokens()) == ("", 5)


@pytest.mark.parametrize("key", ["wrong-key-0q7z", "sk-not-of-an-administrator-0q7z"])
async def test_a_refused_key_is_asked_with_rarely_and_never_shown(
    tmp_path: Path, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with providers("2026-03-18T12:00") as world:
        world.keys = (key, ANTHROPIC_KEY)
        async with polling(tmp_path, world.config(), world.clock) as lab:
            for source in ("usage", "costs"):
                assert "the key" in lab.problem(f"openai/default/{source}")
            assert lab.problem("anthropic/default/costs") == ""
            # One request per source, and then a long rest.
            assert sum(world.openai.asked.values()) == 2
            assert max(lab.rests.taken) >= 900
            await lab.poll()
            told = [record for record in caplog.records if "openai/default" in record.getMessage()]
            assert len(told) == 2  # once each, not with every poll
            shown = caplog.text + repr(lab.poller.sources()) + repr(lab.poller.watches[0].attempts)
            assert key not in shown
            assert key[-4:] not in shown
            assert OPENAI_KEY not in shown


async def test_a_long_retry_after_is_kept(tmp_path: Path) -> None:
    async with providers("2026-03-18T12:00") as world:
        world.openai.faults.status[429] = 2
        world.openai.faults.retry_after = "1700"
        async with polling(tmp_path, world.config(anthropic=0), world.clock) as lab:
            assert max(lab.rests.taken) >= 1_700
            assert sum(world.openai.asked.values()) == 2


@pytest.mark.parametrize(("skew", "today", "yesterday"), [(0, 3.0, 2.0), (7_200, 0.0, 3.0), (30, 3.0, 2.0)])
async def test_days_are_those_of_the_providers_clock(
    tmp_path: Path, skew: float, today: float, yesterday: float
) -> None:
    async with providers("2026-03-18T23:00") as world:
        world.use("2026-03-18T09:00", input=1, cost=3)
        world.use("2026-03-17T09:00", input=1, cost=2)
        world.openai.faults.skew = skew
        async with polling(tmp_path, world.config(anthropic=0), world.clock) as lab:
            assert (lab.billed("today"), lab.billed("yesterday")) == (today, yesterday)
            assert ("days are the server's" in lab.poller.sources()[0].detail) == (skew > 60)


async def test_a_clock_of_ours_that_is_ahead_finds_the_right_day(tmp_path: Path) -> None:
    """The first question is about a time that the provider does not know yet."""
    async with providers("2026-03-18T12:00") as world:
        world.use("2026-03-18T09:00", input=4, cost=3)
        async with polling(tmp_path, world.config(anthropic=0), lambda: world.clock.now + 1.9 * 86_400) as lab:
            assert (lab.billed("today"), lab.tokens()) == (3.0, 4)
