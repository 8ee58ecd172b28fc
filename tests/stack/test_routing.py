"""The local routing derived from alertmanager/alertmanager.yml."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent_observability.errors import ConfigError
from agent_observability.resources import resource
from agent_observability.stack.alertmanager import local_routing

FILE = resource("alertmanager") / "alertmanager.yml"


def project() -> Any:
    return yaml.safe_load(FILE.read_text())


def local() -> Any:
    return yaml.safe_load(local_routing(FILE, "http://127.0.0.1:9808"))


def routes(document: Any) -> list[Any]:
    return [document["route"], *document["route"]["routes"]]


def by_receiver(document: Any, name: str) -> Any:
    return next(route for route in document["route"]["routes"] if route["receiver"] == name)


def test_amtool_accepts_it(tmp_path: Path) -> None:
    file = tmp_path / "local.yml"
    file.write_text(local_routing(FILE, "http://127.0.0.1:9808"))
    checked = subprocess.run(["amtool", "check-config", file], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_local_routing_keeps_the_tree_and_the_inhibition() -> None:
    kept = ("receiver", "matchers", "group_by", "continue", "repeat_interval")
    shape = [[{key: route.get(key) for key in kept} for route in routes(document)] for document in (project(), local())]
    assert shape[0] == shape[1]
    assert local()["inhibit_rules"] == project()["inhibit_rules"]


def test_the_local_routing_delivers_everything_at_once_to_this_machine() -> None:
    document = local()
    assert {"group_wait": "1s", "group_interval": "5s"}.items() <= document["route"].items()
    assert not any("mute_time_intervals" in route for route in routes(document))
    assert by_receiver(document, "dead-man")["group_wait"] == "0s"
    urls = {one["name"]: [hook["url"] for hook in one.get("webhook_configs", [])] for one in document["receivers"]}
    assert urls == {
        name: [f"http://127.0.0.1:9808/notify/{name}"]
        for name in ("critical", "warning", "info", "security", "finance", "dead-man")
    } | {"discard": []}
    assert set().union(*(set(one) for one in document["receivers"])) == {"name", "webhook_configs"}


@pytest.mark.parametrize("text", ["", "route: x\nreceivers: []", "route: {receiver: a}"])
def test_a_file_that_is_no_routing_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "alertmanager.yml"
    file.write_text(text)
    with pytest.raises(ConfigError, match="expected a mapping `route` and a list `receivers`"):
        local_routing(file, "http://127.0.0.1:9808")
