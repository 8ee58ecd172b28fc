"""The local Alertmanager: the project's own routing, delivered to the receiver of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from agent_observability.config import Config, read, tree
from agent_observability.errors import ConfigError
from agent_observability.stack.exporter_config import LOOPBACK
from agent_observability.units import Duration

__all__ = ["alertmanager_command", "local_routing"]

# One person watches one machine: what is gathered for a quarter of a minute and more elsewhere arrives at once here.
_LONGEST = {"group_wait": "1s", "group_interval": "5s"}
_MUTES = ("mute_time_intervals", "active_time_intervals")
_MAX_ALERTS = 100


def local_routing(file: Path, receiver_url: str) -> str:
    """YAML derived from the project's alertmanager.yml: same routes, grouping and inhibition.

    Every receiver with a delivery becomes a webhook `<receiver_url>/notify/<its name>`; waits are shortened and mute
    times dropped. Raises ConfigError if `file` is not what it should be.
    """
    document = tree(read(file), str(file))
    if not isinstance(document.get("route"), dict) or not isinstance(document.get("receivers"), list):
        raise ConfigError(str(file), ["expected a mapping `route` and a list `receivers`"])
    derived = {
        "route": _route(document["route"]),
        "inhibit_rules": document.get("inhibit_rules", []),
        "receivers": [_receiver(receiver, receiver_url) for receiver in document["receivers"]],
    }
    return yaml.safe_dump(derived, sort_keys=False)


def alertmanager_command(program: str, config: Config, file: Path, data: Path) -> tuple[str, ...]:
    """How to start it on its port, with `file` and its state in `data`."""
    port = config.stack.ports.alertmanager
    return (
        program,
        f"--config.file={file}",
        f"--storage.path={data}",
        f"--web.listen-address={LOOPBACK}:{port}",
        f"--web.external-url=http://localhost:{port}",
        # Empty: no gossip with other replicas, and so no further port.
        "--cluster.listen-address=",
    )


def _route(route: dict[str, Any]) -> dict[str, Any]:
    local = {key: value for key, value in route.items() if key not in _MUTES}
    for key, longest in _LONGEST.items():
        if key in local and Duration.parse(local[key]) > Duration.parse(longest):
            local[key] = longest
    if "routes" in local:
        local["routes"] = [_route(child) for child in local["routes"]]
    return local


def _receiver(receiver: dict[str, Any], url: str) -> dict[str, Any]:
    # A receiver that only has a name discards on purpose.
    if len(receiver) == 1:
        return receiver
    webhook = {"url": f"{url}/notify/{receiver['name']}", "send_resolved": True, "max_alerts": _MAX_ALERTS}
    return {"name": receiver["name"], "webhook_configs": [webhook]}
