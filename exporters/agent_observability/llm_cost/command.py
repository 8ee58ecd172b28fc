"""`agent-obs reprice`: asks the running exporter to price what had no price."""

from __future__ import annotations

import contextlib
import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from agent_observability.errors import StartError

__all__ = ["ask", "reprice"]

_SECONDS = 120


class _Found(msgspec.Struct):
    """Of one model: calls with a price now, and without, and what the former cost."""

    priced: int
    unpriced: int
    usd: float


class _Told(msgspec.Struct):
    """One line of what the exporter tells."""

    progress: float = 0.0
    models: dict[str, _Found] = {}
    done: bool = False
    error: str = ""


_line = msgspec.json.Decoder(_Told)


def reprice(url: str, parameters: Mapping[str, str], *, user: str, password_file: Path | None, yes: bool) -> None:
    """A dry run, its table, and unless somebody says no the real one. Raises StartError."""
    console = Console()
    headers = _authorization(user, password_file)
    models = _run(console, "dry run", ask(url, {**parameters, "dry_run": "true"}, headers))
    if not models:
        console.print("No call is without a price.")
        return
    console.print(_table(models))
    if not any(found["priced"] for found in models.values()):
        console.print("None of them has a price now: add it to the file named by llm_cost.prices, and reload.")
        return
    if not yes and not _agrees(console):
        console.print("Nothing was changed.")
        return
    done = _run(console, "pricing", ask(url, parameters, headers))
    usd = sum(found["usd"] for found in done.values())
    calls = sum(found["priced"] for found in done.values())
    console.print(f"{calls:,} calls were priced: ${usd:,.6f}, counted as cost_source=repriced.")


def _agrees(console: Console) -> bool:
    try:
        return console.input("Add these dollars to the books? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def ask(url: str, parameters: Mapping[str, str], headers: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """What the exporter tells as it goes. Raises StartError."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or "@" in parts.netloc:
        # It may hold a password, so it is not repeated.
        raise StartError("--url: expected http://host:port; who asks is told by --user and --password-file")
    where = f"{url.rstrip('/')}/-/reprice?{urllib.parse.urlencode(parameters)}"
    request = urllib.request.Request(where, method="POST", headers=dict(headers))  # noqa: S310 - checked above
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as response:  # noqa: S310
            for line in response:
                told = _line.decode(line)
                if told.error:
                    raise StartError(f"{url}: {told.error}")
                yield msgspec.to_builtins(told)
    except urllib.error.HTTPError as error:
        raise StartError(f"{url}: {error.code} {_text(error)}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise StartError(f"{url}: {reason}; is the llm_cost exporter running there?") from error


def _text(error: urllib.error.HTTPError) -> str:
    with contextlib.suppress(OSError, http.client.HTTPException):
        return error.read(1000).decode(errors="replace").strip()
    return error.reason


def _run(console: Console, title: str, told: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """Show the progress; what was told last of the models."""
    columns = (TextColumn(title), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    models: dict[str, Any] = {}
    done = False
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=1.0)
        for one in told:
            progress.update(task, completed=one["progress"])
            models, done = one["models"], one["done"]
    if not done:
        raise StartError("the exporter ended before it was done; what it has told is in the books")
    return models


def _table(models: Mapping[str, Any]) -> Table:
    table = Table("Model", "Calls with a price now", "Still without one", "Dollars")
    for column in table.columns[1:]:
        column.justify = "right"
    for model, found in models.items():
        table.add_row(model, f"{found['priced']:,}", f"{found['unpriced']:,}", f"{found['usd']:,.6f}")
    return table


def _authorization(user: str, password_file: Path | None) -> dict[str, str]:
    if not user:
        return {}
    import base64

    if password_file is None:
        raise StartError("--user needs --password-file")
    try:
        password = password_file.read_text().rstrip("\r\n")
    except OSError as error:
        raise StartError(f"cannot read {password_file}: {error.strerror}") from error
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
