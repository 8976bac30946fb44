"""The shape of Twilio's published Python sample of a Realtime bridge.

Why it exists: it is where most people begin. As there: an ASGI app under uvicorn, `websockets` to the model,
`json`, one dict for each message, each payload decoded and encoded again, a mark after each delta, truncation
and `clear` when the caller speaks, settings left as they come. Owns: that shape, written afresh. Must not
know: what it is compared with.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from proofs.bench.peers.common import SESSION, Options, options


class SampleCall:
    """One call, and what the sample keeps of it."""

    def __init__(self, twilio: WebSocket, model: ClientConnection) -> None:
        self._twilio = twilio
        self._model = model
        self._stream_sid: str | None = None
        self._latest_ms = 0
        self._last_item: str | None = None
        self._response_from_ms: int | None = None
        self._marks: list[str] = []

    async def open(self) -> None:
        """Tells the model what it is."""
        await self._tell({"type": "session.update", "session": SESSION})

    async def from_twilio(self) -> None:
        """Caller to model, until Twilio ends it."""
        with contextlib.suppress(WebSocketDisconnect, ConnectionClosed):
            async for text in self._twilio.iter_text():
                data = json.loads(text)
                if data["event"] == "media" and self._model.state is State.OPEN:
                    self._latest_ms = int(data["media"]["timestamp"])
                    await self._tell({"type": "input_audio_buffer.append", "audio": data["media"]["payload"]})
                elif data["event"] == "start":
                    self._stream_sid = data["start"]["streamSid"]
                    self._response_from_ms, self._latest_ms, self._last_item = None, 0, None
                elif data["event"] == "mark" and self._marks:
                    self._marks.pop(0)
        if self._model.state is State.OPEN:
            await self._model.close()

    async def to_twilio(self) -> None:
        """Model to caller, until the model's socket closes."""
        with contextlib.suppress(WebSocketDisconnect, ConnectionClosed, RuntimeError):
            async for text in self._model:
                response = json.loads(text)
                if response.get("type") == "session.updated":
                    await self._tell({"type": "response.create"})
                if response.get("type") == "response.output_audio.delta" and "delta" in response:
                    await self._play(response)
                if response.get("type") == "input_audio_buffer.speech_started" and self._last_item:
                    await self._interrupt()

    # Private.

    async def _tell(self, event: dict[str, Any]) -> None:
        await self._model.send(json.dumps(event))

    async def _play(self, response: dict[str, Any]) -> None:
        payload = base64.b64encode(base64.b64decode(response["delta"])).decode("utf-8")
        await self._twilio.send_json(
            {"event": "media", "streamSid": self._stream_sid, "media": {"payload": payload}}
        )
        if response.get("item_id") and response["item_id"] != self._last_item:
            self._response_from_ms = self._latest_ms
            self._last_item = response["item_id"]
        if self._stream_sid:
            mark = {"event": "mark", "streamSid": self._stream_sid, "mark": {"name": "responsePart"}}
            await self._twilio.send_json(mark)
            self._marks.append("responsePart")

    async def _interrupt(self) -> None:
        if self._marks and self._response_from_ms is not None:
            await self._tell({
                "type": "conversation.item.truncate",
                "item_id": self._last_item,
                "content_index": 0,
                "audio_end_ms": self._latest_ms - self._response_from_ms,
            })  # fmt: skip
            await self._twilio.send_json({"event": "clear", "streamSid": self._stream_sid})
            self._marks.clear()
            self._last_item = None
            self._response_from_ms = None


def app(told: Options) -> Starlette:
    """The server."""

    async def media(twilio: WebSocket) -> None:
        await twilio.accept()
        headers = {"Authorization": f"Bearer {told.api_key}"}
        async with connect(told.model_url_with_query, additional_headers=headers) as model:
            call = SampleCall(twilio, model)
            await call.open()
            await asyncio.gather(call.from_twilio(), call.to_twilio())

    return Starlette(routes=[WebSocketRoute("/media", media)])


def main() -> None:
    """The command."""
    told = options("sample")
    uvicorn.run(app(told), host="127.0.0.1", port=told.port, log_level="warning")


if __name__ == "__main__":
    main()
