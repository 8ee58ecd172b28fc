"""Certificates for tests: an authority, servers and clients it vouches for, and a stranger's."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Pair:
    """Files of a certificate chain and its key."""

    cert: Path
    key: Path


class Pki:
    """One certificate authority. All files are below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ca = trustme.CA()
        self.authority = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.authority))

    def issue(self, name: str, *identities: str) -> Pair:
        """A certificate for `identities`, in files called `name`; existing files are replaced."""
        issued = self._ca.issue_cert(*identities)
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        pair.cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(pair.key))
        return pair

    def client(self, pair: Pair | None = None) -> ssl.SSLContext:
        """A client that trusts this authority alone and shows `pair`."""
        context = ssl.create_default_context(cafile=str(self.authority))
        if pair:
            context.load_cert_chain(pair.cert, pair.key)
        return context
