"""`agent-obs`: the command line. Commands import what they need when they run, so that `--help` stays quick."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from agent_observability.errors import AgentObsError

__all__ = ["app", "main"]

app = typer.Typer(
    name="agent-obs",
    help="Agent Observability: exporters, rules, alerts and dashboards for platforms that run LLM agents.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", envvar="AGENT_OBS_CONFIG", help="The YAML configuration file; defaults without one."),
]


@app.command()
def up(
    config: ConfigOption = None,
    once: Annotated[
        bool, typer.Option("--once", help="Wait until everything works, print a summary, stop everything, exit.")
    ] = False,
) -> None:
    """Run the whole suite on this machine: exporters, Prometheus, Alertmanager and a live panel."""
    from agent_observability.config import load
    from agent_observability.stack.up import up as run_up

    raise typer.Exit(run_up(load(config), once=once))


@app.command()
def drill(
    alerts: Annotated[list[str] | None, typer.Argument(help="Alerts to fire; default: the quickest one.")] = None,
) -> None:
    """Make alerts of a running `agent-obs up` fire for real, be delivered and resolve; print the times."""
    from agent_observability.stack.drill import drill as run_drill

    raise typer.Exit(run_drill(alerts or []))


def main() -> None:
    """Entry point: errors a user can mend are one message on standard error and exit code 1."""
    try:
        app()
    except AgentObsError as error:
        print(f"agent-obs: {error}", file=sys.stderr)
        sys.exit(1)
