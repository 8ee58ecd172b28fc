"""The `intake` section of the configuration: where usage and telemetry are pushed to, and by whom."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated

import msgspec

from agent_observability.errors import StartError
from agent_observability.intake.rate import MAX_RATE
from agent_observability.listen import parse_address
from agent_observability.units import Duration, Size

__all__ = ["IntakeConfig"]

Positive = Annotated[int, msgspec.Meta(ge=1)]


class IntakeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One listener for everything that is pushed, at OTLP's own port by default.

    `keys_file` holds the API keys, as `agent-obs key new` writes it; it is read again when it changes, and may come
    into being later: until then nobody is let in. Without the setting everybody is, which is only allowed on loopback.
    `body` bounds a request as it is sent, `decompressed` what becomes of it, `items` the events in it; `rate` is what a
    key without one of its own may ask per second. More than `requests` at once are asked to come again, and so is who
    would make them hold more than four times the larger of `body` and `decompressed` together. `timeout` is for a body
    to arrive, for a request to wait for others that must be stored before it, and for an answer to be taken.
    """

    listen: list[str] = msgspec.field(default_factory=lambda: ["127.0.0.1:4318"])
    keys_file: Path | None = None
    body: Annotated[Size, msgspec.Meta(ge=1024)] = Size(8 * 1024**2)
    decompressed: Annotated[Size, msgspec.Meta(ge=1024)] = Size(32 * 1024**2)
    items: Positive = 10_000
    rate: Annotated[int, msgspec.Meta(ge=1, le=MAX_RATE)] = 5_000
    requests: Positive = 256
    connections: Positive = 1_024
    timeout: Annotated[Duration, msgspec.Meta(gt=0)] = Duration(30)

    def __post_init__(self) -> None:
        if not self.listen:
            raise ValueError("listen needs at least one address, such as 127.0.0.1:4318")
        for address in self.listen:
            try:
                host, _ = parse_address(address)
            except StartError as error:
                raise ValueError(str(error)) from error
            if self.keys_file is None and not _is_loopback(host):
                raise ValueError(f"listen address {address!r} is open to others, which needs a keys_file")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
