"""A real intake over HTTP with a real ledger behind it, and small exporters that take from it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import aiohttp
import msgspec

from agent_observability.exposition import Format, write
from agent_observability.intake.config import IntakeConfig
from agent_observability.intake.errors import RefusedError
from agent_observability.intake.formats import Items, JsonFormat
from agent_observability.intake.intake import Intake
from agent_observability.intake.part import Caller, Part
from agent_observability.ledger import queries
from agent_observability.ledger.batch import Event, count
from agent_observability.ledger.config import LedgerConfig
from agent_observability.ledger.families import LedgerFamilies
from agent_observability.ledger.ledger import Ledger
from agent_observability.ledger.sqlite import SqliteBackend
from agent_observability.ledger.transaction import Transaction
from agent_observability.metric import Kind, Label, Metric
from tests.collectors import scraped
from tests.ledger.storage import families, opened

TAKEN = Metric("probe_taken_total", Kind.COUNTER, "Items taken", (Label("taker", cap=10),))
VALUE = Metric("probe_value_total", Kind.COUNTER, "Sum of the values", (Label("taker", cap=10),))
PATH = "/api/v1/usage"
OTHER_PATH = "/api/v1/units"
NDJSON = "application/x-ndjson"
# Of now, so that no retention finds them old.
BASE_MS = round(time.time()) * 1000


class Counts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    input: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 0
    output: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 0


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`id` tells a repeated one."""

    id: Annotated[int, msgspec.Meta(ge=0)]
    value: Annotated[float, msgspec.Meta(ge=0, le=1e6)] = 1
    status: Literal["success", "error"] = "success"
    tokens: Counts = Counts()
    metadata: dict[str, Any] = {}


class Plain:
    """Makes an event and two counts of every item; `refused` holds ids that it does not like."""

    def __init__(self, name: str = "plain") -> None:
        self.name = name
        self.lock = asyncio.Lock()
        self.reason = ""
        self.refused: RefusedError | None = None
        self.error: Exception | None = None
        self.stored_error: Exception | None = None
        self.callers: list[Caller] = []
        self.stored: list[Sequence[bool]] = []
        self.failed = 0
        self.ignored = 0
        self.backfill = False

    def not_ready(self) -> str:
        return self.reason

    def take(self, given: Items[Item], caller: Caller, now: float) -> Part:
        if error := self.refused or self.error:
            raise error
        self.callers.append(caller)
        self.backfill = given.backfill
        events = [self.event(item) for item in given.values[self.ignored :]]
        ignored = len(given.values) - len(events)
        return Part(
            items=given.number,
            events=events,
            rejected=given.rejected,
            ignored=ignored,
            stored=self.note,
            failed=self.doubt,
        )

    def event(self, item: Item) -> Event:
        counts = (count(TAKEN, (self.name,)), count(VALUE, (self.name,), round(item.value)))
        return Event(BASE_MS + item.id, f"{self.name}/{item.id}", "probe", (self.name,), b"{}", counts)

    def note(self, new: Sequence[bool]) -> None:
        self.stored.append(new)
        if self.stored_error:
            raise self.stored_error

    def doubt(self) -> None:
        self.failed += 1


class Sequel(Plain):
    """Each part follows from the one before: the number of items so far, of which a fact is kept."""

    def __init__(self, name: str = "sequel") -> None:
        super().__init__(name)
        self.total = 0
        self.seen: list[int] = []

    def take(self, given: Items[Item], caller: Caller, now: float) -> Part:
        before, after = self.total, self.total + len(given.values)

        def note(new: Sequence[bool]) -> None:
            super(Sequel, self).note(new)
            self.seen.append(before)
            self.total = after

        facts = {("probe", self.name): b"%d" % after}
        return Part(items=given.number, facts=facts, exclusive=True, stored=note, failed=self.doubt)


class HeldBackend(SqliteBackend):
    """A ledger whose commits wait until `gate` is open; `waiting` says that one does."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.gate = threading.Event()
        self.gate.set()
        self.waiting = threading.Event()

    @contextlib.contextmanager
    def transaction(self, number: int) -> Iterator[Transaction]:
        with super().transaction(number) as transaction:
            yield transaction
            if not self.gate.is_set():
                self.waiting.set()
                assert self.gate.wait(30)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Site:
    """`post` sends JSON unless it is told something else."""

    intake: Intake
    ledger: Ledger
    backend: HeldBackend
    client: aiohttp.ClientSession
    plain: Plain
    store: LedgerFamilies
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return self.intake.ports[0]

    async def post(self, body: Any, path: str = PATH, **headers: str) -> Answer:
        """Header names are written with underscores."""
        sent = {"Content-Type": "application/json", **self.headers}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) or hasattr(body, "__aiter__") else json.dumps(body).encode()
        async with self.client.post(f"http://127.0.0.1:{self.port}{path}", data=data, headers=sent) as response:
            return Answer(response.status, response.headers, await response.read())

    def ids(self, taker: str = "plain") -> list[int]:
        """Of the items that are stored."""
        return [int(one.id.split("/")[1]) for one in queries.events(self.backend) if one.id.startswith(f"{taker}/")]

    def facts(self) -> dict[str, int]:
        """What `Sequel` takers keep, by name."""
        return {key: int(data) for key, data in queries.facts(self.backend, "probe").items()}

    def metrics(self, family: str = "") -> list[str]:
        """What the intake tells of itself, but for zeros and times."""
        return [
            line
            for line in self.exposition()
            if line.startswith(f"agent_obs_intake_{family}")
            and not line.endswith(" 0")
            and "duration" not in line
            and "timestamp" not in line
        ]

    def exposition(self) -> list[str]:
        """All of it, with births over."""
        scraped(self.intake.store)
        return write(scraped(self.intake.store), Format.TEXT).decode().splitlines()

    def expect(self, **results: int) -> None:
        """Assert how many requests for usage ended how, and that none ended otherwise."""
        prefix = "agent_obs_intake_requests_total"
        expected = [f'{prefix}{{intake="usage",result="{result}"}} {number}' for result, number in results.items()]
        assert sorted(self.metrics("requests")) == sorted(expected)


@contextlib.asynccontextmanager
async def serving(
    folder: Path,
    *,
    takers: Callable[[Intake, Plain], None] | None = None,
    ledger_config: LedgerConfig | None = None,
    wait: bool = True,
    **config: Any,
) -> AsyncIterator[Site]:
    """An intake from which `Plain` takes at both paths, or whoever `takers` says. Stopped as a process stops it."""
    backend = HeldBackend(folder / "ledger.db")
    store = families(TAKEN, VALUE)
    async with opened(backend, store, config=ledger_config, clock=time.time, wait=wait) as ledger:
        intake = Intake(IntakeConfig(**{"listen": ["127.0.0.1:0"], **config}), ledger)
        plain = Plain()
        if takers:
            takers(intake, plain)
        else:
            intake.take("usage", PATH, JsonFormat(Item), plain)
            intake.take("units", OTHER_PATH, JsonFormat(Item), plain)
        intake.bind()
        await intake.start()
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as client:
            try:
                yield Site(intake, ledger, backend, client, plain, store)
            finally:
                backend.gate.set()
                await intake.stop()


def some(*ids: int) -> list[dict[str, Any]]:
    return [{"id": id_} for id_ in ids]
