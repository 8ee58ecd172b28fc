"""YAML as people read it: texts of several lines as blocks, keys in the order given."""

from __future__ import annotations

from typing import Any

import yaml

__all__ = ["dump", "dump_all"]

_LONG = 200


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    block = "\n" in value or len(value) > _LONG
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if block else None)


_Dumper.add_representer(str, _text)


def dump(document: Any) -> str:
    """One document."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)


def dump_all(documents: list[Any]) -> str:
    """Several, divided by `---`."""
    return "---\n".join(dump(document) for document in documents)
