"""The system that is asked who calls: it behaves as it is told to, and knows what it was asked."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from proofs.prove.openings.answerer import ContextServer, Manner

BODY = {"type": "call.incoming", "data": {"call_sid": "CA1", "from": "+15550001111"}}


async def asked(manner: Manner, timeout_s: float = 5.0) -> httpx.Response:
    """Its answer in this manner."""
    server = ContextServer(lambda _caller: manner, lambda _caller: {"agent": "sales"})
    async with server, httpx.AsyncClient(trust_env=False, timeout=timeout_s) as client:
        try:
            return await client.post(server.url, json=BODY, headers={"X-Test": "1"})
        finally:
            (found,) = server.asked_of("CA1")
            assert found.headers["x-test"] == "1"
            assert found.data["from"] == "+15550001111"


@pytest.mark.parametrize(
    ("manner", "status", "text"),
    [
        (Manner.GOOD, 200, '{"agent":"sales"}'),
        (Manner.SILENT, 204, ""),
        (Manner.FAILS, 500, "<html>Traceback</html>"),
        (Manner.REDIRECTS, 302, ""),
    ],
)
async def test_it_answers_as_it_is_told_to(manner: Manner, status: int, text: str) -> None:
    """In HTTP that any client reads."""
    found = await asked(manner)

    assert (found.status_code, found.text) == (status, text)


@pytest.mark.parametrize(
    "manner", [Manner.REFUSES, Manner.NOBODY, Manner.WRITES_LINES, Manner.ODD_TYPES, Manner.MANY, Manner.DEEP]
)
async def test_it_says_what_it_is_told_to(manner: Manner) -> None:
    """As JSON, however odd."""
    assert (await asked(manner)).text.startswith("{")


async def test_it_can_say_too_much() -> None:
    """Packed, or as it is."""
    assert len((await asked(Manner.HUGE)).content) > 8_000_000
    assert len((await asked(Manner.PACKED)).content) == 8 * 1024 * 1024


@pytest.mark.parametrize("manner", [Manner.HANGS_UP, Manner.BROKEN])
async def test_it_can_say_nothing_of_use(manner: Manner) -> None:
    """Not even HTTP."""
    with pytest.raises(httpx.RemoteProtocolError):
        await asked(manner)


@pytest.mark.parametrize("manner", [Manner.SLOW, Manner.ENDLESS])
async def test_it_can_take_all_the_time_there_is(manner: Manner) -> None:
    """The one says nothing, the other does not end."""
    with pytest.raises((httpx.ReadTimeout, TimeoutError)):
        await asked_for_a_moment(manner)


async def asked_for_a_moment(manner: Manner) -> None:
    server = ContextServer(lambda _caller: manner)
    client = httpx.AsyncClient(trust_env=False, timeout=0.3)
    async with server, client, asyncio.timeout(0.5):
        await client.post(server.url, json=BODY)
