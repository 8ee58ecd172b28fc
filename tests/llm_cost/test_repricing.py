"""Calls that had no price get one, once: through the server, the command, and a SIGKILL in the middle."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime as dt
import http.server
import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import yaml
from typer.testing import CliRunner

from agent_observability import cli
from agent_observability.errors import StartError
from agent_observability.ledger.errors import LedgerUnavailableError
from agent_observability.ledger.ledger import Ledger
from agent_observability.ledger.queries import events
from agent_observability.llm_cost.booking import KIND, REPRICED, Stored
from agent_observability.llm_cost.command import ask
from agent_observability.llm_cost.config import LlmCostConfig
from agent_observability.llm_cost.metrics import PICO
from agent_observability.llm_cost.repricing import Summary
from tests.llm_cost.living import PRICES, Living, living, prices_in, total
from tests.support import ROOT, Child, free_port, running, wait_until, wait_until_async

NEW = PRICES + "  - {provider: house, model: house-2, per_million: {input: 3, output: 0.000001}}\n"
"""Three millionths of a dollar for each token in, and the thousandth of a nano-dollar for each out."""

_MODEL = "house/house-2"
_LINES = ("llm_requests_total", "llm_tokens_total", "llm_cost_usd_total", "llm_unpriced_requests_total")


def use(number: int, model: str = "house-2", **fields: Any) -> dict[str, Any]:
    """One of some seconds ago."""
    return {
        "id": f"e{number}",
        "timestamp": round(time.time() - 600 + number / 1000, 3),
        "provider": "house",
        "model": model,
        "project": "p",
        "tokens": {"input": number, "output": 1},
    } | fields


def pico(numbers: range) -> int:
    """What these cost once there is a price."""
    return sum(3_000_000 * number + 1 for number in numbers)


async def reprice(it: Living, query: str = "") -> list[dict[str, Any]]:
    async with it.session.post(f"{it.url}/-/reprice{query}") as response:
        text = await response.text()
        assert response.status == 200, text
        return [json.loads(line) for line in text.splitlines()]


async def new_prices(it: Living, folder: Path, text: str = NEW) -> None:
    prices_in(folder).write_text(text)
    section = LlmCostConfig(prices=folder / "prices.yaml")
    it.service.reload(section)
    await wait_until_async(lambda: it.runtime._life and it.runtime._life.section is section)


async def test_first_dry_then_for_real_then_nothing(tmp_path: Path) -> None:
    number = 1_300
    async with living(tmp_path) as it:
        await it.push(*(use(n) for n in range(number)))
        await it.push(use(0, "house-1", id="priced"), use(1, "house-3"))
        before = await it.shown(*_LINES)
        days = it.days()
        assert [line for line in before if line.startswith("llm_unpriced")] == [
            f'llm_unpriced_requests_total{{provider="house",model="house-2",reason="unknown_model"}} {number}',
            'llm_unpriced_requests_total{provider="house",model="house-3",reason="unknown_model"} 1',
        ]
        assert days["unpriced"] == number + 1

        # Nobody has named a price yet.
        [*_, last] = await reprice(it)
        assert last["models"] == {
            _MODEL: {"priced": 0, "unpriced": number, "usd": 0},
            "house/house-3": {"priced": 0, "unpriced": 1, "usd": 0},
        }
        await new_prices(it, tmp_path)
        stored = it.ledger.backend.rows()["event"]
        usd = pico(range(number)) / PICO
        expected = {
            _MODEL: {"priced": number, "unpriced": 0, "usd": usd},
            "house/house-3": {"priced": 0, "unpriced": 1, "usd": 0},
        }
        told = await reprice(it, "?dry_run=true")
        assert told[-1] == {"progress": 1.0, "models": expected, "done": True}
        progress = [one["progress"] for one in told]
        assert progress == sorted(progress)
        assert await it.shown(*_LINES) == before
        assert it.days() == days
        assert it.ledger.backend.rows()["event"] == stored

        gauge = total(await it.shown("llm_cost_today_usd"))
        assert (await reprice(it))[-1] == {"progress": 1.0, "models": expected, "done": True}
        after = await it.shown(*_LINES)
        fell = {line.rsplit(" ", 1)[0] for line in before} - {line.rsplit(" ", 1)[0] for line in after}
        assert not fell
        whose = 'provider="house",model="house-2",project="p",feature="other"'
        costs = [line for line in after if 'cost_source="repriced"' in line]
        paid = {"input": (pico(range(number)) - number) / PICO, "output": number / PICO}
        assert sorted(costs) == [
            f'llm_cost_usd_total{{{whose},type="{type_}",cost_source="repriced"}} {dollars!r}'
            for type_, dollars in paid.items()
        ]
        # All else stands as it was, the calls without a price, too.
        assert [line for line in after if line not in costs] == before
        assert total(await it.shown("llm_cost_today_usd")) == pytest.approx(gauge + usd, abs=1e-12)
        now = it.days()
        assert now["pico_usd"] == days["pico_usd"] + pico(range(number))
        assert {name: now[name] for name in ("requests", "input", "output", "failed", "unpriced")} == {
            **{name: days[name] for name in ("requests", "input", "output", "failed")},
            "unpriced": 1,
        }

        [*_, last] = await reprice(it)
        assert last["models"] == {"house/house-3": {"priced": 0, "unpriced": 1, "usd": 0}}
        assert it.days() == now
    async with living(tmp_path) as it:
        assert await it.shown(*_LINES) == after
        assert total(await it.shown("llm_cost_today_usd")) == pytest.approx(gauge + usd, abs=1e-12)


async def test_days_are_utc_and_both_included(tmp_path: Path) -> None:
    today = int(time.time() // 86_400)
    noon = [(today - age) * 86_400 + 43_200 for age in range(1, 5)]
    async with living(tmp_path) as it:
        await it.push(*(use(n, timestamp=at) for n, at in enumerate(noon)))
        await new_prices(it, tmp_path)
        days = [dt.datetime.fromtimestamp(at, dt.UTC).date().isoformat() for at in noon]
        [*_, last] = await reprice(it, f"?since={days[2]}&until={days[1]}&dry_run=true")
        assert last["models"][_MODEL]["priced"] == 2
        [*_, last] = await reprice(it, f"?until={days[3]}&dry_run=true")
        assert last["models"][_MODEL]["priced"] == 1
        [*_, last] = await reprice(it, f"?since={days[0]}&dry_run=true")
        assert last["models"][_MODEL]["priced"] == 1


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("?since=yesterday", "since: expected a day such as 2026-01-31, got 'yesterday'"),
        ("?until=2026-02-30", "until: expected a day such as 2026-01-31, got '2026-02-30'"),
        ("?since=2026-02-02&until=2026-01-31", "until: is before since"),
        ("?dry_run=1", "dry_run: expected true or false, got '1'"),
        ("?dryrun=true", "dryrun: not a parameter; known: since, until, dry_run"),
    ],
)
async def test_wrong_parameters(tmp_path: Path, query: str, reason: str) -> None:
    async with living(tmp_path) as it, it.session.post(f"{it.url}/-/reprice{query}") as response:
        assert (response.status, await response.text()) == (400, f"{reason}\n")


async def test_one_at_a_time(tmp_path: Path) -> None:
    async with living(tmp_path) as it:
        first = it.runtime.actions()["reprice"]({})
        await anext(first)
        async with it.session.post(f"{it.url}/-/reprice") as response:
            assert (response.status, await response.text()) == (
                400,
                "prices are being worked out already; wait for that to end\n",
            )
        # Whoever has gone away holds nobody up.
        await first.aclose()
        assert (await reprice(it))[-1]["done"]


async def test_pushes_meanwhile(tmp_path: Path) -> None:
    """What is pushed while prices are worked out is counted once, as ever."""
    async with living(tmp_path) as it:
        await it.push(*(use(n) for n in range(4_000)))
        await new_prices(it, tmp_path)
        running_ = asyncio.create_task(reprice(it))
        for n in range(20):
            await it.push(use(5_000 + n))
        assert (await running_)[-1]["done"]
        [*_, last] = await reprice(it)
        assert last["models"] == {}
        truth = pico(range(4_000)) + pico(range(5_000, 5_020))
        assert it.days()["pico_usd"] == truth
        assert total(await it.shown("llm_cost_month_to_date_usd")) == pytest.approx(truth / PICO, abs=1e-12)


async def test_the_ledger_goes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last line says so; once it is back, the rest is done, and nothing twice."""
    async with living(tmp_path) as it:
        await it.push(*(use(n) for n in range(1_600)))
        await new_prices(it, tmp_path)
        submit = Ledger.submit
        batches = 0

        async def fail(self: Ledger, batch: Any) -> Any:
            nonlocal batches
            batches += batch.kind == "repriced"
            outcome = await submit(self, batch)
            if batches == 2:
                # Stored, and the answer lost.
                raise LedgerUnavailableError("the ledger does not say whether it has stored this")
            return outcome

        monkeypatch.setattr(Ledger, "submit", fail)
        told = await reprice(it)
        assert told[-1] == {"error": "the ledger does not say whether it has stored this"}
        monkeypatch.setattr(Ledger, "submit", submit)
        await it.ready()
        [*_, last] = await reprice(it)
        assert last["models"][_MODEL]["priced"] == 600
        assert it.days()["pico_usd"] == pico(range(1_600))
        month = await it.shown("llm_cost_month_to_date_usd")
        assert total(month) == pytest.approx(pico(range(1_600)) / PICO, abs=1e-12)


