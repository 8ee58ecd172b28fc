"""Links into Alertmanager's page, read as the page reads them."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote

__all__ = ["labels_of"]

_PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)=("(?:[^"\\]|\\.)*")')


def labels_of(link: str, page: str) -> dict[str, str]:
    """The labels that a link to `#/<page>` fills in. ValueError if the page could not read it."""
    address, found, filter_ = link.partition(f"/#/{page}?filter=")
    if not found or "#" in address or not re.fullmatch(r"[!-~]+", link):
        raise ValueError(f"no link to {page}: {link}")
    rest, labels = unquote(filter_, errors="strict"), {}
    if not (rest.startswith("{") and rest.endswith("}")):
        raise ValueError(f"not in braces: {rest}")
    rest = rest[1:-1]
    while rest:
        if not (pair := _PAIR.match(rest)):
            raise ValueError(f"no matcher: {rest}")
        labels[pair[1]] = json.loads(pair[2])
        rest = rest[pair.end() :]
        if rest and not rest.startswith(", "):
            raise ValueError(f"no comma: {rest}")
        rest = rest.removeprefix(", ")
    return labels
