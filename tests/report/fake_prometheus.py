"""A small server with the query API of Prometheus, which answers as it is told."""

from __future__ import annotations

import contextlib
import json
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Fake", "fake", "refused", "vector"]

Answer = tuple[int, bytes]


@dataclass
class Fake:
    """Where it is, and what it was asked with which headers."""

    url: str
    queries: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


def vector(*samples: tuple[dict[str, str], str]) -> Answer:
    """Samples; as a vector, or for a range at its end; values as text, as Prometheus sends them."""
    result = [{"metric": labels, "value": [0, value]} for labels, value in samples]
    return 200, json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()


def refused(error: str) -> Answer:
    """What Prometheus says to a query that it does not like."""
    return 422, json.dumps({"status": "error", "errorType": "execution", "error": error}).encode()


@contextlib.contextmanager
def fake(answer: Callable[[str], Answer]) -> Iterator[Fake]:
    """The server; `answer` is given each query."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            query = form["query"][0]
            it.queries.append(query)
            it.headers.append(dict(self.headers))
            status, body = answer(query)
            if "end" in form:
                body = body.replace(b'"value": [0, ', f'"values": [[{form["end"][0]}, '.encode()).replace(
                    b'"]}', b'"]]}'
                )
            with contextlib.suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    it = Fake(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield it
    finally:
        it.over.set()
        server.shutdown()
        server.server_close()