async def test_the_ledger_cannot_be_read(tmp_path: Path) -> None:
    async with living(tmp_path) as it:
        await it.push(use(1))
        action = it.runtime.actions()["reprice"]({})
        await anext(action)
        for table in ("event", "dimension"):
            with it.ledger.backend._engine.begin() as connection:
                connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO gone_{table}")
        with pytest.raises(LedgerUnavailableError, match="the ledger cannot be read: no such table"):
            await anext(action)


def test_of_a_great_many_models_the_later_ones_are_summed_up() -> None:
    summary = Summary(100, most=3)
    for number in range(10):
        summary.add(Stored(provider="p", model=f"m{number}", requests=2), None)
    told = summary.tell(100)["models"]
    assert {model: found["unpriced"] for model, found in told.items()} == {
        "p/m0": 2,
        "p/m1": 2,
        "p/m2": 2,
        "__overflow__": 14,
    }


class Process:
    """`agent-obs run llm_cost` in `folder`, behind basic authentication if there is a password."""

    def __init__(self, folder: Path, password: str = "") -> None:
        self.folder = folder
        self.port, self.intake = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._headers = {}
        self.file = folder / "config.yml"
        web: dict[str, Any] = {"listen": {"llm_cost": [f"127.0.0.1:{self.port}"]}}
        if password:
            users = {"basic_auth_users": {"operator": bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}}
            (folder / "web.yml").write_text(yaml.safe_dump(users))
            web["config_file"] = str(folder / "web.yml")
            self._headers["Authorization"] = "Basic " + base64.b64encode(f"operator:{password}".encode()).decode()
        document = {
            "web": web,
            "intake": {"listen": [f"127.0.0.1:{self.intake}"]},
            "ledger": {"directory": str(folder)},
            "llm_cost": {"prices": str(prices_in(folder))},
        }
        self.file.write_text(yaml.safe_dump(document))

    @contextlib.contextmanager
    def run(self) -> Iterator[Child]:
        command = (sys.executable, "-m", "agent_observability", "run", "llm_cost", "--config", str(self.file))
        with running(command, self.folder / "log") as child:
            wait_until(lambda: self._ready(child), 30, what=child.output)
            yield child

    def push(self, *items: dict[str, Any]) -> None:
        body = json.dumps(items).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.intake}/api/v1/usage", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            assert json.load(response)["accepted"] == len(items)

    def repriced(self) -> dict[str, float]:
        """Repriced dollars by type, as they are scraped."""
        headers = {"X-Prometheus-Scrape-Timeout-Seconds": "10", **self._headers}
        request = urllib.request.Request(f"{self.url}/metrics", headers=headers)
        with urllib.request.urlopen(request, timeout=10) as response:
            lines = response.read().decode().splitlines()
        costs = [line for line in lines if line.startswith("llm_cost_usd_total{") and 'cost_source="repriced"' in line]
        return {line.partition('type="')[2].partition('"')[0]: float(line.rsplit(" ", 1)[1]) for line in costs}

    def command(self, *options: str, answer: str = "") -> subprocess.CompletedProcess[str]:
        command = (sys.executable, "-m", "agent_observability", "reprice", "--url", self.url, *options)
        return subprocess.run(command, input=answer, capture_output=True, text=True, timeout=60, cwd=ROOT, check=False)

    def _ready(self, child: Child) -> bool:
        assert child.process.poll() is None, child.output()
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5):
                return True
        except OSError:
            return False


