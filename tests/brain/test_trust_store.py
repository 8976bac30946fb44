"""What is trusted is read once: a session over TLS, by certificates of one's own."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from brain import trust_store
from brain.errors import EngineError
from simulators.realtime import RealtimeSimulator
from tests.brain.model.realtime.test_socket import making
from tests.support.certificates import make_certificate


@pytest.fixture(autouse=True)
def unread() -> Iterator[None]:
    """Nothing is read yet, and nothing of this test's is kept."""
    trust_store.for_sessions.cache_clear()
    yield
    trust_store.for_sessions.cache_clear()


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


@asynccontextmanager
async def over_tls(sim: RealtimeSimulator, pem: Path) -> AsyncIterator[str]:
    """The simulator's base URL behind a TLS front for localhost."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    port = int(sim.base_url.rsplit(":", 1)[1].partition("/")[0])

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pipe(reader, far_writer), pipe(far_reader, writer), return_exceptions=True)

    async with await asyncio.start_server(forward, "127.0.0.1", 0, ssl=context) as front:
        yield f"https://localhost:{front.sockets[0].getsockname()[1]}/v1"


async def test_sessions_read_no_trust_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is read once; a session that read it would stop every call of the process meanwhile."""
    pem = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    trust_store.for_sessions()
    async with RealtimeSimulator() as sim, over_tls(sim, pem) as url, making(url) as engine:
        monkeypatch.setattr(ssl, "create_default_context", None)
        opened = await engine.open()
        monkeypatch.undo()

    assert opened.session_id == sim.sessions[0].session_id


async def test_an_unknown_certificate_is_refused(tmp_path: Path) -> None:
    """What signs itself and is named nowhere is nobody we talk to."""
    pem = make_certificate(tmp_path)
    async with RealtimeSimulator() as sim, over_tls(sim, pem) as url, making(url) as engine:
        with pytest.raises(EngineError, match="connect_failed"):
            await engine.open()

    assert sim.sessions == []
