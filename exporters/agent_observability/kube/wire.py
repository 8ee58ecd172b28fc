"""Lists and watches as they come over the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import msgspec

from agent_observability.kube.errors import KubeError

__all__ = ["Page", "Versioned", "decode_event", "decode_page", "decode_versioned", "lines"]

_LINE_BYTES = 64 * 1024**2


class ListMeta(msgspec.Struct):
    """Of a page."""

    resource_version: str = msgspec.field(name="resourceVersion", default="")
    more: str = msgspec.field(name="continue", default="")


class Page(msgspec.Struct):
    """One page of a list; its objects are not read yet."""

    metadata: ListMeta = msgspec.field(default_factory=ListMeta)
    items: list[msgspec.Raw] | None = None


class Meta(msgspec.Struct):
    """What of an object a watch needs."""

    resource_version: str = msgspec.field(name="resourceVersion", default="")
    annotations: dict[str, str] | None = None


class Versioned(msgspec.Struct):
    """An object, or the status that ends a watch."""

    metadata: Meta = msgspec.field(default_factory=Meta)
    code: int = 0
    message: str = ""


class Event(msgspec.Struct):
    """One line of a watch."""

    type: str
    object: msgspec.Raw


decode_page = msgspec.json.Decoder(Page).decode
decode_event = msgspec.json.Decoder(Event).decode
decode_versioned = msgspec.json.Decoder(Versioned).decode


async def lines(body: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Lines of a stream, however long and however cut into chunks; a last one without its end is dropped."""
    parts: list[bytes] = []
    size = 0
    async for chunk in body.iter_any():
        first, *rest = chunk.split(b"\n")
        parts.append(first)
        size += len(first)
        if size > _LINE_BYTES:
            raise KubeError(f"a watch event is larger than {_LINE_BYTES // 1024**2} MiB")
        for following in rest:
            line = b"".join(parts)
            if line.strip():
                yield line
            parts = [following]
            size = len(following)
