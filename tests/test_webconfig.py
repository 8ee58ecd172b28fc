from __future__ import annotations

import ssl
from pathlib import Path

import bcrypt
import pytest
import trustme

from agent_observability.errors import ConfigError
from agent_observability.webconfig import WebSecurity, load_web_config

# A fixed salt: the hash stands in test ids, which every xdist worker must collect alike.
HASH = bcrypt.hashpw(b"wonder", b"$2b$04$s2l4tGnK9eghM56iAJiyNu").decode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with certificates under relative names, as a web configuration beside them would use."""
    folder = tmp_path_factory.mktemp("web")
    authority = trustme.CA()
    server = authority.issue_cert("localhost")
    (folder / "tls").mkdir()
    server.cert_chain_pems[0].write_to_path(str(folder / "tls/server.crt"))
    server.private_key_pem.write_to_path(str(folder / "tls/server.key"))
    authority.cert_pem.write_to_path(str(folder / "ca.crt"))
    authority.issue_cert("other").private_key_pem.write_to_path(str(folder / "other.key"))
    return folder


def _load(folder: Path, text: str) -> WebSecurity:
    file = folder / "web.yml"
    file.write_text(text)
    return load_web_config(file)


FILES = "tls_server_config:\n  cert_file: tls/server.crt\n  key_file: tls/server.key\n"
VERIFIED = FILES + "  client_ca_file: ca.crt\n  client_auth_type: RequireAndVerifyClientCert\n"


@pytest.mark.parametrize("text", ["", "{}", "tls_server_config:\n", "http_server_config: {http2: false}\n"])
def test_an_open_server(folder: Path, text: str) -> None:
    security = _load(folder, text)
    assert security == WebSecurity(files=(folder / "web.yml",))
    assert security.context is None


def test_tls_defaults(folder: Path) -> None:
    security = _load(folder, FILES)
    assert security.context is not None
    assert security.context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert security.context.maximum_version is ssl.TLSVersion.TLSv1_3
    assert security.context.verify_mode is ssl.CERT_NONE
    assert security.context.options & ssl.OP_CIPHER_SERVER_PREFERENCE
    assert not security.client_certificate
    assert security.files == (folder / "web.yml", folder / "tls/server.crt", folder / "tls/server.key")


def test_relative_paths_start_at_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _load(folder, FILES)
    monkeypatch.chdir(folder)
    assert load_web_config(Path("web.yml")).context
    monkeypatch.chdir(tmp_path)
    assert load_web_config(folder / "web.yml").context


@pytest.mark.parametrize(
    ("settings", "low", "high"),
    [
        ("min_version: TLS13", ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3),
        ("max_version: TLS12", ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2),
        ("min_version: TLS12", ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3),
    ],
)
def test_versions(folder: Path, settings: str, low: ssl.TLSVersion, high: ssl.TLSVersion) -> None:
    context = _load(folder, f"{FILES}  {settings}\n").context
    assert context is not None
    assert (context.minimum_version, context.maximum_version) == (low, high)


def test_ciphers(folder: Path) -> None:
    suites = "[TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]"
    context = _load(folder, f"{FILES}  cipher_suites: {suites}\n  prefer_server_cipher_suites: false\n").context
    assert context is not None
    offered = {cipher["name"] for cipher in context.get_ciphers() if cipher["protocol"] != "TLSv1.3"}
    assert offered == {"ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"}
    assert not context.options & ssl.OP_CIPHER_SERVER_PREFERENCE


@pytest.mark.parametrize(
    ("auth_type", "demanded"), [("VerifyClientCertIfGiven", False), ("RequireAndVerifyClientCert", True)]
)
def test_client_certificates(folder: Path, auth_type: str, demanded: bool) -> None:
    security = _load(folder, f"{FILES}  client_ca_file: ca.crt\n  client_auth_type: {auth_type}\n")
    assert security.context is not None
    # Probes come without a certificate, so TLS itself never insists on one.
    assert security.context.verify_mode is ssl.CERT_OPTIONAL
    assert security.context.cert_store_stats()["x509_ca"] == 1
    assert security.client_certificate is demanded
    assert folder / "ca.crt" in security.files


def test_allowed_names(folder: Path) -> None:
    assert _load(folder, VERIFIED).allowed_sans == frozenset()
    assert _load(folder, f"{VERIFIED}  client_allowed_sans: [prometheus, 10.0.0.7]\n").allowed_sans == {
        "prometheus",
        "10.0.0.7",
    }


def test_certificates_in_the_file_itself(folder: Path) -> None:
    def inline(key: str, file: str) -> str:
        content = (folder / file).read_text()
        return f"  {key}: |\n" + "".join(f"    {line}\n" for line in content.splitlines())

    text = "tls_server_config:\n" + inline("cert", "tls/server.crt") + inline("key", "tls/server.key")
    assert _load(folder, text).context is not None
    text += inline("client_ca", "ca.crt") + "  client_auth_type: RequireAndVerifyClientCert\n"
    security = _load(folder, text)
    assert security.context is not None
    assert security.context.cert_store_stats()["x509_ca"] == 1
    assert security.files == (folder / "web.yml",)


def test_users_headers_and_rate(folder: Path) -> None:
    security = _load(
        folder,
        f"basic_auth_users: {{alice: {HASH}, 'b:b': {HASH.replace('$2b$', '$2y$')}}}\n"
        "http_server_config:\n  headers:\n    X-Frame-Options: deny\n    X-Content-Type-Options: nosniff\n"
        "    Strict-Transport-Security: max-age=3600\n    Content-Security-Policy: ''\n"
        "rate_limit: {interval: 500ms, burst: 3}\n",
    )
    assert security.users == {"alice": HASH.encode(), "b:b": HASH.replace("$2b$", "$2y$").encode()}
    assert security.headers == {
        "X-Frame-Options": "deny",
        "X-Content-Type-Options": "nosniff",
        "Strict-Transport-Security": "max-age=3600",
    }
    assert (security.rate_interval, security.rate_burst) == (0.5, 3)
    assert HASH not in repr(security)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "wonder",
        HASH[:-1],
        HASH + "x",
        " " + HASH,
        HASH.replace("$2b$", "$2$"),
        HASH.replace("$2b$", "$1$"),
        HASH.replace("$04$", "$03$"),
        HASH.replace("$04$", "$32$"),
        HASH[:28] + "x" + HASH[29:],  # a salt of more than 16 bytes
        HASH[:40] + "!" + HASH[41:],
    ],
)
def test_hashes_that_could_never_match(folder: Path, wrong: str) -> None:
    with pytest.raises(ConfigError) as raised:
        _load(folder, f"basic_auth_users: {{alice: '{wrong}'}}\n")
    assert raised.value.problems == ("basic_auth_users.alice: expected a bcrypt hash (not shown)",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FILES.replace("tls/server.key", "other.key"), "key values mismatch"),
        (FILES.replace("tls/server.crt", "other.key"), "cannot use"),
        (FILES.replace("tls/server.key", "tls"), "tls_server_config.key_file: cannot read"),
        (VERIFIED.replace("ca.crt", "other.key"), "cannot use"),
        (VERIFIED.replace("client_ca_file: ca.crt", "client_ca: ''"), "cannot use"),
        (VERIFIED.replace("client_ca_file: ca.crt", "client_ca: größer"), "cannot use"),
        (VERIFIED.replace("client_ca_file: ca.crt", "client_ca: words"), "cannot use"),
        (FILES.replace("tls/server.key", "encrypted.key"), "the key is encrypted"),
    ],
)
def test_certificates_that_cannot_be_used(folder: Path, text: str, message: str) -> None:
    (folder / "encrypted.key").write_text(_encrypted((folder / "tls/server.key").read_bytes()))
    with pytest.raises(ConfigError) as raised:
        _load(folder, text)
    assert message in str(raised.value)


def _encrypted(key: bytes) -> str:
    from cryptography.hazmat.primitives import serialization

    encryption = serialization.BestAvailableEncryption(b"secret")
    private = serialization.load_pem_private_key(key, None)
    form = serialization.PrivateFormat.PKCS8
    return private.private_bytes(serialization.Encoding.PEM, form, encryption).decode()
