"""`agent-obs run`: one or more exporters in this process, each on its port, until a signal ends it."""

from __future__ import annotations

import asyncio
import functools
import gc
import logging
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent_observability import __version__
from agent_observability.config import Config, load
from agent_observability.errors import AgentObsError, ConfigError
from agent_observability.logs import setup_logging
from agent_observability.registry import Exporter
from agent_observability.runtime import Context
from agent_observability.selfmetrics import record_reload
from agent_observability.server import Server
from agent_observability.service import Service
from agent_observability.stack.state import StateDirectory
from agent_observability.webconfig import WebSecurity, load_web_config
from agent_observability.workers import Workers

if TYPE_CHECKING:
    from agent_observability.intake.intake import Intake
    from agent_observability.ledger.ledger import Ledger

__all__ = ["Process", "run"]

log = logging.getLogger(__name__)

# Path, modification time in ns, and inode of each file of a web configuration.
Fingerprint = list[tuple[str, int, int]]

# Certificates are replaced under a running server (cert-manager does it every few weeks); nobody sends a signal then.
_CERTIFICATE_CHECK_SECONDS = 15


class Process:
    """The exporters of one process. `file` and `overrides` are what the configuration is (re)loaded from."""

    def __init__(self, exporters: Sequence[Exporter], file: Path | None, overrides: Mapping[str, Any]) -> None:
        self._file = file
        self._overrides = overrides
        self._config = load(file, overrides)
        setup_logging(self._config.log)
        self._workers = Workers("agent-obs")
        self._security = _load_security(self._config)
        self._fingerprint = _fingerprint(self._security)
        self._reloading = asyncio.Lock()
        self._services: list[Service] = []
        self.servers: list[Server] = []
        self._ledgers: dict[str, Ledger] = {}
        self._intakes: dict[str, Intake] = {}
        for number, exporter in enumerate(exporters):
            section = self._config.sections[exporter.name]
            context = Context(
                self._config.limits,
                functools.partial(self._ledger, exporter.process),
                functools.partial(self._intake, exporter.process),
            )
            service = Service(exporter, section, self._workers, context, process_metrics=number == 0)
            addresses = self._config.web.listen.get(exporter.name) or [f":{exporter.port}"]
            self._services.append(service)
            self.servers.append(Server(service, self._config.web, addresses, self._workers, self.reload))

    async def start(self) -> None:
        """Take every port first, so that a port in use stops the start before any work is begun. Raises StartError."""
        for server in self.servers:
            server.bind()
        for intake in self._intakes.values():
            intake.bind()
        for ledger in self._ledgers.values():
            ledger.start()
        for service, server in zip(self._services, self.servers, strict=True):
            await service.runtime.start()
            await server.start(self._security)
            log.info("%s %s listens on port %s", service.exporter.name, __version__, server.ports[0])
        for intake in self._intakes.values():
            await intake.start()
        # What is alive now stays alive: collections during scrapes need not look at it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        # Scrapes and the ledger's writer have threads of their own: by default the event loop, which answers, waits
        # five times as long until one of them makes way.
        sys.setswitchinterval(0.001)

    async def stop(self) -> None:
        """Answer what is running, then end."""
        intakes = (intake.stop() for intake in self._intakes.values())
        await asyncio.gather(*intakes, *(server.stop() for server in self.servers))
        await asyncio.gather(*(service.runtime.stop() for service in self._services))
        await asyncio.gather(*(ledger.stop() for ledger in self._ledgers.values()))

    async def reload(self) -> str:
        """Read the configuration again; "" if it is in use now, else what was wrong with it, and the old one stays."""
        async with self._reloading:
            try:
                config = await self._workers.run(lambda: load(self._file, self._overrides))
                # Taken before the files are read: one that changes meanwhile still counts as changed.
                fingerprint = await self._workers.run(lambda: _fingerprint(self._security))
                security = await self._workers.run(lambda: _load_security(config))
                self._reload_services(config)
                await self._secure(security, fingerprint)
            except Exception as error:
                expected = isinstance(error, AgentObsError)
                log.error("reload failed, the old configuration stays: %s", error, exc_info=None if expected else error)
                for service in self._services:
                    record_reload(service.store, successful=False)
                return str(error)
            setup_logging(config.log)
            if _fixed(config) != _fixed(self._config):
                log.warning("changes of web.* (but for its config_file), limits, ledger and intake need a restart")
            self._config = config
            for service in self._services:
                record_reload(service.store, successful=True)
            log.info("configuration reloaded")
            return ""

    async def watch_certificates(self) -> None:
        """Use changed TLS files and users without being told; a broken change is logged and the old ones stay."""
        while True:
            await asyncio.sleep(_CERTIFICATE_CHECK_SECONDS)
            async with self._reloading:
                fingerprint = await self._workers.run(lambda: _fingerprint(self._security))
                if fingerprint == self._fingerprint:
                    continue
                self._fingerprint = fingerprint
                try:
                    security = await self._workers.run(lambda: _load_security(self._config))
                    await self._secure(security, fingerprint)
                    log.info("web configuration changed and is in use")
                except (ConfigError, OSError) as error:
                    log.error("changed web configuration is not used: %s", error)

    def _ledger(self, process: str) -> Ledger:
        """The one ledger of the exporters that belong to `process`, however many processes run here."""
        if process not in self._ledgers:
            from agent_observability.ledger.ledger import Ledger, open_backend

            default = StateDirectory.locate().root / "ledger"
            self._ledgers[process] = Ledger(open_backend(self._config.ledger, process, default), self._config.ledger)
        return self._ledgers[process]

    def _intake(self, process: str) -> Intake:
        """The one intake of the exporters that belong to `process`."""
        if process not in self._intakes:
            from agent_observability.intake.intake import Intake

            self._intakes[process] = Intake(self._config.intake, self._ledger(process))
        return self._intakes[process]

    def _reload_services(self, config: Config) -> None:
        """All or none: if one refuses its new section, the others get back the one they had."""
        changed: list[Service] = []
        try:
            for service in self._services:
                service.reload(config.sections[service.exporter.name])
                changed.append(service)
        except Exception:
            for service in changed:
                service.reload(self._config.sections[service.exporter.name])
            raise

    async def _secure(self, security: WebSecurity, fingerprint: Fingerprint) -> None:
        for server in self.servers:
            await server.secure(security)
        self._security = security
        self._fingerprint = fingerprint


