"""`agent-obs report`: delivered by mail or written to files, and refused with the reason where it cannot be."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import subprocess
import sys
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from agent_observability.cli import app
from agent_observability.errors import StartError
from tests.pki import Pki
from tests.report.books import configuration, fill, sqlite
from tests.report.mailbox import PASSWORD, USER, mailbox
from tests.report.year import year
from tests.support import ROOT

FROM = "Agent Öbservability <obs@example.org>"
TO = ["Finance <fin@example.org>", "tech@example.org", "fin@example.org"]
DAILY = "[agent-obs] Daily report, Friday, 20 November 2026: $290.97 (up 45 %)"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a year's ledger."""
    folder = tmp_path_factory.mktemp("ledger")
    asyncio.run(fill(sqlite(folder), year()))
    return folder


def run(folder: Path, *arguments: str, **report: Any) -> Result:
    config = configuration(folder, report=report)
    return CliRunner().invoke(app, ["report", *arguments, "--date", "2026-11-20", "--config", str(config)])


def smtp(port: int, **settings: Any) -> dict[str, Any]:
    return {"host": "localhost", "port": port, "starttls": "off", **settings}


def problem(result: Result) -> str:
    assert isinstance(result.exception, StartError), result.output
    return str(result.exception)


def test_a_mail_by_starttls_with_a_password_file(ledger: Path, tmp_path: Path) -> None:
    pki = Pki(tmp_path)
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    server = {
        "starttls": "required",
        "ca_file": str(pki.authority),
        "user": USER,
        "password_file": str(tmp_path / "password"),
    }
    with mailbox(pki, auth=True) as box:
        result = run(ledger, "daily", smtp=smtp(box.port, **server), to={"daily": TO}, **{"from": FROM})
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{DAILY.removeprefix('[agent-obs] ')}: delivered to 2 recipients\n"
    [mail] = box.mails
    assert box.to == [["fin@example.org", "tech@example.org"]]
    assert (mail["From"], mail["Subject"], mail["To"]) == (FROM, DAILY, ", ".join(TO))
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Id"] == "<daily.agent-obs-report.example.org>"
    assert mail["Message-ID"].endswith("@example.org>")
    assert parsedate_to_datetime(mail["Date"]).tzinfo is not None
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert "Total: $290.97" in text_of(mail, "plain")
    assert ">$290.97</p>" in text_of(mail, "html")
    raw = box.raw[0]
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def text_of(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_refused_mails_fail_loudly(ledger: Path) -> None:
    with mailbox() as box:
        box.answers["RCPT tech@example.org"] = ["550 unknown"]
        result = run(ledger, "daily", smtp=smtp(box.port), to={"daily": TO}, **{"from": FROM})
    assert str(result.exception) == (
        f"localhost:{box.port}: refuses tech@example.org (550 unknown); nothing was sent to anybody"
    )
    assert (result.exit_code, box.raw) == (1, [])


def test_the_exit_code_and_message_of_the_program(ledger: Path) -> None:
    config = configuration(ledger, report={"to": {"daily": TO}})
    command = [sys.executable, "-m", "agent_observability", "report", "daily", "--config", str(config)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    expected = "a mail needs report.smtp.host, report.from; or write it to a file with --output"
    assert done.stderr == f"agent-obs: {config}: {expected}\n"


@pytest.mark.parametrize(
    ("report", "missing"),
    [
        ({}, "report.smtp.host, report.from, report.to.weekly"),
        ({"smtp": {"host": "mail.example.org"}, "from": FROM}, "report.to.weekly"),
        ({"smtp": {"host": "mail.example.org"}, "from": FROM, "to": {"daily": TO}}, "report.to.weekly"),
        ({"from": FROM, "to": {"weekly": TO}}, "report.smtp.host"),
    ],
)
def test_what_a_mail_needs_is_said_first(tmp_path: Path, report: dict[str, Any], missing: str) -> None:
    found = problem(run(tmp_path, "weekly", **report))
    assert found == f"{tmp_path}/config.yml: a mail needs {missing}; or write it to a file with --output"


def test_files(ledger: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"to": {"monthly": TO}, "from": FROM}
    shown = run(ledger, "monthly", "--output", "-", **settings)
    assert shown.exit_code == 0
    for name in ("a.txt", "a.html", "a.eml"):
        (tmp_path / name).write_text("old")
        result = run(ledger, "monthly", "--output", str(tmp_path / name), **settings)
        assert (result.exit_code, result.output) == (0, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.eml", "a.html", "a.txt"]
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o644
    text = (tmp_path / "a.txt").read_text()
    assert without_time(text) == without_time(shown.stdout)
    assert text.startswith("Monthly report: language models\n===")
    assert (tmp_path / "a.html").read_text().startswith("<!doctype html>\n")
    mail = email.message_from_bytes((tmp_path / "a.eml").read_bytes(), policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert mail["Subject"] == "[agent-obs] Monthly report, November 2026: $3,308.41 so far"
    assert without_time(text_of(mail, "plain").replace("\r\n", "\n")) == without_time(text)


def without_time(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("Made on "))


def test_a_file_that_cannot_be(ledger: Path, tmp_path: Path) -> None:
    target = tmp_path / "none" / "a.txt"
    assert problem(run(ledger, "daily", "--output", str(target))) == (
        f"{target} cannot be written: No such file or directory"
    )
    found = problem(run(ledger, "daily", "--output", str(tmp_path / "a.eml")))
    assert found == f"{ledger}/config.yml: a mail needs report.from, report.to.daily"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["yearly"], "expected one of daily, weekly, monthly, got yearly"),
        (["daily", "--source", "guess"], "expected one of auto, ledger, prometheus, got guess"),
        (["daily", "--output", "report.pdf"], "expected - or a file ending in .html, .txt, .eml"),
        (["daily", "--output", "html"], "expected - or a file ending in .html, .txt, .eml"),
        (["daily", "--prometheus", "ftp://u:geheim@host"], "expected http://… or https://… without a query"),
        (["daily", "--prometheus", "http://u:geheim@host/?a=b"], "expected http://… or https://… without a query"),
        (["daily", "--date", "yesterday"], "expected a date such as 2026-11-20, got 'yesterday'"),
        (["daily", "--date", "2026-02-30"], "expected a date such as 2026-11-20, got '2026-02-30'"),
        (["daily", "--date", "1999-12-31"], "expected a date from 2000-01-01 on, got 1999-12-31"),
        (["daily", "--date", "9999-12-31"], "expected a date from 2000-01-01 on, got 9999-12-31"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: list[str], message: str) -> None:
    config = configuration(tmp_path)
    result = CliRunner().invoke(app, ["report", *arguments, "--config", str(config)])
    assert result.exit_code == 2
    assert message in " ".join(part.strip("│ ") for part in result.stderr.splitlines())
    assert "geheim" not in result.stderr


def test_the_command_lines_prometheus_wins(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("http://127.0.0.1:9\n")
    config = tmp_path / "config.yml"
    config.write_text(json.dumps({"report": {"prometheus_file": "url"}}))
    arguments = ["report", "daily", "--source", "prometheus", "--output", "-", "--config", str(config)]
    from_file = CliRunner().invoke(app, arguments)
    assert "Cannot connect to host 127.0.0.1:9 " in problem(from_file)
    given = CliRunner().invoke(app, [*arguments, "--prometheus", "http://a:geheim$x@127.0.0.1:7"])
    assert "Cannot connect to host 127.0.0.1:7 " in problem(given)
    assert "geheim" not in problem(given)
