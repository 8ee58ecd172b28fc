"""The landing page at `/`: what this exporter is, how its collectors and sources fare, and its configuration."""

from __future__ import annotations

import functools

import msgspec
import yaml
from jinja2 import Environment, PackageLoader, Template

from agent_observability import __version__
from agent_observability.decode import Secret
from agent_observability.service import Service

__all__ = ["landing_page"]


@functools.cache
def _template() -> Template:
    environment = Environment(loader=PackageLoader("agent_observability"), autoescape=True, trim_blocks=True)
    return environment.get_template("landing.html")


def landing_page(service: Service, telemetry_path: str, protected: bool) -> str:
    """The page as HTML. Secrets in the configuration show as `<secret>`."""
    section = msgspec.to_builtins(service.section, enc_hook=_shown)
    return _template().render(
        exporter=service.exporter,
        version=__version__,
        telemetry_path=telemetry_path,
        protected=protected,
        not_ready=service.not_ready(),
        collectors=service.scraper.statuses(),
        sources=service.sources(),
        config=yaml.safe_dump({service.exporter.name: section}, sort_keys=False),
    )


def _shown(value: object) -> object:
    if isinstance(value, Secret):
        return repr(value)
    if isinstance(value, float | int):
        return value.__class__.__base__(value) if value.__class__.__base__ in (float, int) else value
    return getattr(value, "pattern", None) or str(value)
