"""Certificates for tests, made by openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.servers import needed


def make_certificate(folder: Path) -> Path:
    """A certificate for localhost that signs itself, with its key, in one file."""
    key, certificate, both = folder / "key.pem", folder / "cert.pem", folder / "tls.pem"
    command = [
        *(needed("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
        *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
        *("-keyout", str(key), "-out", str(certificate)),
    ]
    subprocess.run(command, check=True, capture_output=True)
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    return both
