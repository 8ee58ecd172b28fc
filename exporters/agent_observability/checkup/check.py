"""Runs the check: until everything is fine, or time is up."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp
import msgspec
import yarl

from agent_observability.checkup.files import expected_rules, pages
from agent_observability.checkup.parts import check_dashboards, check_rules, check_targets
from agent_observability.checkup.report import Part
from agent_observability.errors import StartError
from agent_observability.prometheus_api import ApiError, PrometheusApi
from agent_observability.registry import EXPORTERS, Exporter

__all__ = ["Server", "check"]

_AGAIN_SECONDS = 2.0


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """The Prometheus to ask. `url` may hold a user and password; `headers` and the token are secrets, too."""

    url: str
    headers: Mapping[str, str] = {}
    token_file: Path | None = None
    ca_file: Path | None = None


def check(
    server: Server, exporters: Sequence[Exporter], rules: Path, dashboards: Path, *, wait: float, timeout: float
) -> list[Part]:
    """What was found. Targets and rules are asked for again for up to `wait` seconds, the rest takes `timeout` at most.

    Raises StartError if Prometheus cannot be asked, and ConfigError for files that are not what they should be.
    """
    wanted = {exporter.name for exporter in exporters}
    expected = expected_rules(rules, frozenset(exporter.name for exporter in EXPORTERS) - wanted)
    found = pages(dashboards)

    async def run() -> list[Part]:
        async with _session(server) as session:
            api = PrometheusApi(str(yarl.URL(server.url).with_user(None)), session)
            deadline = asyncio.get_running_loop().time() + wait
            while True:
                try:
                    parts = [await check_targets(api, exporters), await check_rules(api, expected)]
                except ApiError:
                    if asyncio.get_running_loop().time() >= deadline:
                        raise
                else:
                    if not any(part.failed for part in parts) or asyncio.get_running_loop().time() >= deadline:
                        return [*parts, await check_dashboards(api, found)]
                await asyncio.sleep(_AGAIN_SECONDS)

    async def bounded() -> list[Part]:
        async with asyncio.timeout(wait + timeout):
            return await run()

    try:
        return asyncio.run(bounded())
    except ApiError as error:
        raise StartError(f"{yarl.URL(server.url).with_user(None)}: {error}") from error
    except TimeoutError as error:
        raise StartError(f"{yarl.URL(server.url).with_user(None)}: not done within {wait + timeout:g} s") from error


def _session(server: Server) -> aiohttp.ClientSession:
    url = yarl.URL(server.url)
    headers = dict(server.headers)
    if server.token_file is not None:
        headers["Authorization"] = f"Bearer {_read(server.token_file)}"
    auth = aiohttp.BasicAuth(url.user, url.password or "") if url.user else None
    context = ssl.create_default_context()
    if server.ca_file is not None:
        try:
            context.load_verify_locations(server.ca_file)
        except OSError as error:
            raise StartError(f"{server.ca_file} holds no certificates: {error.strerror or error}") from error
    return aiohttp.ClientSession(headers=headers, auth=auth, connector=aiohttp.TCPConnector(ssl=context))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"{file} cannot be read: {error}") from error
