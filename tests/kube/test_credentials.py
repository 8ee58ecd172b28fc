"""Ways to the API: a pod's service account, and kubeconfigs with certificates, tokens, passwords and exec plugins."""

from __future__ import annotations

import base64
import json
import ssl
import stat
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from agent_observability.demo.kube_api import KubeApi
from agent_observability.demo.kube_store import KubeStore
from agent_observability.kube.client import KubeClient
from agent_observability.kube.credentials import Credentials, Kubeconfig, KubernetesConfig, TokenFile, credentials
from agent_observability.kube.errors import CredentialsError, KubeError
from tests.pki import Pki

PATH = "/apis/example.org/v1/things"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A TLS API that wants a client certificate or the token `sesame`."""

    api: KubeApi
    pki: Pki
    port: int
    folder: Path

    def kubeconfig(self, user: dict[str, Any], **cluster: object) -> Path:
        file = self.folder / "config"
        where = {
            "certificate-authority": str(self.pki.authority),
            **cluster,
            "server": f"https://127.0.0.1:{self.port}",
        }
        where = {name: value for name, value in where.items() if value is not None}
        file.write_text(
            json.dumps(
                {
                    "current-context": "it",
                    "contexts": [
                        {"name": "it", "context": {"cluster": "c", "user": "u"}},
                        {"name": "broken", "context": {"cluster": "none", "user": "u"}},
                    ],
                    "clusters": [{"name": "c", "cluster": where}],
                    "users": [{"name": "u", "user": user}],
                }
            )
        )
        return file


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    pki = Pki(tmp_path)
    pair = pki.issue("server", "127.0.0.1")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pki.authority))
    context.load_cert_chain(pair.cert, pair.key)
    context.verify_mode = ssl.CERT_OPTIONAL
    api = KubeApi(KubeStore())
    port = await api.start(tls=context)
    yield Cluster(api, pki, port, tmp_path)
    await api.stop()


async def answer(found: Credentials) -> bytes:
    client = KubeClient(found)
    try:
        async with client.get(PATH, {}) as body:
            return await body.read()
    finally:
        await client.close()


async def test_a_pods_service_account(cluster: Cluster, tmp_path: Path) -> None:
    """The token is read again when the kubelet has replaced it; the authority is the cluster's own."""
    pod = tmp_path / "pod"
    pod.mkdir()
    (pod / "token").write_text("old")
    (pod / "ca.crt").write_bytes(cluster.pki.authority.read_bytes())
    environment = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(cluster.port)}
    found = credentials(KubernetesConfig(), environment, pod)
    assert b'"items": []' in await answer(found)
    cluster.api.faults.token = "new"
    with pytest.raises(KubeError, match="answered 401: Unauthorized"):
        await answer(found)
    (pod / "token").write_text("new\n")
    assert b'"items": []' in await answer(found)


async def test_addresses_of_pods(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    (tmp_path / "ca.crt").write_bytes(Pki(tmp_path).authority.read_bytes())
    for host, url in (("10.0.0.1", "https://10.0.0.1:443"), ("fd00::1", "https://[fd00::1]:443")):
        environment = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": "443"}
        access = await credentials(KubernetesConfig(), environment, tmp_path).access()
        assert access.url == url
        assert "Bearer" not in repr(access)


def test_which_credentials_are_taken(tmp_path: Path) -> None:
    environment = {"KUBERNETES_SERVICE_HOST": "h", "KUBERNETES_SERVICE_PORT": "1"}
    assert isinstance(credentials(KubernetesConfig(), environment, tmp_path), Kubeconfig)
    (tmp_path / "token").write_text("t")
    assert isinstance(credentials(KubernetesConfig(), environment, tmp_path), TokenFile)
    assert isinstance(credentials(KubernetesConfig(), {}, tmp_path), Kubeconfig)
    assert isinstance(credentials(KubernetesConfig(kubeconfig=tmp_path / "x"), environment, tmp_path), Kubeconfig)
    assert isinstance(credentials(KubernetesConfig(url="http://h"), {}, tmp_path), TokenFile)


async def test_a_client_certificate(cluster: Cluster) -> None:
    pair = cluster.pki.issue("client", "kim.example")
    as_file = {"client-certificate": str(pair.cert), "client-key": str(pair.key)}
    inline = {f"{name}-data": base64.b64encode(Path(file).read_bytes()).decode() for name, file in as_file.items()}
    for user in (as_file, inline):
        assert b"items" in await answer(Kubeconfig(cluster.kubeconfig(user), ""))


@pytest.mark.parametrize("user", [{"token": "sesame"}, {"tokenFile": "token"}], ids=["token", "token file"])
async def test_a_token(cluster: Cluster, user: dict[str, str]) -> None:
    cluster.api.faults.token = "sesame"
    (cluster.folder / "token").write_text("sesame")
    assert b"items" in await answer(Kubeconfig(cluster.kubeconfig(user), "it"))


async def test_an_exec_plugin(cluster: Cluster) -> None:
    """Asked again once its credential has been refused, as those of clouds live for minutes."""
    cluster.api.faults.token = "sesame-1"
    plugin = cluster.folder / "plugin"
    plugin.write_text(
        f"""#!{sys.executable}
import json, pathlib
count = pathlib.Path({str(cluster.folder / "count")!r})
number = int(count.read_text()) + 1 if count.exists() else 1
count.write_text(str(number))
print(json.dumps({{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
                  "status": {{"token": f"sesame-{{number}}"}}}}))
"""
    )
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin), "args": []}}
    found = Kubeconfig(cluster.kubeconfig(user), "")
    assert b"items" in await answer(found)
    cluster.api.faults.token = "sesame-2"
    assert b"items" in await answer(found)
    assert (cluster.folder / "count").read_text() == "2"


async def test_an_authority_that_is_not_trusted(cluster: Cluster) -> None:
    (other := cluster.folder / "other").mkdir()
    file = cluster.kubeconfig({"token": "x"}, **{"certificate-authority": str(Pki(other).authority)})
    with pytest.raises(aiohttp.ClientError, match="certificate verify failed"):
        await answer(Kubeconfig(file, ""))
    unchecked = {"certificate-authority": None, "insecure-skip-tls-verify": True}
    file = cluster.kubeconfig({"token": "x"}, **unchecked)
    assert b"items" in await answer(Kubeconfig(file, ""))


async def test_what_gives_no_access(cluster: Cluster, tmp_path: Path) -> None:
    missing = tmp_path / "none"
    with pytest.raises(CredentialsError, match="none gives no access to the Kubernetes API"):
        await Kubeconfig(missing, "").access()
    with pytest.raises(CredentialsError, match="gives no access to the Kubernetes API"):
        await Kubeconfig(cluster.kubeconfig({}), "broken").access()
    with pytest.raises(CredentialsError, match="cannot read the credentials of the Kubernetes API"):
        await TokenFile("https://h", missing, None).access()
