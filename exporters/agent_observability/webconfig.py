"""The web configuration file: TLS, basic authentication, headers and rate limit in the exporter-toolkit's format.

Format: docs/web-configuration.md of prometheus/exporter-toolkit. What Python's TLS cannot do is refused by name, never
ignored. Relative paths start at the file's folder.
"""

from __future__ import annotations

import re
import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from agent_observability.config import read, tree
from agent_observability.decode import Decoder, Secret
from agent_observability.errors import ConfigError
from agent_observability.units import Duration

__all__ = ["WebSecurity", "load_web_config"]

# The cost, then 16 bytes of salt, whose last character carries two bits, and 23 of hash.
_BCRYPT = re.compile(r"\$2[abxy]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")

# Go's names for the TLS 1.2 suites it calls secure, and OpenSSL's.
_CIPHERS = {
    f"TLS_ECDHE_{auth}_WITH_{go}": f"ECDHE-{auth}-{openssl}"
    for auth in ("ECDSA", "RSA")
    for go, openssl in (
        ("AES_128_GCM_SHA256", "AES128-GCM-SHA256"),
        ("AES_256_GCM_SHA384", "AES256-GCM-SHA384"),
        ("CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305"),
        ("AES_128_CBC_SHA", "AES128-SHA"),
        ("AES_256_CBC_SHA", "AES256-SHA"),
    )
}
_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CLIENT_AUTH = ("NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert")
_REFUSED_CLIENT_AUTH = ("RequestClientCert", "RequireAnyClientCert")


class _TLSServer(msgspec.Struct, frozen=True, kw_only=True):
    cert: str | None = None
    key: Secret | None = None
    client_ca: str | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    client_ca_file: Path | None = None
    client_auth_type: str = "NoClientCert"
    client_allowed_sans: list[str] = []
    min_version: str = "TLS12"
    max_version: str = "TLS13"
    cipher_suites: list[str] = []
    prefer_server_cipher_suites: bool = True
    curve_preferences: list[str] = []


# Anything else would end the header or the response.
_HeaderText = Annotated[str, msgspec.Meta(pattern=r"^[ -~]*\Z")]


class _Headers(msgspec.Struct, frozen=True, kw_only=True, rename=lambda name: name.replace("_", "-")):
    Content_Security_Policy: _HeaderText = ""
    X_Frame_Options: Literal["", "deny", "sameorigin"] = ""
    X_Content_Type_Options: Literal["", "nosniff"] = ""
    X_XSS_Protection: _HeaderText = ""
    Strict_Transport_Security: _HeaderText = ""


class _HTTPServer(msgspec.Struct, frozen=True, kw_only=True):
    http2: bool | None = None
    headers: _Headers = _Headers()


class _RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    interval: Duration = Duration(0)
    burst: Annotated[int, msgspec.Meta(ge=0)] = 0


class _WebFile(msgspec.Struct, frozen=True, kw_only=True):
    tls_server_config: _TLSServer | None = None
    http_server_config: _HTTPServer = _HTTPServer()
    basic_auth_users: dict[str, Secret] = {}
    rate_limit: _RateLimit = _RateLimit()


@dataclass(frozen=True, slots=True)
class WebSecurity:
    """A loaded web configuration; the default is an open, plain-text server.

    `users` maps names to bcrypt hashes. `client_certificate` demands a verified one from all but the probes, whose
    kubelet has none; `allowed_sans` then narrows which. `rate_interval` is seconds between requests, 0 for no limit.
    `files` are those it was made from, so that a change can be noticed.
    """

    context: ssl.SSLContext | None = None
    users: dict[str, bytes] = field(default_factory=dict, repr=False)
    headers: dict[str, str] = field(default_factory=dict)
    client_certificate: bool = False
    allowed_sans: frozenset[str] = frozenset()
    rate_interval: float = 0.0
    rate_burst: int = 0
    files: tuple[Path, ...] = ()


