from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.exposition import Format
from agent_observability.negotiate import accepts_gzip, negotiate, scrape_timeout

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
CHROMIUM = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (PROMETHEUS_2, Format.OPENMETRICS),
        (PROMETHEUS_3, Format.OPENMETRICS),
        (CHROMIUM, Format.TEXT),
        ("*/*", Format.TEXT),  # curl
        ("", Format.TEXT),
        ("text/plain", Format.TEXT),
        ("text/*", Format.TEXT),
        ("application/openmetrics-text", Format.OPENMETRICS),
        ("APPLICATION/OpenMetrics-Text; Version=1.0.0", Format.OPENMETRICS),
        ('application/openmetrics-text; version="1.0.0"', Format.OPENMETRICS),
        ("application/openmetrics-text;version=0.0.1", Format.OPENMETRICS),
        ("application/openmetrics-text;version=2.0.0", Format.TEXT),
        (
            "application/openmetrics-text;version=2.0.0,application/openmetrics-text;version=1.0.0;q=0.1",
            Format.OPENMETRICS,
        ),
        ("application/openmetrics-text;q=0.4,text/plain;q=0.5", Format.TEXT),
        ("application/openmetrics-text;q=0.5,text/plain;q=0.4", Format.OPENMETRICS),
        ("text/plain,application/openmetrics-text", Format.TEXT),
        ("application/openmetrics-text,text/plain", Format.OPENMETRICS),
        ("application/openmetrics-text;q=0", Format.TEXT),
        ("application/openmetrics-text;q=0.000", Format.TEXT),
        ("application/openmetrics-text;q=high", Format.TEXT),
        ("application/openmetrics-text;q=nan", Format.TEXT),
        ("application/openmetrics-text;q=9,text/plain;q=0.1", Format.TEXT),
        ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited", Format.TEXT),
        ("application/vnd.google.protobuf;q=0.8,application/openmetrics-text;q=0.6", Format.OPENMETRICS),
        ("application/json", Format.TEXT),
        (";;;,,,===", Format.TEXT),
    ],
)
def test_formats(accept: str, expected: Format) -> None:
    assert negotiate(accept) is expected


@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("gzip, deflate, br", True),
        ("deflate, gzip;q=0.1", True),
        ("*", True),
        ("*;q=0.5", True),
        ("identity;q=1, *;q=0", False),
        ("gzip;q=0, *", False),
        ("*;q=0, gzip", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("gzip;q=none", False),
        ("identity", False),
        ("deflate, br", False),
        ("gzipped", False),
        ("", False),
        (",;=", False),
    ],
)
def test_gzip(accept_encoding: str, expected: bool) -> None:
    assert accepts_gzip(accept_encoding) is expected


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("10", 9.5),
        ("10.000000", 9.5),
        ("1", 0.5),
        ("0.6", 0.3),  # an offset of half a second would leave next to nothing
        ("60", 59.5),
        ("1e9", 300),
        (None, 9.5),
        ("", 9.5),
        ("soon", 9.5),
        ("0", 9.5),
        ("-5", 9.5),
        ("nan", 9.5),
        ("inf", 9.5),
    ],
)
def test_timeouts(header: str | None, seconds: float) -> None:
    assert scrape_timeout(header) == pytest.approx(seconds)


@given(st.text())
def test_any_header_is_answered(header: str) -> None:
    assert negotiate(header) in Format
    assert accepts_gzip(header) in (True, False)
    assert 0 < scrape_timeout(header) <= 300
