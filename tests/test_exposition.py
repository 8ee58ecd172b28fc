from __future__ import annotations

import gzip
import math
from collections.abc import Sequence

import pytest

from agent_observability.exemplar import Exemplar
from agent_observability.exposition import Block, Format, RenderedFamily, format_value, label_text, write
from agent_observability.metric import Kind, Label, Metric
from agent_observability.series import SeriesStore
from tests.collectors import scraped

COUNTER = Metric("work_cpu_seconds_total", Kind.COUNTER, "CPU time spent", (Label("mode"),))
GAUGE = Metric("queue_bytes", Kind.GAUGE, 'Bytes in the "out" queue\\path\nsecond line')
HISTOGRAM = Metric("wait_seconds", Kind.HISTOGRAM, "Waiting time", (Label("queue"),), buckets=(0.5, 1, 10))
INFO = Metric("build_info", Kind.INFO, "The build", (Label("version"),))
UNTYPED = Metric("tcp_established", Kind.UNTYPED, "Open connections")


def _family(metric: Metric, *lines: str) -> RenderedFamily:
    return RenderedFamily(metric, (Block("".join(f"{line}\n" for line in lines).encode()),))


def _of_store(metric: Metric) -> list[RenderedFamily]:
    store = SeriesStore("test", [metric])
    exemplar = Exemplar({"trace_id": "abc"}, 1700000000.5)
    if metric is COUNTER:
        store.add(COUNTER, ("user",), 2.5, exemplar)
    elif metric is HISTOGRAM:
        store.observe(HISTOGRAM, ("out",), 0.5)
        store.observe(HISTOGRAM, ("out",), 0.7, exemplar)
        store.observe(HISTOGRAM, ("out",), 11)
    elif metric is GAUGE:
        store.set(GAUGE, (), 1024)
    elif metric is INFO:
        store.set(INFO, ('1.0"beta"',), 1)
    else:
        store.set(UNTYPED, (), 7)
    scraped(store)
    return scraped(store)


_HISTOGRAM_LINES = """\
wait_seconds_bucket{queue="out",le="0.5"} 1
wait_seconds_bucket{queue="out",le="1.0"} 2
wait_seconds_bucket{queue="out",le="10.0"} 2
wait_seconds_bucket{queue="out",le="+Inf"} 3
wait_seconds_sum{queue="out"} 12.2
wait_seconds_count{queue="out"} 3
"""


@pytest.mark.parametrize(
    ("metric", "text", "openmetrics"),
    [
        (
            COUNTER,
            """\
# HELP work_cpu_seconds_total CPU time spent
# TYPE work_cpu_seconds_total counter
work_cpu_seconds_total{mode="user"} 2.5
""",
            """\
# HELP work_cpu_seconds CPU time spent
# TYPE work_cpu_seconds counter
# UNIT work_cpu_seconds seconds
work_cpu_seconds_total{mode="user"} 2.5 # {trace_id="abc"} 2.5 1700000000.500
# EOF
""",
        ),
        (
            GAUGE,
            """\
# HELP queue_bytes Bytes in the "out" queue\\\\path\\nsecond line
# TYPE queue_bytes gauge
queue_bytes 1024
""",
            """\
# HELP queue_bytes Bytes in the \\"out\\" queue\\\\path\\nsecond line
# TYPE queue_bytes gauge
# UNIT queue_bytes bytes
queue_bytes 1024
# EOF
""",
        ),
        (
            HISTOGRAM,
            "# HELP wait_seconds Waiting time\n# TYPE wait_seconds histogram\n" + _HISTOGRAM_LINES,
            "# HELP wait_seconds Waiting time\n# TYPE wait_seconds histogram\n# UNIT wait_seconds seconds\n"
            + _HISTOGRAM_LINES.replace('"1.0"} 2', '"1.0"} 2 # {trace_id="abc"} 0.7 1700000000.500')
            + "# EOF\n",
        ),
        (
            INFO,
            """\
# HELP build_info The build
# TYPE build_info gauge
build_info{version="1.0\\"beta\\""} 1
""",
            """\
# HELP build The build
# TYPE build info
build_info{version="1.0\\"beta\\""} 1
# EOF
""",
        ),
        (
            UNTYPED,
            """\
# HELP tcp_established Open connections
# TYPE tcp_established untyped
tcp_established 7
""",
            """\
# HELP tcp_established Open connections
# TYPE tcp_established unknown
tcp_established 7
# EOF
""",
        ),
    ],
    ids=lambda value: value.kind.value if isinstance(value, Metric) else "",
)
def test_each_kind_in_both_formats(metric: Metric, text: str, openmetrics: str) -> None:
    families = _of_store(metric)
    assert write(families, Format.TEXT).decode() == text
    assert write(families, Format.OPENMETRICS).decode() == openmetrics


