"""Windows of planned work: what they hold back, and that it comes once they are over."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.alertmanager.deployment import alert, alertmanager, write_routing
from tests.alertmanager.receivers import receivers
from tests.alertmanager.world import World
from tests.support import wait_until

pytestmark = pytest.mark.stack

ONCALL = "oncall@example.org"


@pytest.mark.parametrize(
    ("window", "held_back"),
    [("maintenance", {"Warning", "Info", "SecurityWarning"}), ("weekend", {"Info"})],
)
def test_a_window_holds_back_warnings_and_infos_and_never_a_page(
    tmp_path: Path, window: str, held_back: set[str]
) -> None:
    alerts = (
        alert("Critical"),
        alert("Warning", "warning"),
        alert("Info", "info"),
        alert("SecurityWarning", "warning", team="security"),
    )
    with receivers(tmp_path) as taken:
        file = write_routing(tmp_path, taken, {window})
        with alertmanager(tmp_path, file, authority=taken.authority) as running:
            world = World(running, taken)
            running.post(*alerts)
            # Alertmanager says so once for each group whose turn it was.
            wait_until(
                lambda: running.child.output().count("within mute time") >= len(held_back), what=running.child.output
            )
            wait_until(lambda: world.told("SecurityWarning") >= {"#security firing"}, what=running.child.output)
            world.settle()
            assert world.told("Critical") == {"pagerduty trigger", "#alerts-critical firing", f"{ONCALL} firing"}
            warned = {"#alerts firing", f"{ONCALL} firing"}
            assert world.told("Warning") == (set() if "Warning" in held_back else warned)
            assert world.told("SecurityWarning") - warned == {"#security firing"}
            assert world.told("Info") == set()

            write_routing(tmp_path, taken)
            running.reload()
            wait_until(lambda: world.told("Warning") == warned, what=running.child.output)
            wait_until(lambda: world.told("SecurityWarning") == {"#security firing", *warned})
            wait_until(lambda: world.told("Info") == {f"{ONCALL} firing"})
            assert world.messages("Critical") == 3
