"""Starting: the command line, and every reason not to start, each said and answered with an exit code."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent_observability import __version__
from agent_observability.registry import BY_NAME
from tests.process.exporters import AGENT_OBS, PROBES, probes
from tests.support import ROOT, free_port, running, wait_until


def run(command: Sequence[str], *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment, "COLUMNS": "200", "TERM": "dumb"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_port_in_use_is_named_with_its_holder() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        result = run(PROBES, "run", "probe", "--web.listen-address", f"127.0.0.1:{port}")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert f"cannot listen on '127.0.0.1:{port}': port {port} is held by " in result.stderr
    assert f"(pid {os.getpid()})" in result.stderr


def test_a_port_in_use_stops_the_other_exporters_too(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        file = tmp_path / "config.yml"
        file.write_text(f"web: {{listen: {{probe: ['127.0.0.1:{free_port()}'], second: ['127.0.0.1:{port}']}}}}")
        result = run(PROBES, "run", "all", "--config", file)
    assert result.returncode == 1
    assert f"port {port} is held by" in result.stderr
    assert "listens on port" not in result.stderr


BAD = """
web: {max_request: 3, write_timeout: soon}
probe: {every: 5, txt: a}
prope: {}
"""
COMPLAINTS = (
    "web.max_request: unknown key 'max_request'; did you mean 'max_requests'?",
    "web.write_timeout: expected a duration such as 30s, 5m or 1h30m, got 'soon'",
    "probe.every: expected a duration such as 30s, 5m or 1h30m, got 5",
    "probe.txt: unknown key 'txt'; did you mean 'text'?",
    "prope: unknown key 'prope'; did you mean 'probe'?",
)


@pytest.mark.parametrize("command", [("run", "probe"), ("check",)])
def test_every_problem_of_a_bad_configuration_is_printed(tmp_path: Path, command: tuple[str, ...]) -> None:
    file = tmp_path / "bad.yml"
    file.write_text(BAD)
    result = run(PROBES, *command, "--config", file)
    assert result.returncode == 1
    assert sorted(result.stderr.splitlines()) == sorted(f"agent-obs: {file}: {complaint}" for complaint in COMPLAINTS)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda path: None, "cannot be read: No such file or directory"),
        (lambda path: path.mkdir(), "cannot be read: Is a directory"),
        (lambda path: path.write_bytes(b"probe: \xff"), "is not UTF-8 text: byte 7"),
        (lambda path: path.write_text("- a"), "expected a mapping at the top, got list"),
    ],
)
def test_an_unreadable_file_is_named(tmp_path: Path, make, complaint: str) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "config.yml"
    make(file)
    result = run(PROBES, "check", "--config", file)
    assert (result.returncode, result.stderr) == (1, f"agent-obs: {file}: {complaint}\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_forbidden_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "config.yml"
    file.touch(mode=0)
    result = run(PROBES, "check", "--config", file)
    assert (result.returncode, result.stderr) == (1, f"agent-obs: {file}: cannot be read: Permission denied\n")


def test_check_reads_the_web_configuration_too(tmp_path: Path) -> None:
    web = tmp_path / "web.yml"
    web.write_text("basic_auth_users: {kim: secret123}")
    file = tmp_path / "config.yml"
    file.write_text("web: {config_file: web.yml}")
    for arguments in (("check", "--web.config.file", web), ("run", "probe", "--config", file)):
        result = run(PROBES, *arguments)
        assert result.returncode == 1
        assert result.stderr == f"agent-obs: {web}: basic_auth_users.kim: expected a bcrypt hash (not shown)\n"


def test_check_of_a_good_file(tmp_path: Path) -> None:
    file = tmp_path / "config.yml"
    file.write_text("probe: {password: '${PROBE_PASSWORD}'}")
    result = run(PROBES, "check", "--config", file, PROBE_PASSWORD="hunter2")
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{file}: valid\n", "")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("run", "prope"), "no exporter is called prope; there are probe, second and all"),
        (("run", "all", "--web.listen-address", ":1"), "takes one exporter; use web.listen in the configuration"),
        (("run", "probe", "--web.listen-adress", ":1"), "No such option"),
    ],
)
def test_a_wrong_command_line(arguments: tuple[str, ...], complaint: str) -> None:
    result = run(PROBES, *arguments)
    assert result.returncode == 2
    assert complaint in re.sub(r"[\s│]+", " ", result.stderr)


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("9801", "command line: web.listen.probe[0]: listen address '9801': expected host:port, :port or [ipv6]:port"),
        ("192.0.2.1:0", "cannot listen on '192.0.2.1:0': Cannot assign requested address"),
    ],
)
def test_an_address_it_cannot_listen_on(address: str, complaint: str) -> None:
    result = run(PROBES, "run", "probe", "--web.listen-address", address)
    assert (result.returncode, result.stderr) == (1, f"agent-obs: {complaint}\n")


def test_several_addresses_and_flags(tmp_path: Path) -> None:
    ports = [free_port(), free_port()]
    listen = [part for port in ports for part in ("--web.listen-address", f"127.0.0.1:{port}")]
    command = (*PROBES, "run", "probe", *listen, "--web.telemetry-path", "/m")
    with running(command, tmp_path / "log") as child:
        for port in ports:
            wait_until(lambda port=port: _status(port, "/m") == 200, what=child.output)  # type: ignore[misc]
            assert _status(port, "/metrics") == 404


def _status(port: int, path: str) -> int | None:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        client.request("GET", path)
        return client.getresponse().status
    except ConnectionRefusedError:
        return None
    finally:
        client.close()


def test_version_and_module() -> None:
    script = (str(Path(sys.executable).with_name("agent-obs")),)
    for command in (AGENT_OBS, script):
        result = run(command, "--version")
        assert (result.returncode, result.stdout, result.stderr) == (0, f"{__version__}\n", "")
        assert "Usage: " in run(command, "--help").stdout


def test_run_all_of_the_real_registry(tmp_path: Path) -> None:
    ports = {name: free_port() for name in BY_NAME}
    file = tmp_path / "config.yml"
    listen = {name: [f"127.0.0.1:{port}"] for name, port in ports.items()}
    intake = {"listen": [f"127.0.0.1:{free_port()}"]}
    file.write_text(json.dumps({"web": {"listen": listen}, "intake": intake, "ledger": {"directory": str(tmp_path)}}))
    with running((*AGENT_OBS, "run", "all", "--config", file), tmp_path / "log") as child:
        for port in ports.values():
            wait_until(lambda port=port: _status(port, "/metrics") == 200, 20, what=child.output)  # type: ignore[misc]


def test_run_all_gives_each_exporter_its_port_and_registry(tmp_path: Path) -> None:
    sections = {"probe": {"text": "one"}, "second": {"text": "two"}}
    with probes(tmp_path, "probe", "second", **sections) as it:
        pages = {name: it.metrics(name) for name in it.ports}
    assert [name for name, page in pages.items() if "process_resident_memory_bytes" in page] == ["probe"]
    for name, text in (("probe", "one"), ("second", "two")):
        assert f'exporter="{name}"' in pages[name]
        assert re.findall(r"^probe_info.*", pages[name], re.M) == [f'probe_info{{text="{text}"}} 1']


def test_configured_limits_reach_the_exporter(tmp_path: Path) -> None:
    with probes(tmp_path, limits={"kind": 1}, probe={"counts": {"first": 2, "second": 3}}) as process:
        for _ in range(2):  # until births are over
            process.metrics()
        shown = process.metrics()
    assert 'probe_jobs_total{kind="first"} 2\n' in shown
    assert 'probe_jobs_total{kind="__overflow__"} 3\n' in shown
