"""Grafana pages, generated with grafanalib by `python -m dashboards`."""

from dashboards import adoption, business, cost, credentials, host, models, operations, sessions, suite

__all__ = ["DASHBOARDS"]

DASHBOARDS = (
    (business, "Business"),
    (adoption, "Business"),
    (cost, "Business"),
    (operations, "Operations"),
    (sessions, "Operations"),
    (host, "Operations"),
    (models, "Product"),
    (credentials, "Security"),
    (suite, "Suite"),
)
"""Every page: the module whose `page()` builds it, and its folder in Grafana."""
