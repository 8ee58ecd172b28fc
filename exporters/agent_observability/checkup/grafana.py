"""Grafana's variables in an expression, replaced by what they stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["BUILT_IN", "substitute"]

BUILT_IN = {
    "__rate_interval": "5m",
    "__interval": "1m",
    "__interval_ms": "60000",
    "__range": "6h",
    "__range_s": "21600",
    "__range_ms": "21600000",
}
"""Grafana's own variables, as a page that shows six hours has them."""
_VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)|\[\[(\w+)(?::\w+)?\]\]")


def substitute(expr: str, variables: Mapping[str, str]) -> str:
    """The expression as Grafana sends it with every variable set to All. Unknown ones stay: Prometheus refuses them."""

    def value(match: re.Match[str]) -> str:
        name = next(group for group in match.groups() if group)
        return BUILT_IN.get(name) or variables.get(name) or match[0]

    return _VARIABLE.sub(value, expr)
