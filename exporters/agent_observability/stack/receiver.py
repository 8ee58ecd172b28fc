"""The local receiver: Alertmanager delivers here, so that a page is seen without an account anywhere.

`POST /notify/{receiver}` takes a webhook message; `GET /notifications?after=ID&timeout=SECONDS` answers at once when
there is something newer than ID, else waits up to the timeout; `GET /-/healthy`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import re
import time
from pathlib import Path

import msgspec
from aiohttp import web

from agent_observability.stack.notifications import Message, NotificationStore, TooManyReceiversError

__all__ = ["main", "receiver_app"]

log = logging.getLogger(__name__)

BODY_BYTES = 1024 * 1024
_LONGEST_POLL_SECONDS = 60.0
_NAME = re.compile(r"[\w.-]{1,100}")


class Receiver:
    """The handlers over one store."""

    def __init__(self, store: NotificationStore) -> None:
        self._store = store
        self._writing = asyncio.Lock()
        self._arrived = asyncio.Condition()

    async def notify(self, request: web.Request) -> web.Response:
        name = request.match_info["receiver"]
        if not _NAME.fullmatch(name):
            return _error(400, f"receiver {name[:100]!r}: expected up to 100 letters, digits, '.', '-' or '_'")
        try:
            message = msgspec.json.decode(await request.read(), type=Message)
        except web.HTTPRequestEntityTooLarge:
            return _error(413, f"the message is larger than {BODY_BYTES} bytes")
        except msgspec.DecodeError as error:
            return _error(400, f"not an Alertmanager webhook message, version 4: {error}")
        try:
            async with self._writing:
                await asyncio.to_thread(self._store.add, name, message, time.time())
        except TooManyReceiversError:
            return _error(400, f"receiver {name!r} is one too many")
        except OSError as error:
            # Alertmanager tries again after a 5xx.
            log.warning("cannot keep a notification: %s", error)
            return _error(503, f"cannot be written: {error.strerror}")
        async with self._arrived:
            self._arrived.notify_all()
        return web.Response(status=204)

    async def notifications(self, request: web.Request) -> web.Response:
        try:
            after = int(request.query.get("after", "0"))
            # This way round, since max and min keep their first argument next to a NaN.
            seconds = min(_LONGEST_POLL_SECONDS, max(0.0, float(request.query.get("timeout", "0"))))
        except ValueError:
            return _error(400, "after: expected a whole number; timeout: expected seconds")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._arrived:
                await self._arrived.wait_for(lambda: self._store.last > after)
        body = {"last": self._store.last, "notifications": self._store.after(after)}
        return web.Response(body=msgspec.json.encode(body), content_type="application/json")

    async def healthy(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")


def receiver_app(store: NotificationStore) -> web.Application:
    """The application, not yet listening."""
    receiver = Receiver(store)
    app = web.Application(client_max_size=BODY_BYTES)
    app.router.add_post("/notify/{receiver}", receiver.notify)
    app.router.add_get("/notifications", receiver.notifications)
    app.router.add_get("/-/healthy", receiver.healthy)
    return app


def _error(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text + "\n")


def main() -> None:
    """`python -m agent_observability.stack.receiver --host … --port … --file …`, until SIGTERM."""
    parser = argparse.ArgumentParser(description="Receives Alertmanager's notifications on this machine.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--file", type=Path, required=True, help="where notifications are kept")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    app = receiver_app(NotificationStore(arguments.file))
    # A drill that waits in a long poll must not delay the exit.
    web.run_app(app, host=arguments.host, port=arguments.port, print=None, access_log=None, shutdown_timeout=0.5)


if __name__ == "__main__":
    main()
