"""A local stack of its own for a test: free ports, a state directory below the test's folder, the real command."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from agent_observability.registry import EXPORTERS
from agent_observability.stack.record import RunRecord, read_record, reclaim
from agent_observability.stack.state import StateDirectory
from tests.support import Child, free_port, running

PARTS = {"receiver", "alertmanager", "canary", "host", "prometheus"}
COMMAND = (sys.executable, "-m", "agent_observability")


@dataclass(frozen=True, slots=True)
class LocalStack:
    """`ports` of this stack by part; `config` is its file."""

    folder: Path
    config: Path
    ports: dict[str, int]
    environment: dict[str, str]

    @classmethod
    def create(cls, folder: Path, **sections: Any) -> LocalStack:
        names = ("prometheus", "alertmanager", "receiver", "grafana", "demo", "intake")
        ports = {name: free_port() for name in (*names, *(exporter.name for exporter in EXPORTERS))}
        listen = {exporter.name: [f"127.0.0.1:{ports[exporter.name]}"] for exporter in EXPORTERS}
        document = {
            "stack": {"ports": {name: ports[name] for name in names}},
            "web": {"listen": listen},
            "intake": {"listen": [f"127.0.0.1:{ports['intake']}"]},
            **sections,
        }
        config = folder / "agent-obs.yml"
        config.write_text(yaml.safe_dump(document))
        nowhere = {"KUBECONFIG": str(folder / "no-kubeconfig")}
        return cls(folder, config, ports, {"XDG_STATE_HOME": str(folder / "state"), **nowhere})

    @property
    def state(self) -> StateDirectory:
        return StateDirectory.locate(self.environment)

    @property
    def record(self) -> RunRecord | None:
        return read_record(self.state.record)

    @property
    def ready(self) -> RunRecord | None:
        """The record once every part runs and is ready."""
        record = self.record
        return record if record and record.ready and set(record.parts) >= PARTS else None

    @contextlib.contextmanager
    def up(self, **environment: str) -> Iterator[Child]:
        """`agent-obs up`, and none of its processes afterwards."""
        command = (*COMMAND, "up", "--config", self.config)
        try:
            with running(command, self.folder / "up.out", {**self.environment, **environment}) as child:
                yield child
        finally:
            reclaim(self.state.record)

    def run(self, *arguments: str, seconds: float = 110, **environment: str) -> subprocess.CompletedProcess[str]:
        """An `agent-obs` command from beginning to end."""
        try:
            return subprocess.run(
                (*COMMAND, *arguments),
                env={"PATH": "/usr/bin:/bin", **self.environment, **environment},
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        finally:
            if arguments[0] == "up":
                reclaim(self.state.record)
