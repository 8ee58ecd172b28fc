"""Who silences whom, asked of a real Alertmanager."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from agent_observability.stack.alertmanager import local_routing
from tests.alertmanager.deployment import FILE, Alertmanager, alertmanager
from tests.support import wait_until

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    """With the derived routing: the same rules, and receivers that need no servers."""
    folder = tmp_path_factory.mktemp("inhibition")
    file = folder / "alertmanager.yml"
    file.write_text(local_routing(FILE, "http://127.0.0.1:1"))
    with alertmanager(folder, file) as started:
        yield started


def host(alertname: str, severity: str, **labels: str) -> dict[str, str]:
    return {"alertname": alertname, "severity": severity, "exporter": "host", "instance": "vm1", **labels}


def down(exporter: str) -> dict[str, str]:
    return {"alertname": "AgentObsExporterDown", "severity": "warning", "exporter": exporter, "instance": "a"}


def proxy(alertname: str, severity: str, **labels: str) -> dict[str, str]:
    own = {"exporter": "credential_proxy", "component": "credential_proxy", "team": "platform", "instance": "a"}
    return {"alertname": alertname, "severity": severity, **own, **labels}


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
            down("cr_state"),
            {"alertname": "QueueLong", "severity": "warning", "exporter": "cr_state", "project": "p"},
            True,
        ),
        (down("cr_state"), {"alertname": "QueueLong", "severity": "warning", "exporter": "api"}, False),
        # Another replica saw these with its own eyes.
        (down("cr_state"), {"alertname": "QueueLong", "severity": "critical", "exporter": "cr_state"}, False),
        (down("proxy"), {"alertname": "Odd", "severity": "warning", "exporter": "proxy", "team": "security"}, False),
        (down("cr_state"), {"alertname": "NoExporterLabel", "severity": "warning"}, False),
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
        # There is a proxy on each node, and an exporter beside it.
        (proxy("CredentialProxyDown", "critical"), proxy("CredentialProxySlow", "warning"), True),
        (proxy("CredentialProxyDown", "critical"), proxy("CredentialProxySlow", "warning", instance="b"), False),
        (down("credential_proxy"), proxy("CredentialProxySlow", "warning"), True),
        (down("credential_proxy"), proxy("CredentialProxySlow", "warning", instance="b"), False),
        (down("credential_proxy"), proxy("CredentialProxyDown", "critical"), False),
        (host("InfoInhibitor", "none"), host("GoalBehind", "info"), True),
        (host("InfoInhibitor", "none", project="a"), host("GoalBehind", "info", project="b"), False),
        (host("InfoInhibitor", "none"), host("HostCpuHigh", "warning"), False),
    ],
)
def test_inhibition(
    running: Alertmanager,
    request: pytest.FixtureRequest,
    source: dict[str, str],
    target: dict[str, str],
    silenced: bool,
) -> None:
    # A cluster per case: `cluster` is in every list of equal labels, so that cases do not meet.
    cluster = request.node.name
    last = {"alertname": "Last", "cluster": cluster}
    running.post(_alert(source, cluster), _alert(target, cluster))
    # Alertmanager looks at alerts in the order they came: once it holds this one back, it has seen those before.
    running.post(_alert(last | {"severity": "critical"}, cluster), _alert(last | {"severity": "warning"}, cluster))
    wait_until(lambda: running.inhibited(last | {"severity": "warning"}), 10)
    assert running.inhibited(target | {"cluster": cluster}) is silenced


def _alert(labels: dict[str, str], cluster: str) -> dict[str, Any]:
    return {"labels": labels | {"cluster": cluster}}
