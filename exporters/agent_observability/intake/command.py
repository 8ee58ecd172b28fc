"""`agent-obs key`: make and list the API keys of the intake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent_observability.intake.rate import MAX_RATE

__all__ = ["app"]

app = typer.Typer(name="key", help="API keys with which applications push to the intake.", no_args_is_help=True)

FileOption = Annotated[Path, typer.Option("--file", help="The file named by intake.keys_file.")]


@app.command()
def new(
    file: FileOption,
    project: Annotated[str, typer.Option("--project", help="What it is for; * for keys that name the project.")],
    name: Annotated[str, typer.Option("--name", help="Who has it, as lists show it.")] = "",
    rate: Annotated[int | None, typer.Option("--rate", min=1, max=MAX_RATE, help="Requests per second.")] = None,
) -> None:
    """Add a key to the file, and print it: the only time that it is seen. A running intake takes it up by itself."""
    from agent_observability.intake.keys import add_key

    typer.echo(add_key(file, name or project, project, rate))


@app.command("list")
def list_keys(file: FileOption) -> None:
    """Ids, projects and names of the keys in the file."""
    from agent_observability.intake.keys import read_keys

    keys = read_keys(file)
    if not keys:
        typer.echo(f"no keys in {file}", err=True)
    for key in keys.values():
        typer.echo(f"{key.id}  {key.project}  {key.name}" + (f"  {key.rate}/s" if key.rate else ""))


@app.command()
def remove(file: FileOption, id_: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Remove a key from the file: a running intake refuses it within seconds."""
    from agent_observability.intake.keys import remove_key

    remove_key(file, id_)
