"""Two Alertmanagers that know each other: one notification, also when the one that sent it dies."""

from __future__ import annotations

import contextlib
import re
import signal
from pathlib import Path

import pytest

from tests.alertmanager.deployment import Alertmanager, alert, alertmanager, write_routing
from tests.alertmanager.receivers import Receivers, receivers
from tests.alertmanager.world import World
from tests.support import free_port, wait_until

pytestmark = pytest.mark.stack

NAMES = ("first", "second")
EVERYBODY = {"pagerduty trigger", "#alerts-critical firing", "oncall@example.org firing"}


def senders(taken: Receivers, name: str) -> set[str]:
    """Which replicas sent what was received about an alert: each has an address of its own."""
    return {
        str(page.event["client_url"]).split("//")[1].split(".")[0] for page in taken.pages if name in str(page.event)
    }


def looks(running: Alertmanager, name: str) -> int:
    """How often it began to look at an alert's group. It has done with one look before it begins the next."""
    return len(re.findall(rf"flushing.*alerts=\[{name}\[", running.child.output()))


def test_two_notify_once_and_the_survivor_carries_on(tmp_path: Path) -> None:
    ports = dict(zip(NAMES, (free_port(), free_port()), strict=True))
    with receivers(tmp_path) as taken, contextlib.ExitStack() as stack:
        file = write_routing(tmp_path, taken)
        pair = {
            name: stack.enter_context(
                alertmanager(
                    tmp_path,
                    file,
                    f"--web.external-url=http://{name}.example.org/",
                    f"--cluster.listen-address=127.0.0.1:{ports[name]}",
                    *(f"--cluster.peer=127.0.0.1:{port}" for other, port in ports.items() if other != name),
                    # Seconds instead of a quarter of a minute until the second of them has its turn.
                    "--cluster.peer-timeout=2s",
                    "--cluster.gossip-interval=50ms",
                    "--cluster.pushpull-interval=1s",
                    name=name,
                    authority=taken.authority,
                )
            )
            for name in NAMES
        }
        world = World(pair["first"], taken)
        for running in pair.values():
            wait_until(lambda running=running: "alertmanager_cluster_members 2" in running.metrics(), 20)  # type: ignore[misc]
            wait_until(lambda running=running: "gossip settled; proceeding" in running.child.output(), 20)  # type: ignore[misc]

        for running in pair.values():
            running.post(alert("Shared"))
        wait_until(lambda: world.told("Shared") == EVERYBODY, 20, what=pair["first"].child.output)
        for running in pair.values():
            wait_until(lambda running=running: looks(running, "Shared") >= 2, 20)  # type: ignore[misc]
        (sender,) = senders(taken, "Shared")
        assert world.messages("Shared") == 3
        (survivor,) = set(NAMES) - {sender}

        pair[sender].child.end(signal.SIGKILL, 5)
        before = looks(pair[survivor], "Shared")
        pair[survivor].post(alert("Next"))
        wait_until(lambda: world.told("Next") == EVERYBODY, 20, what=pair[survivor].child.output)
        wait_until(lambda: looks(pair[survivor], "Shared") >= before + 3, 20)
        assert not taken.refused
        assert world.messages("Shared") == 3
        pair[survivor].resolve(alert("Shared"))
        wait_until(lambda: "pagerduty resolve" in world.told("Shared"), 20, what=pair[survivor].child.output)
        wait_until(lambda: world.messages("Shared") == 6, 20)
        assert len({page.event["dedup_key"] for page in world.pages("Shared")}) == 1
        assert senders(taken, "Next") == {survivor}
