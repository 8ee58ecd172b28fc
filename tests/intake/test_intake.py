"""The intake over HTTP: what is stored, what is answered, and what is told of it."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent_observability.intake.formats import JsonFormat
from agent_observability.intake.intake import Intake
from agent_observability.units import Size
from tests.intake.site import NDJSON, OTHER_PATH, PATH, Item, Plain, Site, serving, some
from tests.ledger.test_contract import shown
from tests.server.site import connect


async def test_what_is_taken_is_stored_and_counted_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as site:
        answer = await site.post(some(1, 2, 3))
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
        assert answer.json == {"accepted": 3, "duplicates": 0, "rejected": 0}
        assert (await site.post({"id": 3, "value": 10})).json == {"accepted": 0, "duplicates": 1, "rejected": 0}
        lines = b'{"id": 3}\n{"id": 4, "value": 5}\n'
        assert (await site.post(lines, Content_Type=NDJSON)).json == {"accepted": 1, "duplicates": 1, "rejected": 0}
        assert (await site.post([])).json == {"accepted": 0, "duplicates": 0, "rejected": 0}
        assert site.ids() == [1, 2, 3, 4]
        assert site.plain.stored == [(True,) * 3, (False,), (False, True), ()]
        assert site.metrics() == [
            'agent_obs_intake_requests_total{intake="usage",result="accepted"} 4',
            'agent_obs_intake_items_total{intake="usage",result="accepted"} 4',
            'agent_obs_intake_items_total{intake="usage",result="duplicate"} 2',
        ]
        assert shown(site.store, "probe") == [
            'probe_taken_total{taker="plain"} 4',
            'probe_value_total{taker="plain"} 8',
        ]


async def test_each_rejected_item_is_named_and_its_neighbours_are_stored(tmp_path: Path) -> None:
    body = (
        b'[{"id":1},{"id":-2},{"id":3,"valeu":4},{"id":4,"value":NaN},5,{"value":6},{"id":7,"status":"ok"},'
        b'{"id":8,"tokens":{"input":2000}},{"id":9}]'
    )
    async with serving(tmp_path) as site:
        answer = await site.post(body)
        assert answer.status == 200
        assert answer.json == {
            "accepted": 2,
            "duplicates": 0,
            "rejected": 7,
            "errors": [
                {"index": 1, "field": "id", "reason": "expected a whole number >= 0, got -2"},
                {"index": 2, "field": "valeu", "reason": "unknown field; did you mean 'value'?"},
                {"index": 3, "field": "value", "reason": "expected a number, got NaN"},
                {"index": 4, "field": "", "reason": "expected an object, got 5"},
                {"index": 5, "field": "id", "reason": "missing"},
                {"index": 6, "field": "status", "reason": "expected one of 'error', 'success', got 'ok'"},
                {"index": 7, "field": "tokens.input", "reason": "expected a whole number <= 1000, got 2000"},
            ],
        }
        assert site.ids() == [1, 9]
        answer = await site.post({"id": "x"})
        assert (answer.status, answer.json["rejected"]) == (422, 1)
        assert (await site.post(b"[" + b"{}," * 999 + b"{}]")).json["rejected"] == 1_000
        site.expect(partial=1, invalid=2)
        assert site.metrics("items") == [
            'agent_obs_intake_items_total{intake="usage",result="accepted"} 2',
            'agent_obs_intake_items_total{intake="usage",result="rejected"} 1008',
        ]


async def test_the_families_of_the_intake(tmp_path: Path) -> None:
    """All there from the start; time and the last item's time once there is something to tell."""
    async with serving(tmp_path) as site:
        assert site.metrics() == []
        await site.post(some(1))
        await site.post({"id": "x"})
        text = "\n".join(site.exposition())
        assert 'agent_obs_intake_requests_total{intake="otlp_logs",result="rate_limited"} 0' in text
        assert 'agent_obs_intake_request_duration_seconds_count{intake="usage"} 2' in text
        assert 'agent_obs_intake_last_item_timestamp_seconds{intake="usage"}' in text
        assert 'agent_obs_intake_last_item_timestamp_seconds{intake="units"}' not in text


async def test_other_paths_and_methods(tmp_path: Path) -> None:
    async with serving(tmp_path) as site:
        for path in ("/", "/api/v1/usage/", "/v1/traces", "/" + "x" * 3_000, "/%ff%00"):
            answer = await site.post(some(1), path)
            assert answer.status == 404
            assert answer.json["error"].endswith("; known: /api/v1/usage, /api/v1/units")
            assert len(answer.body) < 1_000
        async with site.client.get(f"http://127.0.0.1:{site.port}{PATH}") as response:
            assert (response.status, response.headers["Allow"]) == (405, "POST")
            assert await response.json() == {"error": "Method Not Allowed"}
        assert site.metrics() == []


