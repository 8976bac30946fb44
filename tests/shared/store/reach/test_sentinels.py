"""Why no Sentinel names a master, in words: a wrong certificate, a wrong password, a name that none knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis.exceptions import AuthenticationError

from console.stack.ports import free_port
from proofs.prove.chaos.shapes import programs
from proofs.prove.chaos.shapes.node import Node, Tls
from proofs.prove.chaos.shapes.programs import ShapeFailed
from proofs.prove.chaos.shapes.sentinel import NAME, sentinel_file
from shared.store.client import make_store
from shared.store.errors import STORE_ERRORS, not_let_in
from shared.store.reach.servers import Servers
from tests.support import shapes
from tests.support.servers import DEBIAN_REDIS, missing


@contextmanager
def sentinel(folder: Path, tls: Tls | None = None) -> Iterator[Node]:
    """One whose master is not there, with a user."""
    try:
        program = programs.redis7()
    except ShapeFailed:
        missing(DEBIAN_REDIS)
        raise
    config = folder / "sentinel.conf"
    node = Node(
        name="Sentinel", program=program, folder=folder, port=free_port(), tls=tls, config_file=config
    )
    gone = Node(name="master", program=program, folder=folder, port=free_port())
    config.write_text(sentinel_file(node, gone), "utf-8")
    node.start()
    try:
        node.ask("ACL", "SETUSER", "watcher", "on", ">secret", "+@all")
        yield node
    finally:
        node.end()


async def why_not(url: str) -> list[Exception]:
    """What the hot path and the store say of it."""
    said: list[Exception] = []
    store, servers = make_store(url, name="t"), Servers(url)
    for ask in (servers.way().open(name="t"), store.ping()):
        with pytest.raises(STORE_ERRORS) as refused:
            await ask
        said.append(refused.value)
    await servers.aclose()
    await store.aclose()
    return said


async def test_a_certificate_that_nobody_trusts(tmp_path: Path) -> None:
    """What to do, and which Sentinel it is; no option of the connection."""
    with sentinel(tmp_path, shapes.make_tls(tmp_path / "tls")) as node:
        at = f"127.0.0.1:{node.port}"
        for error in await why_not(f"sentinels://{at},127.0.0.1:1/{NAME}"):
            said = str(error)
            assert said.startswith(f"no Sentinel names a master {NAME} ({at}: its certificate is signed by")
            assert "add ?ssl_ca_certs=FILE" in said
            assert "127.0.0.1:1: Error 111" in said
            assert "password" not in said


async def test_a_password_that_is_not_taken(tmp_path: Path) -> None:
    """It is told from Sentinels that are away, and from a name that they do not know."""
    login = "sentinel_username=watcher&sentinel_password="
    with sentinel(tmp_path) as node:
        for error in await why_not(f"sentinel://127.0.0.1:{node.port}/{NAME}?{login}wrong"):
            assert isinstance(not_let_in(error), AuthenticationError)
            assert "invalid username-password pair" in str(error)
        for error in await why_not(f"sentinel://127.0.0.1:{node.port}/other?{login}secret"):
            assert not_let_in(error) is None
            assert "it knows none that lives" in str(error)
