"""The public URL as seen from outside: the rules, and real answers of good and bad fronts."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from console.doctor.findings import Level
from console.doctor.public import (
    Answer,
    examine,
    judge_addresses,
    judge_certificate,
    judge_media,
    judge_webhooks,
)
from shared.settings import Settings
from tests.support.certificates import make_authority

URL = "https://bridge.example.com/stream-status"
FORGED_OK = Answer(403)


def test_names_and_addresses() -> None:
    """A name without an address fails; one that Twilio cannot reach warns."""
    assert judge_addresses("a.example", [], "no such name").level is Level.FAIL
    assert judge_addresses("127.0.0.1", ["127.0.0.1"], "").level is Level.WARN
    assert judge_addresses("a.example", ["10.0.0.7"], "").level is Level.WARN
    assert judge_addresses("a.example", ["10.0.0.7", "93.184.216.34"], "").level is Level.OK


def test_certificates() -> None:
    """One that ends soon warns, one that is not trusted fails."""
    levels = [judge_certificate(days, "not trusted").level for days in (None, 3.0, 60.0)]
    assert levels == [Level.FAIL, Level.WARN, Level.OK]


@pytest.mark.parametrize(
    ("forged", "signed", "level", "said"),
    [
        (Answer(0, reason="ConnectError"), Answer(0), Level.FAIL, "gives no answer"),
        (Answer(204), Answer(204), Level.FAIL, "forged"),
        (Answer(301), Answer(301), Level.FAIL, "redirected"),
        (Answer(502), Answer(502), Level.FAIL, "got 502"),
        (FORGED_OK, Answer(403), Level.FAIL, "another PUBLIC_URL or TWILIO_AUTH_TOKEN"),
        (FORGED_OK, Answer(500), Level.FAIL, "logs of ingress"),
        (FORGED_OK, Answer(204, took_ms=1500), Level.WARN, "1500 ms"),
        (FORGED_OK, Answer(204, took_ms=9), Level.OK, "9 ms"),
    ],
)
def test_webhooks(forged: Answer, signed: Answer, level: Level, said: str) -> None:
    """A forged signature must be refused and a right one taken, within a second."""
    found = judge_webhooks(URL, forged, signed)[-1]
    assert found.level is level
    assert said in f"{found.found} {found.do}"
    assert bool(found.do) == (level is not Level.OK)


def test_media_sockets() -> None:
    """101, or what stands in the way."""
    assert judge_media("wss://x/media", Answer(101, 12)).level is Level.OK
    assert "WebSocket upgrades" in judge_media("wss://x/media", Answer(200)).do
    assert "signed webhook" in judge_media("wss://x/media", Answer(403)).do


def test_what_the_proxy_does_not_reach_is_no_fault_of_the_public_url() -> None:
    """Twilio comes another way: nothing is said to be wrong, but that it was not seen."""
    unknown = judge_addresses("a.example", [], "no such name", by_proxy=True)
    assert (unknown.level, unknown.do) == (Level.SKIPPED, "")
    unseen = [
        judge_certificate(None, "no answer", by_proxy=True),
        judge_media("wss://x/media", Answer(0, reason="ProxyError"), by_proxy=True),
    ]
    for found in unseen:
        assert found.level is Level.WARN
        assert "from a host outside" in found.do
    assert judge_certificate(60.0, "", by_proxy=True).level is Level.OK
    assert judge_media("wss://x/media", Answer(200), by_proxy=True).level is Level.FAIL


async def test_without_a_url_there_is_nothing_to_ask() -> None:
    """Skipped; the settings have failed already."""
    found = await examine(Settings(_env_file=None))
    assert [each.level for each in found] == [Level.SKIPPED]


@pytest.fixture
async def front() -> AsyncIterator[int]:
    """The port of a front that answers every request as a proxy does that leads nowhere."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


def settings_for(port: int) -> Settings:
    return Settings(
        _env_file=None, public_url=f"http://127.0.0.1:{port}", twilio_auth_token=SecretStr("ab" * 16)
    )


async def test_a_front_that_leads_nowhere(front: int) -> None:
    """Both questions fail, each with its own remedy."""
    found = {each.what: each for each in await examine(settings_for(front))}
    assert found["webhooks"].level is Level.FAIL
    assert found["media socket"].level is Level.FAIL
    assert "HTTP 503" in found["media socket"].found


async def test_nobody_listens() -> None:
    """One finding is enough: the socket is not tried."""
    found = {each.what: each for each in await examine(settings_for(9))}
    assert "gives no answer" in found["webhooks"].found
    assert "media socket" not in found


async def _relay(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await source.read(4096):
            sink.write(data)
            await sink.drain()
    sink.close()


@contextlib.asynccontextmanager
async def only_way_out(port: int, asked: list[bytes]) -> AsyncIterator[str]:
    """A proxy that leads every name to this port; 0: it lets nobody through."""

    served: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split(b"\r\n")[0])
        if not port:
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            await writer.wait_closed()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_relay(reader, far_writer), _relay(far_reader, writer))
        await asyncio.gather(far_writer.wait_closed(), writer.wait_closed(), return_exceptions=True)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            await asyncio.wait([task for task in served if task is not None], timeout=5)


def behind(proxy: str) -> Settings:
    """Settings of a host that knows no name of the world, and has no way out but this."""
    return Settings(
        _env_file=None,
        public_url=f"https://{FAR}",
        twilio_auth_token=SecretStr("ab" * 16),
        proxy_url=proxy,
    )


FAR = "bridge.invalid"
"""A name that no resolver knows."""


async def test_a_host_whose_only_way_out_is_a_proxy_asks_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name, the certificate, the signatures, the socket: none of it is said to be missing."""
    authority = make_authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.sign(FAR))
    taken: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method = head.split()[0]
        taken.append(method)
        if method == b"POST":
            await reader.read(200)
        is_signed = method == b"POST" and taken.count(b"POST") == 2
        words = {b"POST": b"204 No Content" if is_signed else b"403 Forbidden"}.get(method, b"404 Not Found")
        writer.write(b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" % words)
        await writer.drain()
        writer.close()

    asked: list[bytes] = []
    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as front:
        port = front.sockets[0].getsockname()[1]
        async with only_way_out(port, asked) as proxy:
            found = {each.what: each for each in await examine(behind(proxy))}

    assert {line.split()[1] for line in asked} == {f"{FAR}:443".encode()}
    assert found["public name"].level is Level.SKIPPED
    assert found["certificate"].found == "ends in 2 days"
    assert [found[what].level for what in ("forged webhook", "signed webhook")] == [Level.OK, Level.OK]
    assert "HTTP 404" in found["media socket"].found


async def test_a_proxy_that_lets_nobody_through_says_nothing_of_the_public_url() -> None:
    """What cannot be looked at from here is said to be that."""
    asked: list[bytes] = []
    async with only_way_out(0, asked) as proxy:
        found = await examine(behind(proxy))

    assert asked
    assert [each.level for each in found] == [Level.SKIPPED, Level.WARN]
    assert "403 Forbidden" in found[-1].found


async def test_what_is_reached_straight_on_is_not_asked_by_the_proxy(front: int) -> None:
    """This host: no proxy leads here."""
    near = Settings(
        _env_file=None,
        public_url=f"http://127.0.0.1:{front}",
        twilio_auth_token=SecretStr("ab" * 16),
        proxy_url="http://127.0.0.1:9",
    )
    found = {each.what: each for each in await examine(near)}

    assert "HTTP 503" in found["media socket"].found
