"""Exposition: Prometheus text 0.0.4 and OpenMetrics 1.0 from rendered blocks, plain or as concatenated gzip members.

Formats: https://prometheus.io/docs/instrumenting/exposition_formats/ and the OpenMetrics 1.0.0 specification. Sample
lines are the same bytes in both, except that only OpenMetrics carries exemplars; headers differ.
"""

from __future__ import annotations

import enum
import functools
import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from isal import igzip_lib

from agent_observability.metric import Kind, Metric

__all__ = [
    "Block",
    "Format",
    "PackedBlock",
    "RenderedFamily",
    "compress",
    "escape",
    "format_value",
    "label_text",
    "write",
]

# Below this a block shares the gzip member of its neighbours: a member of its own costs 18 bytes and a table.
_OWN_MEMBER_BYTES = 4096
# igzip's level 1: within 10 % of zlib's size on expositions at a tenth of its time.
_GZIP_LEVEL = 1
# What `os.fsdecode` makes of bytes that are no UTF-8, and JSON of half a pair: UTF-8 cannot carry either.
_ESCAPED = re.compile(r'[\\\n"]')
_SURROGATE = re.compile("[\ud800-\udfff]")


class Format(enum.Enum):
    """An exposition format and the Content-Type that announces it."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Block:
    """Rendered sample lines of some series of one family. Never changed after creation: a change makes a new block.

    `openmetrics` differs from `text` only where there are exemplars. The compressed form is made once and kept.
    """

    __slots__ = ("_gzip", "openmetrics", "text")

    def __init__(self, text: bytes, openmetrics: bytes | None = None) -> None:
        self.text = text
        self.openmetrics = text if openmetrics is None else openmetrics
        self._gzip: dict[Format, bytes] | None = None

    @property
    def size(self) -> int:
        """Bytes of its text."""
        return len(self.text)

    def lines(self, format_: Format) -> bytes:
        return self.text if format_ is Format.TEXT else self.openmetrics

    def gzip(self, format_: Format) -> bytes:
        # One key for both formats where their lines are the same; renderings in several threads may race for it.
        key = Format.TEXT if self.openmetrics is self.text else format_
        if self._gzip is None:
            self._gzip = {}
        member = self._gzip.get(key)
        if member is None:
            member = self._gzip[key] = compress(self.lines(format_))
        return member


class PackedBlock(Block):
    """A block that keeps only its compressed form, once there is one: for very many lines that seldom change."""

    __slots__ = ("_member", "_plain", "_size")

    def __init__(self, text: bytes) -> None:
        self._plain: bytes | None = text
        self._member: bytes | None = None
        self._size = len(text)

    @property
    def text(self) -> bytes:  # type: ignore[override]
        plain = self._plain
        # Renderings in several threads may race: what is cleared last was set first.
        return igzip_lib.decompress(self._member, igzip_lib.DECOMP_GZIP) if plain is None else plain

    @property
    def size(self) -> int:
        return self._size

    def lines(self, format_: Format) -> bytes:
        return self.text

    def gzip(self, format_: Format) -> bytes:
        member = self._member
        if member is None:
            member = self._member = compress(self.text)
            self._plain = None
        return member


class RenderedFamily(NamedTuple):
    """A family ready to be written: its declaration and its blocks.

    `on_shown` is called once it has been sent, with the scraper's name, or None where it was not a scraper who asked.
    """

    metric: Metric
    blocks: Sequence[Block]
    on_shown: Callable[[str | None], None] | None = None


def compress(data: bytes | bytearray) -> bytes:
    """`data` as one gzip member; members may be concatenated (RFC 1952, 2.2)."""
    return bytes(igzip_lib.compress(data, _GZIP_LEVEL, igzip_lib.COMP_GZIP))


def write(families: Iterable[RenderedFamily], format_: Format, *, gzip: bool = False) -> bytes:
    """The whole exposition. Families of one name must be one `RenderedFamily`; those without series are left out."""
    members: list[bytes] = []
    pending: list[bytes] = []
    header = _text_header if format_ is Format.TEXT else _openmetrics_header

    for metric, every, _ in families:
        blocks = [block for block in every if block.size]
        if not blocks:
            continue
        pending.append(header(metric))
        for block in blocks:
            if gzip and block.size >= _OWN_MEMBER_BYTES:
                members.append(compress(b"".join(pending)))
                members.append(block.gzip(format_))
                pending.clear()
            else:
                pending.append(block.lines(format_))
    if format_ is Format.OPENMETRICS:
        pending.append(b"# EOF\n")
    if not gzip:
        return b"".join(pending)
    if pending or not members:
        members.append(compress(b"".join(pending)))
    return b"".join(members)


@functools.lru_cache(maxsize=4096)
def _text_header(metric: Metric) -> bytes:
    kind = "gauge" if metric.kind is Kind.INFO else metric.kind.value
    help_ = metric.help.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {metric.name} {help_}\n# TYPE {metric.name} {kind}\n".encode()


@functools.lru_cache(maxsize=4096)
def _openmetrics_header(metric: Metric) -> bytes:
    kind = "unknown" if metric.kind is Kind.UNTYPED else metric.kind.value
    unit = f"# UNIT {metric.family} {metric.unit}\n" if metric.unit else ""
    return f"# HELP {metric.family} {escape(metric.help)}\n# TYPE {metric.family} {kind}\n{unit}".encode()


def escape(value: str) -> str:
    """A label value, or a help text of OpenMetrics, as it stands between quotes."""
    if not _ESCAPED.search(value):
        return value
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def label_text(names: Sequence[str], values: Sequence[str]) -> str:
    """`a="1",b="2"` without braces; surrogates (paths and JSON may hold some) become replacement characters."""
    text = ",".join(f'{name}="{escape(value)}"' for name, value in zip(names, values, strict=True))
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def format_value(value: float) -> str:
    """A sample value: ints exactly, floats shortest round-trip, and the three names both formats use."""
    if -math.inf < value < math.inf:
        return repr(+value)  # the sign makes a number of True
    if math.isnan(value):
        return "NaN"
    return "+Inf" if value > 0 else "-Inf"
