"""Reads values.yaml: every key with its default, and the description in the `# --` comment above it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import yaml

__all__ = ["Value", "matches", "read_values"]

_DESCRIBES = "# -- "


class Value(NamedTuple):
    """One key: its path, default, description ("" without one), the free comment above it, and whether it is a mapping.

    A mapping with keys of its own is described by them; the others are a `leaf`.
    """

    path: tuple[str, ...]
    default: Any
    description: str
    comment: str
    leaf: bool


def read_values(text: str, overlay: Mapping[str, Any]) -> list[Value]:
    """Every key of values.yaml, parents before children, in the file's order.

    A mapping is one value, whatever it holds by default, where `overlay` (see schema.yaml) gives it a type.
    """
    return list(_walk(yaml.compose(text, yaml.SafeLoader), (), text.splitlines(), overlay["values"]))


def matches(path: tuple[str, ...], pattern: str) -> bool:
    """Whether a line of the overlay is about the value at `path`."""
    parts = pattern.split(".")
    return len(parts) == len(path) and all(map(fnmatchcase, path, parts))


def _walk(
    node: yaml.MappingNode, path: tuple[str, ...], lines: list[str], overlay: Mapping[str, Any]
) -> Iterator[Value]:
    for key, value in node.value:
        here = (*path, key.value)
        nested = isinstance(value, yaml.MappingNode) and bool(value.value)
        description, comment = _comments(lines, key.start_mark.line, key.start_mark.column)
        typed = any({"$ref", "type"} & line.keys() for pattern, line in overlay.items() if matches(here, pattern))
        leaf = not nested or typed
        default = yaml.safe_load(yaml.serialize(value))
        yield Value(here, default, description, comment, leaf)
        if not leaf:
            yield from _walk(value, here, lines, overlay)


def _comments(lines: list[str], line: int, column: int) -> tuple[str, str]:
    found: list[str] = []
    for above in reversed(lines[:line]):
        text = above.strip()
        if not text.startswith("#") or len(above) - len(above.lstrip()) != column:
            break
        found.insert(0, text)
    described = [text.removeprefix(_DESCRIBES) for text in found if text.startswith(_DESCRIBES)]
    free = [text.removeprefix("# ") for text in found if not text.startswith(_DESCRIBES)]
    return " ".join(described), " ".join(free)
