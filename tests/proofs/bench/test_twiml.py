"""The webhook of a server that has none."""

from __future__ import annotations

import httpx
import pytest

from proofs.bench.twiml import answer, webhook


def test_the_socket_is_named_safely() -> None:
    """Its query does not break the XML."""
    said = answer("wss://host/media?a=1&b=2", "/voice").decode()
    assert '<Stream url="wss://host/media?a=1&amp;b=2"/>' in said
    assert said.startswith("HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(("path", "status"), [("/voice", 200), ("/call-status", 204)])
async def test_it_is_served(path: str, status: int) -> None:
    """Both as Twilio asks: a form in a POST."""
    async with webhook("ws://127.0.0.1:1/media") as url, httpx.AsyncClient() as client:
        response = await client.post(url.replace("/voice", path), data={"CallSid": "CA1"})
        assert response.status_code == status
        assert ("ws://127.0.0.1:1/media" in response.text) == (status == 200)
