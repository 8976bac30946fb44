"""The plainest bridge that works: one process, no Redis, no pacing, no ledger. The yardstick for CPU.

Why it exists: milliseconds differ from machine to machine, a ratio taken in one run does not. This is the
bridge that the vendors' samples show, written for speed: raw frames both ways, payloads passed on by
concatenation, the reply sent to Twilio as it comes, `clear` when the caller speaks. It cannot say what was
heard, and a deploy ends its calls. Owns: that bridge. Must not know: Trunkline.

    python -m proofs.measure.plain_bridge --port 8099 --model-base-url http://127.0.0.1:9000/v1
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import orjson
import uvicorn
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.exceptions import ConnectionClosed

from proofs.measure import own_share

SESSION = {
    "type": "realtime",
    "output_modalities": ["audio"],
    "instructions": "You are a friendly telephone agent.",
    "audio": {
        "input": {
            "format": {"type": "audio/pcmu"},
            "turn_detection": {"type": "server_vad", "silence_duration_ms": 500},
        },
        "output": {"format": {"type": "audio/pcmu"}, "voice": "marin"},
    },
}
TWIML = (
    '<?xml version="1.0" encoding="UTF-8"?><Response><Connect><Stream url="{url}"/></Connect>'
    "<Hangup/></Response>"
)


class PlainBridge:
    """Webhook and media socket."""

    def __init__(self, client: AsyncOpenAI, stream_url: str) -> None:
        self._client = client
        self._stream_url = stream_url

    async def voice(self, _request: Request) -> Response:
        """Answers the voice webhook, signed or not. It awaits nothing."""
        return Response(TWIML.format(url=self._stream_url), media_type="text/xml")

    async def status(self, _request: Request) -> Response:
        """Takes note of no status. It awaits nothing."""
        return Response(status_code=204)

    async def media(self, socket: WebSocket) -> None:
        """One call, until Twilio or the model ends it. Cancelling it ends the call."""
        await socket.accept()
        stream_sid = await self._start(socket)
        async with self._session() as model:
            replies = asyncio.create_task(self._replies(model, socket, stream_sid))
            # RuntimeError: Starlette's, of a socket that is closed already.
            with contextlib.suppress(WebSocketDisconnect, ConnectionClosed, RuntimeError):
                await self._caller(socket, model)
            replies.cancel()

    async def _start(self, socket: WebSocket) -> str:
        while True:
            message: dict[str, Any] = orjson.loads(await socket.receive_text())
            if message["event"] == "start":
                return str(message["streamSid"])

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncIterator[AsyncRealtimeConnection]:
        options: Any = {"proxy": None, "compression": None, "max_size": None}
        manager = self._client.realtime.connect(
            model="gpt-realtime-2.1", websocket_connection_options=options
        )
        async with manager as model:
            await model.recv_bytes()
            await model.send_raw(orjson.dumps({"type": "session.update", "session": SESSION}).decode())
            await model.recv_bytes()
            await model.send_raw('{"type":"response.create"}')
            yield model

    async def _caller(self, socket: WebSocket, model: AsyncRealtimeConnection) -> None:
        while True:
            message: dict[str, Any] = orjson.loads(await socket.receive_text())
            if message["event"] == "media":
                payload = message["media"]["payload"]
                await model.send_raw('{"type":"input_audio_buffer.append","audio":"' + payload + '"}')
            elif message["event"] == "stop":
                return

    async def _replies(self, model: AsyncRealtimeConnection, socket: WebSocket, stream_sid: str) -> None:
        head = '{"event":"media","streamSid":"' + stream_sid + '","media":{"payload":"'
        with contextlib.suppress(WebSocketDisconnect, ConnectionClosed, RuntimeError):
            while True:
                event: dict[str, Any] = orjson.loads(await model.recv_bytes())
                kind = event["type"]
                if kind == "response.output_audio.delta":
                    await socket.send_text(head + event["delta"] + '"}}')
                elif kind == "input_audio_buffer.speech_started":
                    await socket.send_text('{"event":"clear","streamSid":"' + stream_sid + '"}')


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m proofs.measure.plain_bridge",
        description="The plainest single-process bridge, for comparison.",
    )
    parser.add_argument("--port", type=int, required=True, help="port of webhook and media socket")
    parser.add_argument("--model-base-url", required=True, help="base URL of the Realtime API or simulator")
    parser.add_argument("--stream-url", default="wss://demo.trunkline.test/media", help="as in the TwiML")
    arguments = parser.parse_args()
    client = AsyncOpenAI(api_key="plain", base_url=arguments.model_base_url)
    bridge = PlainBridge(client, arguments.stream_url)
    app = Starlette(
        routes=[
            Route("/voice", bridge.voice, methods=["GET", "POST"]),
            Route("/call-status", bridge.status, methods=["POST"]),
            WebSocketRoute("/media", bridge.media),
        ]
    )
    own_share.take()  # As what it is compared with.
    uvicorn.run(
        app, port=arguments.port, loop="uvloop", log_level="warning", ws="websockets-sansio",
        ws_per_message_deflate=False, lifespan="off",
    )  # fmt: skip


if __name__ == "__main__":
    main()
