"""The exporters' configuration under `up`: the user's file, and what the local stack needs on top."""

from __future__ import annotations

import os
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
import yaml

from agent_observability.config import Config, LogConfig, WebConfig, read, tree
from agent_observability.decode import Decoder
from agent_observability.intake.config import IntakeConfig
from agent_observability.ledger.config import LedgerConfig
from agent_observability.listen import parse_address
from agent_observability.registry import EXPORTERS, Exporter

__all__ = ["exporter_config", "listen_addresses", "local_address"]

LOOPBACK = "127.0.0.1"


def listen_addresses(config: Config, exporter: Exporter) -> list[str]:
    """Where the exporter listens: the user's choice, else its port on the loopback interface only."""
    return config.web.listen.get(exporter.name) or [f"{LOOPBACK}:{exporter.port}"]


def local_address(address: str) -> str:
    """The `host:port` under which this machine reaches a listen address. Raises StartError."""
    host, port = parse_address(address)
    if host in ("", "0.0.0.0", "::"):  # noqa: S104  compared with, not listened on
        host = LOOPBACK
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def exporter_config(
    config: Config, watched: Mapping[str, str], settings: Mapping[str, Mapping[str, Any]] | None = None
) -> str:
    """YAML for `agent-obs run --config`: what stands in the user's file, with addresses and watched process groups.

    `settings` replace what stands there, by section and key.

    Variables stay unexpanded and secrets stay in their files, so nothing secret is written; relative paths become
    absolute, since the result lies elsewhere. TLS and passwords are left out: everything listens on loopback, and the
    local Prometheus has neither the certificate nor the password. Raises ConfigError if the file cannot be read again.
    """
    file = Path(config.file)
    document = tree(read(file), config.file) if file.is_file() else {}
    document.pop("stack", None)
    paths = Decoder(os.environ, file.absolute().parent)
    common = {"log": LogConfig, "web": WebConfig, "ledger": LedgerConfig, "intake": IntakeConfig}
    kinds = common | {exporter.name: exporter.section for exporter in EXPORTERS}
    document = {key: _absolute(kinds[key], value, paths) if key in kinds else value for key, value in document.items()}
    web = _mapping(document, "web")
    web.pop("config_file", None)
    web["listen"] = {exporter.name: listen_addresses(config, exporter) for exporter in EXPORTERS}
    _mapping(document, "host", "processes", "groups").update(watched)
    for section, values in (settings or {}).items():
        _mapping(document, section).update(values)
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _mapping(document: dict[str, Any], *keys: str) -> dict[str, Any]:
    """The mapping at this path, made if it is missing or, as YAML reads an empty section, null."""
    for key in keys:
        document[key] = document.get(key) or {}
        document = document[key]
    return document


def _absolute(kind: Any, value: Any, paths: Decoder) -> Any:
    """`value` with every path in it, as far as `kind` tells which they are, made absolute."""
    arguments = [member for member in get_args(kind) if member is not types.NoneType]
    if get_origin(kind) in (Union, types.UnionType, Annotated) and arguments:
        return _absolute(arguments[0], value, paths)
    if isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
        # Beside its fields a section may only have `<secret>_file`.
        return {key: _absolute(fields.get(key, Path), item, paths) for key, item in value.items()}
    if isinstance(value, dict) and arguments:
        return {key: _absolute(arguments[-1], item, paths) for key, item in value.items()}
    if isinstance(value, list) and arguments:
        return [_absolute(arguments[0], item, paths) for item in value]
    if kind is Path and isinstance(value, str):
        # Variables in a path are expanded with it: only then is it known whether it is relative.
        return str(paths.decode(Path, value, "")).replace("$", "$$")
    return value
