"""The test exporters as real processes."""

from __future__ import annotations

import contextlib
import http.client
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support import Child, free_port, running, wait_until

PROBES = (sys.executable, "-m", "tests.probe")
AGENT_OBS = (sys.executable, "-m", "agent_observability")


class Running:
    """A started process that is ready on `ports`, one per exporter."""

    def __init__(self, child: Child, ports: dict[str, int], file: Path) -> None:
        self.child = child
        self.ports = ports
        self.file = file

    def get(self, path: str, name: str = "probe", seconds: float = 10, method: str = "GET") -> tuple[int, str]:
        """Status and text. Raises OSError."""
        client = http.client.HTTPConnection("127.0.0.1", self.ports[name], timeout=seconds)
        with contextlib.closing(client):
            client.request(method, path, headers={"X-Prometheus-Scrape-Timeout-Seconds": str(seconds)})
            response = client.getresponse()
            return response.status, response.read().decode()

    def metrics(self, name: str = "probe") -> str:
        return self.get("/metrics", name)[1]

    def configure(self, **sections: dict[str, object]) -> None:
        """Rewrite the configuration; the process has yet to be told."""
        listen = {name: [f"127.0.0.1:{port}"] for name, port in self.ports.items()}
        web = {"listen": listen, **sections.pop("web", {})}
        self.file.write_text(json.dumps({"web": web, **sections}))


@contextlib.contextmanager
def probes(folder: Path, *names: str, **sections: dict[str, object]) -> Iterator[Running]:
    """Run the test exporters `names` (default: `probe`), configured by `sections`, until they are ready."""
    ports = {name: free_port() for name in names or ("probe",)}
    file = folder / "config.yml"
    command = (*PROBES, "run", *ports, "--config", file)
    it = Running(None, ports, file)  # type: ignore[arg-type]
    it.configure(**sections)
    with running(command, folder / "log") as child:
        it.child = child
        for name in ports:
            wait_until(lambda name=name: _answers(it, name), 20, what=child.output)  # type: ignore[misc]
        yield it


def _answers(it: Running, name: str) -> bool:
    assert it.child.process.poll() is None, it.child.output()
    try:
        # A server with TLS hangs up on plain text, which shows as well that it listens.
        it.get("/-/ready", name)
    except ConnectionRefusedError:
        return False
    except (OSError, http.client.HTTPException):
        return True
    return True
