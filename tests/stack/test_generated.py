"""The files that `agent-obs up` writes: what stands in them, and that the programs' own checkers accept them."""

from __future__ import annotations

import configparser
import glob
import socket
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent_observability.config import Config, load, parse
from agent_observability.credential_proxy.config import CredentialProxyConfig
from agent_observability.errors import ConfigError
from agent_observability.registry import BY_NAME, EXPORTERS
from agent_observability.resources import resource
from agent_observability.stack.exporter_config import exporter_config, listen_addresses, local_address
from agent_observability.stack.grafana import grafana_command, grafana_ini
from agent_observability.stack.plan import Plan, make_plan
from agent_observability.stack.prometheus import prometheus_command, prometheus_config
from agent_observability.stack.state import StateDirectory

LABELS = {"grafana_url": "http://localhost:3000"}


def config_of(text: str) -> Config:
    return parse(text, "test", Path("/"))


def prometheus_of(text: str = "", rules: Path | None = None) -> Any:
    return yaml.safe_load(prometheus_config(config_of(text), EXPORTERS, rules or resource("rules"), LABELS))


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        (
            "",
            {
                "agent-obs-host": "127.0.0.1:9801",
                "agent-obs-cr_state": "127.0.0.1:9802",
                "agent-obs-credential_proxy": "127.0.0.1:9803",
                "agent-obs-llm_cost": "127.0.0.1:9804",
                "prometheus": "127.0.0.1:9090",
                "alertmanager": "127.0.0.1:9093",
            },
        ),
        (
            "{stack: {ports: {prometheus: 1, alertmanager: 2}}, web: {listen: {host: [':3']}}}",
            {
                "agent-obs-host": "127.0.0.1:3",
                "agent-obs-cr_state": "127.0.0.1:9802",
                "agent-obs-credential_proxy": "127.0.0.1:9803",
                "agent-obs-llm_cost": "127.0.0.1:9804",
                "prometheus": "127.0.0.1:1",
                "alertmanager": "127.0.0.1:2",
            },
        ),
    ],
)
def test_prometheus_scrapes_every_part(text: str, targets: dict[str, str]) -> None:
    document = prometheus_of(text)
    jobs = {job["job_name"]: job for job in document["scrape_configs"]}
    assert {name: job["static_configs"][0]["targets"] for name, job in jobs.items()} == {
        name: [target] for name, target in targets.items()
    }
    assert all(job["honor_labels"] for job in jobs.values())
    labels = [job["static_configs"][0]["labels"] for job in jobs.values()]
    assert labels == [{"instance": socket.gethostname()}] * len(targets)
    assert jobs["agent-obs-host"]["scrape_interval"] == "5s"
    assert document["global"] == {"scrape_interval": "15s", "evaluation_interval": "15s", "external_labels": LABELS}
    (alertmanager,) = document["alerting"]["alertmanagers"]
    assert alertmanager["static_configs"] == [{"targets": [targets["alertmanager"]]}]


def test_prometheus_reads_the_exporters_telemetry_path() -> None:
    job = prometheus_of("web: {telemetry_path: /m}")["scrape_configs"][0]
    assert job["metrics_path"] == "/m"


def test_prometheus_has_every_rule_file_of_the_project() -> None:
    assert prometheus_of()["rule_files"] == [str(file) for file in sorted(resource("rules").rglob("*.yaml"))]


def test_rules_of_an_exporter_that_does_not_run_are_left_out() -> None:
    config = yaml.safe_load(prometheus_config(config_of(""), EXPORTERS[:1], resource("rules"), LABELS))
    assert [Path(file).name for file in config["rule_files"]] == ["host.yaml", "suite.yaml"]


def test_a_folder_that_looks_like_a_pattern_is_found_by_prometheus(tmp_path: Path) -> None:
    rules = tmp_path / "a[b]*"
    rules.mkdir()
    (rules / "x.yaml").write_text("groups: [{name: x, rules: [{record: 'a:b', expr: '1'}]}]")
    file = tmp_path / "prometheus.yml"
    file.write_text(yaml.safe_dump(prometheus_of("", rules)))
    checked = subprocess.run(["promtool", "check", "config", file], capture_output=True, text=True, check=False)
    assert (checked.returncode, "1 rules found" in checked.stdout) == (0, True), checked.stdout + checked.stderr


