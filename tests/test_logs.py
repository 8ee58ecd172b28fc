from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator

import pytest

from agent_observability.config import LogConfig
from agent_observability.logs import setup_logging

log = logging.getLogger("agent_observability.host.disk")


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def _lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "T", line) for line in captured.err.splitlines()]


@pytest.mark.parametrize(
    ("message", "logfmt"),
    [
        ("ready", "ready"),
        ("9 disks", '"9 disks"'),
        ("", '""'),
        ('say "hi"', '"say \\"hi\\""'),
        ("a=b", '"a=b"'),
        ("größe", "größe"),
        ("two\nlines", '"two\\nlines"'),
        ("one\r", '"one\\r"'),
        ("red\x1b[31m", '"red\\u001b[31m"'),
        ("nul\0", '"nul\\u0000"'),
        ("C:\\temp", "C:\\temp"),
    ],
)
def test_one_record_is_one_line(capsys: pytest.CaptureFixture[str], message: str, logfmt: str) -> None:
    setup_logging(LogConfig(format="logfmt"))
    log.warning(message)
    setup_logging(LogConfig(format="json"))
    log.warning(message)
    first, second = _lines(capsys)
    assert first == f"ts=T level=warning logger=host.disk msg={logfmt}"
    assert json.loads(second) == {"ts": "T", "level": "warning", "logger": "host.disk", "msg": message}


def _failure() -> Exception:
    try:
        int("no such\nnumber")
    except ValueError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize("style", ["logfmt", "json"])
def test_tracebacks_stay_in_their_line(capsys: pytest.CaptureFixture[str], style: str) -> None:
    setup_logging(LogConfig(format=style))  # type: ignore[arg-type]
    log.warning("failed on %s", "sda", exc_info=_failure())
    (line,) = _lines(capsys)
    assert "failed on sda" in line
    assert "Traceback (most recent call last)" in line
    assert "ValueError: invalid literal for int() with base 10: 'no such\\\\nnumber'" in line.replace(r"\"", "")


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_levels(capsys: pytest.CaptureFixture[str], level: str, shown: list[str]) -> None:
    setup_logging(LogConfig(level=level))  # type: ignore[arg-type]
    for name in ("debug", "info", "warning", "error"):
        getattr(log, name)("x")
    assert [line.split()[1].removeprefix("level=") for line in _lines(capsys)] == shown


def test_other_libraries_speak_in_the_same_format(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging(LogConfig())
    logging.getLogger("aiohttp.server").error("bad request")
    assert _lines(capsys) == ['ts=T level=error logger=aiohttp.server msg="bad request"']


def test_the_moment_is_utc(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging(LogConfig())
    record = log.makeRecord(log.name, logging.INFO, "", 0, "x", (), None)
    record.created, record.msecs = 1700000000.25, 250.0
    log.handle(record)
    assert capsys.readouterr().err.startswith("ts=2023-11-14T22:13:20.250Z ")
