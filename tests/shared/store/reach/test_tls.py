"""TLS to Redis: one context for all connections, and refusals that say what to do."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis.asyncio.connection import SSLConnection

from shared.redis_url import read
from shared.resp import pack
from shared.store.client import make_store
from shared.store.errors import STORE_ERRORS
from shared.store.reach import tls
from shared.store.reach.servers import Servers
from tests.support.certificates import Authority, make_authority
from tests.support.servers import free_port, redis7_binary, server


@contextmanager
def tls_server(folder: Path, authority: Authority, *, asks_for_ours: bool = False) -> Iterator[int]:
    """A server that speaks TLS, with a certificate for localhost. Gives its port."""
    certificate, key = authority.sign("localhost")
    port, plain = free_port(), free_port()
    options = (
        *("--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key)),
        *("--tls-ca-cert-file", str(authority.certificate)),
        *("--tls-auth-clients", "yes" if asks_for_ours else "no"),
    )
    with server(redis7_binary(), folder, *options, port=plain):
        yield port


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


async def why_not(url: str) -> str:
    """What the hot path and the store say of it; both must tell what to do, though the network may keep the
    server's own reason from either."""
    said = []
    store = make_store(url, name="t")
    for ask in (Servers(url).way().open(name="t"), store.ping()):
        with pytest.raises(STORE_ERRORS) as refused:
            await ask
        said.append(tls.words_of(refused.value) or str(refused.value))
    await store.aclose()
    what_to_do = {each.rpartition(": ")[2] for each in said}
    assert len(what_to_do) == 1, said
    return said[1]


async def test_it_is_reached_by_the_hot_path_and_by_the_store(tmp_path: Path, authority: Authority) -> None:
    """With the authority that signed its certificate."""
    with tls_server(tmp_path, authority) as port:
        url = f"rediss://localhost:{port}/2?ssl_ca_certs={authority.certificate}"
        link, store = await Servers(url).way().open(name="t"), make_store(url, name="t")
        assert await link.ask(pack([b"PING"]), timeout_s=1) == b"PONG"
        await store.ping()
        link.close()
        await store.aclose()


async def test_a_certificate_of_ours_is_shown(tmp_path: Path, authority: Authority) -> None:
    """Where the server wants one; without it the refusal says which options to add."""
    certificate, key = authority.sign("client")
    with tls_server(tmp_path, authority, asks_for_ours=True) as port:
        url = f"rediss://localhost:{port}/0?ssl_ca_certs={authority.certificate}"
        with_ours = f"{url}&ssl_certfile={certificate}&ssl_keyfile={key}"
        link = await Servers(with_ours).way().open(name="t")
        link.close()
        assert "ssl_certfile=FILE" in await why_not(url)


async def test_a_certificate_that_is_wrong_is_told_in_words(tmp_path: Path, authority: Authority) -> None:
    """Of an unknown authority, for another host; and a port that speaks no TLS."""
    with tls_server(tmp_path, authority) as port:
        assert "ssl_ca_certs=FILE" in await why_not(f"rediss://localhost:{port}/0")
        by_address = f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={authority.certificate}"
        assert "ssl_check_hostname=false" in await why_not(by_address)
        unchecked = await Servers(f"{by_address}&ssl_check_hostname=false").way().open(name="t")
        unchecked.close()
    folder = tmp_path / "plain"
    folder.mkdir()
    port = free_port()
    with server(redis7_binary(), folder, port=port):
        url = f"rediss://localhost:{port}/0?ssl_ca_certs={authority.certificate}"
        assert "does not speak TLS" in await why_not(url)


async def test_who_never_answers_the_handshake_is_named(authority: Authority) -> None:
    """Within the time that a connection may take."""
    came: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _reader, writer: came.append(writer), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    url = f"rediss://localhost:{port}/0?ssl_ca_certs={authority.certificate}"
    with pytest.raises(STORE_ERRORS) as refused:
        await Servers(url).way().open(name="t")
    assert "it answers no TLS handshake" in str(refused.value)
    silent.close()
    for each in came:
        each.close()


def test_all_connections_share_a_context(authority: Authority) -> None:
    """Each would read every authority of the machine: 10 ms of the loop of live calls."""
    place = read(f"rediss://localhost/0?ssl_ca_certs={authority.certificate}")
    context = tls.context_of(place)
    again = tls.SharedTlsConnection(host="h", ssl_ca_certs=str(authority.certificate))
    assert isinstance(context, ssl.SSLContext)
    assert again.ssl_context.get() is context
    other = tls.SharedTlsConnection(
        host="h", ssl_ca_certs=str(authority.certificate), ssl_check_hostname=False
    )
    assert other.ssl_context.get() is not context
    assert isinstance(again, SSLConnection)


def test_a_file_that_cannot_be_read_is_found_at_the_start(tmp_path: Path) -> None:
    """Not in the middle of a call."""
    with pytest.raises(OSError, match="No such file"):
        Servers(f"rediss://localhost/0?ssl_ca_certs={tmp_path / 'none.pem'}")


def test_without_tls_there_is_none() -> None:
    """And no failure is explained by it."""
    assert tls.context_of(read("redis://h")) is None
    assert tls.words_of(ConnectionRefusedError("no")) == ""
