"""`agent-obs report`: a summary of a day, week or month, mailed or written to a file."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from agent_observability.decode import Secret
from agent_observability.errors import StartError

if TYPE_CHECKING:
    from agent_observability.config import Config
    from agent_observability.report.period import Kind
    from agent_observability.report.view import Page

__all__ = ["app"]

app = typer.Typer()

_FORMS = (".html", ".txt", ".eml")


@app.command()
def report(
    kind: Annotated[str, typer.Argument(help="daily, weekly or monthly.", show_default=False)],
    *,
    config: Annotated[
        Path | None,
        typer.Option("--config", envvar="AGENT_OBS_CONFIG", help="The exporters' own configuration file."),
    ] = None,
    date: Annotated[
        str | None,
        typer.Option("--date", help="The period with this day, such as 2026-11-20; default: the last full one."),
    ] = None,
    source: Annotated[
        str, typer.Option("--source", help="Of the figures: ledger, prometheus, or auto for whichever there is.")
    ] = "auto",
    prometheus: Annotated[
        str | None, typer.Option("--prometheus", metavar="URL", help="Instead of report.prometheus.")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", help="A file ending in .html, .txt or .eml, or - for text here; default: mail it."),
    ] = None,
) -> None:
    """Summarize what language models cost and did in a day, week or month, and mail it."""
    from agent_observability.config import load
    from agent_observability.report.config import is_url
    from agent_observability.report.make import SOURCES, make
    from agent_observability.report.period import KINDS
    from agent_observability.stack.state import StateDirectory

    chosen = next((known for known in KINDS if known == kind), None)
    if chosen is None:
        raise typer.BadParameter(f"expected one of {', '.join(KINDS)}, got {kind}", param_hint="KIND")
    if source not in SOURCES:
        raise typer.BadParameter(f"expected one of {', '.join(SOURCES)}, got {source}", param_hint="--source")
    if prometheus is not None and not is_url(prometheus):
        # The address itself is not repeated: it may hold a password.
        raise typer.BadParameter("expected http://… or https://… without a query", param_hint="--prometheus")
    if output is not None and output != "-" and Path(output).suffix not in _FORMS:
        raise typer.BadParameter(f"expected - or a file ending in {', '.join(_FORMS)}", param_hint="--output")
    day = _date(date)
    loaded = load(config)
    if prometheus is not None:
        asked = msgspec.structs.replace(loaded.report, prometheus=Secret(prometheus))
        loaded = msgspec.structs.replace(loaded, report=asked)
    if output is None or output.endswith(".eml"):
        _can_mail(loaded, chosen, whole=output is None)
    ledgers = StateDirectory.locate().root / "ledger"
    page = asyncio.run(make(loaded, chosen, date=day, source=source, now=time.time(), ledgers=ledgers))
    if output is None:
        _mail(loaded, chosen, page)
    else:
        _write(loaded, chosen, page, output)


def _date(text: str | None) -> dt.date | None:
    if text is None:
        return None
    try:
        day = dt.date.fromisoformat(text)
    except ValueError as error:
        expected = f"expected a date such as 2026-11-20, got {text[:40]!r}"
        raise typer.BadParameter(expected, param_hint="--date") from error
    if not 2000 <= day.year <= 9000:
        raise typer.BadParameter(f"expected a date from 2000-01-01 on, got {day}", param_hint="--date")
    return day


def _can_mail(config: Config, kind: Kind, *, whole: bool) -> None:
    """Raise StartError for what a mail needs and the configuration lacks, before any work is done."""
    report = config.report
    needed = {
        "report.smtp.host": report.smtp.host or not whole,
        "report.from": report.sender,
        f"report.to.{kind}": getattr(report.to, kind),
    }
    if missing := [name for name, value in needed.items() if not value]:
        hint = "; or write it to a file with --output" if whole else ""
        raise StartError(f"{config.file}: a mail needs {', '.join(missing)}{hint}")


def _mail(config: Config, kind: Kind, page: Page) -> None:
    from agent_observability.report.config import bare_address
    from agent_observability.report.smtp import deliver

    recipients = list(dict.fromkeys(bare_address(text) for text in getattr(config.report.to, kind)))
    deliver(config.report.smtp, bare_address(config.report.sender), recipients, _message(config, kind, page))
    many = "1 recipient" if len(recipients) == 1 else f"{len(recipients)} recipients"
    typer.echo(f"{page.subject}: delivered to {many}")


def _write(config: Config, kind: Kind, page: Page, output: str) -> None:
    from agent_observability.report.render import as_html, as_text

    if output == "-":
        typer.echo(as_text(page), nl=False)
        return
    file = Path(output)
    if file.suffix == ".eml":
        content = _message(config, kind, page)
    else:
        content = (as_html(page) if file.suffix == ".html" else as_text(page)).encode()
    try:
        _replace(file, content)
    except OSError as error:
        raise StartError(f"{file} cannot be written: {error.strerror}") from error


def _message(config: Config, kind: Kind, page: Page) -> bytes:
    from agent_observability.report.mail import compose
    from agent_observability.report.render import as_html, as_text

    report = config.report
    message = compose(
        kind,
        f"{report.subject_prefix} {page.subject}".strip(),
        as_text(page),
        as_html(page),
        sender=report.sender,
        recipients=getattr(report.to, kind),
        made=dt.datetime.now(dt.UTC),
    )
    return message.as_bytes()


def _replace(file: Path, content: bytes) -> None:
    """Put the content where the file is, all at once: who reads it sees the old one or the new one."""
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
