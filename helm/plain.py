"""YAML: read fast, and written as people read it, with texts of several lines as blocks, keys in the order given."""

from __future__ import annotations

from typing import Any

import yaml

__all__ = ["documents", "dump", "dump_all"]

_LONG = 200
# Where PyYAML was built with libyaml, it takes a tenth of the time: dashboards are large.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    block = "\n" in value or len(value) > _LONG
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if block else None)


_Dumper.add_representer(str, _text)


def documents(text: str) -> list[Any]:
    """All documents that are not empty."""
    return [document for document in yaml.load_all(text, Loader=_Loader) if document]


def dump(document: Any) -> str:
    """One document."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)


def dump_all(documents: list[Any]) -> str:
    """Several, divided by `---`."""
    return "---\n".join(dump(document) for document in documents)
