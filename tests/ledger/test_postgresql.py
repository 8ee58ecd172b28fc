"""What can happen to a ledger in PostgreSQL: restarts, cut connections, lost commits, failover."""

from __future__ import annotations

import asyncio
import dataclasses
import time

import pytest

from agent_observability.decode import Secret
from agent_observability.errors import ConfigError
from agent_observability.ledger.batch import Batch, Outcome, count
from agent_observability.ledger.errors import LedgerUnavailableError
from agent_observability.ledger.postgresql import parse_url
from tests.ledger.cluster import Cluster
from tests.ledger.relay import relay
from tests.ledger.storage import LEASE, REQUESTS, Storage, batch, families, opened
from tests.ledger.test_contract import settled, shown
from tests.ledger.test_sqlite import accepted, begin, outage, reports
from tests.support import wait_until_async

ONE = count(REQUESTS, ("m", "no"))


@pytest.fixture
def own(postgresql: Storage) -> Storage:
    """A server that this test alone may stop."""
    return dataclasses.replace(postgresql, cluster=Cluster())


async def test_a_server_that_crashes_and_comes_back(own: Storage) -> None:
    server = own.cluster
    assert server
    try:
        async with opened(own.backend(), families()) as ledger:
            await begin(ledger)
            server.stop()
            async with outage(ledger, batch(2), "ledger"):
                await wait_until_async(lambda: reports(ledger)["ledger_up"] == 0)
                server.start()
            assert await accepted(ledger, batch(1, 2)) == Outcome((False, True))
    finally:
        server.remove()


@pytest.mark.parametrize("what", ["lose the answer", "lose the request"])
async def test_a_connection_cut_in_the_middle_of_a_commit(postgresql: Storage, what: str) -> None:
    """Whether it happened is found out: an answer for what is stored, a refusal for what is not; nothing twice."""
    store = families()
    assert postgresql.cluster
    async with relay(postgresql.cluster.port) as line, opened(postgresql.backend(port=line.port), store) as ledger:
        await begin(ledger)
        # Measuring commits, too, on a connection of its own.
        await wait_until_async(lambda: "ledger_size_bytes" in reports(ledger))
        line.on_commit = what
        once = Batch(counts=(ONE,), positions={"file": "1"})
        if what == "lose the answer":
            assert await ledger.submit(once) == Outcome(())
            assert line.cut == 1
        else:
            with pytest.raises(LedgerUnavailableError, match="cut off before this was stored"):
                await ledger.submit(once)
            assert "file" not in await ledger.ready()
            await ledger.submit(once)
        await settled(store)
        assert 'requests_total{model="m",ok="no"} 1' in shown(store)
        assert ledger.positions == {"file": "1"}
        assert reports(ledger)["ledger_commit_failures_total"] == 1
    again = families()
    async with opened(postgresql.backend(), again):
        assert 'requests_total{model="m",ok="no"} 1' in shown(again)


async def test_many_cut_connections_under_load(postgresql: Storage) -> None:
    """Ten sources count through fifteen cuts, some of them in commits; everything is counted once."""
    store = families()
    assert postgresql.cluster
    async with relay(postgresql.cluster.port) as line, opened(postgresql.backend(port=line.port), store) as ledger:

        async def source(name: str) -> None:
            done = 0
            while done < 40:
                try:
                    await ledger.submit(Batch(counts=(ONE,), positions={name: str(done + 1)}))
                except LedgerUnavailableError:
                    pass
                else:
                    await asyncio.sleep(0.005)
                done = int((await ledger.ready()).get(name, "0"))

        sources = asyncio.gather(*(source(f"s{number}") for number in range(10)))
        ways = ("lose the answer", "lose the request", "drop")
        for number in range(15):
            if sources.done():
                break
            await ledger.ready()
            if ways[number % 3] == "drop":
                line.drop()
            else:
                line.on_commit = ways[number % 3]
            await asyncio.sleep(0.02)
        line.on_commit = "pass"
        await sources
        await settled(store)
        assert shown(store, "requests_total{") == ['requests_total{model="m",ok="no"} 400']
        assert line.cut >= 3


