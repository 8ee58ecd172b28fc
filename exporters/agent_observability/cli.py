"""`agent-obs`: the command line. Commands import what they need when they run, so that `--help` stays quick."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from agent_observability import __version__
from agent_observability.errors import AgentObsError
from agent_observability.intake.command import app as key
from agent_observability.ledger.command import app as ledger
from agent_observability.registry import BY_NAME, EXPORTERS, Exporter
from agent_observability.report.command import app as report

__all__ = ["app", "main"]

app = typer.Typer(
    name="agent-obs",
    help="Agent Observability: exporters, rules, alerts and dashboards for platforms that run LLM agents.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(key)
app.add_typer(ledger)
app.add_typer(report)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", envvar="AGENT_OBS_CONFIG", help="The YAML configuration file; defaults without one."),
]
WebConfigOption = Annotated[
    Path | None, typer.Option("--web.config.file", help="Web configuration: TLS, basic authentication.")
]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    exporters: Annotated[list[str], typer.Argument(help=f"{', '.join(BY_NAME)}, or all.", show_default=False)],
    config: ConfigOption = None,
    listen: Annotated[
        list[str] | None,
        typer.Option("--web.listen-address", help="host:port, :port or [ipv6]:port; repeatable; one exporter only."),
    ] = None,
    telemetry_path: Annotated[str | None, typer.Option("--web.telemetry-path", help="Path of the metrics.")] = None,
    web_config: WebConfigOption = None,
    rootfs: Annotated[Path | None, typer.Option("--path.rootfs", help="Where the host's / is mounted.")] = None,
    procfs: Annotated[Path | None, typer.Option("--path.procfs", help="Where the host's /proc is mounted.")] = None,
    sysfs: Annotated[Path | None, typer.Option("--path.sysfs", help="Where the host's /sys is mounted.")] = None,
) -> None:
    """Run exporters in this process, each on its port; SIGHUP reloads the configuration."""
    from agent_observability.run import run as run_exporters

    chosen = _chosen(exporters)
    if listen and len(chosen) != 1:
        hint = "--web.listen-address"
        raise typer.BadParameter("takes one exporter; use web.listen in the configuration", param_hint=hint)
    web = {
        "listen": {chosen[0].name: listen} if listen else None,
        "telemetry_path": telemetry_path,
        "config_file": _absolute(web_config),
    }
    paths = {"rootfs": _absolute(rootfs), "procfs": _absolute(procfs), "sysfs": _absolute(sysfs)}
    run_exporters(chosen, config, _given({"web": web, "host": {"path": paths}}))


@app.command()
def check(
    config: ConfigOption = None,
    web_config: WebConfigOption = None,
    prometheus: Annotated[
        str | None, typer.Option("--prometheus", metavar="URL", help="Ask this Prometheus whether the suite works.")
    ] = None,
    exporters: Annotated[
        list[str] | None, typer.Option("--exporter", help="Exporters that should be there; default: all.")
    ] = None,
    rules: Annotated[Path | None, typer.Option("--rules", help="Folder of the rules that should be loaded.")] = None,
    dashboards: Annotated[Path | None, typer.Option("--dashboards", help="Folder of the pages to ask for.")] = None,
    wait: Annotated[str, typer.Option("--wait", help="How long targets and rules may take to appear.")] = "0s",
    timeout: Annotated[str, typer.Option("--timeout", help="How long the questions may take.")] = "2m",
    output: Annotated[str, typer.Option("--output", help="text or json.")] = "text",
    token_file: Annotated[
        Path | None, typer.Option("--prometheus.token-file", help="File with a bearer token for Prometheus.")
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option("--prometheus.ca-file", help="Certificates to trust Prometheus by.")
    ] = None,
    headers: Annotated[
        list[str] | None, typer.Option("--prometheus.header", metavar="NAME=VALUE", help="Sent along; repeatable.")
    ] = None,
) -> None:
    """Check the configuration without starting anything; or, with --prometheus, whether an installation works."""
    if prometheus is None or config or web_config:
        from agent_observability.config import load
        from agent_observability.webconfig import load_web_config

        loaded = load(config, _given({"web": {"config_file": _absolute(web_config)}}))
        if loaded.web.config_file:
            load_web_config(loaded.web.config_file)
        typer.echo(f"{loaded.file}: valid", err=output == "json")
    if prometheus is None:
        if exporters or rules or dashboards or token_file or ca_file or headers:
            raise typer.BadParameter("is needed for the other options to mean anything", param_hint="--prometheus")
        return
    from agent_observability.checkup.check import Server
    from agent_observability.checkup.check import check as ask
    from agent_observability.checkup.report import as_json, as_text
    from agent_observability.resources import resource

    if output not in ("text", "json"):
        raise typer.BadParameter(f"expected text or json, got {output}", param_hint="--output")
    server = Server(url=_http(prometheus), headers=_pairs(headers or []), token_file=token_file, ca_file=ca_file)
    parts = ask(
        server,
        _chosen(exporters or ["all"]),
        rules or resource("rules"),
        dashboards or resource("dashboards/json"),
        wait=_seconds(wait, "--wait"),
        timeout=_seconds(timeout, "--timeout"),
    )
    typer.echo(as_json(parts) if output == "json" else as_text(parts), nl=False)
    raise typer.Exit(any(part.failed for part in parts))


@app.command()
def metrics(
    markdown: Annotated[bool, typer.Option("--markdown", help="The whole catalogue as METRICS.md.")] = False,
) -> None:
    """List every metric the suite exposes."""
    from agent_observability.catalogue import markdown as as_markdown
    from agent_observability.catalogue import table

    typer.echo(as_markdown() if markdown else table(), nl=False)


@app.command()
def up(
    config: ConfigOption = None,
    once: Annotated[
        bool, typer.Option("--once", help="Wait until everything works, print a summary, stop everything, exit.")
    ] = False,
    demo: Annotated[
        bool, typer.Option("--demo", help="Simulate the agent platform that a cluster would have.")
    ] = False,
) -> None:
    """Run the whole suite on this machine: exporters, Prometheus, Alertmanager and a live panel."""
    from agent_observability.config import load
    from agent_observability.stack.up import up as run_up

    raise typer.Exit(run_up(load(config), once=once, demo=demo))


@app.command()
def drill(
    alerts: Annotated[list[str] | None, typer.Argument(help="Alerts to fire; default: the quickest one.")] = None,
) -> None:
    """Make alerts of a running `agent-obs up` fire for real, be delivered and resolve; print the times."""
    from agent_observability.stack.drill import drill as run_drill

    raise typer.Exit(run_drill(alerts or []))


@app.command()
def reprice(
    url: Annotated[str, typer.Option("--url", help="Where the llm_cost exporter is.")] = "http://127.0.0.1:9804",
    since: Annotated[str, typer.Option("--since", help="First UTC day, such as 2026-01-31; default: all.")] = "",
    until: Annotated[str, typer.Option("--until", help="Last UTC day; default: today.")] = "",
    user: Annotated[str, typer.Option("--user", help="User of its web configuration.")] = "",
    password_file: Annotated[Path | None, typer.Option("--password-file", help="File with the password.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask after the dry run.")] = False,
) -> None:
    """Price calls that had no price when they came: a dry run first, then, if you agree, for real."""
    from agent_observability.llm_cost.command import reprice as run_reprice

    run_reprice(
        url, _given({"since": since or None, "until": until or None}), user=user, password_file=password_file, yes=yes
    )


def _chosen(names: list[str]) -> list[Exporter]:
    unknown = [name for name in names if name != "all" and name not in BY_NAME]
    if unknown:
        raise typer.BadParameter(f"no exporter is called {', '.join(unknown)}; there are {', '.join(BY_NAME)} and all")
    return [exporter for exporter in EXPORTERS if exporter.name in names or "all" in names]


def _http(url: str) -> str:
    # The address itself is not repeated: it may hold a password.
    if not url.startswith(("http://", "https://")):
        raise typer.BadParameter("expected http://… or https://…", param_hint="--prometheus")
    return url


def _seconds(text: str, option: str) -> float:
    from agent_observability.units import Duration

    try:
        return float(Duration.parse(text))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def _pairs(headers: list[str]) -> dict[str, str]:
    if not all("=" in header for header in headers):
        raise typer.BadParameter("expected NAME=VALUE", param_hint="--prometheus.header")
    return dict(header.split("=", 1) for header in headers)


def _absolute(path: Path | None) -> str | None:
    # Paths in the configuration start at its folder; those on the command line at the working directory.
    return str(path.absolute()) if path else None


def _given(tree: dict[str, Any]) -> dict[str, Any]:
    """The tree without what the command line did not set."""
    pruned = {key: _given(value) if isinstance(value, dict) else value for key, value in tree.items()}
    return {key: value for key, value in pruned.items() if value not in (None, {})}


def main() -> None:
    """Entry point: errors a user can mend are a message on standard error and exit code 1."""
    try:
        app()
    except AgentObsError as error:
        for line in str(error).splitlines():
            typer.echo(f"agent-obs: {line}", err=True)
        sys.exit(1)
