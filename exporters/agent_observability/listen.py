"""Listening sockets: addresses as exporters' flags write them, and errors that say who holds a port."""

from __future__ import annotations

import errno
import os
import re
import socket

import psutil

from agent_observability.errors import StartError

__all__ = ["listen", "parse_address", "port_holder"]

_ADDRESS = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^:\[\]]*)):(?P<port>\d{1,5})")
_BACKLOG = 128


def parse_address(address: str) -> tuple[str, int]:
    """`:9801`, `127.0.0.1:9801`, `[::1]:9801` or `name:9801` as host ("" for all interfaces) and port.

    Raises StartError.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None or not 0 <= int(match["port"]) <= 65535:
        raise StartError(f"listen address {address!r}: expected host:port, :port or [ipv6]:port")
    return match["v6"] or match["host"] or "", int(match["port"])


def listen(address: str) -> list[socket.socket]:
    """Bound, listening, non-blocking sockets for the address: several where a name has several addresses.

    Raises StartError, which names the process that holds a port in use where the system lets us see it.
    """
    host, port = parse_address(address)
    try:
        if not host and socket.has_dualstack_ipv6():
            return [_bind(socket.AF_INET6, ("::", port), dual=True)]
        found = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)  # noqa: S104
        return [_bind(family, where) for family, _, _, _, where in dict.fromkeys(found)]
    except (socket.gaierror, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no host name"
        raise StartError(f"listen address {address!r}: {reason}") from error
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        if error.errno == errno.EADDRINUSE:
            reason = f"port {port} is held by {port_holder(port)}"
        raise StartError(f"cannot listen on {address!r}: {reason}") from error


def _bind(family: int, where: tuple[object, ...], *, dual: bool = False) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if dual else 1)
        sock.setblocking(False)
        sock.bind(where)
        sock.listen(_BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def port_holder(port: int) -> str:
    """`nginx (pid 4711)`, or "another process" where the system does not say."""
    try:
        for connection in psutil.net_connections("tcp"):
            address = connection.laddr
            if connection.status == psutil.CONN_LISTEN and address and address.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        return "another process"
    return "another process"
