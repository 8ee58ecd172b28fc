"""From an attack to the page: the demo's proxy, real exporter, Prometheus and Alertmanager as the product sets them.

Scrapes, rules, routing and its waits are the product's own; only the receivers are webhooks on this machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp.test_utils import TestServer

from agent_observability.config import Config, parse
from agent_observability.demo.proxy import CredentialProxy
from agent_observability.demo.proxy_attacks import Attack
from agent_observability.prometheus_api import PrometheusApi
from agent_observability.registry import BY_NAME
from agent_observability.resources import resource
from agent_observability.stack import programs
from agent_observability.stack.alertmanager import alertmanager_command, local_routing
from agent_observability.stack.exporter_config import exporter_config
from agent_observability.stack.notifications import NotificationStore
from agent_observability.stack.prometheus import prometheus_command, prometheus_config
from agent_observability.stack.receiver import receiver_app
from agent_observability.stack.sources import demo_sources
from agent_observability.stack.state import StateDirectory
from tests.support import Child, free_port, running, wait_until_async

__all__ = ["BAR_SECONDS", "Paging", "paging"]

BAR_SECONDS = 15.0
_ALERT = "CredentialProxyAnomaly"
_GROUP = "agent-obs-credential-proxy-anomaly-alerts"
_TOLD = {"critical", "security"}
_PATIENCE_SECONDS = 60.0


class Paging:
    """A running stack."""

    def __init__(self, proxy: CredentialProxy, store: NotificationStore, prometheus: PrometheusApi, log: Child) -> None:
        self.proxy = proxy
        self._store = store
        self._prometheus = prometheus
        self._log = log

    async def watched(self) -> None:
        """Return once the exporter is scraped, its rules are evaluated, and nobody was told of any anomaly."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while await self._prometheus.value("count(credential_proxy_anomaly_active)") != 4:
                await asyncio.sleep(0.1)
            while not any(group.name == _GROUP and group.evaluated for group in await self._prometheus.rule_groups()):
                await asyncio.sleep(0.1)
        assert not [alert for alert in await self._prometheus.alerts() if alert.name == _ALERT]
        assert not self._told()

    async def page(self, kind: str, pace: float) -> float:
        """Seconds from the record that completes an attack to the last of those who hear of it."""
        attack = self.proxy.attack(kind, pace=pace)
        await wait_until_async(lambda: attack.completed, 30, what=f"{kind} is not complete")
        [type_, completed] = next(iter(attack.completed.items()))
        found: dict[str, float] = {}
        await wait_until_async(
            lambda: found.update(self._heard(attack, type_)) or found.keys() == _TOLD,
            _PATIENCE_SECONDS,
            what=f"nobody was told of {kind} by {attack.container}: {self._log.output()[-2000:]}",
        )
        seconds = max(found.values()) - completed
        assert seconds > 0
        return seconds

    def _heard(self, attack: Attack, type_: str) -> dict[str, float]:
        """Who was told that this container does this, and when first."""
        wanted = {"container_id": attack.container, "type": type_, "team": "security"}.items()
        heard: dict[str, float] = {}
        for receiver, received, labels in self._told():
            if wanted <= labels.items():
                heard.setdefault(receiver, received)
        return heard

    def _told(self) -> list[tuple[str, float, dict[str, str]]]:
        return [
            (notification.receiver, notification.received, alert.labels)
            for notification in self._store.after(0)
            for alert in notification.message.alerts
            if alert.labels["alertname"] == _ALERT and alert.status == "firing"
        ]


def routing(receiver: str) -> str:
    """The product's own, every wait included, to this receiver."""
    file = resource("alertmanager") / "alertmanager.yml"
    document, own = yaml.safe_load(local_routing(file, receiver)), yaml.safe_load(file.read_text())
    return yaml.safe_dump(document | {key: own[key] for key in ("route", "time_intervals")}, sort_keys=False)


@contextlib.asynccontextmanager
async def paging(folder: Path) -> AsyncIterator[Paging]:
    """The stack, watched, with an honest crowd at work."""
    exporter = BY_NAME["credential_proxy"]
    numbers = {name: free_port() for name in ("prometheus", "alertmanager", "receiver", "demo", "intake", "exporter")}
    listen = {exporter.name: [f"127.0.0.1:{numbers.pop('exporter')}"]}
    document = {"stack": {"ports": numbers}, "web": {"listen": listen}}
    config = parse(yaml.safe_dump(document), str(folder / "agent-obs.yml"), folder)
    (folder / "agent-obs.yml").write_text(yaml.safe_dump(document))
    state = StateDirectory(folder / "state")
    state.create()
    store = NotificationStore(state.notifications)
    proxy = CredentialProxy(state.demo_proxy, state.demo_socket, attacks=False)
    proxy.begin()
    async with contextlib.AsyncExitStack() as stack:
        traffic = asyncio.create_task(proxy.run())
        stack.push_async_callback(_end, traffic, proxy)
        receiver = await stack.enter_async_context(TestServer(receiver_app(store), host="127.0.0.1"))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        files = _write(config, state, str(receiver.make_url("")).rstrip("/"))
        command = (sys.executable, "-m", "agent_observability", "run", exporter.name, "--config", files["exporters"])
        prometheus, alertmanager = programs.find_all((programs.PROMETHEUS, programs.ALERTMANAGER))
        log = stack.enter_context(running(command, folder / "exporter.log"))
        command = alertmanager_command(alertmanager, config, files["alertmanager"], state.alertmanager)
        told = stack.enter_context(running(command, folder / "alertmanager.log"))
        await _ready(session, f"http://{listen[exporter.name][0]}", log)
        await _ready(session, f"http://127.0.0.1:{numbers['alertmanager']}", told)
        command = prometheus_command(prometheus, config, files["prometheus"], state.prometheus)
        scraping = stack.enter_context(running(command, folder / "prometheus.log"))
        url = f"http://127.0.0.1:{numbers['prometheus']}"
        await _ready(session, url, scraping)
        it = Paging(proxy, store, PrometheusApi(url, session), log)
        await it.watched()
        yield it


def _write(config: Config, state: StateDirectory, receiver: str) -> dict[str, Path]:
    sources = demo_sources(config, state)
    exporters = [BY_NAME["credential_proxy"]]
    labels = {"grafana_url": "http://localhost:3000"}
    texts = {
        "exporters": exporter_config(config, {}, sources.settings),
        "prometheus": prometheus_config(config, exporters, resource("rules"), labels),
        "alertmanager": routing(receiver),
    }
    files = {name: state.generated / f"{name}.yml" for name in texts}
    for name, text in texts.items():
        files[name].write_text(text)
    return files


async def _ready(session: aiohttp.ClientSession, url: str, child: Child) -> None:
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            assert child.process.poll() is None, child.output()
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"{url}/-/ready") as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.1)


async def _end(traffic: asyncio.Task[Any], proxy: CredentialProxy) -> None:
    traffic.cancel()
    await asyncio.gather(traffic, return_exceptions=True)
    await proxy.stop()
