"""Certificates for tests, made by openssl."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Authority:
    """One that signs certificates for tests."""

    folder: Path

    @property
    def certificate(self) -> Path:
        """What clients must trust."""
        return self.folder / "ca.pem"

    def sign(self, name: str) -> tuple[Path, Path]:
        """(certificate, key) for a host of that name."""
        key, request, certificate = (self.folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
        extension = self.folder / f"{name}.ext"
        extension.write_text(f"subjectAltName=DNS:{name}\n", "utf-8")
        _openssl("req", "-new", *_NEW_KEY, "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(request))
        _openssl(
            *("x509", "-req", "-in", str(request), "-days", "2", "-extfile", str(extension)),
            *("-CA", str(self.certificate), "-CAkey", str(self.folder / "ca.key"), "-CAcreateserial"),
            *("-out", str(certificate)),
        )
        return certificate, key


def make_authority(folder: Path) -> Authority:
    """A new one, whose files are in `folder`."""
    _openssl(
        *("req", "-x509", *_NEW_KEY, "-days", "2", "-subj", "/CN=Test Authority"),
        *("-keyout", str(folder / "ca.key"), "-out", str(folder / "ca.pem")),
    )
    return Authority(folder)


# Private.

_NEW_KEY = ("-newkey", "rsa:2048", "-nodes")


def _openssl(*words: str) -> None:
    subprocess.run([needed("openssl"), *words], check=True, capture_output=True)
