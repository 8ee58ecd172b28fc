"""Checks before the start that every port is free, and says who holds one that is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent_observability.errors import StartError
from agent_observability.listen import listen, parse_address

__all__ = ["PortClaim", "check_ports"]


@dataclass(frozen=True, slots=True)
class PortClaim:
    """An address (`127.0.0.1:9801`) that `part` is going to listen on, and the setting that changes it."""

    address: str
    part: str
    setting: str


def check_ports(claims: Sequence[PortClaim]) -> None:
    """Raises StartError with one line per address that is in use, wanted twice or impossible."""
    problems: list[str] = []
    first: dict[int, PortClaim] = {}
    for claim in claims:
        port = parse_address(claim.address)[1]
        other = first.setdefault(port, claim)
        if other is not claim:
            settings = f"change {other.setting} or {claim.setting}"
            problems.append(f"port {port} is wanted by {other.part} and by {claim.part}: {settings}")
            continue
        try:
            for sock in listen(claim.address):
                sock.close()
        except StartError as error:
            problems.append(f"{claim.part} {error}; stop it, or choose another port: {claim.setting}")
    if problems:
        raise StartError("\n".join(problems))
