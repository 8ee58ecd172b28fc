"""Delivers a mail by SMTP: to all recipients or to none, in bounded time, and again where the server says later.

https://www.rfc-editor.org/rfc/rfc5321, STARTTLS: https://www.rfc-editor.org/rfc/rfc3207
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from agent_observability.errors import AgentObsError
from agent_observability.report.config import SmtpConfig
from agent_observability.stack.text import clean

__all__ = ["DeliveryError", "deliver"]

PAUSES = (2.0, 10.0)
"""Seconds before the second and the third attempt."""

_SHOWN = 300


class DeliveryError(AgentObsError):
    """The mail was not delivered, or nobody knows whether it was; the message says which."""


class _FailedError(Exception):
    """One attempt; `again` if another one may do better and cannot deliver twice."""

    def __init__(self, problem: str, *, again: bool) -> None:
        super().__init__(problem)
        self.again = again


def deliver(
    config: SmtpConfig,
    sender: str,
    recipients: Sequence[str],
    content: bytes,
    *,
    pauses: Sequence[float] = PAUSES,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Hand `content` (lines ending in CRLF) over for bare addresses. Raises DeliveryError."""
    where = f"{config.host}:{_port(config)}"
    problem = ""
    for attempt, pause in enumerate((0.0, *pauses), start=1):
        if pause:
            sleep(pause)
        try:
            _attempt(config, sender, recipients, content)
        except _FailedError as error:
            problem = f"{where}: {_shown(str(error), config)}"
            if not error.again:
                raise DeliveryError(problem) from error
            problem = f"{problem} (after {attempt} attempts)" if attempt > 1 else problem
        else:
            return
    raise DeliveryError(problem)


def _attempt(config: SmtpConfig, sender: str, recipients: Sequence[str], content: bytes) -> None:
    # Not its constructor connects: it would wait for a greeting for as long as there comes any byte.
    smtp = smtplib.SMTP(local_hostname=sender.rpartition("@")[2], timeout=config.timeout)
    with _deadline(smtp, config) as late:
        handed_over = False
        try:
            _open(smtp, config)
            _address(smtp, sender, recipients)
            _expect(smtp.docmd("DATA"), 354, "refuses the mail")
            smtp.send(re.sub(rb"(?m)^\.", b"..", content).removesuffix(b"\r\n") + b"\r\n.\r\n")
            handed_over = True
            _expect(smtp.getreply(), 250, "refuses the mail")
        except smtplib.SMTPAuthenticationError as error:
            problem = f"refuses report.smtp.user and password: {_reply(error.smtp_code, error.smtp_error)}"
            raise _FailedError(problem, again=400 <= error.smtp_code < 500) from error
        except ssl.SSLCertVerificationError as error:
            raise _FailedError(f"its certificate is not trusted: {error.verify_message}", again=False) from error
        except UnicodeError as error:
            raise _FailedError("report.smtp.user or password holds what is not ASCII", again=False) from error
        except (smtplib.SMTPException, OSError) as error:
            if handed_over:
                problem = "no answer after the mail was handed over: it may have been delivered or not"
                raise _FailedError(problem, again=False) from error
            if late.is_set() or isinstance(error, TimeoutError):
                raise _FailedError(f"not done within {config.timeout:g} s", again=True) from error
            raise _FailedError(_words(error), again=True) from error
        finally:
            smtp.close()


def _open(smtp: smtplib.SMTP, config: SmtpConfig) -> None:
    """Connect, be greeted, encrypt, log in."""
    smtp.sock = sock = socket.create_connection((config.host, _port(config)), config.timeout)
    if config.tls:
        _encrypt(smtp, sock, config)
    _expect(smtp.getreply(), 220, "does not want to talk")
    smtp.ehlo_or_helo_if_needed()
    if not config.tls and config.starttls != "off":
        if smtp.has_extn("starttls"):
            _expect(smtp.docmd("STARTTLS"), 220, "refuses STARTTLS")
            _encrypt(smtp, sock, config)
            smtp.ehlo_or_helo_if_needed()
        elif config.starttls == "required":
            raise _FailedError("offers no STARTTLS, which report.smtp.starttls requires", again=False)
    if config.user:
        try:
            smtp.login(config.user, config.password.reveal())
        except (smtplib.SMTPResponseException, smtplib.SMTPServerDisconnected):
            raise
        except smtplib.SMTPException as error:
            problem = "offers no way to log in that this program knows; is report.smtp.user needed?"
            raise _FailedError(problem, again=False) from error


def _encrypt(smtp: smtplib.SMTP, plain: socket.socket, config: SmtpConfig) -> None:
    try:
        context = ssl.create_default_context(cafile=config.ca_file)
    except OSError as error:
        problem = error.strerror or str(error)
        raise _FailedError(
            f"report.smtp.ca_file: {config.ca_file} holds no certificates: {problem}", again=False
        ) from error
    sock = context.wrap_socket(plain, server_hostname=config.host, do_handshake_on_connect=False)
    smtp.sock = sock
    # What was said or sent in the clear counts no more, be it from the server or from somebody in between.
    smtp.file = None
    smtp.helo_resp = smtp.ehlo_resp = None
    smtp.esmtp_features = {}
    smtp.does_esmtp = False
    sock.do_handshake()


def _address(smtp: smtplib.SMTP, sender: str, recipients: Sequence[str]) -> None:
    """Name all recipients. One that is refused stops it all: nothing is sent to a part of them."""
    _expect(smtp.mail(sender), 250, f"refuses the sender {sender}")
    refused = []
    for recipient in recipients:
        code, reply = smtp.rcpt(recipient)
        if code not in (250, 251):
            refused.append((code, f"{recipient} ({_reply(code, reply)})"))
    if refused:
        names = ", ".join(name for _, name in refused[:5])
        more = f" and {len(refused) - 5} more" if len(refused) > 5 else ""
        problem = f"refuses {names}{more}; nothing was sent to anybody"
        raise _FailedError(problem, again=all(400 <= code < 500 for code, _ in refused))


def _expect(answer: tuple[int, bytes], wanted: int, otherwise: str) -> None:
    code, reply = answer
    if code < 0:
        raise _FailedError("answers what is no SMTP", again=True)
    if code != wanted:
        raise _FailedError(f"{otherwise}: {_reply(code, reply)}", again=400 <= code < 500)


@contextlib.contextmanager
def _deadline(smtp: smtplib.SMTP, config: SmtpConfig) -> Iterator[threading.Event]:
    """Hang up after the timeout, whatever the server does: a byte now and then would keep every single read going."""
    late = threading.Event()

    def hang_up() -> None:
        late.set()
        if smtp.sock is not None:
            with contextlib.suppress(OSError):
                # An SSL socket's own shutdown is not for other threads.
                socket.socket.shutdown(smtp.sock, socket.SHUT_RDWR)

    timer = threading.Timer(config.timeout, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _port(config: SmtpConfig) -> int:
    return config.port or (465 if config.tls else 587)


def _reply(code: int, reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return f"{code} {text}".strip()


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "hung up"
    if isinstance(error, smtplib.SMTPResponseException):
        return _reply(error.smtp_code, error.smtp_error)
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _shown(text: str, config: SmtpConfig) -> str:
    """One line, not too long. A server may repeat what it was told."""
    secret = config.password.reveal()
    line = " ".join(clean(text.replace(secret, "<secret>") if secret else text).split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"