def _fixed(config: Config) -> tuple[object, ...]:
    """What a running process cannot change."""
    return (config.web, config.limits, config.ledger, config.intake)


def _load_security(config: Config) -> WebSecurity:
    return load_web_config(config.web.config_file) if config.web.config_file else WebSecurity()


def _fingerprint(security: WebSecurity) -> Fingerprint:
    found: Fingerprint = []
    for file in security.files:
        try:
            status = file.stat()
        except OSError:
            found.append((str(file), 0, 0))
        else:
            found.append((str(file), status.st_mtime_ns, status.st_ino))
    return found


def run(exporters: Sequence[Exporter], file: Path | None, overrides: Mapping[str, Any]) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP reloads. Raises AgentObsError if it cannot start."""
    asyncio.run(_run(exporters, file, overrides))


async def _run(exporters: Sequence[Exporter], file: Path | None, overrides: Mapping[str, Any]) -> None:
    process = Process(exporters, file, overrides)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    background: set[asyncio.Task[Any]] = set()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)

    def reload() -> None:
        task = loop.create_task(process.reload())
        background.add(task)
        task.add_done_callback(background.discard)

    loop.add_signal_handler(signal.SIGHUP, reload)
    await process.start()
    background.add(loop.create_task(process.watch_certificates()))
    await ended.wait()
    log.info("stopping")
    for task in background:
        task.cancel()
    await process.stop()
