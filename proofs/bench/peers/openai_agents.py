"""The shape of the Twilio example of `openai-agents`: RealtimeAgent, RealtimeRunner, a handler for each call.

Why it exists: it is what the model's own vendor offers for this. As there: FastAPI; the caller's audio is
decoded and gathered to 50 ms before it is sent; for each piece of a reply a media message and a mark, whose
return tells the playback tracker what was played; `clear` on an interruption. Owns: that shape, written
against the pinned version. Must not know: what it is compared with. It runs in an environment of its own.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time
from typing import Any

import uvicorn
from agents.realtime import (
    RealtimeAgent,
    RealtimeModelSendRawMessage,
    RealtimePlaybackTracker,
    RealtimeRunner,
    RealtimeSession,
    RealtimeSessionEvent,
)
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from proofs.bench.peers.common import INSTRUCTIONS, MODEL, SILENCE_MS, VOICE, Options, options

CHUNK_S = 0.05
CHUNK_BYTES = int(8000 * CHUNK_S)
"""What the example gathers of the caller before it sends."""

GREET = RealtimeModelSendRawMessage(message={"type": "response.create"})


class AgentCall:
    """One call."""

    def __init__(self, twilio: WebSocket, told: Options) -> None:
        self._twilio = twilio
        self._told = told
        self._tracker = RealtimePlaybackTracker()
        self._session: RealtimeSession | None = None
        self._stream_sid: str | None = None
        self._gathered = bytearray()
        self._sent_at_s = time.monotonic()
        self._marks: dict[str, tuple[str, int, int]] = {}
        """Item, content index and bytes before each mark that has not come back."""
        self._mark_number = 0

    async def run(self) -> None:
        """The call, until Twilio ends it. Cancelling it ends the call."""
        runner = RealtimeRunner(RealtimeAgent(name="Telephone agent", instructions=INSTRUCTIONS))
        self._session = await runner.run(model_config={
            "api_key": self._told.api_key,
            "url": self._told.model_url_with_query,
            "playback_tracker": self._tracker,
            "initial_model_settings": {
                "model_name": MODEL,
                "voice": VOICE,
                "input_audio_format": "g711_ulaw",
                "output_audio_format": "g711_ulaw",
                "turn_detection": {
                    "type": "server_vad",
                    "silence_duration_ms": SILENCE_MS,
                    "interrupt_response": True,
                    "create_response": True,
                },
                "tracing": None,
            },
        })  # fmt: skip
        await self._session.enter()
        await self._twilio.accept()
        tasks = [
            asyncio.create_task(self._replies(self._session), name="replies"),
            asyncio.create_task(self._flush_now_and_then(self._session), name="flush"),
        ]
        try:
            await self._caller(self._session)
        finally:
            for task in tasks:
                task.cancel()
            await self._session.close()

    # Private.

    async def _caller(self, session: RealtimeSession) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                message = json.loads(await self._twilio.receive_text())
                event = message["event"]
                if event == "media":
                    self._gathered += base64.b64decode(message["media"]["payload"])
                    if len(self._gathered) >= CHUNK_BYTES:
                        await self._flush(session)
                elif event == "mark":
                    self._played(message["mark"]["name"])
                elif event == "start":
                    self._stream_sid = message["start"]["streamSid"]
                    await session.model.send_event(GREET)
                elif event == "stop":
                    return

    async def _flush_now_and_then(self, session: RealtimeSession) -> None:
        while True:
            await asyncio.sleep(CHUNK_S)
            if self._gathered and time.monotonic() - self._sent_at_s > 2 * CHUNK_S:
                await self._flush(session)

    async def _flush(self, session: RealtimeSession) -> None:
        audio, self._gathered = bytes(self._gathered), bytearray()
        self._sent_at_s = time.monotonic()
        await session.send_audio(audio)

    def _played(self, name: str) -> None:
        item_id, content_index, size = self._marks.pop(name, ("", 0, 0))
        if item_id:
            self._tracker.on_play_bytes(item_id, content_index, b"\x00" * size)

    async def _replies(self, session: RealtimeSession) -> None:
        async for event in session:
            await self._reply(event)

    async def _reply(self, event: RealtimeSessionEvent) -> None:
        if event.type == "audio":
            payload = base64.b64encode(event.audio.data).decode("utf-8")
            await self._send({"event": "media", "media": {"payload": payload}})
            self._mark_number += 1
            name = str(self._mark_number)
            self._marks[name] = (event.audio.item_id, event.audio.content_index, len(event.audio.data))
            await self._send({"event": "mark", "mark": {"name": name}})
        elif event.type == "audio_interrupted":
            await self._send({"event": "clear"})

    async def _send(self, message: dict[str, Any]) -> None:
        await self._twilio.send_text(json.dumps({**message, "streamSid": self._stream_sid}))


def app(told: Options) -> FastAPI:
    """The server."""
    made = FastAPI()

    @made.websocket("/media")
    async def media(twilio: WebSocket) -> None:
        await AgentCall(twilio, told).run()

    return made


def main() -> None:
    """The command."""
    told = options("openai_agents")
    uvicorn.run(app(told), host="127.0.0.1", port=told.port, log_level="warning")


if __name__ == "__main__":
    main()
