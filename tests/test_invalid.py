"""Every bad file under `invalid/` is refused with exactly these problems, and none of them shows a secret."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agent_observability.config import load
from agent_observability.errors import ConfigError
from agent_observability.webconfig import load_web_config
from tests.pki import Pki

INVALID = Path(__file__).parent / "invalid"

_DURATION = "expected a duration such as 30s, 5m or 1h30m"
_ADDRESS = "expected host:port, :port or [ipv6]:port"
_AUTH_TYPES = "expected one of NoClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert"
_CA = "tls_server_config.client_ca_file: needed if, and only if, client_auth_type verifies certificates"

PROBLEMS: dict[str, list[str]] = {
    "bad-address.yml": [
        f"web.listen.host[1]: listen address '9801': {_ADDRESS}",
        f"web.listen.host[2]: listen address ':99999': {_ADDRESS}",
        f"web.listen.host[3]: listen address '::1:9801': {_ADDRESS}",
    ],
    "bad-duration.yml": [
        f"web.write_timeout: {_DURATION}, got 30",
        f"stack.retention: {_DURATION}, got '30 days'",
    ],
    "bad-ledger.yml": [
        "ledger.path: unknown key 'path'; known here: directory, patience, queue, retention, url, url_file",
        "ledger.url_file: give either url or url_file, not both",
        "ledger.queue: expected a whole number >= 1, got 0",
        "ledger.patience: expected more than 0, got '0s'",
        "ledger.retention.events: expected more than 0, got 0",
        "ledger.retention.size: expected at least 1048576, got '1KiB'",
        f"ledger.retention.daily: {_DURATION}, got 'forever'",
    ],
    "two-ledgers.yml": ["ledger: give either directory or url, not both"],
    "no-time.yml": [
        "web.write_timeout: expected more than 0, got '0s'",
        "stack.retention: expected more than 0, got 0",
    ],
    "bad-value.yml": [
        "log.level: expected one of 'debug', 'info', 'warning', 'error', got 'verbose'",
        "web.max_requests: expected a whole number >= 1, got 0",
        "web.telemetry_path: expected text matching regex '^/(?!-/)[A-Za-z0-9/_.-]*$', got 'metrics'",
        "limits.model: expected a whole number >= 1, got -1",
        "stack.ports.prometheus: expected a whole number <= 65535, got 70000",
    ],
    "broken-syntax.yml": [
        "line 3, column 1: no valid YAML: while parsing a flow sequence, expected ',' or ']', but got '<scalar>'"
    ],
    "duplicate-key.yml": ["line 5, column 1: no valid YAML: the key 'log' stands twice"],
    "duplicate-nested-key.yml": ["line 4, column 3: no valid YAML: the key 'max_requests' stands twice"],
    "impossible-date.yml": ["no valid YAML: month must be in 1..12"],
    "missing-variable.yml": [
        "log.level: environment variable AGENT_OBS_TEST_UNSET is not set",
        "web.config_file: environment variable AGENT_OBS_TEST_UNSET is not set",
    ],
    "not-a-mapping.yml": ["expected a mapping at the top, got list"],
    "not-utf8.yml": ["is not UTF-8 text: byte 14"],
    "only-text.yml": ["expected a mapping at the top, got str"],
    "tab-indent.yml": [
        "line 2, column 1: no valid YAML: while scanning for the next token,"
        " found character '\\t' that cannot start any token"
    ],
    "template-left-over.yml": ["line 1, column 7: no valid YAML: while constructing a mapping, found unhashable key"],
    "two-documents.yml": [
        "line 2, column 1: no valid YAML: expected a single document in the stream, but found another document"
    ],
    "unknown-exporter.yml": ["web.listen.hosts: unknown key 'hosts'; did you mean 'host'?"],
    "unknown-key.yml": ["web.listn: unknown key 'listn'; did you mean 'listen'?"],
    "unknown-limit.yml": ["limits.modell: unknown key 'modell'; did you mean 'model'?"],
    "unknown-section.yml": ["hots: unknown key 'hots'; did you mean 'host'?"],
    "unsafe-tag.yml": [
        "line 1, column 6: no valid YAML: could not determine a constructor for the tag"
        " 'tag:yaml.org,2002:python/object/apply:os.system'"
    ],
    "web-allowed-sans.yml": [
        "tls_server_config.client_allowed_sans: needs client_auth_type RequireAndVerifyClientCert"
    ],
    "web-ciphers.yml": [
        "tls_server_config.cipher_suites: cannot offer 'TLS_RSA_WITH_AES_128_CBC_SHA'; known: "
        + ", ".join(
            f"TLS_ECDHE_{auth}_WITH_{cipher}"
            for auth in ("ECDSA", "RSA")
            for cipher in (
                "AES_128_GCM_SHA256",
                "AES_256_GCM_SHA384",
                "CHACHA20_POLY1305_SHA256",
                "AES_128_CBC_SHA",
                "AES_256_CBC_SHA",
            )
        ),
        "tls_server_config.curve_preferences: Python's TLS cannot order curves; remove the key",
    ],
    "web-client-auth-unknown.yml": [f"tls_server_config.client_auth_type: {_AUTH_TYPES}, got 'Required'"],
    "web-client-auth.yml": [
        "tls_server_config.client_auth_type: RequireAnyClientCert takes certificates nobody verified, which"
        f" Python's TLS does not offer; {_AUTH_TYPES}"
    ],
    "web-client-ca-idle.yml": [_CA],
    "web-client-ca-missing.yml": [_CA],
    "web-client-ca-twice.yml": ["tls_server_config.client_ca_file: give either client_ca or client_ca_file, not both"],
    "web-header-lines.yml": [
        "http_server_config.headers.Content-Security-Policy: expected text matching regex '^[ -~]*\\\\Z',"
        " got \"default-src 'self'\\r\\nX-Injected: 1\""
    ],
    "web-header-value.yml": [
        "http_server_config.headers.X-Frame-Options: expected one of '', 'deny', 'sameorigin', got 'sometimes'",
        "http_server_config.headers.X-Content-Type-Options: expected one of '', 'nosniff', got 'sniff'",
        "http_server_config.headers.X-Powered-By: unknown key 'X-Powered-By'; known here: Content-Security-Policy,"
        " Strict-Transport-Security, X-Content-Type-Options, X-Frame-Options, X-XSS-Protection",
    ],
    "web-http2.yml": ["http_server_config.http2: expected false: this server speaks HTTP/1.1, got true"],
    "web-key-twice.yml": ["tls_server_config.key_file: expected exactly one of key and key_file"],
    "web-missing-files.yml": [
        "tls_server_config.cert_file: cannot read '{folder}/gone.crt': No such file or directory",
        "tls_server_config.key_file: cannot read '{folder}/gone.key': No such file or directory",
    ],
    "web-no-certificate.yml": ["tls_server_config: cannot use inline: [SSL] PEM lib"],
    "web-no-key.yml": ["tls_server_config.key_file: expected exactly one of key and key_file"],
    "web-old-tls.yml": [
        "tls_server_config.min_version: expected TLS12 or TLS13, got 'TLS10'",
        "tls_server_config.max_version: expected TLS12 or TLS13, got 'SSL30'",
    ],
    "web-plain-password.yml": [
        "basic_auth_users.alice: expected a bcrypt hash (not shown)",
        "basic_auth_users.bob: expected a bcrypt hash (not shown)",
    ],
    "web-rate-limit.yml": [
        f"rate_limit.interval: {_DURATION}, got 5",
        "rate_limit.burst: expected a whole number >= 0, got -1",
    ],
    "web-tls-order.yml": ["tls_server_config.max_version: below min_version"],
    "web-unknown-key.yml": ["tls_server_confg: unknown key 'tls_server_confg'; did you mean 'tls_server_config'?"],
    "web-users-file.yml": [
        "basic_auth_users_file: unknown key 'basic_auth_users_file'; did you mean 'basic_auth_users'?"
    ],
    "web-users-list.yml": ["basic_auth_users: expected a mapping, got a list"],
    "wrong-type.yml": [
        "web.max_requests: expected a whole number, got 'many'",
        "web.listen: expected a mapping, got ':9801'",
        "log: expected a mapping, got 'debug'",
        "limits: expected a mapping, got a list",
    ],
}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Good files under the names that the bad web configurations use, so that nothing else is wrong with those."""
    pki = Pki(tmp_path_factory.mktemp("pki"))
    pair = pki.issue("server", "localhost")
    files = {"server.crt": pair.cert, "server.key": pair.key, "ca.crt": pki.authority}
    return {name: file.read_bytes() for name, file in files.items()}


def test_every_bad_file_is_in_the_table() -> None:
    assert {file.name for file in INVALID.iterdir()} == PROBLEMS.keys()


@pytest.mark.parametrize("name", PROBLEMS)
def test_bad_files(name: str, tmp_path: Path, certificates: dict[str, bytes]) -> None:
    for certificate, content in certificates.items():
        (tmp_path / certificate).write_bytes(content)
    file = tmp_path / name
    shutil.copy(INVALID / name, file)
    with pytest.raises(ConfigError) as raised:
        (load_web_config if name.startswith("web-") else load)(file)
    problems = [problem.split(" (_ssl.c")[0] for problem in raised.value.problems]
    assert problems == [problem.replace("{folder}", str(tmp_path)) for problem in PROBLEMS[name]]
    assert str(raised.value) == "\n".join(f"{file}: {problem}" for problem in raised.value.problems)
    assert "hunter2" not in str(raised.value)
