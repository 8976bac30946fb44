"""The leanest bridge that works: what every other figure of a sitting is held against.

Why it exists: milliseconds differ from machine to machine; what is added to the least that a bridge can do
does not. One process; one task a direction; `websockets` on both sides, orjson, uvloop; the base64 text is
passed on as it came, never decoded; no SDK, no web framework, no compression. It sends `clear` when the
caller speaks, and cannot say what was heard. Owns: that bridge. Must not know: what it is compared with.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import orjson
import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidState

from proofs.bench.peers.common import SESSION, Options, options

APPEND = '{"type":"input_audio_buffer.append","audio":"'


class LeanestBridge:
    """Calls between Twilio's sockets and the model's."""

    def __init__(self, told: Options) -> None:
        self._url = told.model_url_with_query
        self._headers = {"Authorization": f"Bearer {told.api_key}"}

    async def media(self, twilio: ServerConnection) -> None:
        """One call, until Twilio or the model ends it. Cancelling it ends the call."""
        stream_sid = await _start(twilio)
        async with connect(
            self._url,
            additional_headers=self._headers,
            compression=None,
            ping_interval=None,
            max_size=None,
            proxy=None,
        ) as model:
            await _open(model)
            replies = asyncio.create_task(_replies(model, twilio, stream_sid))
            with contextlib.suppress(ConnectionClosed, InvalidState):
                await _caller(twilio, model)
            replies.cancel()


def main() -> None:
    """The command."""
    uvloop.run(_serve(options("leanest")))


# Private.


async def _serve(told: Options) -> None:
    bridge = LeanestBridge(told)
    async with serve(
        bridge.media, "127.0.0.1", told.port, compression=None, ping_interval=None, max_size=None
    ) as server:
        await server.serve_forever()


async def _start(twilio: ServerConnection) -> str:
    while True:
        message: dict[str, Any] = orjson.loads(await twilio.recv(decode=False))
        if message["event"] == "start":
            return str(message["streamSid"])


async def _open(model: ClientConnection) -> None:
    """The session as it shall be, and the greeting."""
    await model.send(orjson.dumps({"type": "session.update", "session": SESSION}), text=True)
    kind = ""
    while kind != "session.updated":
        kind = orjson.loads(await model.recv(decode=False))["type"]
    await model.send('{"type":"response.create"}')


async def _caller(twilio: ServerConnection, model: ClientConnection) -> None:
    while True:
        message: dict[str, Any] = orjson.loads(await twilio.recv(decode=False))
        if message["event"] == "media":
            await _send(model, APPEND + message["media"]["payload"] + '"}')
        elif message["event"] == "stop":
            return


async def _send(to: Connection, text: str) -> None:
    """What `send` does with a whole message on an open connection, without its guards for all else."""
    to.protocol.send_text(text.encode())
    to.send_data()
    if to.paused:
        await to.drain()


async def _replies(model: ClientConnection, twilio: ServerConnection, stream_sid: str) -> None:
    head = '{"event":"media","streamSid":"' + stream_sid + '","media":{"payload":"'
    clear = '{"event":"clear","streamSid":"' + stream_sid + '"}'
    with contextlib.suppress(ConnectionClosed, InvalidState):
        while True:
            event: dict[str, Any] = orjson.loads(await model.recv(decode=False))
            kind = event["type"]
            if kind == "response.output_audio.delta":
                await _send(twilio, head + event["delta"] + '"}}')
            elif kind == "input_audio_buffer.speech_started":
                await _send(twilio, clear)


if __name__ == "__main__":
    main()
