"""A Label Studio with a certificate of its own: said as such, and trusted where the operator names it."""

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from backend.errors import SettingsError, StudioUnreachable
from backend.studio import patience
from backend.studio.client import Studio
from backend.studio.transport import not_secure
from tests.studio.server import LEGACY


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"email": "me@example.com"}')

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Self-signed, for 127.0.0.1, with its key in the same file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ours")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "ours.pem"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(pem))
    return file


@pytest.fixture(scope="module")
def url(certificate: Path) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def studio(url: str, certificates: Path | None = None) -> Studio:
    return Studio(url, LEGACY, sleep=lambda _: None, certificates=certificates)


def test_one_that_nobody_vouches_for_is_said_as_such(url: str) -> None:
    with pytest.raises(StudioUnreachable, match=r"certificate is not trusted \(self-signed.*SSL_CERT_FILE"):
        studio(url).whoami()


def test_one_that_the_operator_names_is_trusted(url: str, certificate: Path) -> None:
    assert studio(url, certificate).whoami() == {"email": "me@example.com"}


def test_what_is_no_certificate_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no certificate")
    for file in (tmp_path / "notes.txt", tmp_path / "missing.pem"):
        with pytest.raises(SettingsError, match=rf"{file}.*REQUESTS_CA_BUNDLE"):
            patience.transport(certificates=file)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1000)", "speaks no TLS"),
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1)",
            "has expired)",
        ),
        ("[Errno 111] Connection refused", None),
    ],
)
def test_why_a_connection_is_not_secure(error: str, told: str | None) -> None:
    said = not_secure(httpx.ConnectError(error))
    assert said is None if told is None else told in str(said)
