"""`agent-obs ledger`: look into ledgers, take their contents out, and make them small."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent_observability.errors import StartError

if TYPE_CHECKING:
    from agent_observability.ledger.backend import Backend

__all__ = ["app"]

app = typer.Typer(name="ledger", help="Look into the ledgers of stateful exporters.", no_args_is_help=True)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", envvar="AGENT_OBS_CONFIG", help="The exporters' own configuration file.")
]
ProcessesArgument = Annotated[
    list[str] | None, typer.Argument(help="Processes, each of which has one; default: all.", show_default=False)
]


@app.command()
def status(
    processes: ProcessesArgument = None,
    config: ConfigOption = None,
    output: Annotated[str, typer.Option("--output", help="text or json.")] = "text",
) -> None:
    """Sizes, rows, the span of events, positions, counters and who writes; also while the exporter runs."""
    from agent_observability.ledger.status import as_json, as_text
    from agent_observability.ledger.status import status as look

    _one_of(output, ("text", "json"), "--output")
    found = {}
    for process, backend in _find(config, processes).items():
        with _named(backend):
            found[process] = look(process, backend)
    typer.echo(as_json(found) if output == "json" else as_text(found), nl=False)


@app.command()
def vacuum(processes: ProcessesArgument = None, config: ConfigOption = None) -> None:
    """Give unused space back to the disk. A SQLite ledger must not be in use; it also does this by itself, slowly."""
    for process, backend in _find(config, processes).items():
        with _named(backend):
            before, started = backend.size(), time.monotonic()
            backend.vacuum()
            after = backend.size()
        typer.echo(f"{process}: {before:,} bytes before, {after:,} after, {time.monotonic() - started:.1f} s")


@app.command()
def export(
    process: Annotated[str, typer.Argument(help="The process whose ledger it is.", show_default=False)],
    table: Annotated[str, typer.Argument(help="events, daily, counters, facts or positions.")] = "events",
    config: ConfigOption = None,
    form: Annotated[str, typer.Option("--format", help="jsonl or csv.")] = "jsonl",
    output: Annotated[Path | None, typer.Option("--output", help="A file; default: standard output.")] = None,
    kinds: Annotated[list[str] | None, typer.Option("--kind", help="Only these kinds; repeatable.")] = None,
    start: Annotated[str | None, typer.Option("--start", help="Events from this time, such as 2026-11-01.")] = None,
    end: Annotated[str | None, typer.Option("--end", help="Events before this time.")] = None,
) -> None:
    """Write the contents as JSON lines or CSV; also while the exporter runs."""
    from agent_observability.ledger.export import FORMATS, TABLES, records, write

    _one_of(table, TABLES, "TABLE")
    _one_of(form, FORMATS, "--format")
    span = {"start": _milliseconds(start, "--start"), "end": _milliseconds(end, "--end")}
    [backend] = _find(config, [process]).values()
    with _named(backend):
        rows = records(backend, table, kinds=kinds or [], **span)
        total = {"events": "event", "daily": "daily", "counters": "series", "facts": "fact", "positions": "position"}
        whole = not kinds and not start and not end
        shown = _progress(rows, backend.rows()[total[table]] if whole else None)
        if output is None:
            number = write(shown, sys.stdout, form)
        else:
            with output.open("w", encoding="utf-8", newline="") as file:
                number = write(shown, file, form)
    typer.echo(f"{number:,} rows", err=True)


def _find(config: Path | None, processes: list[str] | None) -> dict[str, Backend]:
    from agent_observability.config import load
    from agent_observability.ledger.places import find
    from agent_observability.stack.state import StateDirectory

    return find(load(config).ledger, StateDirectory.locate().root / "ledger", processes or ())


@contextlib.contextmanager
def _named(backend: Backend) -> Iterator[None]:
    """Turn the database's errors into one line that names the ledger."""
    from sqlalchemy.exc import SQLAlchemyError

    from agent_observability.ledger.errors import words

    try:
        yield
    except Exception as error:
        if not isinstance(error, (SQLAlchemyError, *backend.driver_errors)):
            raise
        raise StartError(f"{backend.name}: {words(error)}") from error


def _progress(rows: Iterator[Mapping[str, Any]], total: int | None) -> Iterator[Mapping[str, Any]]:
    """The same rows, with a bar on a terminal's standard error."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return iter(track(rows, "exporting", total, console=console, disable=not console.is_terminal, transient=True))


def _one_of(value: str, choices: tuple[str, ...], name: str) -> None:
    if value not in choices:
        raise typer.BadParameter(f"expected one of {', '.join(choices)}, got {value}", param_hint=name)


def _milliseconds(text: str | None, option: str) -> int | None:
    from datetime import UTC, datetime

    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        expected = "expected a date or time such as 2026-11-01 or 2026-11-01T12:00:00Z"
        raise typer.BadParameter(expected, param_hint=option) from error
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