def load_web_config(file: Path) -> WebSecurity:
    """Read and check a web configuration. Raises ConfigError with every problem found."""
    decoder = Decoder(None, file.absolute().parent)
    decoded = decoder.decode(_WebFile, tree(read(file), str(file)), "")
    problems = decoder.problems
    if decoded is None:
        raise ConfigError(str(file), problems)
    assert isinstance(decoded, _WebFile)  # noqa: S101 - narrows the type: decode without problems returns the kind asked
    tls = decoded.tls_server_config
    if decoded.http_server_config.http2:
        problems.append("http_server_config.http2: expected false: this server speaks HTTP/1.1, got true")
    for user, secret in decoded.basic_auth_users.items():
        if not _BCRYPT.fullmatch(secret.reveal()):
            problems.append(f"basic_auth_users.{user}: expected a bcrypt hash (not shown)")
    if tls is not None:
        problems += _tls_problems(tls)
    if problems:
        raise ConfigError(str(file), problems)
    headers = {name: value for name, value in msgspec.to_builtins(decoded.http_server_config.headers).items() if value}
    return WebSecurity(
        context=_context(tls, file) if tls else None,
        users={user: secret.reveal().encode() for user, secret in decoded.basic_auth_users.items()},
        headers=headers,
        client_certificate=tls is not None and tls.client_auth_type == "RequireAndVerifyClientCert",
        allowed_sans=frozenset(tls.client_allowed_sans) if tls else frozenset(),
        rate_interval=decoded.rate_limit.interval,
        rate_burst=decoded.rate_limit.burst,
        files=(file, *(path for path in (tls.cert_file, tls.key_file, tls.client_ca_file) if path)) if tls else (file,),
    )


def _tls_problems(tls: _TLSServer) -> list[str]:
    problems = []
    at = "tls_server_config"
    for name in ("cert", "key"):
        inline, path = getattr(tls, name), getattr(tls, f"{name}_file")
        if (inline is None) == (path is None):
            problems.append(f"{at}.{name}_file: expected exactly one of {name} and {name}_file")
    for name in ("cert_file", "key_file", "client_ca_file"):
        if (file := getattr(tls, name)) is not None:
            try:
                file.read_bytes()
            except OSError as error:
                problems.append(f"{at}.{name}: cannot read {str(file)!r}: {error.strerror}")
    if tls.client_auth_type in _REFUSED_CLIENT_AUTH:
        problems.append(
            f"{at}.client_auth_type: {tls.client_auth_type} takes certificates nobody verified, which Python's TLS does"
            f" not offer; expected one of {', '.join(_CLIENT_AUTH)}"
        )
    elif tls.client_auth_type not in _CLIENT_AUTH:
        problems.append(
            f"{at}.client_auth_type: expected one of {', '.join(_CLIENT_AUTH)}, got {tls.client_auth_type!r}"
        )
    authority = tls.client_ca is not None or tls.client_ca_file is not None
    if tls.client_ca is not None and tls.client_ca_file is not None:
        problems.append(f"{at}.client_ca_file: give either client_ca or client_ca_file, not both")
    if authority != (tls.client_auth_type in _CLIENT_AUTH[1:]) and tls.client_auth_type in _CLIENT_AUTH:
        problems.append(f"{at}.client_ca_file: needed if, and only if, client_auth_type verifies certificates")
    if tls.client_allowed_sans and tls.client_auth_type != "RequireAndVerifyClientCert":
        problems.append(f"{at}.client_allowed_sans: needs client_auth_type RequireAndVerifyClientCert")
    problems += [
        f"{at}.{name}: expected TLS12 or TLS13, got {getattr(tls, name)!r}"
        for name in ("min_version", "max_version")
        if getattr(tls, name) not in _VERSIONS
    ]
    if (tls.min_version, tls.max_version) == ("TLS13", "TLS12"):
        problems.append(f"{at}.max_version: below min_version")
    problems += [
        f"{at}.cipher_suites: cannot offer {suite!r}; known: {', '.join(_CIPHERS)}"
        for suite in tls.cipher_suites
        if suite not in _CIPHERS
    ]
    if tls.curve_preferences:
        problems.append(f"{at}.curve_preferences: Python's TLS cannot order curves; remove the key")
    return problems


def _context(tls: _TLSServer, file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[tls.min_version]
    context.maximum_version = _VERSIONS[tls.max_version]
    if tls.cipher_suites:
        context.set_ciphers(":".join(_CIPHERS[suite] for suite in tls.cipher_suites))
    if not tls.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        with tempfile.TemporaryDirectory() as folder:
            # load_cert_chain takes files only; the folder is readable by this user alone and gone at once.
            cert = tls.cert_file or _spill(Path(folder, "cert"), tls.cert or "")
            key = tls.key_file or _spill(Path(folder, "key"), tls.key.reveal() if tls.key else "")
            context.load_cert_chain(cert, key, password=_no_password)
        if tls.client_auth_type != "NoClientCert":
            context.load_verify_locations(cafile=tls.client_ca_file, cadata=tls.client_ca)
            context.verify_mode = ssl.CERT_OPTIONAL
    except (OSError, TypeError, ValueError) as error:  # SSLError is an OSError; the others say: no PEM, not ASCII
        names = ", ".join(str(path) for path in (tls.cert_file, tls.key_file, tls.client_ca_file) if path) or "inline"
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(str(file), [f"tls_server_config: cannot use {names}: {reason}"]) from error
    return context


def _spill(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def _no_password() -> str:
    raise ssl.SSLError("the key is encrypted; the format has no place for its password")
