"""Everything that follows the log under one configuration.

A new one is made for another configuration, and once somebody else may have written to the ledger.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from agent_observability.credential_proxy.anomalies import Detector
from agent_observability.credential_proxy.config import CredentialProxyConfig
from agent_observability.credential_proxy.reader import AuditReader
from agent_observability.ledger.ledger import Ledger
from agent_observability.ledger.queries import facts
from agent_observability.tail.tailer import Tailer
from agent_observability.workers import Workers

__all__ = ["SOURCE", "Life"]

SOURCE = "audit"
"""What the log is called in labels, and in the ledger."""


class Life:
    """`reader.restore` makes it know what the ledger knows, `tailer.run` goes on from there. `workers` are to be those
    of the life before.
    """

    def __init__(
        self,
        section: CredentialProxyConfig,
        ledger: Ledger,
        *,
        delayed: Callable[[Sequence[float]], None],
        workers: Workers,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.section = section
        self.detector = Detector(section.anomalies, section.services, section.project, clock=clock)
        self.reader = AuditReader(
            section,
            self.detector,
            load=lambda kind: facts(ledger.backend, kind),
            delayed=delayed,
            clock=clock,
        )
        self.tailer = Tailer(SOURCE, section.log, ledger, self.reader, clock=clock, workers=workers)