def test_killed_in_the_middle(tmp_path: Path) -> None:
    """What was told is in the books; the next one does the rest: all of it once, to the pico-dollar."""
    number = 6_000
    process = Process(tmp_path)
    begun = time.time() - 3_600
    with process.run() as child:
        process.push(*(use(n, timestamp=begun + n / 2) for n in range(number)))
        prices_in(tmp_path).write_text(NEW)
        child.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "configuration reloaded" in child.output())
        done = 0
        with contextlib.suppress(StartError):
            for told in ask(process.url, {}, {}):
                done = told["models"].get(_MODEL, {}).get("priced", 0)
                if done >= 500:
                    child.process.kill()
        assert 500 <= done < number, "not killed in the middle"
        child.process.wait()
    with process.run():
        [*_, last] = ask(process.url, {}, {})
        rest = last["models"][_MODEL]["priced"]
        print(f"{done} of {number} told before SIGKILL, {rest} priced after it")
        assert 0 < rest <= number - done
        truth = {"input": (pico(range(number)) - number) / PICO, "output": number / PICO}
        wait_until(lambda: process.repriced() == truth, what=lambda: str((process.repriced(), truth)))
        [*_, last] = ask(process.url, {}, {})
        assert last["models"] == {}
        assert process.repriced() == truth
    with contextlib.closing(Reader(tmp_path)) as reader:
        assert reader.repriced() == (number, pico(range(number)))


