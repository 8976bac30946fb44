"""Redis in each of its shapes, for tests: one server, Sentinel, a Cluster; with TLS where the program has it.

    with cluster(tmp_path) as shape:
        store = make_store(shape.url, name="test")

What can be done to them is in proofs/prove/chaos/shapes: `masters_of`, `hand_over` and `heal` of a shape,
`kill`, `pause`, `go_on`, `snapshot` and `start` of a node, `refusing`, `moving`. All of it blocks: with calls
on the loop, ask from a thread. A server ends with the thread that has started it: one that a thread of a
test's loop started again does not outlive that test.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from console.stack.ports import free_port
from proofs.prove.chaos.shapes import programs
from proofs.prove.chaos.shapes.cluster import BUS, Cluster
from proofs.prove.chaos.shapes.node import Tls
from proofs.prove.chaos.shapes.programs import Program, ShapeFailed
from proofs.prove.chaos.shapes.sentinel import Watched
from proofs.prove.chaos.shapes.shape import One
from tests.support.servers import DEBIAN_REDIS, missing, needed


@contextmanager
def standalone(
    folder: Path,
    *,
    redis7: bool = False,
    tls: Tls | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[One]:
    """One server, which keeps nothing unless `settings` say so."""
    settings = dict(settings or {})
    if settings.get("cluster-enabled") == "yes":
        settings.setdefault(BUS, str(free_port()))  # By itself it takes another one, which may be anybody's.
    with One.of(_program(redis7=redis7, tls=tls), folder, tls=tls, settings=settings) as shape:
        yield shape


@contextmanager
def sentinel(folder: Path, *, redis7: bool = False, tls: Tls | None = None) -> Iterator[Watched]:
    """A master, two replicas, three Sentinels."""
    with Watched.of(_program(redis7=redis7, tls=tls), folder, tls=tls) as shape:
        yield shape


@contextmanager
def cluster(folder: Path, *, redis7: bool = False, tls: Tls | None = None) -> Iterator[Cluster]:
    """Three masters, three replicas."""
    with Cluster.of(_program(redis7=redis7, tls=tls), folder, tls=tls) as shape:
        yield shape


def make_tls(folder: Path, *, asks_clients: bool = False, names: str = "DNS:localhost,IP:127.0.0.1") -> Tls:
    """An authority, and a certificate of it for these names; others for another folder."""
    folder.mkdir(parents=True, exist_ok=True)
    ca, ca_key = folder / "ca.pem", folder / "ca-key.pem"
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    new = (needed("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
    _run(*new, "-subj", "/CN=authority of a test", "-keyout", str(ca_key), "-out", str(ca))
    signed = ("-CA", str(ca), "-CAkey", str(ca_key), "-addext", "basicConstraints=critical,CA:FALSE")
    named = ("-subj", "/CN=server of a test", "-addext", f"subjectAltName={names}")
    _run(*new, *signed, *named, "-keyout", str(key), "-out", str(certificate))
    return Tls(ca=ca, certificate=certificate, key=key, asks_clients=asks_clients)


# Private.


def _program(*, redis7: bool, tls: Tls | None) -> Program:
    """The wheel's has no TLS: with it, Debian's."""
    if not redis7 and tls is None:
        return programs.valkey()
    try:
        return programs.redis7()
    except ShapeFailed:
        missing(DEBIAN_REDIS)
        raise


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