def test_nothing_to_expose() -> None:
    assert write([], Format.TEXT) == b""
    assert write([], Format.OPENMETRICS) == b"# EOF\n"
    assert gzip.decompress(write([], Format.TEXT, gzip=True)) == b""
    assert gzip.decompress(write([], Format.OPENMETRICS, gzip=True)) == b"# EOF\n"


def test_a_family_without_series_has_no_header() -> None:
    families = [
        RenderedFamily(GAUGE, ()),
        RenderedFamily(INFO, (Block(b""),)),
        _family(UNTYPED, "tcp_established 1"),
    ]
    assert write(families, Format.TEXT).decode() == (
        "# HELP tcp_established Open connections\n# TYPE tcp_established untyped\ntcp_established 1\n"
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (1, "1"),
        (1.0, "1.0"),
        (-0.5, "-0.5"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (2**53 + 1, "9007199254740993"),
        (10**30, "1" + "0" * 30),
        (math.nan, "NaN"),
        (-math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (True, "1"),
        (False, "0"),
    ],
)
def test_values(value: float, expected: str) -> None:
    assert format_value(value) == expected


@pytest.mark.parametrize(
    ("names", "values", "expected"),
    [
        ((), (), ""),
        (("a",), ("",), 'a=""'),
        (("a", "b"), ("1", "2"), 'a="1",b="2"'),
        (("a",), ('say "hi"',), 'a="say \\"hi\\""'),
        (("a",), ("C:\\temp",), 'a="C:\\\\temp"'),
        (("a",), ("two\nlines",), 'a="two\\nlines"'),
        (("a",), ('\\"\n',), 'a="\\\\\\"\\n"'),
        (("a",), ("tab\tand\rreturn",), 'a="tab\tand\rreturn"'),
        (("a",), ("Zürich 🚀",), 'a="Zürich 🚀"'),
        (("a",), (b"/mnt/\xff\xfe".decode("utf-8", "surrogateescape"),), 'a="/mnt/\ufffd\ufffd"'),
        (("a",), ("half \ud83d pair",), 'a="half \ufffd pair"'),
    ],
)
def test_labels(names: Sequence[str], values: Sequence[str], expected: str) -> None:
    assert label_text(names, values) == expected
    assert label_text(names, values).encode().decode() == expected


def test_labels_and_values_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="argument 2 is longer"):
        label_text(("a",), ("1", "2"))


@pytest.mark.parametrize("format_", Format)
@pytest.mark.parametrize(
    "sizes",
    [[1], [500], [1, 500], [500, 1], [500, 500], [1, 1, 500, 1, 500], [100] * 20],
    ids=lambda sizes: "-".join(map(str, sizes)),
)
def test_gzip_is_the_plain_output(format_: Format, sizes: list[int]) -> None:
    """Blocks on both sides of the size from which they are a gzip member of their own, with and without exemplars."""
    families = []
    for i, lines in enumerate(sizes):
        metric = Metric(f"family_{i}", Kind.GAUGE, "Something", (Label("n"),))
        text = "".join(f'family_{i}{{n="{n}"}} 1\n' for n in range(lines)).encode()
        block = Block(text, text.replace(b"\n", b' # {a="b"} 1 1.000\n')) if i % 2 else Block(text)
        families.append(RenderedFamily(metric, (block, Block(f'family_{i}{{n="last"}} 2\n'.encode()))))
    plain = write(families, format_)
    first = write(families, format_, gzip=True)
    assert gzip.decompress(first) == plain
    assert plain.count(b"\n") == sum(sizes) + len(sizes) * 3 + (format_ is Format.OPENMETRICS)
    assert len(first) < len(plain)
    # The second time from the members that the blocks kept, in either order of formats.
    for again in (format_, Format.TEXT, Format.OPENMETRICS):
        assert gzip.decompress(write(families, again, gzip=True)) == write(families, again)


def test_a_large_block_is_compressed_once() -> None:
    text = b"".join(b'queue_bytes{n="%d"} 1\n' % n for n in range(1000))
    block = Block(text)
    member = block.gzip(Format.TEXT)
    assert gzip.decompress(member) == text
    assert block.gzip(Format.TEXT) is member
    assert block.gzip(Format.OPENMETRICS) is member  # without exemplars both formats are the same bytes
    assert member in write([RenderedFamily(GAUGE, (block,))], Format.TEXT, gzip=True)


def test_formats_with_exemplars_are_compressed_apart() -> None:
    block = Block(b"a 1\n", b'a 1 # {b="c"} 1 1.000\n')
    assert gzip.decompress(block.gzip(Format.TEXT)) == b"a 1\n"
    assert gzip.decompress(block.gzip(Format.OPENMETRICS)) == b'a 1 # {b="c"} 1 1.000\n'
    assert gzip.decompress(block.gzip(Format.TEXT)) == b"a 1\n"
