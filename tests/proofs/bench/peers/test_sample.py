"""The shape of Twilio's sample: it works, with what makes it that shape."""

from __future__ import annotations

import asyncio
import base64

import uvicorn
from websockets.asyncio.client import connect

from console.stack.ports import free_port
from proofs.bench.peers.common import Options
from proofs.bench.peers.sample import app
from simulators.comparison import item_audio
from tests.proofs.bench.peers.calls import begins, hears, model, speaks, stops
from tests.support.waiting import wait_until


async def test_a_call_goes_through_both_ways() -> None:
    """A mark behind each piece; an interruption truncates and clears."""
    async with model() as realtime:
        told = Options(port=free_port(), model_url=f"ws://127.0.0.1:{realtime.port}/v1/realtime", api_key="x")
        config = uvicorn.Config(app(told), host="127.0.0.1", port=told.port, log_level="warning")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        await wait_until(lambda: server.started, "the server listens")
        async with connect(f"ws://127.0.0.1:{told.port}/media") as twilio:
            await begins(twilio)
            greeting = base64.b64decode((await hears(twilio, "media"))["media"]["payload"])
            assert (await hears(twilio, "mark"))["mark"] == {"name": "responsePart"}
            said = await speaks(twilio)
            await hears(twilio, "clear")
            session = await stops(twilio, realtime)
        server.should_exit = True
        await serving
    assert next(iter(item_audio(session).values())).startswith(greeting)
    assert session.appended_bytes == len(said)
    assert len(session.truncations) == 1
    assert session.errors == []