def test_prometheus_keeps_thirty_days_and_listens_locally(tmp_path: Path) -> None:
    command = prometheus_command("prometheus", config_of(""), tmp_path / "c", tmp_path / "data")
    assert command == (
        "prometheus",
        f"--config.file={tmp_path}/c",
        f"--storage.tsdb.path={tmp_path}/data",
        "--storage.tsdb.retention.time=2592000s",
        "--web.listen-address=127.0.0.1:9090",
        "--web.external-url=http://localhost:9090/",
        "--web.enable-lifecycle",
        "--enable-feature=exemplar-storage",
    )


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (":9801", "127.0.0.1:9801"),
        ("0.0.0.0:9801", "127.0.0.1:9801"),
        ("[::]:9801", "127.0.0.1:9801"),
        ("[::1]:9801", "[::1]:9801"),
        ("10.0.0.1:9801", "10.0.0.1:9801"),
        ("name:9801", "name:9801"),
    ],
)
def test_local_address(address: str, expected: str) -> None:
    assert local_address(address) == expected


def test_exporters_listen_on_loopback_unless_told_otherwise() -> None:
    host = BY_NAME["host"]
    assert listen_addresses(config_of(""), host) == ["127.0.0.1:9801"]
    assert listen_addresses(config_of("web: {listen: {host: [':1', ':2']}}"), host) == [":1", ":2"]


WATCHED = {"drill": "canary-0"}
LISTEN = {
    "host": ["127.0.0.1:9801"],
    "cr_state": ["127.0.0.1:9802"],
    "credential_proxy": ["127.0.0.1:9803"],
    "llm_cost": ["127.0.0.1:9804"],
}
NO_FILE = {"web": {"listen": LISTEN}, "host": {"processes": {"groups": WATCHED}}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", NO_FILE),
        ("web:\nhost:\n", NO_FILE),
        ("stack: {ports: {receiver: 1}}", NO_FILE),
        (
            # A relative path starts at the file's folder, wherever the generated file lies.
            "host: {path: {rootfs: sub, procfs: /proc, sysfs: '${SYS}'}, processes: {groups: {web: nginx}}}",
            NO_FILE
            | {
                "host": {
                    "path": {"rootfs": "{folder}/sub", "procfs": "/proc", "sysfs": "{folder}/a$$b"},
                    "processes": {"groups": {"web": "nginx", **WATCHED}},
                }
            },
        ),
        (
            # Variables elsewhere stay as they are: what they hold may be secret.
            "log: {level: '${LEVEL:-info}'}",
            {"log": {"level": "${LEVEL:-info}"}, **NO_FILE},
        ),
        (
            # The local Prometheus has neither the certificate nor the password.
            "web: {config_file: web.yml, max_requests: 5, listen: {host: ['[::1]:1']}}",
            {"web": {"max_requests": 5, "listen": LISTEN | {"host": ["[::1]:1"]}}, "host": NO_FILE["host"]},
        ),
        ("limits: {model: 5}", {"limits": {"model": 5}, **NO_FILE}),
    ],
)
def test_exporter_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: Any) -> None:
    monkeypatch.setenv("SYS", "a$b")
    file = tmp_path / "user.yml"
    file.write_text(text)
    generated = exporter_config(load(file), WATCHED)
    assert yaml.safe_load(generated) == yaml.safe_load(yaml.safe_dump(expected).replace("{folder}", str(tmp_path)))
    again = tmp_path / "elsewhere"
    again.mkdir()
    (again / "exporters.yml").write_text(generated)
    assert load(again / "exporters.yml").sections["host"].path == load(file).sections["host"].path


def test_exporter_config_without_a_file() -> None:
    assert yaml.safe_load(exporter_config(load(None), WATCHED)) == NO_FILE


def plan_of(folder: Path, *, demo: bool) -> Plan:
    """Its files are accepted by the programs' own checkers."""
    state = StateDirectory(folder)
    state.create()
    plan = make_plan(config_of(""), state, demo=demo)
    for path, text in plan.files.items():
        path.write_text(text)
    generated = state.generated
    subprocess.run(["promtool", "check", "config", generated / "prometheus.yml"], check=True, capture_output=True)
    subprocess.run(["amtool", "check-config", generated / "alertmanager.yml"], check=True, capture_output=True)
    load(generated / "exporters.yml")
    return plan


def test_plan_without_a_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    plan = plan_of(tmp_path, demo=False)
    assert plan.jobs == ["alertmanager", "agent-obs-host", "agent-obs-llm_cost", "prometheus"]
    assert {claim.address for claim in plan.claims} == {
        f"127.0.0.1:{port}" for port in (9090, 9093, 9808, 9801, 9804, 4318)
    }
    assert plan.skipped == {
        "cr_state": f"no kubeconfig: {tmp_path}/none is not there",
        "credential_proxy": "credential_proxy.log.paths names no audit log",
    }


def test_plan_with_a_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").touch()
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    plan = plan_of(tmp_path, demo=False)
    assert plan.jobs == ["alertmanager", "agent-obs-host", "agent-obs-cr_state", "agent-obs-llm_cost", "prometheus"]
    assert list(plan.skipped) == ["credential_proxy"]


