"""The leanest bridge that works: it works."""

from __future__ import annotations

import base64

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from proofs.bench.peers.common import Options
from proofs.bench.peers.leanest import LeanestBridge
from simulators.comparison import item_audio
from tests.proofs.bench.peers.calls import begins, hears, model, speaks, stops


async def test_a_call_goes_through_both_ways() -> None:
    """The greeting to its first byte, the caller to the last one, a clear at their first words."""
    async with model() as realtime:
        told = Options(port=0, model_url=f"ws://127.0.0.1:{realtime.port}/v1/realtime", api_key="x")
        async with serve(LeanestBridge(told).media, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            async with connect(f"ws://127.0.0.1:{port}/media") as twilio:
                await begins(twilio)
                greeting = base64.b64decode((await hears(twilio, "media"))["media"]["payload"])
                said = await speaks(twilio)
                assert set(await hears(twilio, "clear")) == {"event", "streamSid"}
                (session,) = realtime.sessions
                await realtime.wait_for(lambda: session.received_count > 0)
                session = await stops(twilio, realtime)
    assert next(iter(item_audio(session).values())).startswith(greeting)
    assert session.appended_bytes == len(said)
    assert (session.violations, session.errors) == ([], [])
