"""The `report` section: what is refused, and that addresses and headers cannot be made to say more than one thing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.config import Config, parse
from agent_observability.errors import ConfigError
from agent_observability.report.config import MAX_RECIPIENTS, address_problem, bare_address
from agent_observability.report.mail import compose

_ADDRESS = "expected an address such as a@example.org or Finance <a@example.org>"


def load(section: dict[str, Any], folder: Path = Path("/nowhere")) -> Config:
    return parse(yaml.safe_dump({"report": section}), "c.yml", folder, environment={})


def problems(section: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as raised:
        load(section)
    return raised.value.problems


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"from": "obs"}, f"report: from: {_ADDRESS}, got 'obs'"),
        ({"from": "a@b, c@d"}, f"report: from: {_ADDRESS}, got 'a@b, c@d'"),
        ({"from": "x <a@b.org"}, f"report: from: {_ADDRESS}, got 'x <a@b.org'"),
        ({"from": "a@b.org>"}, f"report: from: {_ADDRESS}, got 'a@b.org>'"),
        ({"from": "a@b.org\nBcc: c@d.org"}, f"report: from: {_ADDRESS}, got 'a@b.org\\nBcc: c@d.org'"),
        ({"from": "a@b.org\n"}, f"report: from: {_ADDRESS}, got 'a@b.org\\n'"),
        ({"to": {"daily": ["ok@b.org", "ü@b.org"]}}, f"report.to: daily: {_ADDRESS}, got 'ü@b.org'"),
        (
            {"to": {"weekly": ["a@b.org"] * (MAX_RECIPIENTS + 1)}},
            "report.to: weekly has 101 recipients; expected at most 100",
        ),
        ({"to": {"yearly": []}}, "report.to.yearly: unknown key 'yearly'; known here: daily, monthly, weekly"),
        ({"smtp": {"host": "h", "user": "u"}}, "report.smtp: user and password go together"),
        (
            {"smtp": {"host": "h", "user": "u", "password": "geheim", "starttls": "optional"}},
            "report.smtp: a password is only sent over TLS: set tls, or starttls to required",
        ),
        ({"smtp": {"starttls": "maybe"}}, "expected one of 'required', 'optional', 'off'"),
        ({"smtp": {"timeout": "0s"}}, "report.smtp.timeout: expected more than 0, got '0s'"),
        ({"smtp": {"host": "mail example"}}, "report.smtp.host: expected text matching regex"),
        ({"smtp": {"host": "mail\n"}}, "report.smtp.host: expected text matching regex"),
        ({"smtp": {"port": 70000}}, "report.smtp.port: expected a whole number <= 65535, got 70000"),
        ({"subject_prefix": "x\nBcc: a@b.org"}, "report.subject_prefix: expected text matching regex"),
        ({"subject_prefix": "x\n"}, "report.subject_prefix: expected text matching regex"),
        ({"dashboard_url": "javascript:alert(1)"}, "report.dashboard_url: expected text matching regex"),
        ({"dashboard_url": 'https://x/"><script>'}, "report.dashboard_url: expected text matching regex"),
        ({"prometheus": "prometheus:9090"}, "report: prometheus: expected http://… or https://… without a query"),
        (
            {"prometheus_options": {"headers": {"X-A": "a\nb"}}},
            "names of letters, digits and -, and values of one line",
        ),
        ({"prometheus_options": {"headers": {"X A": "a"}}}, "names of letters, digits and -, and values of one line"),
        ({"prometheus_options": {"token": "a\nb"}}, "report.prometheus_options: token: expected one line"),
    ],
)
def test_refused(section: dict[str, Any], problem: str) -> None:
    found = problems(section)
    assert len(found) == 1
    assert problem in found[0]
    assert "geheim" not in found[0]


def test_secrets_hide() -> None:
    section = {
        "prometheus": "http://u:geheim@prometheus:9090",
        "prometheus_options": {"token": "geheim", "headers": {"X-A": "geheim"}},
        "smtp": {"host": "h", "user": "u", "password": "geheim"},
    }
    config = load(section)
    assert config.report.prometheus.reveal() == section["prometheus"]
    assert "geheim" not in repr(config)


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("a@example.org", "a@example.org"),
        ("Finance <fin+llm@example.org>", "fin+llm@example.org"),
        ("Größe & Co. <a@example.org>", "a@example.org"),
        ("<a@example.org>", "a@example.org"),
    ],
)
def test_addresses(text: str, bare: str) -> None:
    assert address_problem(text) == ""
    assert bare_address(text) == bare


@given(st.text(), st.text(max_size=20), st.text(alphabet=st.characters(), max_size=20))
def test_no_header_is_injected(address: str, name: str, subject: str) -> None:
    """Whatever stands where: a mail has exactly the headers it should have, or there is no mail."""
    sender = f"{name} <a@example.org>"
    try:
        mail = compose(
            "daily",
            subject,
            "t",
            "h",
            sender=sender,
            recipients=[address, "b@example.org"],
            made=dt.datetime.now(dt.UTC),
        )
    except ValueError:
        assert address_problem(address) or address_problem(sender) or any(end in subject for end in "\r\n")
        return
    headers, _, _ = mail.as_bytes().partition(b"\r\n\r\n")
    names = [line.partition(b":")[0] for line in headers.split(b"\r\n") if line[:1] not in (b" ", b"\t")]
    assert names == [
        b"From",
        b"To",
        b"Subject",
        b"Date",
        b"Message-ID",
        b"List-Id",
        b"Auto-Submitted",
        b"X-Auto-Response-Suppress",
        b"MIME-Version",
        b"Content-Type",
    ]