def test_plan_with_the_demo(tmp_path: Path) -> None:
    """What is made up does not mix with what is real."""
    plan = plan_of(tmp_path, demo=True)
    exporters = ["agent-obs-host", "agent-obs-cr_state", "agent-obs-credential_proxy", "agent-obs-llm_cost"]
    assert plan.jobs == ["alertmanager", *exporters, "prometheus"]
    config = load(StateDirectory(tmp_path).generated / "exporters.yml")
    assert config.sections["cr_state"].kubernetes.url == "http://127.0.0.1:9809"
    assert config.ledger.directory == tmp_path / "demo-ledger"
    [prometheus] = [part for part in plan.parts if part.name == "prometheus"]
    assert f"--storage.tsdb.path={tmp_path}/demo-prometheus" in prometheus.command
    [demo] = [part for part in plan.parts if part.name == "demo"]
    assert demo.wave < min(part.wave for part in plan.parts if part is not demo)


def test_the_exporter_reads_what_the_demos_credential_proxy_writes(tmp_path: Path) -> None:
    """Also in a folder whose name looks like a pattern and a variable, and is too long for a socket."""
    root = tmp_path / ("[a]*$HOME" + 80 * "x")
    plan = plan_of(root, demo=True)
    [demo] = [part for part in plan.parts if part.name == "demo"]
    where = dict(pairwise(demo.command))
    section = load(StateDirectory(root).generated / "exporters.yml").sections["credential_proxy"]
    folder = Path(where["--proxy"])
    folder.mkdir()
    for name in ("audit.log", "audit-legacy.log", "audit.log.1"):
        (folder / name).touch()
    # As the exporter looks for them.
    found = sorted(glob.glob(section.log.paths[0]))  # noqa: PTH207
    assert found == [str(folder / "audit-legacy.log"), str(folder / "audit.log")]
    assert section.probes.targets == {"demo": f"unix://{where['--proxy-socket']}"}
    assert len(where["--proxy-socket"].encode()) <= 100
    assert section.services == CredentialProxyConfig().services
    assert not section.missing_source()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stack: {ports: {prometheus: 0}}", "stack.ports.prometheus"),
        ("stack: {ports: {prometheuss: 1}}", "did you mean 'prometheus'"),
        ("stack: {retention: 30}", "stack.retention"),
    ],
)
def test_bad_stack_sections_are_refused(text: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        config_of(text)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"XDG_STATE_HOME": "/s"}, Path("/s/agent-observability")),
        ({"XDG_STATE_HOME": "relative"}, Path.home() / ".local/state/agent-observability"),
        ({}, Path.home() / ".local/state/agent-observability"),
    ],
)
def test_state_directory(environment: dict[str, str], expected: Path) -> None:
    assert StateDirectory.locate(environment).root == expected


def test_the_demos_socket_lies_where_its_path_fits(tmp_path: Path) -> None:
    short, long = StateDirectory(Path("/s")), StateDirectory(tmp_path / ("x" * 90))
    assert short.demo_socket == Path("/s/demo-proxy/proxy.sock")
    assert long.demo_socket.name == "proxy.sock"
    assert long.demo_socket != StateDirectory(tmp_path / ("y" * 90)).demo_socket
    assert len(bytes(long.demo_socket)) <= 100


def test_the_state_directory_is_private_and_locked_once(tmp_path: Path) -> None:
    state = StateDirectory(tmp_path / "a" / "b")
    state.create()
    assert state.logs.stat().st_mode & 0o077 == 0
    lock = state.lock()
    assert lock is not None
    assert state.lock() is None
    lock.close()
    again = state.lock()
    assert again is not None
    again.close()


def test_grafana_needs_no_login_and_serves_our_pages(tmp_path: Path) -> None:
    parser = configparser.RawConfigParser()
    parser.read_string(grafana_ini(StateDirectory(tmp_path), Path("/p"), Path("/d"), 3001))
    assert dict(parser["server"]) == {"http_addr": "127.0.0.1", "http_port": "3001"}
    assert parser["paths"]["provisioning"] == "/p"
    assert dict(parser["auth.anonymous"]) == {"enabled": "true", "org_role": "Viewer"}
    assert parser["analytics"]["reporting_enabled"] == "false"
    home = Path(parser["dashboards"]["default_home_dashboard_path"])
    assert (resource("dashboards/json") / home.relative_to("/d")).is_file()


@pytest.mark.parametrize("layout", [".", "share/grafana"])
def test_grafana_is_told_its_home(tmp_path: Path, layout: str) -> None:
    home = tmp_path / layout
    (home / "conf").mkdir(parents=True)
    (home / "conf" / "defaults.ini").touch()
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "grafana"
    program.touch()
    command = grafana_command(str(program), Path("/c"))
    assert command == (str(program), "server", "--config=/c", f"--homepath={home}")
