"""The local receiver over real HTTP, and its bounded store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.stack import notifications
from agent_observability.stack.notifications import Message, NotificationStore, TooManyReceiversError
from agent_observability.stack.receiver import BODY_BYTES, receiver_app
from agent_observability.stack.receiver_api import ReceiverApi, ReceiverError

Client = TestClient[Any, Any]


def message(alertname: str = "HostCpuHigh", status: str = "firing", summary: str = "") -> dict[str, Any]:
    alert = {
        "status": status,
        "labels": {"alertname": alertname},
        "annotations": {"summary": summary},
        "startsAt": "2024-01-01T00:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://localhost:9090/graph",
        "fingerprint": "0123456789abcdef",
    }
    return {
        "version": "4",
        "groupKey": '{}:{alertname="HostCpuHigh"}',
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "critical",
        "groupLabels": {"alertname": alertname},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://localhost:9093",
        "alerts": [alert],
    }


def decoded(**options: str) -> Message:
    return msgspec.convert(message(**options), Message)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    store = NotificationStore(tmp_path / "notifications.jsonl")
    async with TestClient(TestServer(receiver_app(store))) as client:
        yield client


async def test_a_message_is_kept_and_given_out(client: Client) -> None:
    assert (await client.post("/notify/critical", json=message())).status == 204
    assert (await client.post("/notify/warning", json=message(status="resolved"))).status == 204
    answer = await (await client.get("/notifications")).json()
    assert answer["last"] == 2
    shown = [(one["id"], one["receiver"], one["message"]["status"]) for one in answer["notifications"]]
    assert shown == [(1, "critical", "firing"), (2, "warning", "resolved")]
    later = await (await client.get("/notifications?after=1")).json()
    assert [one["id"] for one in later["notifications"]] == [2]
    assert (await client.get("/-/healthy")).status == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("/notify/critical", b"", 400, "version 4"),
        ("/notify/critical", b"{", 400, "version 4"),
        ("/notify/critical", b"\xff", 400, "version 4"),
        ("/notify/critical", b"[]", 400, "version 4"),
        ("/notify/critical", json.dumps(message() | {"version": "3"}).encode(), 400, "version"),
        ("/notify/critical", json.dumps(message() | {"status": "maybe"}).encode(), 400, "status"),
        ("/notify/critical", json.dumps(message() | {"alerts": 5}).encode(), 400, "alerts"),
        ("/notify/cri%20tical", json.dumps(message()).encode(), 400, "expected up to 100 letters"),
        ("/notify/" + "x" * 101, json.dumps(message()).encode(), 400, "expected up to 100 letters"),
        ("/notify/critical", b" " * (BODY_BYTES + 1), 413, f"larger than {BODY_BYTES} bytes"),
    ],
)
async def test_bad_messages_are_refused(client: Client, path: str, body: bytes, status: int, says: str) -> None:
    response = await client.post(path, data=body)
    assert (response.status, says in await response.text()) == (status, True)
    assert await (await client.get("/notifications")).json() == {"last": 0, "notifications": []}


@pytest.mark.parametrize("query", ["after=x", "timeout=soon", "after=1.5"])
async def test_bad_queries_are_refused(client: Client, query: str) -> None:
    assert (await client.get(f"/notifications?{query}")).status == 400


async def test_a_long_poll_ends_with_the_next_message(client: Client) -> None:
    await client.post("/notify/critical", json=message())
    poll = asyncio.create_task(client.get("/notifications?after=1&timeout=30"))
    done, _ = await asyncio.wait({poll}, timeout=0.3)
    assert not done
    await client.post("/notify/critical", json=message("HostOomKill"))
    async with asyncio.timeout(5):
        answer = await (await poll).json()
    assert [one["message"]["groupLabels"] for one in answer["notifications"]] == [{"alertname": "HostOomKill"}]


@pytest.mark.parametrize("timeout", ["0.1", "-1", "nan"])
async def test_a_long_poll_ends_without_a_message(client: Client, timeout: str) -> None:
    async with asyncio.timeout(5):
        answer = await (await client.get(f"/notifications?timeout={timeout}")).json()
    assert answer == {"last": 0, "notifications": []}


async def test_a_full_disk_asks_alertmanager_to_try_again(client: Client, tmp_path: Path) -> None:
    (tmp_path / "notifications.jsonl").mkdir()
    assert (await client.post("/notify/critical", json=message())).status == 503
    (tmp_path / "notifications.jsonl").rmdir()
    assert (await client.post("/notify/critical", json=message())).status == 204


async def test_the_client_reads_and_waits(client: Client) -> None:
    async with aiohttp.ClientSession() as session:
        api = ReceiverApi(str(client.make_url("")).rstrip("/"), session)
        await client.post("/notify/critical", json=message(summary="Hot."))
        (one,) = await api.after(0, 5)
        assert one.message.alerts[0].annotations == {"summary": "Hot."}
        assert await api.after(one.id, 0.1) == []
        await client.close()
        with pytest.raises(ReceiverError, match="the receiver does not answer"):
            await api.after(0)


def test_a_restart_keeps_what_was_received(tmp_path: Path) -> None:
    file = tmp_path / "notifications.jsonl"
    store = NotificationStore(file)
    kept = [store.add("critical", decoded(alertname=name), 1.5) for name in ("A", "B")]
    # Killed while writing: half a line.
    with file.open("ab") as stream:
        stream.write(b'{"id":3,"recei')
    again = NotificationStore(file)
    assert again.after(0) == kept
    third = again.add("critical", decoded(alertname="C"), 2.5)
    assert third.id == 3
    assert NotificationStore(file).after(0) == [*kept, third]


def test_one_noisy_receiver_displaces_no_other(tmp_path: Path) -> None:
    file = tmp_path / "notifications.jsonl"
    store = NotificationStore(file)
    page = store.add("critical", decoded(), 1)
    for number in range(5 * notifications.PER_RECEIVER):
        store.add("dead-man", decoded(alertname="Watchdog"), number)
    assert store.after(0)[0] == page
    assert len(store.after(0)) == 1 + notifications.PER_RECEIVER
    assert len(file.read_bytes().splitlines()) <= 4 * notifications.PER_RECEIVER
    assert NotificationStore(file).after(0) == store.after(0)


def test_the_number_of_receivers_is_bounded(tmp_path: Path) -> None:
    store = NotificationStore(tmp_path / "notifications.jsonl")
    for number in range(notifications.MAX_RECEIVERS):
        store.add(f"r{number}", decoded(), 1)
    with pytest.raises(TooManyReceiversError):
        store.add("one-more", decoded(), 1)
    assert store.add("r0", decoded(), 1).id == notifications.MAX_RECEIVERS + 1


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_decode_error(body: bytes) -> None:
    try:
        msgspec.json.decode(body, type=Message)
    except msgspec.DecodeError:
        return


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_a_store_starts_from_any_file(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    file = tmp_path_factory.mktemp("store") / "notifications.jsonl"
    file.write_bytes(b"\n".join(lines))
    store = NotificationStore(file)
    before = store.last
    assert store.add("critical", decoded(), 1).id == before + 1
