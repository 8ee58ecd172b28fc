"""Bodies of requests: read and decompressed within bounds."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from typing import Protocol

from aiohttp import StreamReader, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from isal import isal_zlib

from agent_observability.intake.errors import RefusedError
from agent_observability.intake.lane import AT_ONCE, Lane
from agent_observability.intake.room import Share

__all__ = ["decompress", "read_body"]

_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
# What has been read is not copied again and again where a body consists of many members, nor may there be very many.
_STEP = 256 * 1024
_MEMBERS = 1_000

# The type hints of the library do not say that this is an exception.
_BROKEN: tuple[type[Exception], ...] = (zlib.error, isal_zlib.error)  # type: ignore[assignment]


class _Decompressor(Protocol):
    """Of zlib and isal alike."""

    eof: bool
    unused_data: bytes

    def decompress(self, data: bytes | memoryview, max_length: int) -> bytes: ...


async def read_body(
    request: web.Request, share: Share, lane: Lane, *, most: int, most_after: int, seconds: float
) -> bytes:
    """The body, decompressed, for which `share` then has room.

    Raises RefusedError: 413 beyond a bound, 415, 400 for what is broken, 408 if too slow, 429 where there is no room.
    """
    encoding = request.headers.get(hdrs.CONTENT_ENCODING, "").strip().lower() or "identity"
    if encoding not in ("identity", *_WINDOW_BITS):
        reason = f"expected gzip, deflate or none, got {encoding[:40]!r}"
        raise RefusedError(415, "invalid", reason, field=hdrs.CONTENT_ENCODING)
    if (request.content_length or 0) > most:
        raise _too_large(most)
    try:
        if request.content.is_eof():
            # Nothing to wait for: it has come with its headers, as most have.
            body = request.content.read_nowait()
            if len(body) > most:
                raise _too_large(most)
            share.hold(len(body))
        else:
            async with asyncio.timeout(seconds):
                body = await _received(request.content, share, most)
    except TimeoutError:
        raise RefusedError(408, "invalid", f"the body did not arrive within {seconds:g} s") from None
    except (ConnectionError, HttpProcessingError, web.RequestPayloadError) as error:
        # It has gone, or its chunks are none: neither is worth a line in the log.
        raise RefusedError(400, "invalid", "the body ended before it was complete") from error
    if encoding != "identity":
        body = await _decompressed(body, encoding, most_after, lane)
        share.hold(len(body))
    return body


async def _received(content: StreamReader, share: Share, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for chunk in content.iter_any():
        size += len(chunk)
        if size > most:
            raise _too_large(most)
        share.hold(size)
        parts.append(chunk)
    return b"".join(parts)


async def _decompressed(body: bytes, encoding: str, most: int, lane: Lane) -> bytes:
    if len(body) < AT_ONCE:
        # A small body may become a large one: as far as it does not, no thread is needed.
        try:
            return decompress(body, encoding, min(most, AT_ONCE))
        except RefusedError as error:
            if error.status != 413 or most <= AT_ONCE:
                raise
    return await lane.run(max(len(body), AT_ONCE), lambda: decompress(body, encoding, most))


def decompress(body: bytes, encoding: str, most: int) -> bytes:
    """Raises RefusedError for what is broken, cut off, or larger than `most` bytes; never holds much more than that."""
    make: Callable[[], _Decompressor] = lambda: isal_zlib.decompressobj(_WINDOW_BITS[encoding])  # noqa: E731
    view = memoryview(body)
    parts: list[bytes] = []
    size = at = members = 0
    try:
        # gzip may consist of several members; nothing at all is none.
        while at < len(body) or not members:
            members += 1
            if members > _MEMBERS:
                raise RefusedError(400, "invalid", f"the {encoding} body has more than {_MEMBERS:,} members")
            stream = make()
            while not stream.eof:
                if at >= len(body):
                    raise RefusedError(400, "invalid", f"the {encoding} body is cut off")
                step = view[at : at + _STEP]
                part = stream.decompress(step, most + 1 - size)
                size += len(part)
                if size > most:
                    raise _too_large(most, ", decompressed")
                parts.append(part)
                at += len(step) - len(stream.unused_data)
    except _BROKEN as error:
        raise RefusedError(400, "invalid", f"the body is no valid {encoding}") from error
    return b"".join(parts)


def _too_large(most: int, how: str = "") -> RefusedError:
    return RefusedError(413, "too_large", f"a request may have {most:,} bytes{how}")
