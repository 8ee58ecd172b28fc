"""Configuration: one YAML file, a section per exporter, decoded into frozen structs.

Every problem is reported, not only the first, each with its path, its value and what was expected. `${NAME}` and
`${NAME:-default}` take a value from the environment; `$$` is a dollar sign. A `Secret` setting `x` may also be given
as `x_file`, a path to a file that holds it. Relative paths start at the file's folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml

from agent_observability.decode import Decoder
from agent_observability.errors import ConfigError, StartError
from agent_observability.intake.config import IntakeConfig
from agent_observability.ledger.config import LedgerConfig
from agent_observability.listen import parse_address
from agent_observability.registry import BY_NAME, EXPORTERS
from agent_observability.report.config import ReportConfig
from agent_observability.stack.config import StackConfig
from agent_observability.units import Duration

__all__ = ["Config", "LogConfig", "WebConfig", "load", "parse"]

Positive = Annotated[int, msgspec.Meta(ge=1)]


class LogConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What is logged, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["logfmt", "json"] = "logfmt"


class WebConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The HTTP surface of every exporter in the process.

    `config_file` is an exporter-toolkit web configuration (TLS, basic authentication). More than `max_requests`
    scrapes at once are answered 503; a client must take its response within `write_timeout`.
    """

    listen: dict[str, list[str]] = {}
    telemetry_path: Annotated[str, msgspec.Meta(pattern="^/(?!-/)[A-Za-z0-9/_.-]*$")] = "/metrics"
    config_file: Path | None = None
    max_requests: Positive = 64
    max_connections: Positive = 512
    write_timeout: Annotated[Duration, msgspec.Meta(gt=0)] = Duration(30)


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file. `sections` holds one struct per exporter of the registry, defaults where the file has none.

    `limits` overrides the caps of labels by name, for example `model: 500`.
    """

    log: LogConfig = LogConfig()
    web: WebConfig = WebConfig()
    limits: dict[str, Positive] = {}
    ledger: LedgerConfig = LedgerConfig()
    intake: IntakeConfig = IntakeConfig()
    report: ReportConfig = ReportConfig()
    stack: StackConfig = StackConfig()
    sections: dict[str, Any] = {}
    file: str = "defaults"


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping: YAML would silently keep the last."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        # Here and not in construct_mapping, which sees keys twice once `<<` has merged others in.
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    problem = f"the key {key.value!r} stands twice"
                    raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                seen.add(key.value)
        return node


def load(file: Path | None, overrides: Mapping[str, Any] | None = None) -> Config:
    """The configuration from `file`, or the defaults without one. `overrides` (a tree) wins over the file.

    Raises ConfigError.
    """
    if file is None:
        return parse("", "command line", Path.cwd(), overrides=overrides)
    return parse(read(file), str(file), file.absolute().parent, overrides=overrides)


def read(file: Path) -> str:
    """The file's text. Raises ConfigError."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(str(file), [f"cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(file), [f"is not UTF-8 text: byte {error.start}"]) from error


def tree(text: str, name: str) -> dict[str, Any]:
    """The YAML mapping in `text`; empty text is an empty mapping. Raises ConfigError."""
    try:
        # _Loader is a SafeLoader: no constructor it knows runs code.
        document = yaml.load(text, _Loader)  # noqa: S506
    except Exception as error:  # PyYAML lets its constructors' errors through: ValueError, KeyError, RecursionError, …
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        parts = [getattr(error, "context", None), getattr(error, "problem", None)]
        problem = ", ".join(filter(None, parts)) or " ".join(str(error).split())
        raise ConfigError(name, [f"{where}no valid YAML: {problem}"]) from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(name, [f"expected a mapping at the top, got {type(document).__name__}"])
    return document


def parse(
    text: str,
    name: str,
    directory: Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Config:
    """The configuration in `text`. `name` stands in messages, `directory` is where relative paths start.

    Raises ConfigError with every problem found.
    """
    document = _merge(tree(text, name), overrides or {})
    decoder = Decoder(os.environ if environment is None else environment, directory)
    common = {
        "log": LogConfig,
        "web": WebConfig,
        "limits": dict[str, Positive],
        "ledger": LedgerConfig,
        "intake": IntakeConfig,
        "report": ReportConfig,
        "stack": StackConfig,
    }
    decoded: dict[str, Any] = {}
    for key, value in document.items():
        if key in common:
            decoded[key] = decoder.decode(common[key], value, key)
        elif key not in BY_NAME:
            decoder.unknown_key(str(key), str(key), (*common, *BY_NAME))
    sections = {entry.name: decoder.decode(entry.section, document.get(entry.name), entry.name) for entry in EXPORTERS}
    for label in decoded["limits"] if isinstance(decoded.get("limits"), dict) else ():
        if label not in (capped := _capped()):
            decoder.unknown_key(f"limits.{label}", label, capped)
    if isinstance(web := decoded.get("web"), WebConfig):
        for exporter, addresses in web.listen.items():
            if exporter not in BY_NAME:
                decoder.unknown_key(f"web.listen.{exporter}", exporter, BY_NAME)
            decoder.problems += _address_problems(f"web.listen.{exporter}", addresses)
    if decoder.problems:
        raise ConfigError(name, decoder.problems)
    return Config(**decoded, sections=sections, file=name)


def _capped() -> set[str]:
    """Labels that have a cap."""
    metrics = [metric for exporter in EXPORTERS for metric in exporter.metrics]
    return {label.name for metric in metrics for label in metric.labels if label.cap is not None}


def _address_problems(path: str, addresses: list[str]) -> list[str]:
    problems = []
    for i, address in enumerate(addresses):
        try:
            parse_address(address)
        except StartError as error:
            problems.append(f"{path}[{i}]: {error}")
    return problems


def _merge(base: dict[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in overrides.items():
        old = merged.get(key)
        if not isinstance(value, Mapping):
            merged[key] = value
        elif isinstance(old, dict | None):  # anything else stays, to be reported
            merged[key] = _merge(old or {}, value)
    return merged
