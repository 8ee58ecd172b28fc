"""The kinds of panels the pages are made of, in the form current Grafana reads."""

from dashboards.panels.bars import Bars
from dashboards.panels.base import DATASOURCE, DataPanel, Query, link_to, prune
from dashboards.panels.gauge import Gauge
from dashboards.panels.heatmap import Heatmap
from dashboards.panels.pie import Pie
from dashboards.panels.stat import Card, Stat
from dashboards.panels.states import States
from dashboards.panels.table import Column, Table, cells
from dashboards.panels.timeseries import TimeSeries

__all__ = [
    "DATASOURCE",
    "Bars",
    "Card",
    "Column",
    "DataPanel",
    "Gauge",
    "Heatmap",
    "Pie",
    "Query",
    "Stat",
    "States",
    "Table",
    "TimeSeries",
    "cells",
    "link_to",
    "prune",
]
