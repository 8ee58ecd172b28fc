"""Who silences whom, asked of a real Alertmanager that runs the derived routing."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from agent_observability.resources import resource
from agent_observability.stack import programs
from agent_observability.stack.alertmanager import local_routing
from tests.support import free_port, running, wait_until

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("inhibition")
    (folder / "am.yml").write_text(local_routing(resource("alertmanager") / "alertmanager.yml", "http://127.0.0.1:1"))
    (program,) = programs.find_all((programs.ALERTMANAGER,))
    address = f"127.0.0.1:{free_port()}"
    options = (f"--config.file={folder}/am.yml", f"--storage.path={folder}/data", f"--web.listen-address={address}")
    with running((program, *options, "--cluster.listen-address="), folder / "am.log") as child:
        wait_until(lambda: _answers(f"http://{address}/-/ready"), 20, what=child.output)
        yield f"http://{address}/api/v2/alerts"


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _alerts(url: str) -> list[Any]:
    with urllib.request.urlopen(url, timeout=5) as response:
        alerts: list[Any] = json.load(response)
        return alerts


def _post(url: str, *alerts: dict[str, str]) -> None:
    body = json.dumps([{"labels": labels} for labels in alerts]).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5):
        pass


def _inhibited(url: str, labels: dict[str, str]) -> bool:
    (alert,) = [one for one in _alerts(url) if one["labels"] == labels]
    return bool(alert["status"]["inhibitedBy"])


def host(alertname: str, severity: str, **labels: str) -> dict[str, str]:
    return {"alertname": alertname, "severity": severity, "exporter": "host", "instance": "vm1", **labels}


DISK = "HostDiskAlmostFull"


@pytest.mark.parametrize(
    ("source", "target", "silenced"),
    [
        (host("HostMemoryHigh", "critical"), host("HostMemoryHigh", "warning"), True),
        (host("HostMemoryHigh", "critical"), host("HostMemoryHigh", "info"), True),
        (host("HostMemoryHigh", "critical"), host("HostMemoryHigh", "warning", instance="vm2"), False),
        (host("HostMemoryHigh", "critical"), host("HostCpuHigh", "warning"), False),
        (host("HostMemoryHigh", "warning"), host("HostMemoryHigh", "info"), False),
        (host(DISK, "critical", mountpoint="/a"), host(DISK, "warning", mountpoint="/a"), True),
        (host(DISK, "critical", mountpoint="/a"), host(DISK, "warning", mountpoint="/b"), False),
        (host("AgentObsExporterDown", "warning"), host("HostProcessGroupDown", "critical"), True),
        (host("AgentObsExporterDown", "warning"), host("HostProcessGroupDown", "critical", instance="vm2"), False),
        (host("AgentObsExporterDown", "warning"), host("AgentObsExporterDown", "critical"), False),
        (
            {"alertname": "AgentObsExporterDown", "severity": "warning", "exporter": "cr_state", "instance": "a"},
            {"alertname": "QueueLong", "severity": "warning", "exporter": "cr_state", "project": "p"},
            True,
        ),
        (
            {"alertname": "AgentObsExporterDown", "severity": "warning", "exporter": "cr_state"},
            {"alertname": "NoExporterLabel", "severity": "warning"},
            False,
        ),
        (
            {"alertname": "AgentObsExporterAbsent", "severity": "critical", "exporter": "host"},
            host("HostCpuHigh", "warning"),
            True,
        ),
        (
            {"alertname": "ComponentDown", "severity": "critical", "component": "backend"},
            {"alertname": "ApiLatencyHigh", "severity": "warning", "component": "backend"},
            True,
        ),
        (
            {"alertname": "ComponentDown", "severity": "critical", "component": "backend"},
            {"alertname": "ApiLatencyHigh", "severity": "warning", "component": "frontend"},
            False,
        ),
        (host("InfoInhibitor", "none"), host("GoalBehind", "info"), True),
        (host("InfoInhibitor", "none", project="a"), host("GoalBehind", "info", project="b"), False),
        (host("InfoInhibitor", "none"), host("HostCpuHigh", "warning"), False),
    ],
)
def test_inhibition(
    alertmanager: str, request: pytest.FixtureRequest, source: dict[str, str], target: dict[str, str], silenced: bool
) -> None:
    # A cluster per case: `cluster` is in every list of equal labels, so that cases do not meet.
    cluster = request.node.name
    _post(alertmanager, source | {"cluster": cluster}, target | {"cluster": cluster})
    # Alertmanager looks at alerts in the order they came: once it holds this one back, it has seen those before.
    last = {"alertname": "Last", "cluster": cluster}
    _post(alertmanager, last | {"severity": "critical"}, last | {"severity": "warning"})
    wait_until(lambda: _inhibited(alertmanager, last | {"severity": "warning"}), 10)
    assert _inhibited(alertmanager, target | {"cluster": cluster}) is silenced
