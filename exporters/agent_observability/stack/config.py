"""The `stack` section of the configuration: what `agent-obs up` may be told."""

from __future__ import annotations

from typing import Annotated

import msgspec

from agent_observability.units import Duration

__all__ = ["StackConfig", "StackPorts"]

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]


class StackPorts(msgspec.Struct, frozen=True, kw_only=True):
    """Ports on 127.0.0.1; those of exporters are set in `web.listen`. `intake` is that of the demo only."""

    prometheus: Port = 9090
    alertmanager: Port = 9093
    receiver: Port = 9808
    grafana: Port = 3000
    demo: Port = 9809
    intake: Port = 4318


class StackConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`retention` is how long the local Prometheus keeps samples."""

    ports: StackPorts = StackPorts()
    retention: Annotated[Duration, msgspec.Meta(gt=0)] = Duration(30 * 86400)
