"""Anomalies in how containers ask for credentials, on event time and in bounded memory.

    Record ──▶ Detector ──▶ Container ─┬─ requests: Window    more than so many within a minute
                  │    (in a Crowd)    ├─ rejections: Window  more than so many within some minutes
                  │                    ├─ past: Baseline      far more than it used to ask
                  │                    └─ anomalies: Anomaly  those that go on, and until when they are shown
                  └──▶ Begun ──▶ Teller ──▶ one line of the log and one Event each

What a container is known for is a fact in the ledger (`codec.py`), so that a restart in the middle of an attack changes
nothing. `evidence.py` says what an anomaly is told with, `shown.py` what a scrape sees of all.
"""

from __future__ import annotations

from agent_observability.credential_proxy.anomalies.container import CONTAINER_FACT
from agent_observability.credential_proxy.anomalies.detector import Detector, Findings

__all__ = ["CONTAINER_FACT", "Detector", "Findings"]
