"""Where the API server is and who asks: a pod's service account, a kubeconfig, or an address given by hand."""

from __future__ import annotations

import abc
import asyncio
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import msgspec
import yaml

from agent_observability.kube.errors import CredentialsError

__all__ = ["Access", "Credentials", "KubernetesConfig", "credentials", "found"]

_POD = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class KubernetesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How the API is reached. Without any of these: the pod's service account in a cluster, else the kubeconfig.

    `url` is for an API that needs no kubeconfig, with a `token_path` to a file that may be replaced at any time and a
    `ca_path`; `page` is how many objects one request asks for. With `streaming_lists` lists come as the
    beginning of their watch, where the API can (Kubernetes 1.32 and newer), which takes less of its memory.
    """

    kubeconfig: Path | None = None
    context: str = ""
    url: str = ""
    token_path: Path | None = None
    ca_path: Path | None = None
    page: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 500
    streaming_lists: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """Address of the API, and what requests need. `headers` hold a credential: never log them."""

    url: str
    ssl: ssl.SSLContext | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Credentials(abc.ABC):
    """Gives access, and a new one once the API has refused the old (401)."""

    @abc.abstractmethod
    async def access(self) -> Access:
        """As of now. Raises CredentialsError."""

    async def renew(self, refused: Access) -> Access:
        """After a refusal. Raises CredentialsError."""
        return await self.access()


class TokenFile(Credentials):
    """A token that is read again whenever its file has changed: the kubelet rotates it every hour or so."""

    def __init__(self, url: str, token: Path | None, authority: Path | None) -> None:
        self._url = url
        self._token = token
        self._authority = authority
        self._ssl: ssl.SSLContext | None = None
        self._trusted = 0
        self._read: tuple[int, str] = (0, "")

    async def access(self) -> Access:
        return await asyncio.to_thread(self._access)

    async def renew(self, refused: Access) -> Access:
        self._read = (0, "")
        self._trusted = 0
        return await self.access()

    def _access(self) -> Access:
        try:
            if self._authority and (trusted := self._authority.stat().st_mtime_ns) != self._trusted:
                self._ssl = ssl.create_default_context(cafile=str(self._authority))
                self._trusted = trusted
            if self._token is None:
                return Access(self._url, self._ssl)
            changed = self._token.stat().st_mtime_ns
            if changed != self._read[0]:
                self._read = (changed, self._token.read_text(encoding="ascii").strip())
        except (OSError, ValueError) as error:
            raise CredentialsError(f"cannot read the credentials of the Kubernetes API: {error}") from error
        return Access(self._url, self._ssl, {"Authorization": f"Bearer {self._read[1]}"})


class Kubeconfig(Credentials):
    """A kubeconfig with whatever it names: client certificates, tokens, exec plugins, OIDC."""

    def __init__(self, file: Path | None, context: str) -> None:
        self._file = file
        self._context = context
        self._access: Access | None = None
        self._loading = asyncio.Lock()

    async def access(self) -> Access:
        # An exec plugin need not run for each of those who ask at the same time.
        async with self._loading:
            if self._access is None:
                self._access = await self._load()
            return self._access

    async def renew(self, refused: Access) -> Access:
        async with self._loading:
            # Of several who were refused, the first gets new credentials for all.
            if self._access is refused:
                self._access = None
        return await self.access()

    async def _load(self) -> Access:
        # Imported here: it takes some 30 MiB, which a pod with a service account need not spend.
        from kubernetes.aio.client import Configuration
        from kubernetes.aio.config import ConfigException, load_kube_config

        loaded = Configuration()
        try:
            await load_kube_config(  # type: ignore[no-untyped-call]
                str(self._file) if self._file else None,
                context=self._context or None,
                client_configuration=loaded,
                persist_config=False,
            )
            context = await asyncio.to_thread(_context_of, loaded)
        except (ConfigException, OSError, ValueError, yaml.YAMLError) as error:
            where = self._file or "the kubeconfig"
            raise CredentialsError(f"{where} gives no access to the Kubernetes API: {error}") from error
        token = loaded.api_key.get("BearerToken", "")
        headers = {"Authorization": token} if token else {}
        if not token and loaded.username:
            headers = {"Authorization": str(loaded.get_basic_auth_token())}
        return Access(loaded.host.rstrip("/"), context, headers)


def _context_of(loaded: object) -> ssl.SSLContext | None:
    host: str = getattr(loaded, "host")  # noqa: B009 - the package has no types
    if not host.startswith("https:"):
        return None
    context = ssl.create_default_context(cafile=getattr(loaded, "ssl_ca_cert", None))
    if not getattr(loaded, "verify_ssl", True):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate = getattr(loaded, "cert_file", None)
    if certificate:
        context.load_cert_chain(certificate, getattr(loaded, "key_file", None))
    return context


def credentials(config: KubernetesConfig, environment: Mapping[str, str] = os.environ, pod: Path = _POD) -> Credentials:
    """Those that the configuration names, or that this place has."""
    if config.url:
        return TokenFile(config.url.rstrip("/"), config.token_path, config.ca_path)
    if config.kubeconfig is None and (address := _of_pod(environment, pod)):
        return TokenFile(address, pod / "token", pod / "ca.crt")
    return Kubeconfig(config.kubeconfig, config.context)


def _of_pod(environment: Mapping[str, str], pod: Path) -> str:
    """The API's address as a pod is told it; "" where there is none, or no token for it."""
    host, port = environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT")
    if not (host and port and (pod / "token").exists()):
        return ""
    return f"https://{f'[{host}]' if ':' in host else host}:{port}"


def found(config: KubernetesConfig, environment: Mapping[str, str] = os.environ, pod: Path = _POD) -> str:
    """Why there is nothing that `credentials` could take, or ""."""
    if config.url or config.kubeconfig or _of_pod(environment, pod):
        return ""
    named = environment.get("KUBECONFIG", "")
    files = [Path(name) for name in named.split(os.pathsep) if name] or [Path.home() / ".kube" / "config"]
    if any(file.is_file() for file in files):
        return ""
    return f"no kubeconfig: {', '.join(map(str, files))} is not there"
