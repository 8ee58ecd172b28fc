"""The command line of the check: what it refuses, how it authenticates, and what it never prints."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.checkup.installation import check
from tests.support import free_port

_ANSWERS: dict[str, Any] = {
    "/api/v1/targets": {"activeTargets": []},
    "/api/v1/rules": {"groups": []},
    "/api/v1/query": {"resultType": "vector", "result": []},
}


@contextlib.contextmanager
def guarded(header: str, value: str) -> Iterator[str]:
    """An empty Prometheus behind a proxy that wants a header; everybody else gets its page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            allowed = self.headers.get(header) == value
            data = _ANSWERS.get(self.path.partition("?")[0])
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200 if allowed else 401)
            self.end_headers()
            self.wfile.write(
                json.dumps({"status": "success", "data": data}).encode() if allowed else b"<h1>Log in</h1>"
            )

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_token_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("geheim-1\n")
    with guarded("Authorization", "Bearer geheim-1") as address:
        refused = check("--prometheus", f"http://{address}")
        allowed = check("--prometheus", f"http://{address}", "--prometheus.token-file", tmp_path / "token")
    assert refused.returncode == 1
    assert refused.stderr == f"agent-obs: http://{address}: unexpected answer from Prometheus (targets): HTTP 401\n"
    assert "Prometheus has no such target" in allowed.stdout
    assert "geheim" not in allowed.stdout + allowed.stderr


def test_password_in_the_address() -> None:
    with guarded("Authorization", "Basic " + base64.b64encode(b"anna:geheim-2").decode()) as address:
        allowed = check("--prometheus", f"http://anna:geheim-2@{address}")
        wrong = check("--prometheus", f"http://anna:geheim-3@{address}")
    assert "Prometheus has no such target" in allowed.stdout
    assert wrong.returncode == 1
    assert "geheim" not in allowed.stdout + allowed.stderr + wrong.stdout + wrong.stderr


def test_headers() -> None:
    with guarded("X-Scope-OrgID", "agents=1") as address:
        allowed = check("--prometheus", f"http://{address}", "--prometheus.header", "X-Scope-OrgID=agents=1")
    assert "Prometheus has no such target" in allowed.stdout


def test_nobody_answers() -> None:
    address = f"http://anna:geheim@127.0.0.1:{free_port()}"
    result = check("--prometheus", address)
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "Prometheus does not answer" in result.stderr
    assert "geheim" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--prometheus", "localhost:9090"], 2, "expected http://… or https://…"),
        (["--prometheus", "http://localhost", "--exporter", "hosts"], 2, "no exporter is called hosts; there are host"),
        (["--prometheus", "http://localhost", "--wait", "soon"], 2, "a duration such as 30s"),
        (["--prometheus", "http://localhost", "--output", "xml"], 2, "expected text or json, got xml"),
        (["--prometheus", "http://localhost", "--prometheus.header", "X"], 2, "expected NAME=VALUE"),
        (["--rules", "/tmp"], 2, "--prometheus"),
        (["--prometheus", "http://localhost", "--rules", "/no/such"], 1, "/no/such is no folder"),
        (["--prometheus", "http://localhost", "--prometheus.token-file", "/no/such"], 1, "/no/such cannot be read"),
        (
            ["--prometheus", "https://localhost", "--prometheus.ca-file", "/no/such"],
            1,
            "/no/such holds no certificates",
        ),
        (["--prometheus", "http://localhost", "--config", "/no/such"], 1, "/no/such: cannot be read"),
    ],
)
def test_refused(arguments: list[str], code: int, message: str) -> None:
    result = check(*arguments)
    assert result.returncode == code, result.stderr
    assert message in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", "groups: [", "a.yaml: is no file of Prometheus rules"),
        ("a.yaml", "groups: [{name: x, rules: [{expr: up}]}]", "a.yaml: is no file of Prometheus rules"),
        ("a.yaml", "[]", "a.yaml: is no file of Prometheus rules"),
    ],
)
def test_broken_rule_files(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    result = check("--prometheus", "http://localhost:1", "--rules", tmp_path)
    assert result.returncode == 1
    assert message in result.stderr


@pytest.mark.parametrize("text", ["{", "[]", '{"uid": "x"}', '{"uid": "x", "panels": [1], "templating": {"list": []}}'])
def test_broken_pages(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    result = check("--prometheus", "http://localhost:1", "--dashboards", tmp_path)
    assert result.returncode == 1
    assert "x.json: is no Grafana dashboard" in result.stderr
    assert "Traceback" not in result.stderr
