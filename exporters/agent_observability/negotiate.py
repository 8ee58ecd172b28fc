"""Content negotiation: which exposition format and encoding a scraper asks for (RFC 9110, 12.5)."""

from __future__ import annotations

import math

from agent_observability.exposition import Format

__all__ = ["accepts_gzip", "negotiate", "scrape_timeout"]

_DEFAULT_TIMEOUT = 10.0
_MAX_TIMEOUT = 300.0
# What the response needs to travel and be parsed before the scraper gives up.
_TIMEOUT_OFFSET = 0.5
_OPENMETRICS_VERSIONS = ("", "1.0.0", "0.0.1")


def negotiate(accept: str) -> Format:
    """The best format `accept` names, the first of equals; text is the answer to anything unknown."""
    best, best_quality = Format.TEXT, 0.0
    for media_type, parameters, quality in _weighted(accept):
        format_ = None
        if media_type == "application/openmetrics-text" and parameters.get("version", "") in _OPENMETRICS_VERSIONS:
            format_ = Format.OPENMETRICS
        elif media_type in ("text/plain", "text/*", "*/*"):
            format_ = Format.TEXT
        if format_ is not None and quality > best_quality:
            best, best_quality = format_, quality
    return best


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether `gzip` (or `*`) stands in the header with a weight above 0."""
    weights = {name: quality for name, _, quality in _weighted(accept_encoding)}
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def scrape_timeout(header: str | None) -> float:
    """Seconds a scrape may take: the scraper's timeout less an offset; 10 s where it names none or nonsense."""
    try:
        seconds = float(header) if header else _DEFAULT_TIMEOUT
    except ValueError:
        seconds = _DEFAULT_TIMEOUT
    if not (math.isfinite(seconds) and seconds > 0):
        seconds = _DEFAULT_TIMEOUT
    return min(max(seconds - _TIMEOUT_OFFSET, seconds / 2), _MAX_TIMEOUT)


def _weighted(header: str) -> list[tuple[str, dict[str, str], float]]:
    """`(value, parameters, q)` of each element; a weight that is no number counts as 0."""
    elements = []
    for element in header.split(","):
        value, *rest = (part.strip() for part in element.split(";"))
        parameters = {key.strip().lower(): text.strip().strip('"') for key, _, text in (p.partition("=") for p in rest)}
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            quality = 0.0
        elements.append((value.lower(), parameters, quality if 0 <= quality <= 1 else 0.0))
    return elements
