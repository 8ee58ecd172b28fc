"""Whatever providers answer, polling goes on, and nothing reaches the ledger that it could not hold."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping

from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent_observability.decode import Secret
from agent_observability.ledger.batch import Batch, Outcome, check_text
from agent_observability.llm_cost.billing.poller import Poller
from agent_observability.llm_cost.config import AccountConfig, BillingConfig
from agent_observability.units import Duration
from tests.llm_cost.billing.bodies import BODIES, START, page
from tests.llm_cost.billing.lab import Clock, Rests, answering, at
from tests.support import wait_until_async

_OF_ONE_LIFE = 12
_LIVES = 60
_tally: Counter[str] = Counter()

# Nearly right ones, with one field of anything.
_wrong = st.none() | st.booleans() | st.integers(-(10**40), 10**40) | st.floats() | st.text(max_size=8) | st.just([[]])
_usage = st.builds(
    lambda name, value: page({"model": "gpt", "input_tokens": 5, "uncached_input_tokens": 5, name: value}),
    st.sampled_from(["model", "input_tokens", "num_model_requests", "uncached_input_tokens", "cache_creation"]),
    _wrong,
)
_costs = st.builds(
    lambda value, inside: page({"amount": {"value": value, "currency": "usd"} if inside else value}),
    _wrong,
    st.booleans(),
)
_buckets = st.builds(
    lambda name, value: json.dumps(
        {"data": [{"start_time": START, "starting_at": "2026-03-18T00:00:00Z", "results": [], name: value}]}
    ).encode(),
    st.sampled_from(["start_time", "starting_at", "results"]),
    _wrong,
)
_bodies = BODIES | _usage | _costs | _buckets


async def _live(bodies: list[bytes]) -> None:
    """One body after the other for every question of a poll."""
    current = b""

    async def answer(request: web.Request) -> web.StreamResponse:
        _tally["answers"] += 1
        return web.Response(body=current, content_type="application/json")

    async def submit(batch: Batch) -> Outcome:
        for one in batch.counts:
            check_text(*one.labels)
            assert one.steps[0][1] > 0
        for kind, key in batch.facts:
            check_text(kind, key)
        _tally["batches"] += 1
        return Outcome(())

    async def nothing() -> Mapping[str, bytes]:
        return {}

    async def ready() -> Mapping[str, str]:
        return {}

    clock, rests = Clock(at("2026-03-18T12:00")), Rests()
    async with answering(answer) as url:
        account = AccountConfig(key=Secret("sk-admin"), url=url, timeout=Duration(5))
        config = BillingConfig(openai=[account], anthropic=[account])
        poller = Poller(config, submit=submit, load=nothing, ready=ready, clock=clock, pause=rests)
        current = bodies[0]
        task = asyncio.create_task(poller.run())
        try:
            for number, following in enumerate([*bodies[1:], b""], start=1):
                await wait_until_async(lambda: rests.resting == 2 or task.done(), 20)
                assert not task.done()
                for watch in poller.watches:
                    assert watch.polls == number
                    _tally["polls"] += 1
                    _tally["failures"] += any(one.problem for one in watch.attempts.values())
                    assert not [one for one in watch.attempts.values() if one.problem.startswith("failed")]
                poller.snapshot()
                poller.sources()
                current = following
                rests.end()
                await asyncio.sleep(0)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@settings(max_examples=_LIVES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(bodies=st.lists(_bodies, min_size=_OF_ONE_LIFE, max_size=_OF_ONE_LIFE))
def _some_lives(bodies: list[bytes]) -> None:
    asyncio.run(_live(bodies))


def test_polling_goes_on_whatever_is_answered() -> None:
    _tally.clear()
    _some_lives()
    print(dict(_tally))
    assert _tally["polls"] > 1_000
    assert _tally["failures"] > 1_000
    assert _tally["batches"] > 0
