"""The `credential_proxy` section of the configuration."""

from __future__ import annotations

import re
import zoneinfo
from typing import Annotated

import msgspec

from agent_observability.tail.config import TailConfig
from agent_observability.units import Duration

__all__ = ["AnomaliesConfig", "CredentialProxyConfig", "ProbesConfig", "address_of"]

_SERVICES = {
    "github": ["clone", "push", "pull", "create_pr", "comment", "read"],
    "anthropic": ["api_call"],
}

_TARGET = re.compile(r"unix://(?P<path>/.+)|tcp://(\[(?P<v6>[^\[\]]+)\]|(?P<host>[^:/\[\]]+)):(?P<port>\d{1,5})")
# What the kernel takes as the address of a socket: 108 bytes with the NUL at their end.
_PATH_BYTES = 107

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class AnomaliesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """When a container's behaviour is an anomaly. All times are event time.

    More than `requests_per_minute` within a minute; a service that is none of `services`; more than `rejections`
    within `rejections_within`; a rate far outside of the container's own past (`outlier_factor` times its robust
    baseline, 0 for never). An anomaly ends once there was no sign of it for `cooldown`; only then it can begin again.
    What is older than `live_within` when it is read is history and raises no alert. At most `containers` are kept.
    """

    requests_per_minute: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 10
    rejections: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 5
    rejections_within: Annotated[Duration, msgspec.Meta(ge=1, le=86_400)] = Duration(600)
    outlier_factor: Annotated[float, msgspec.Meta(ge=0, le=1_000)] = 4.0
    cooldown: Annotated[Duration, msgspec.Meta(ge=1, le=604_800)] = Duration(900)
    live_within: Annotated[Duration, msgspec.Meta(ge=1)] = Duration(600)
    containers: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 5_000


class ProbesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the proxy takes connections: addresses by name of the probe, `unix:///run/proxy.sock` or
    `tcp://127.0.0.1:8080`, each tried every `interval`.
    """

    targets: dict[Name, Annotated[str, msgspec.Meta(pattern=r"^(unix:///.+|tcp://.+:\d+)$")]] = {}
    interval: Annotated[Duration, msgspec.Meta(ge=5)] = Duration(15)
    timeout: Annotated[Duration, msgspec.Meta(gt=0, le=30)] = Duration(2)

    def __post_init__(self) -> None:
        for target in self.targets.values():
            address_of(target)


class CredentialProxyConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where the proxy's audit log and its sockets are, and what it is expected to give to whom.

    Times without an offset in the log are those of `time_zone`, and so are the hours of the day. `services` are those
    that the proxy serves, each with its operations. `project` is named with containers of which nothing else is known.
    """

    log: TailConfig = TailConfig()
    time_zone: str = "UTC"
    services: dict[Name, list[Name]] = msgspec.field(default_factory=lambda: dict(_SERVICES))
    project: str = ""
    anomalies: AnomaliesConfig = AnomaliesConfig()
    probes: ProbesConfig = ProbesConfig()

    def __post_init__(self) -> None:
        try:
            zoneinfo.ZoneInfo(self.time_zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"time_zone {self.time_zone!r} is none such as Europe/Berlin") from None
        if len(self.services) > 100 or any(len(operations) > 50 for operations in self.services.values()):
            raise ValueError("at most 100 services with 50 operations each")
        if len(self.probes.targets) > 20:
            raise ValueError("at most 20 probes")

    def missing_source(self) -> str:
        """Why there is nothing to read, or ""."""
        return "" if self.log.paths else "credential_proxy.log.paths names no audit log"


def address_of(target: str) -> str | tuple[str, int]:
    """Where a probe connects to: the path of a Unix socket, or host and port. Raises ValueError."""
    match = _TARGET.fullmatch(target)
    if match is None or int(match["port"] or 1) not in range(1, 65_536):
        raise ValueError(f"a probe of {target!r}: expected unix:///path, tcp://host:port or tcp://[ipv6]:port")
    if (path := match["path"]) is None:
        return match["v6"] or match["host"], int(match["port"])
    if len(path.encode()) > _PATH_BYTES or "\0" in path:
        raise ValueError(f"a probe of {target!r}: expected a path of at most {_PATH_BYTES} bytes")
    return str(path)
