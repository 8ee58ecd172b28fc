"""Slack, PagerDuty, a dead-man service and a mail server, as real servers on the loopback interface."""

from __future__ import annotations

import contextlib
import email
import email.policy
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from tests.alertmanager.links import labels_of
from tests.alertmanager.shapes import pagerduty_refuses, slack_refuses
from tests.pki import Pki
from tests.support import free_port

__all__ = ["SECRETS", "Mail", "Page", "Post", "Receivers", "receivers"]

# By name of the file below secrets/; Slack's holds an address, which `Receivers.secrets` knows.
SECRETS = {
    "smtp-password": "correct horse",
    "pagerduty-routing-key": "0123456789abcdef0123456789abcdef",
    "dead-man-token": "sesame",
}
_SLACK_PATH = "/services/T0/B0/secret"


@dataclass(frozen=True, slots=True)
class Post:
    """A message in a Slack channel."""

    channel: str
    attachment: Mapping[str, Any]

    @property
    def group(self) -> dict[str, str]:
        return labels_of(self.attachment["title_link"], "alerts")

    @property
    def buttons(self) -> dict[str, str]:
        return {action["text"]: action["url"] for action in self.attachment["actions"]}


@dataclass(frozen=True, slots=True)
class Page:
    """An event for PagerDuty."""

    event: Mapping[str, Any]

    @property
    def group(self) -> dict[str, str]:
        return labels_of(self.event["client_url"], "alerts")

    @property
    def action(self) -> str:
        return str(self.event["event_action"])

    @property
    def links(self) -> dict[str, str]:
        return {link["text"]: link["href"] for link in self.event["links"]}


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail and the addresses it was delivered to."""

    to: tuple[str, ...]
    message: EmailMessage

    @property
    def group(self) -> dict[str, str]:
        return labels_of(self.links["Alertmanager"][-1], "alerts")

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    @property
    def links(self) -> dict[str, list[str]]:
        parser = _Links()
        parser.feed(self.html)
        return parser.found

    def _part(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        assert part is not None, f"no {kind} part"
        return str(part.get_content())


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {}
        self._href = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._href = (dict(attrs).get("href") or "") if tag == "a" else ""

    def handle_data(self, data: str) -> None:
        if self._href:
            self.found.setdefault(data, []).append(self._href)
            self._href = ""


@dataclass
class Receivers:
    """Where the servers are and what they took; `refused` holds what the real services would not have taken."""

    http: str
    smtp: str
    authority: Path
    posts: list[Post] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    beats: list[Mapping[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def secrets(self) -> dict[str, str]:
        return {**SECRETS, "slack-webhook-url": f"{self.http}{_SLACK_PATH}"}

    def take(self, path: str, authorization: str | None, body: Any) -> str | None:
        """Keep a request; the reason if it is refused."""
        reason = None
        match path:
            case "/services/T0/B0/secret":
                if (reason := slack_refuses(body)) is None:
                    self.posts.append(Post(body["channel"], body["attachments"][0]))
            case "/v2/enqueue":
                reason = pagerduty_refuses(body)
                if reason is None and body["routing_key"] != SECRETS["pagerduty-routing-key"]:
                    reason = "unknown routing key"
                if reason is None:
                    self.pages.append(Page(body))
            case "/dead-man" if authorization == f"Bearer {SECRETS['dead-man-token']}":
                self.beats.append(body)
            case _:
                reason = f"nobody takes {path} with this authorization"
        if reason:
            self.refused.append(f"{path}: {reason}")
        return reason

    async def handle_DATA(self, _server: object, _session: Session, envelope: Envelope) -> str:  # noqa: N802 – aiosmtpd's name
        assert isinstance(envelope.content, bytes)
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        self.mails.append(Mail(tuple(envelope.rcpt_tos), parsed))
        return "250 OK"

    def authenticate(
        self, _server: object, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        """Whether this is the user of the routing with the password of its file."""
        if isinstance(data, LoginPassword) and data.password.decode() == SECRETS["smtp-password"]:
            return AuthResult(success=True)
        self.refused.append("smtp: wrong password")
        return AuthResult(success=False, handled=False)


@contextlib.contextmanager
def receivers(folder: Path) -> Iterator[Receivers]:
    """All servers, running; `folder` takes their certificate."""
    pki = Pki(folder)
    pair = pki.issue("mail", "localhost")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pair.cert, pair.key)
    web = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    web.taken = taken = Receivers(f"http://127.0.0.1:{web.server_port}", f"localhost:{free_port()}", pki.authority)  # type: ignore[attr-defined]
    mail = Controller(
        taken,
        hostname="127.0.0.1",
        port=int(taken.smtp.rpartition(":")[2]),
        tls_context=tls,
        require_starttls=True,
        auth_required=True,
        authenticator=taken.authenticate,
        # It answers a connection of its own before it counts as started, which takes long on a busy machine.
        ready_timeout=60,
        # Alertmanager takes the first, and does not know how this server asks for a user in it.
        auth_exclude_mechanism=["LOGIN"],
    )
    mail.start()
    thread = threading.Thread(target=web.serve_forever, daemon=True)
    thread.start()
    try:
        yield taken
    finally:
        web.shutdown()
        web.server_close()
        mail.stop()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        taken: Receivers = self.server.taken  # type: ignore[attr-defined]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        reason = taken.take(self.path, self.headers["Authorization"], body)
        answer = (reason or "ok").encode()
        self.send_response(400 if reason else 202 if self.path.startswith("/v2") else 200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
