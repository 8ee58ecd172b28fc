"""Grafana pages, generated with grafanalib by `python -m dashboards`."""

from dashboards import host, suite

__all__ = ["DASHBOARDS"]

DASHBOARDS = (
    (host, "Operations"),
    (suite, "Suite"),
)
"""Every page: the module whose `page()` builds it, and its folder in Grafana."""