async def test_history_is_said_to_be_history(tmp_path: Path) -> None:
    """No other parameter is: a typing error in it must not make history of today, nor the other way round."""
    async with serving(tmp_path) as site:
        for query, history in (("", False), ("?backfill=false", False), ("?backfill=true", True)):
            assert (await site.post(some(1), PATH + query)).status == 200
            assert site.plain.backfill == history
        for query, error, field in (
            ("?backfil=true", "'backfil' is no parameter here; known: backfill", "backfil"),
            ("?backfill=yes", "expected true or false, got 'yes'", "backfill"),
            ("?" + "x" * 500, f"'{'x' * 60}' is no parameter here; known: backfill", "x" * 60),
        ):
            answer = await site.post(some(1), PATH + query)
            assert (answer.status, answer.json) == (400, {"error": error, "field": field})


async def test_a_repeated_request_is_known_by_its_key(tmp_path: Path) -> None:
    async with serving(tmp_path) as site:
        for repeated in (False, True):
            answer = await site.post([*some(1, 2), {"id": "x"}], Idempotency_Key="k1")
            numbers = [answer.json[name] for name in ("accepted", "duplicates", "rejected")]
            assert numbers == ([0, 2, 1] if repeated else [2, 0, 1])
        # Of the same key it is the request that counts, not what is in it.
        assert (await site.post(some(3), Idempotency_Key="k1")).json["duplicates"] == 1
        assert (await site.post(some(3), Idempotency_Key="k2")).json["accepted"] == 1
        assert (await site.post(some(4), OTHER_PATH, Idempotency_Key="k1")).json["accepted"] == 1
        for repeated in (False, True):
            assert (await _odd_key(site, b'{"id":5}'))["duplicates"] == repeated
        answer = await site.post(some(6), Idempotency_Key="k" * 201)
        assert (answer.status, answer.json) == (
            400,
            {"error": "expected at most 200 characters, got 201", "field": "Idempotency-Key"},
        )
        assert site.ids() == [1, 2, 3, 4, 5]
        assert len(site.plain.stored) == 4


async def _odd_key(site: Site, body: bytes) -> Any:
    """The answer to a request whose key is no UTF-8, which clients of good manners cannot send."""
    head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {len(body)}\r\n".encode()
    reader, writer = await connect(site.port, head + b"Idempotency-Key: \xff\xfe\r\n\r\n" + body)
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    return json.loads(answer.split(b"\r\n\r\n", 1)[1])


class _ByBody(JsonFormat[Item]):
    repeats_by_body = True


async def test_where_the_protocol_has_no_key_the_body_tells(tmp_path: Path) -> None:
    def takers(intake: Intake, plain: Plain) -> None:
        intake.take("usage", PATH, _ByBody(Item), plain)

    async with serving(tmp_path, takers=takers) as site:
        assert (await site.post(b'{"id":1}')).json["accepted"] == 1
        assert (await site.post(b'{"id":1}')).json["duplicates"] == 1
        assert (await site.post(gzip.compress(b'{"id":1}'), Content_Encoding="gzip")).json["duplicates"] == 1
        # Not by the event's id: the ledger is not even asked for that.
        assert len(site.plain.stored) == 1
        assert (await site.post(b'{"id": 1}')).json["duplicates"] == 1
        assert len(site.plain.stored) == 2


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[asyncio.Runner, Site]]:
    """One for all examples, and the loop that it runs in."""
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        found = runner.run(
            stack.enter_async_context(serving(tmp_path, body=Size(2_000), decompressed=Size(4_000), rate=100_000))
        )
        try:
            yield runner, found
        finally:
            runner.run(stack.aclose())


_items = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "id": st.integers(0, 50) | st.text(max_size=3),
            "value": st.floats() | st.integers(),
            "metadata": st.dictionaries(st.text(max_size=3), st.text(max_size=3) | st.floats(), max_size=3),
            "status": st.sampled_from(["success", "error", "", "x"]),
        },
    ),
    max_size=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    body=st.binary(max_size=300)
    | st.text().map(lambda text: text.encode(errors="ignore"))
    | _items.map(lambda items: json.dumps(items).encode()),
    content_type=st.sampled_from(["application/json", NDJSON, "text/plain"]),
    encoding=st.sampled_from(["identity", "gzip", "deflate", "compressed"]),
    key=st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=("Cc", "Cs")), max_size=5),
)
def test_nothing_that_is_sent_is_an_error_of_the_intake(
    site: tuple[asyncio.Runner, Site], body: bytes, content_type: str, encoding: str, key: str
) -> None:
    runner, here = site
    headers: dict[str, Any] = {"Content_Type": content_type, "Content_Encoding": encoding}
    if encoding == "compressed":
        body, headers["Content_Encoding"] = gzip.compress(body), "gzip"
    if key:
        headers["Idempotency_Key"] = key
    answer = runner.run(here.post(body, **headers))
    assert answer.status in (200, 400, 413, 415, 422)
    assert answer.json