async def test_a_standby_takes_over_at_once_from_one_that_ends(postgresql: Storage) -> None:
    first, second = families(), families()
    async with (
        opened(postgresql.backend("a"), first) as leader,
        opened(postgresql.backend("b"), second, wait=False) as standby,
    ):
        await leader.submit(batch(1, 2))
        await wait_until_async(lambda: standby.state.standby)
        assert second.collect() == []
        assert "another replica writes to 127.0.0.1/postgres" in standby.not_ready()
        assert (reports(standby)["leader"], reports(standby)["ledger_up"]) == (0, 1)
        await wait_until_async(lambda: leader.backend.lease_seconds == LEASE)
        await leader.stop()
        begun = time.monotonic()
        assert await accepted(standby, batch(2, 3)) == Outcome((False, True))
        assert time.monotonic() - begun < LEASE
        assert shown(second, "requests_total{") == ['requests_total{model="m",ok="yes"} 3']


async def test_a_leader_that_is_cut_off_falls_silent_before_its_standby_speaks(postgresql: Storage) -> None:
    """Never do two of them show the same counters; the one cut off becomes the standby."""
    first, second = families(), families()
    assert postgresql.cluster
    async with (
        relay(postgresql.cluster.port) as line,
        opened(postgresql.backend("a", line.port), first) as old,
        opened(postgresql.backend("b"), second, wait=False) as new,
    ):
        await old.submit(batch(1))
        await wait_until_async(lambda: old.backend.lease_seconds == LEASE)
        line.open = False
        line.drop()
        while not new.state.up:
            both = bool(first.collect()), bool(second.collect())
            assert both != (True, True)
            await asyncio.sleep(0.01)
        assert first.collect() == []
        assert "the ledger" in old.not_ready()
        assert await new.submit(batch(1, 2)) == Outcome((False, True))
        line.open = True
        await wait_until_async(lambda: old.state.standby, 20)
        assert first.collect() == []
        await new.stop()
        await accepted(old, batch(3))
        await settled(first)
        assert shown(first, "requests_total{") == ['requests_total{model="m",ok="yes"} 3']


async def test_a_database_whose_clock_was_ahead(postgresql: Storage) -> None:
    """A successor believes its own watch: it waits for one lease, not for an hour."""
    assert postgresql.cluster
    async with opened(postgresql.backend("a"), families()) as ledger:
        await ledger.submit(batch(1))
    with postgresql.cluster.connect() as shell:
        schema = f"agent_obs_{postgresql.process}"
        shell.execute(f"UPDATE {schema}.writer SET role = 'leader', seen = seen + 3600000".encode())
    begun = time.monotonic()
    async with opened(postgresql.backend("b"), families()) as ledger:
        assert LEASE - 0.5 < time.monotonic() - begun < LEASE + 3
        assert await ledger.submit(batch(1)) == Outcome((False,))


async def test_a_lonely_leader_that_is_cut_off_goes_on_showing(postgresql: Storage) -> None:
    """Nobody could take over, so nothing is gained by showing nothing."""
    store = families()
    assert postgresql.cluster
    async with relay(postgresql.cluster.port) as line, opened(postgresql.backend(port=line.port), store) as ledger:
        await begin(ledger)
        line.open = False
        line.drop()
        await wait_until_async(lambda: not ledger.state.up)
        await asyncio.sleep(LEASE + 0.5)
        assert shown(store, "requests_total{") == ['requests_total{model="m",ok="yes"} 1']
        assert not ledger.not_ready()


async def test_two_processes_with_ledgers_in_one_database(postgresql: Storage) -> None:
    other = dataclasses.replace(postgresql, process=f"{postgresql.process}b")
    async with opened(postgresql.backend(), families()) as one, opened(other.backend(), families()) as two:
        assert await one.submit(batch(1)) == Outcome((True,))
        assert await two.submit(batch(1)) == Outcome((True,))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://a:secret@b/c", "expected postgresql://user:password@host:port/database, got mysql://…"),
        ("postgresql://a:secret@b", "expected postgresql://user:password@host:port/database, got postgresql://…"),
        ("postgresql://a:secret@b:port/c", "expected postgresql://user:password@host:port/database"),
        ("secret", "expected postgresql://user:password@host:port/database"),
    ],
)
def test_addresses_that_are_none(url: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_url(Secret(url))
    assert str(caught.value) == f"ledger.url: {says}"


async def test_a_wrong_password_is_not_told(postgresql: Storage, caplog: pytest.LogCaptureFixture) -> None:
    assert postgresql.cluster
    url = postgresql.cluster.url().reveal().replace("p%40ss%2Fword", "hunter2")
    from agent_observability.ledger.postgresql import PostgresqlBackend

    async with opened(PostgresqlBackend(parse_url(Secret(url)), "x"), families(), wait=False) as ledger:
        await wait_until_async(lambda: "password authentication failed" in ledger.state.reason)
    assert "hunter2" not in caplog.text
    assert "hunter2" not in ledger.name
