"""HTTP probes of the platform's components."""

from __future__ import annotations

import asyncio
import logging
import time

import aiohttp

from agent_observability import __version__
from agent_observability.cr_state.config import ProbesConfig
from agent_observability.cr_state.metrics import COMPONENT_PROBE_SECONDS, COMPONENT_PROBES, PROBED
from agent_observability.series import SeriesStore

__all__ = ["Probes"]

log = logging.getLogger(__name__)


class Probes(SeriesStore):
    """Asks each URL again and again; what it counts lives as long as the process."""

    def __init__(self) -> None:
        super().__init__("probes", PROBED)

    async def run(self, config: ProbesConfig) -> None:
        """Until cancelled."""
        for component in config.urls:
            self.expect(COMPONENT_PROBES, {"component": [component]})
            self.expect(COMPONENT_PROBE_SECONDS, {"component": [component]})
        timeout = aiohttp.ClientTimeout(total=config.timeout)
        headers = {"User-Agent": f"agent-observability/{__version__}"}
        async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session:
            while True:
                begun = time.monotonic()
                await asyncio.gather(*(self._probe(session, *one) for one in config.urls.items()))
                await asyncio.sleep(max(0.0, config.interval - (time.monotonic() - begun)))

    async def _probe(self, session: aiohttp.ClientSession, component: str, url: str) -> None:
        begun = time.monotonic()
        try:
            async with session.get(url, allow_redirects=False) as response:
                well = response.status < 400
        except Exception as error:
            # Also an address that can never be one: the probe fails, and nothing else does.
            log.debug("probe of %s: %s", component, error)
            well = False
        self.add(COMPONENT_PROBES, (component, "success" if well else "failure"))
        self.observe(COMPONENT_PROBE_SECONDS, (component,), time.monotonic() - begun)
