"""Checks before the start that every port is free, and says who holds one that is not."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from agent_observability.errors import StartError

__all__ = ["PortClaim", "check_ports"]


@dataclass(frozen=True, slots=True)
class PortClaim:
    """A port that `part` is going to listen on, and the setting that changes it."""

    host: str
    port: int
    part: str
    setting: str


def check_ports(claims: Sequence[PortClaim]) -> None:
    """Raises StartError with one line per port that is taken, claimed twice or not allowed."""
    problems: list[str] = []
    first: dict[int, PortClaim] = {}
    for claim in claims:
        other = first.setdefault(claim.port, claim)
        if other is not claim:
            problems.append(
                f"port {claim.port} is wanted by {other.part} and by {claim.part}: "
                f"change {other.setting} or {claim.setting}"
            )
        elif problem := _problem(claim):
            problems.append(problem)
    if problems:
        raise StartError("\n".join(problems))


def _problem(claim: PortClaim) -> str:
    family = socket.AF_INET6 if ":" in claim.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As the servers do: connections in TIME_WAIT are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((claim.host, claim.port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return f"{claim.part} cannot listen on {claim.host}:{claim.port}: {error.strerror}; see {claim.setting}"
        else:
            return ""
    return (
        f"port {claim.port}, wanted by {claim.part}, is held by {_holder(claim.port)}: "
        f"stop it or choose another port ({claim.setting})"
    )


def _holder(port: int) -> str:
    """Pid and name of the process that listens on `port`, as far as this user may see it."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return "another process"
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
            if connection.pid is None:
                break
            try:
                return f"pid {connection.pid} ({psutil.Process(connection.pid).name()})"
            except psutil.Error:
                return f"pid {connection.pid}"
    return "another process"
