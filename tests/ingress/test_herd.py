"""All calls of a process come to `/voice/resume` at the same moment: each is answered a stream, none the
apology."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

import pytest

from ingress.web.listening import own_listener
from shared.contract.keys import Keys
from shared.contract.steps import NewStream
from shared.ownership import steps
from shared.store.client import make_store
from tests.ingress.harness import PUBLIC_URL, SIGNATURES, call_sid, stream_sid, voice_form
from tests.ingress.test_role import Running, started
from tests.support.servers import OWN_TIMEOUT_S

CALLS = 200
"""What one process carries."""

pytestmark = pytest.mark.timeout(120)


async def live_calls(url: str) -> None:
    """Calls whose cards name an ingress that has let go of them."""
    keys, store = Keys(1), make_store(url, name="test", timeout_s=OWN_TIMEOUT_S)
    for number in range(CALLS):
        await steps.reserve(store, keys, call_sid(number), nonce="00", expires_at_ms=2**42)
        told = NewStream(
            call_sid=call_sid(number),
            stream_sid=stream_sid(number),
            ingress="ingress-9@far#dead",
            nonce="00",
            caller_number="",
            called_number="",
            agent="",
            called_line="",
            caller_line="",
        )
        await steps.attach(store, keys, told, max_resumes=10)
    await store.aclose()


def request(number: int) -> bytes:
    """A signed webhook, as it stands on the wire."""
    form = voice_form(number, CallStatus="in-progress")
    body = urlencode(form)
    head = [
        "POST /voice/resume HTTP/1.1",
        "Host: demo.trunkline.test",
        f"X-Twilio-Signature: {SIGNATURES.sign(f'{PUBLIC_URL}/voice/resume', form)}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    return "\r\n".join([*head, "", body]).encode()


async def resume(port: int, number: int) -> bytes:
    """What the call is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request(number))
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    return answer


def all_stream(answers: list[bytes], running: Running) -> None:
    others = [answer for answer in answers if b"<Connect" not in answer]
    assert not others, (len(others), others[0], running.log[-2000:])


async def test_a_sibling_dies(valkey_url: str) -> None:
    """Its kernel closes all sockets at once, and Twilio comes for all of them at once."""
    await live_calls(valkey_url)
    async with started(valkey_url, TRUNKLINE_MAX_CALLS="1000") as running:
        await running.said("ready")
        all_stream(await asyncio.gather(*(resume(running.port, n) for n in range(CALLS))), running)


async def test_all_wait_for_the_next_boot(valkey_url: str) -> None:
    """In the queue of the port, which stayed open: a process that has just been started answers them all."""
    await live_calls(valkey_url)
    with own_listener("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        waiting = [asyncio.create_task(resume(port, n)) for n in range(CALLS)]
        async with started(
            valkey_url, stdin=listener.fileno(), port=str(port), TRUNKLINE_MAX_CALLS="1000"
        ) as running:
            all_stream(await asyncio.gather(*waiting), running)
