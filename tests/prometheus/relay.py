"""A relay between Prometheus and an exporter, since Prometheus itself cannot be told what to accept."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Relay:
    """`seen` collects `(Content-Type, Content-Encoding)` of the responses that passed."""

    port: int
    seen: set[tuple[str, str]] = field(default_factory=set)


@contextlib.contextmanager
def relay(target: int, **headers: str) -> Iterator[Relay]:
    """Forward GETs to `target` with these request headers (underscores for hyphens) in place of the scraper's."""
    replaced = {name.replace("_", "-"): value for name, value in headers.items()}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            client = http.client.HTTPConnection("127.0.0.1", target, timeout=10)
            with contextlib.closing(client):
                client.request("GET", self.path, headers={**dict(self.headers), **replaced})
                response = client.getresponse()
                body = response.read()
            kind, encoding = response.headers["Content-Type"], response.headers.get("Content-Encoding", "")
            it.seen.add((kind.split(";")[0], encoding))
            self.send_response(response.status)
            for name in ("Content-Type", "Content-Encoding"):
                if name in response.headers:
                    self.send_header(name, response.headers[name])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        it = Relay(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield it
        finally:
            server.shutdown()
            thread.join()
