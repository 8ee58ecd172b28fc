"""Delivery: encrypted and logged in, to everybody or nobody, again where the server says later, never twice."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent_observability.decode import Secret
from agent_observability.report.config import SmtpConfig
from agent_observability.report.smtp import DeliveryError, deliver
from agent_observability.units import Duration
from tests.pki import Pki
from tests.report.mailbox import PASSWORD, USER, Mailbox, mailbox, rude
from tests.support import examples, free_port

TO = ["ann@example.org", "bo@example.org"]
_NO_WAY = "offers no way to log in that this program knows; is report.smtp.user needed?"
MAIL = b"Subject: x\r\n\r\nbody\r\n"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def plain() -> Iterator[Mailbox]:
    with mailbox() as box:
        yield box


def config(port: int, **settings_: Any) -> SmtpConfig:
    return SmtpConfig(**{"host": "localhost", "port": port, "starttls": "off", **settings_})


def send(smtp: SmtpConfig, content: bytes = MAIL) -> list[float]:
    """The pauses that were made."""
    pauses: list[float] = []
    deliver(smtp, "obs@example.org", TO, content, pauses=(1.0, 5.0), sleep=pauses.append)
    return pauses


def refusal(smtp: SmtpConfig) -> tuple[str, list[float]]:
    """The error without the address, and the pauses that were made."""
    pauses: list[float] = []
    with pytest.raises(DeliveryError) as raised:
        deliver(smtp, "obs@example.org", TO, MAIL, pauses=(1.0, 5.0), sleep=pauses.append)
    assert PASSWORD not in str(raised.value)
    assert "\n" not in str(raised.value)
    return str(raised.value).removeprefix(f"{smtp.host}:{smtp.port}: "), pauses


def test_starttls_and_login(pki: Pki) -> None:
    with mailbox(pki, auth=True) as box:
        send(config(box.port, starttls="required", ca_file=pki.authority, user=USER, password=Secret(PASSWORD)))
    assert (box.to, box.logins) == ([TO], [USER])


def test_tls_from_the_start(pki: Pki) -> None:
    with mailbox(pki, tls=True) as box:
        send(config(box.port, tls=True, ca_file=pki.authority))
    assert box.to == [TO]


@pytest.mark.parametrize("tls", [False, True])
def test_a_strangers_certificate(pki: Pki, tmp_path: Path, tls: bool) -> None:
    stranger = Pki(tmp_path)
    with mailbox(stranger, tls=tls) as box:
        problem, pauses = refusal(config(box.port, starttls="required", tls=tls, ca_file=pki.authority))
    assert problem.startswith("its certificate is not trusted: ")
    assert (pauses, box.asked) == ([], [])


def test_a_certificate_of_another_host(pki: Pki) -> None:
    with mailbox(pki, name="mail.example.org") as box:
        problem, _ = refusal(config(box.port, starttls="optional", ca_file=pki.authority))
    assert "certificate is not valid for 'localhost'" in problem
    assert box.asked == []


def test_no_authorities(tmp_path: Path, plain: Mailbox, pki: Pki) -> None:
    with mailbox(pki) as box:
        problem, _ = refusal(config(box.port, starttls="required", ca_file=tmp_path / "none.pem"))
    assert problem == f"report.smtp.ca_file: {tmp_path}/none.pem holds no certificates: No such file or directory"


def test_no_starttls_is_offered(plain: Mailbox) -> None:
    problem, pauses = refusal(config(plain.port, starttls="required"))
    assert problem == "offers no STARTTLS, which report.smtp.starttls requires"
    assert (pauses, plain.asked) == ([], [])
    assert send(config(plain.port, starttls="optional")) == []
    assert plain.to == [TO]


def test_wrong_password(pki: Pki) -> None:
    with mailbox(pki, auth=True) as box:
        smtp = config(box.port, starttls="required", ca_file=pki.authority, user=USER, password=Secret("wrong"))
        problem, pauses = refusal(smtp)
    assert problem == "refuses report.smtp.user and password: 535 5.7.8 Authentication credentials invalid"
    assert (pauses, box.asked) == ([], [])


def test_a_password_that_smtp_cannot_carry(pki: Pki) -> None:
    with mailbox(pki, auth=True) as box:
        smtp = config(box.port, starttls="required", ca_file=pki.authority, user=USER, password=Secret("pässword"))
        assert refusal(smtp) == ("report.smtp.user or password holds what is not ASCII", [])


def test_no_login_is_offered(pki: Pki) -> None:
    with mailbox(pki) as box:
        smtp = config(box.port, starttls="required", ca_file=pki.authority, user=USER, password=Secret(PASSWORD))
        assert refusal(smtp) == (_NO_WAY, [])


@pytest.mark.parametrize(
    ("asked", "answers", "pauses"),
    [
        ("MAIL", ["451 later"], [1.0]),
        ("RCPT bo@example.org", ["450 greylisted", "450 greylisted"], [1.0, 5.0]),
        ("DATA", ["452 disk full"], [1.0]),
    ],
)
def test_later_is_later(plain: Mailbox, asked: str, answers: list[str], pauses: list[float]) -> None:
    plain.answers[asked] = list(answers)
    assert send(config(plain.port)) == pauses
    assert plain.to == [TO]
    assert plain.asked.count(asked) == len(answers) + 1


@pytest.mark.parametrize(
    ("asked", "answer", "problem", "pauses"),
    [
        ("MAIL", "550 no", "refuses the sender obs@example.org: 550 no", []),
        ("MAIL", "451 busy", "refuses the sender obs@example.org: 451 busy (after 3 attempts)", [1.0, 5.0]),
        (
            "RCPT bo@example.org",
            "550 unknown",
            "refuses bo@example.org (550 unknown); nothing was sent to anybody",
            [],
        ),
        ("DATA", "554 spam", "refuses the mail: 554 spam", []),
        ("DATA", "451 scanner is down", "refuses the mail: 451 scanner is down (after 3 attempts)", [1.0, 5.0]),
    ],
)
def test_no_is_no(plain: Mailbox, asked: str, answer: str, problem: str, pauses: list[float]) -> None:
    plain.answers[asked] = [answer] * 9
    assert refusal(config(plain.port)) == (problem, pauses)
    assert plain.raw == []


def test_one_refused_for_now_and_one_for_good(plain: Mailbox) -> None:
    plain.answers["RCPT ann@example.org"] = ["450 later"]
    plain.answers["RCPT bo@example.org"] = ["550 unknown"]
    problem, pauses = refusal(config(plain.port))
    assert "ann@example.org (450 later), bo@example.org (550 unknown)" in problem
    assert (pauses, plain.raw) == ([], [])


def test_a_long_and_foul_answer(plain: Mailbox) -> None:
    plain.answers["MAIL"] = ["550 \x1b[31m" + "x" * 400]
    problem, _ = refusal(config(plain.port))
    assert "\x1b" not in problem
    assert len(problem) <= 300


def test_nobody_there() -> None:
    port = free_port()
    assert refusal(config(port)) == ("Connection refused (after 3 attempts)", [1.0, 5.0])


def test_an_unknown_host() -> None:
    problem, _ = refusal(config(25, host="mail.invalid"))
    assert problem.endswith("(after 3 attempts)")


def _silent(_: socket.socket, over: threading.Event) -> None:
    over.wait()


def _trickle(connection: socket.socket, over: threading.Event) -> None:
    """A greeting without an end: every read gets something."""
    while not over.wait(0.05):
        connection.sendall(b"220-x\r\n")


def _busy(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(b"421 too busy\r\n")


@pytest.mark.parametrize(
    ("behave", "problem"),
    [
        (_silent, "not done within 0.3 s (after 3 attempts)"),
        (_trickle, "not done within 0.3 s (after 3 attempts)"),
        (lambda *_: None, "hung up (after 3 attempts)"),
        (_busy, "does not want to talk: 421 too busy (after 3 attempts)"),
        (
            lambda connection, _: connection.sendall(b"\xff\x00 garbage\r\n"),
            "answers what is no SMTP (after 3 attempts)",
        ),
    ],
)
def test_rude_servers(behave: Any, problem: str) -> None:
    started = time.monotonic()
    with rude(behave) as (port, connections):
        assert refusal(config(port, timeout=Duration(0.3)))[0] == problem
        assert len(connections) == 3
    assert time.monotonic() - started < 10


def test_a_tls_handshake_without_an_end() -> None:
    with rude(_silent) as (port, connections):
        assert refusal(config(port, tls=True, timeout=Duration(0.3)))[0] == "not done within 0.3 s (after 3 attempts)"
        assert len(connections) == 3


@pytest.mark.parametrize("hang_up", [True, False])
def test_no_answer_to_the_mail_itself(hang_up: bool) -> None:
    """It may have been delivered: a second attempt might deliver it twice."""

    def behave(connection: socket.socket, over: threading.Event) -> None:
        stream = connection.makefile("rb")
        connection.sendall(b"220 hello\r\n")
        for line in stream:
            if line == b".\r\n":
                if not hang_up:
                    over.wait()
                return
            if line.startswith(b"DATA"):
                connection.sendall(b"354 go on\r\n")
            elif line.split(b" ")[0] in (b"ehlo", b"EHLO", b"mail", b"MAIL", b"rcpt", b"RCPT"):
                connection.sendall(b"250 OK\r\n")

    with rude(behave) as (port, connections):
        problem, pauses = refusal(config(port, timeout=Duration(0.5)))
        assert problem == "no answer after the mail was handed over: it may have been delivered or not"
        assert (len(connections), pauses) == (1, [])


@settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.text(st.sampled_from(". ab"), max_size=5), max_size=8))
def test_every_line_arrives_as_it_is(plain: Mailbox, lines: list[str]) -> None:
    content = "".join(f"{line}\r\n" for line in ["Subject: x", "", *lines]).encode()
    with contextlib.suppress(IndexError):
        plain.raw.pop()
    send(config(plain.port), content)
    assert plain.raw == [content]
