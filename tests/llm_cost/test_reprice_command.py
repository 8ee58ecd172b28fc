"""`agent-obs reprice` against a running exporter, and against one that is killed in the middle."""

from __future__ import annotations

import base64
import contextlib
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
from agent_observability.ledger.queries import events
from agent_observability.llm_cost.booking import KIND, REPRICED
from agent_observability.llm_cost.command import ask
from agent_observability.llm_cost.metrics import PICO
from tests.llm_cost.living import prices_in
from tests.llm_cost.unpriced import MODEL, NEW, pico, use
from tests.support import ROOT, Child, free_port, running, wait_until


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
                done = told["models"].get(MODEL, {}).get("priced", 0)
                if done >= 500:
                    child.process.kill()
        assert 500 <= done < number, "not killed in the middle"
        child.process.wait()
    with process.run():
        [*_, last] = ask(process.url, {}, {})
        rest = last["models"][MODEL]["priced"]
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