class Reader:
    """What stands in the file of a ledger that nobody writes to."""

    def __init__(self, folder: Path) -> None:
        from agent_observability.ledger.sqlite import SqliteBackend

        self._backend = SqliteBackend(folder / "intake.db")

    def repriced(self) -> tuple[int, int]:
        """How many events, and their pico-dollars."""
        stored = [event for event in events(self._backend, kinds=[KIND]) if event.id.endswith(REPRICED)]
        return len(stored), sum(json.loads(event.data)["cost"] for event in stored)

    def close(self) -> None:
        self._backend.close()


def test_the_command(tmp_path: Path) -> None:
    """Asks before it changes anything; says what it has done, and what is wrong."""
    process = Process(tmp_path, password="correct horse")
    (tmp_path / "password").write_text("correct horse\n")
    (tmp_path / "wrong").write_text("battery staple")
    user = ("--user", "operator", "--password-file", str(tmp_path / "password"))
    with process.run() as child:
        assert "No call is without a price." in process.command(*user).stdout
        process.push(*(use(n) for n in range(10)))
        said = process.command(*user, "--yes")
        assert said.returncode == 0, said.stderr
        assert "None of them has a price now: add it to the file named by llm_cost.prices" in said.stdout
        prices_in(tmp_path).write_text(NEW)
        child.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "configuration reloaded" in child.output())
        for answer in ("n\n", "", "no, I will not\n", "yup?\n"):
            said = process.command(*user, answer=answer)
            assert (said.returncode, "Nothing was changed." in said.stdout) == (0, True), said
            assert process.repriced() == {}
        said = process.command(*user, answer="y\n")
        assert "10 calls were priced: $0.000135, counted as cost_source=repriced." in said.stdout
        wait_until(lambda: sum(process.repriced().values()) == pytest.approx(pico(range(10)) / PICO))
        assert "No call is without a price." in process.command(*user, "--yes").stdout
        for options, code in (((), "401"), (("--user", "operator", "--password-file", str(tmp_path / "wrong")), "401")):
            said = process.command(*options)
            assert said.returncode == 1
            assert f"{code} Unauthorized." in said.stderr
            assert "staple" not in said.stderr
        said = process.command(*user, "--since", "tomorrow")
        assert "400 since: expected a day such as 2026-01-31, got 'tomorrow'" in said.stderr


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--url", "http://127.0.0.1:1"], "http://127.0.0.1:1: "),
        (["--url", "127.0.0.1:9804"], "--url: expected http://host:port"),
        (["--url", "file:///etc/passwd"], "--url: expected http://host:port"),
        (["--url", "http://operator:secret@127.0.0.1:1"], "--url: expected http://host:port"),
        (["--url", "http://127.0.0.1:1", "--user", "operator"], "--user needs --password-file"),
        (["--user", "operator", "--password-file", "/nowhere"], "cannot read /nowhere: No such file or directory"),
    ],
)
def test_what_the_command_cannot_do(options: list[str], reason: str) -> None:
    result = CliRunner().invoke(cli.app, ["reprice", *options])
    assert isinstance(result.exception, StartError)
    assert reason in str(result.exception)
    assert "secret" not in str(result.exception)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>welcome</html>", "is the llm_cost exporter running there?"),
        (b"[1]\n", "is the llm_cost exporter running there?"),
        (b'{"progress": "much"}\n', "is the llm_cost exporter running there?"),
        (b'{"progress": 0.5, "models": {}}\n', "the exporter ended before it was done"),
        (b"", "the exporter ended before it was done"),
        (b'{"progress": 0.5, "models": {}}\n{"error": "no ledger"}\n', ": no ledger"),
        (None, "is the llm_cost exporter running there?"),
    ],
)
def test_strange_answers(body: bytes | None, reason: str) -> None:
    """Of somebody else's server, or of one that dies while it tells."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.send_response(200)
            if body is None:
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b'ff\r\n{"progress": 0.1')
            else:
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            result = CliRunner().invoke(cli.app, ["reprice", "--url", f"http://127.0.0.1:{server.server_port}"])
        finally:
            server.shutdown()
            thread.join()
    assert isinstance(result.exception, StartError), result.exception
    assert reason in str(result.exception)
