"""The public URL as seen from outside: the rules, and real answers of good and bad fronts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

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
