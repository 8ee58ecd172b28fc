"""`python -m agent_observability.demo`: the simulated platform, in a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent_observability.demo import ADMIN_KEY
from agent_observability.demo.anthropic_api import AnthropicAdminApi
from agent_observability.demo.billing import Meter
from agent_observability.demo.kube_api import KubeApi
from agent_observability.demo.kube_store import KubeStore
from agent_observability.demo.openai_api import OpenAIAdminApi
from agent_observability.demo.platform import Platform
from agent_observability.demo.proxy import CredentialProxy
from agent_observability.demo.traffic import Traffic
from agent_observability.errors import StartError

if TYPE_CHECKING:
    from agent_observability.demo.spending import Spending

_TICK_SECONDS = 0.2
# Nothing happens before somebody watches these: what an observer finds at first would be history to it.
_STAGE = ("agenticsessions", "rfeworkflows", "projectsettings", "jobs", "pods", "deployments")


async def serve(
    *, port: int, pace: float, per_hour: float, sessions: int, intake: str, proxy: CredentialProxy | None
) -> None:
    """Until SIGTERM or SIGINT. Raises StartError."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    store = KubeStore()
    platform = Platform(store, now=time.time(), pace=pace, per_hour=per_hour)
    platform.populate(sessions=sessions)
    meter = Meter()
    admin_apis = [*OpenAIAdminApi(meter, ADMIN_KEY).routes(), *AnthropicAdminApi(meter, ADMIN_KEY).routes()]
    spending = spender(intake, meter)

    def truth() -> dict[str, Any]:
        return platform.truth.summary() | ({"credential_proxy": proxy.summary()} if proxy is not None else {})

    if proxy is not None:
        # Before it is said to be ready: what an exporter finds at first includes the past.
        proxy.begin()
    told = {"/readyz": lambda: "ok", "/truth": truth}
    api = KubeApi(store, tell=told, beside=[*admin_apis, *(proxy.routes() if proxy is not None else ())])
    print(f"the demo's APIs: http://127.0.0.1:{await api.start(port)}", flush=True)
    spent = asyncio.create_task(spending.run()) if spending is not None else None
    asked = asyncio.create_task(proxy.run()) if proxy is not None else None
    try:
        begun = False
        while not stopped.is_set():
            if not begun and watched(api):
                begun = True
                platform.now = int(time.time())
                platform.begin()
            if begun and not api.faults.paused:
                platform.run_until(time.time())
            if asked is not None and asked.done():
                asked.result()
            await asyncio.sleep(_TICK_SECONDS)
    finally:
        for task in (spent, asked):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if proxy is not None:
            await proxy.stop()
        await api.stop()


def spender(intake: str, meter: Meter) -> Spending | None:
    """Who pushes usage to `intake`, if anybody is to: the SDK is only needed, and loaded, then."""
    if not intake:
        return None
    try:
        from agent_observability.demo.spending import Spending
    except ModuleNotFoundError as error:
        print(f"no usage is pushed: pip install 'agent-observability[demo]' ({error.name})", flush=True)
        return None
    return Spending(intake, meter, Traffic())


def watched(api: KubeApi) -> bool:
    """Whether somebody follows the platform."""
    return {resource for verb, _, resource in api.asked if verb == "watch"}.issuperset(_STAGE)


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m agent_observability.demo", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="of the Kubernetes API, on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--pace", type=float, default=10.0, help="seconds of work that take one second")
    parser.add_argument("--per-hour", type=float, default=120.0, help="sessions begun in an hour of work, at most")
    parser.add_argument("--sessions", type=int, default=300, help="sessions of the past 60 days")
    parser.add_argument("--intake", default="", help="URL to which usage of models is pushed; none without it")
    parser.add_argument("--proxy", type=Path, help="folder for audit logs of a credential proxy; none without it")
    parser.add_argument("--proxy-socket", type=Path, help="where that listens; proxy.sock in its folder without it")
    given = parser.parse_args()
    proxy = CredentialProxy(given.proxy, given.proxy_socket or given.proxy / "proxy.sock") if given.proxy else None
    try:
        asyncio.run(
            serve(
                port=given.port,
                pace=given.pace,
                per_hour=given.per_hour,
                sessions=given.sessions,
                intake=given.intake,
                proxy=proxy,
            )
        )
    except StartError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
