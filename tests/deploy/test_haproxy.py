"""deploy/haproxy.cfg against strangers: slow requests, and what one address may do. A stand-in is behind it.

One HAProxy a test: what an address has done is remembered for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from websockets.utils import accept_key

from console.stack.plan import REPOSITORY
from tests.support.certificates import make_certificate
from tests.support.servers import free_port, needed
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.timeout(60), pytest.mark.xdist_group("deploy")]

SIGNED = "X-Twilio-Signature: here"
"""What the stand-in takes for a signature."""

KEY = "AAAAAAAAAAAAAAAAAAAAAA=="
UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    f"Sec-WebSocket-Key: {KEY}",
)
WITHIN_S = 15.0

Link = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def request(path: str, *headers: str) -> bytes:
    """A webhook without fields."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", *headers, "Content-Length: 0", "", ""]
    return "\r\n".join(lines).encode()


def upgrade() -> bytes:
    """A handshake."""
    return "\r\n".join(["GET /media HTTP/1.1", "Host: localhost", SIGNED, *UPGRADE, "", ""]).encode()


def answer(status: str, *headers: str) -> bytes:
    """Without a body."""
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode()


def status_of(head: bytes) -> int:
    return int(head.split(b" ", 2)[1])


@dataclass(slots=True)
class StandIn:
    """What stands behind the proxy: a host of Trunkline, as far as a proxy can tell."""

    asked: list[str] = field(default_factory=list)
    """Paths, but for the proxy's own checks."""
    served: int = 0
    """Connections that are open."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.served += 1
        try:
            await self._answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.transport.abort()  # The proxy has gone.
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        self.served -= 1

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ", 2)[1]
        if path == "/readyz":
            writer.write(answer("200 OK", "Content-Length: 0", "Connection: close"))
            return
        self.asked.append(path)
        if path == "/media":
            accepted = f"Sec-WebSocket-Accept: {accept_key(KEY)}"
            writer.write(answer("101 Switching Protocols", *UPGRADE[:2], accepted))
            while data := await reader.read(100):
                writer.write(data)
        elif SIGNED.lower() in head.lower():
            writer.write(answer("204 No Content", "Connection: close"))
        else:
            writer.write(answer("403 Forbidden", "Content-Length: 0", "Connection: close"))


@dataclass(slots=True)
class Front:
    """HAProxy, and a way to it."""

    port: int
    behind: StandIn
    trusts: ssl.SSLContext
    _opened: list[asyncio.StreamWriter] = field(default_factory=list)

    async def connect(self) -> Link:
        """Through TLS. Raises OSError where it is refused."""
        async with asyncio.timeout(WITHIN_S):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", self.port, ssl=self.trusts, server_hostname="localhost"
            )
        self._opened.append(writer)
        return reader, writer

    async def close(self) -> None:
        """All that is still open."""
        for writer in self._opened:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def ask(self, *requests: bytes) -> list[bytes]:
        """Heads of the answers to requests on one connection: without bodies, up to the first that has
        one."""
        heads: list[bytes] = []
        reader, writer = await self.connect()
        try:
            async with asyncio.timeout(WITHIN_S):
                for each in requests:
                    writer.write(each)
                    heads.append(await reader.readuntil(b"\r\n\r\n"))
                    if status_of(heads[-1]) not in (204, 403):
                        break
        finally:
            writer.transport.abort()
        return heads

    async def statuses(self, *requests: bytes) -> list[int]:
        """The same in figures."""
        return [status_of(head) for head in await self.ask(*requests)]

    async def hold_socket(self) -> Link:
        """A media socket that stays open. Raises OSError where it is refused."""
        reader, writer = await self.connect()
        writer.write(upgrade())
        async with asyncio.timeout(WITHIN_S):
            assert status_of(await reader.readuntil(b"\r\n\r\n")) == 101
        return reader, writer


@contextlib.contextmanager
def haproxy(folder: Path, behind: int, **settings: str) -> Iterator[Path]:
    """The shipped file, with the stand-in as its only host. Gives its log."""
    text = (REPOSITORY / "deploy" / "haproxy.cfg").read_text("utf-8")
    assert text.count("127.0.0.1:8080") == 2
    file, log = folder / "haproxy.cfg", folder / "haproxy.log"
    file.write_text(text.replace("127.0.0.1:8080", f"127.0.0.1:{behind}"), "utf-8")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [needed("haproxy"), "-db", "-f", str(file)],
            env={**os.environ, **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield log
    finally:
        process.terminate()
        process.wait(10)


@contextlib.asynccontextmanager
async def front(folder: Path, **limits: int) -> AsyncIterator[Front]:
    """The proxy with some of its limits set, by name: `peer_connections`, `twilio_rate`."""
    behind, port, pem = StandIn(), free_port(), make_certificate(folder)
    server = await asyncio.start_server(behind.serve, "127.0.0.1", 0)
    settings = {f"TRUNKLINE_{name.upper()}": str(limit) for name, limit in limits.items()}
    settings |= {"TRUNKLINE_TLS_PEM": str(pem), "TRUNKLINE_TLS_BIND": f"127.0.0.1:{port}"}
    with haproxy(folder, server.sockets[0].getsockname()[1], **settings) as log:
        await wait_until(
            lambda: _listens(port), "HAProxy listens", say=lambda: log.read_text("utf-8", "replace")
        )
        found = Front(port, behind, ssl.create_default_context(cafile=pem))
        yield found
        await found.close()
    server.close()
    await wait_until(lambda: behind.served == 0, "the proxy's connections are closed")


async def _listens(port: int) -> bool:
    """Whether somebody takes connections there: it counts as one of them."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.transport.abort()
    return True


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"POST /voice HTTP/1.1\r\nHost: localhost\r\n",
        b"POST /voice HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nCallSid=",
    ],
    ids=["nothing", "headers", "body"],
)
async def test_a_slow_request_comes_to_no_host(tmp_path: Path, first: bytes) -> None:
    """Whatever part of it is slow: the connection ends within seconds."""
    async with front(tmp_path) as found:
        reader, writer = await found.connect()
        writer.write(first)
        async with asyncio.timeout(WITHIN_S):
            said = await reader.read()
        writer.transport.abort()
        assert said == b"" or status_of(said) == 408
        assert found.behind.asked == []


