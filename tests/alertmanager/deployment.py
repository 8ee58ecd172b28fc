"""A real Alertmanager with the project's routing and templates; addresses, waits and windows are the test's."""

from __future__ import annotations

import contextlib
import json
import shutil
import urllib.request
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import yaml

from agent_observability.resources import resource
from agent_observability.stack import programs
from tests.alertmanager.receivers import Receivers
from tests.support import Child, free_port, running, wait_until

__all__ = [
    "EXTERNAL_URL",
    "FILE",
    "SECRETS_FOLDER",
    "Alertmanager",
    "alert",
    "alertmanager",
    "routing",
    "write_routing",
]

FILE = resource("alertmanager") / "alertmanager.yml"
EXTERNAL_URL = "https://alerts.example.org/am"

SECRETS_FOLDER = "/etc/alertmanager/secrets"

_WAIT = "400ms"
_ALWAYS = [{"weekdays": ["sunday:saturday"]}]
_NEVER = [{"years": ["2000"]}]


def routing(taken: Receivers, secrets: Path, muted: Collection[str] = ()) -> str:
    """The project's routing to these receivers; its time intervals cover this moment if named in `muted`."""
    document = yaml.safe_load(FILE.read_text().replace(SECRETS_FOLDER, str(secrets)))
    document["global"]["smtp_smarthost"] = taken.smtp
    document["global"]["pagerduty_url"] = f"{taken.http}/v2/enqueue"
    for receiver in document["receivers"]:
        for webhook in receiver.get("webhook_configs", []):
            webhook["url"] = f"{taken.http}/dead-man"
    for route in (document["route"], *document["route"]["routes"]):
        shorter = {"group_wait": _WAIT, "group_interval": _WAIT}
        if route["receiver"] == "dead-man":
            shorter["repeat_interval"] = _WAIT
        route.update({name: wait for name, wait in shorter.items() if name in route})
    for interval in document["time_intervals"]:
        interval["time_intervals"] = _ALWAYS if interval["name"] in muted else _NEVER
    return yaml.safe_dump(document, sort_keys=False)


def write_routing(folder: Path, taken: Receivers, muted: Collection[str] = ()) -> Path:
    """The routing's file in `folder`, with templates and secrets beside it."""
    file = folder / "alertmanager.yml"
    file.write_text(routing(taken, folder / "secrets", muted))
    shutil.copytree(FILE.parent / "templates", folder / "templates", dirs_exist_ok=True)
    (folder / "secrets").mkdir(exist_ok=True)
    for name, secret in taken.secrets.items():
        (folder / "secrets" / name).write_text(secret)
    return file


def alert(
    name: str, severity: str = "critical", *, summary: str = "", description: str = "", **labels: str
) -> dict[str, Any]:
    """An alert as Prometheus posts it, with all links."""
    instance = quote(labels.get("instance", ""))
    given = {
        "summary": summary or f"{name} fires.",
        "description": description or f"{name} is at 97%.",
        "runbook_url": f"https://example.org/runbooks/{name}.md",
        "dashboard_url": f"https://grafana.example.org/d/agentobs-host?var-instance={instance}&x=1",
    }
    return {"labels": {"alertname": name, "severity": severity, "team": "platform", **labels}, "annotations": given}


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """A running one. `url` is where it really is."""

    url: str
    child: Child

    def post(self, *alerts: dict[str, Any]) -> None:
        self._ask("/api/v2/alerts", json.dumps(alerts).encode())

    def resolve(self, *alerts: dict[str, Any]) -> None:
        """The same alerts, over now."""
        now = datetime.now(UTC).isoformat()
        self.post(*({**one, "endsAt": now} for one in alerts))

    def alerts(self, matchers: Sequence[str] = ()) -> list[Any]:
        found: list[Any] = json.loads(self._ask(f"/api/v2/alerts?{urlencode([('filter', one) for one in matchers])}"))
        return found

    def inhibited(self, labels: dict[str, str]) -> bool:
        """Whether the alert with exactly these labels is held back by another."""
        (found,) = [one for one in self.alerts() if one["labels"] == labels]
        return bool(found["status"]["inhibitedBy"])

    def reload(self) -> None:
        self._ask("/-/reload", b"")

    def metrics(self) -> str:
        return self._ask("/metrics")

    @property
    def answers(self) -> bool:
        try:
            self._ask("/-/ready")
        except OSError:
            return False
        return True

    def _ask(self, path: str, body: bytes | None = None) -> str:
        request = urllib.request.Request(self.url + path, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=5) as response:
            text: str = response.read().decode()
            return text


@contextlib.contextmanager
def alertmanager(
    folder: Path, file: Path, *options: str, name: str = "one", authority: Path | None = None
) -> Iterator[Alertmanager]:
    """Started and ready; without other replicas unless `options` name them."""
    (program,) = programs.find_all((programs.ALERTMANAGER,))
    address = f"127.0.0.1:{free_port()}"
    command = [
        program,
        f"--config.file={file}",
        f"--storage.path={folder / name}",
        f"--web.listen-address={address}",
        "--log.level=debug",
        *(options or ("--cluster.listen-address=",)),
    ]
    if not any(option.startswith("--web.external-url") for option in options):
        command += [f"--web.external-url={EXTERNAL_URL}", "--web.route-prefix=/"]
    environment = {"SSL_CERT_FILE": str(authority)} if authority else {}
    with running(command, folder / f"{name}.log", environment) as child:
        found = Alertmanager(f"http://{address}", child)
        wait_until(lambda: found.answers, 20, what=child.output)
        yield found
