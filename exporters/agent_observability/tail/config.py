"""Where logs are and how they are followed."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from agent_observability.units import Duration

__all__ = ["TailConfig"]


class TailConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`paths` are absolute and may have wildcards (`*`, `?`, `[…]`, and `**`, which enters no folder by a link);
    rotated files need not be named.

    `start` is where a file is begun that was there before the first start of all; one that appears later is read from
    its beginning. Every `interval` it is looked what there is to read. At most `files` are followed at once.
    """

    paths: list[Annotated[str, msgspec.Meta(pattern="^/", max_length=700)]] = []
    start: Literal["beginning", "end"] = "beginning"
    interval: Annotated[Duration, msgspec.Meta(ge=0.05, le=10)] = Duration(0.25)
    files: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 200
