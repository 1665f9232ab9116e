"""nginx in front of a house, by the configuration that the documents offer: one name, one port, TLS."""

import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.clock import utc_now

CONFIGURATION = Path(__file__).parents[1] / "docs" / "nginx.conf"
NAME = "accueil.example"
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
PROGRAM = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")


@contextmanager
def in_front(folder: Path, ports: Mapping[str, int]) -> Iterator[tuple[int, ssl.SSLContext]]:
    """Serve the services behind `NAME` until the block ends: at which port, and whom a client has to trust."""
    assert PROGRAM is not None
    certificate, key = folder / "name.pem", folder / "name.key"
    _certify(certificate, key)
    text = CONFIGURATION.read_text()
    for service, own in ports.items():
        text = re.sub(rf"(upstream {service} +{{ server 127\.0\.0\.1:)\d+;", rf"\g<1>{own};", text)
    text = re.sub(r"/etc/ssl/\S+\.pem", str(certificate), text)
    text = re.sub(r"/etc/ssl/\S+\.key", str(key), text)
    kept = "".join(f"{what}_temp_path {folder}/{what};" for what in TEMPORARY)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        text = text.replace("listen 443", f"listen 127.0.0.1:{port}")
        whole = folder / "nginx.conf"
        whole.write_text(
            f"daemon off; worker_processes 1; pid {folder}/pid; error_log stderr warn;"
            f" events {{ worker_connections 256; }} http {{ {kept} {text} }}"
        )
        # It is handed its socket, as at an upgrade: a port that is free now may be taken a moment later.
        process = subprocess.Popen(
            [PROGRAM, "-p", folder, "-c", whole],
            stderr=subprocess.DEVNULL,
            pass_fds=[listening.fileno()],
            env={"NGINX": f"{listening.fileno()};"},
        )
    try:
        yield port, ssl.create_default_context(cafile=certificate)
        assert process.poll() is None, "nginx ended by itself"
    finally:
        process.terminate()
        process.wait(timeout=60)


def _certify(certificate: Path, key: Path) -> None:
    own = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = utc_now()
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(own, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    certificate.write_bytes(signed.public_bytes(pem))
    form, locked = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key.write_bytes(own.private_bytes(pem, form, locked))
