"""Mail servers: a real one that may refuse things, and ones that misbehave below SMTP."""

from __future__ import annotations

import contextlib
import email
import email.policy
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from tests.pki import Pki

__all__ = ["PASSWORD", "USER", "Mailbox", "mailbox", "rude"]

USER, PASSWORD = "reports", "correct horse"


@dataclass
class Mailbox:
    """What a server took. `answers` are given instead of its own, each once, to `MAIL`, `RCPT <address>` or `DATA`."""

    port: int = 0
    raw: list[bytes] = field(default_factory=list)
    to: list[list[str]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def mails(self) -> list[EmailMessage]:
        found = [email.message_from_bytes(content, policy=email.policy.default) for content in self.raw]
        return [message for message in found if isinstance(message, EmailMessage)]

    def answer(self, asked: str) -> str | None:
        self.asked.append(asked)
        prepared = self.answers.get(asked)
        return prepared.pop(0) if prepared else None

    async def handle_MAIL(  # noqa: N802 – aiosmtpd's name
        self, _server: object, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self.answer("MAIL")
        if refusal is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return refusal or "250 OK"

    async def handle_RCPT(  # noqa: N802 – aiosmtpd's name
        self, _server: object, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        refusal = self.answer(f"RCPT {address}")
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 OK"

    async def handle_DATA(self, _server: object, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        refusal = self.answer("DATA")
        if refusal is None:
            assert isinstance(envelope.content, bytes)
            self.raw.append(envelope.content)
            self.to.append(list(envelope.rcpt_tos))
        return refusal or "250 OK"

    def authenticate(
        self, _server: object, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        given = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode())
        if given == (USER, PASSWORD):
            self.logins.append(USER)
            return AuthResult(success=True)
        return AuthResult(success=False, handled=False)


@contextlib.contextmanager
def mailbox(
    pki: Pki | None = None, *, tls: bool = False, auth: bool = False, name: str = "localhost"
) -> Iterator[Mailbox]:
    """A running server: with an authority it does STARTTLS, or TLS from the start, under a certificate for `name`."""
    box = Mailbox()
    context = None
    if pki is not None:
        pair = pki.issue("mail", name)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pair.cert, pair.key)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        box.port = sock.getsockname()[1]
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=box.port,
        ssl_context=context if tls else None,
        tls_context=None if tls else context,
        require_starttls=context is not None and not tls,
        auth_required=auth,
        authenticator=box.authenticate if auth else None,
        auth_exclude_mechanism=[] if auth else ["LOGIN", "PLAIN"],
        ready_timeout=60,
    )
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


@contextlib.contextmanager
def rude(behave: Callable[[socket.socket, threading.Event], None]) -> Iterator[tuple[int, list[None]]]:
    """A server that does `behave` with each connection; its port, and an item per connection."""
    over = threading.Event()
    connections: list[None] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while not over.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connections.append(None)
                one = threading.Thread(target=talk, args=(connection,))
                one.start()
                threads.append(one)

        def talk(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                behave(connection, over)

        threads = [threading.Thread(target=serve)]
        threads[0].start()
        try:
            yield listener.getsockname()[1], connections
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