async def test_twilio_has_so_many_connections(tmp_path: Path) -> None:
    """One more is refused; those that are open go on; one that ends leaves its place."""
    async with front(tmp_path, twilio_connections=3) as found:
        held = [await found.hold_socket() for _ in range(3)]
        with pytest.raises(OSError):  # noqa: PT011 - refused in mid-handshake, in whatever way
            await found.connect()
        for reader, writer in held:
            writer.write(b"still there")
            async with asyncio.timeout(WITHIN_S):
                assert await reader.readexactly(11) == b"still there"
        held.pop()[1].transport.abort()

        async def is_let_in() -> bool:
            try:
                held.append(await found.hold_socket())
            except OSError:
                return False
            return True

        await wait_until(is_let_in, "another one is let in")
        for _, writer in held:
            writer.transport.abort()


async def test_a_stranger_has_so_many_connections(tmp_path: Path) -> None:
    """Who has signed nothing, of their own limit."""
    async with front(tmp_path, peer_connections=3) as found:
        for _ in range(3):
            await found.connect()
        with pytest.raises(OSError):  # noqa: PT011 - refused in mid-handshake, in whatever way
            await found.connect()


async def test_a_stranger_has_so_many_requests(tmp_path: Path) -> None:
    """In ten seconds; they are told so."""
    async with front(tmp_path, peer_rate=10) as found:
        assert await found.statuses(*[request("/voice")] * 12) == [403] * 10 + [429]
        assert found.behind.asked == ["/voice"] * 10


async def test_twilio_has_so_many_requests(tmp_path: Path) -> None:
    """Of its own limit, whatever a stranger may."""
    async with front(tmp_path, peer_rate=5, twilio_rate=10) as found:
        assert await found.statuses(*[request("/voice", SIGNED)] * 12) == [204] * 10 + [429]
        assert found.behind.asked == ["/voice"] * 10


async def test_two_hundred_calls_a_second_meet_no_limit(tmp_path: Path) -> None:
    """As shipped: six seconds of calls that are refused in words, from one address, and a live call that
    comes back behind them. By a stranger's limit it would be refused, and then not spoken with at all."""
    refused = [request("/voice", SIGNED), request("/call-status", SIGNED)] * 200
    async with front(tmp_path) as found:
        answers = await asyncio.gather(*(found.statuses(*refused) for _ in range(6)))
        assert {status for each in answers for status in each} == {204}
        assert len(found.behind.asked) == 2_400
        assert await found.statuses(request("/voice/resume", SIGNED)) == [204]
        await found.hold_socket()


async def test_what_others_do_from_twilios_addresses_shuts_no_call_out(tmp_path: Path) -> None:
    """Their numbers lead here, and they have a token of their own."""
    async with front(tmp_path, peer_errors=6) as found:
        assert await found.statuses(request("/voice", SIGNED)) == [204]
        assert await found.statuses(*[request("/voice")] * 9) == [403] * 9
        assert await found.statuses(request("/voice/resume", SIGNED)) == [204]


async def test_an_address_that_is_wrong_again_and_again_is_not_spoken_with(tmp_path: Path) -> None:
    """Unsigned requests, and paths that are not ours."""
    async with front(tmp_path, peer_errors=6) as found:
        assert await found.statuses(*[request("/voice")] * 4) == [403] * 4
        for _ in range(3):
            assert await found.statuses(request("/wp-admin")) == [404]
        with pytest.raises(OSError):  # noqa: PT011 - refused in mid-handshake, in whatever way
            await found.connect()


async def test_an_address_at_work_meets_no_limit(tmp_path: Path) -> None:
    """As shipped: thirty calls and their webhooks in a moment."""
    async with front(tmp_path) as found:
        held = [await found.hold_socket() for _ in range(30)]
        for _ in held:
            assert await found.statuses(*[request("/voice", SIGNED)] * 5) == [204] * 5
        for _, writer in held:
            writer.transport.abort()


async def test_browsers_are_told_to_come_by_tls_alone(tmp_path: Path) -> None:
    """With every answer, the proxy's own too."""
    async with front(tmp_path) as found:
        for path in ("/voice", "/wp-admin"):
            (head,) = await found.ask(request(path, SIGNED))
            assert b"\r\nstrict-transport-security: max-age=31536000\r\n" in head.lower()


@pytest.mark.parametrize(("version", "is_taken"), [("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)])
async def test_tls_is_new(tmp_path: Path, version: str, is_taken: bool) -> None:
    """1.2 at least, though a client would take less."""
    async with front(tmp_path) as found:
        client = await asyncio.create_subprocess_exec(
            *(needed("openssl"), "s_client", version, "-cipher", "DEFAULT:@SECLEVEL=0"),
            *("-connect", f"127.0.0.1:{found.port}", "-servername", "localhost"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(WITHIN_S):
            assert (await client.wait() == 0) is is_taken
