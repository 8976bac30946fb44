"""A call to a peer, driven by hand: Twilio's messages on one side, the Realtime simulator on the other."""

from __future__ import annotations

import base64
import json
from typing import Any

from websockets.asyncio.client import ClientConnection

from simulators import clips
from simulators.realtime import Knobs, RealtimeSimulator, ResponseKnobs
from simulators.realtime.record import SessionRecord

STREAM = "MZ1"
FRAME_BYTES = 160


def model() -> RealtimeSimulator:
    """One that does not think for long."""
    return RealtimeSimulator(knobs=Knobs(updated_delay_ms=0, response=ResponseKnobs(first_audio_ms=0)))


async def begins(twilio: ClientConnection) -> None:
    """`connected` and `start`."""
    await twilio.send('{"event":"connected","protocol":"Call","version":"1.0.0"}')
    start = {"streamSid": STREAM, "callSid": "CA1"}
    await twilio.send(json.dumps({"event": "start", "streamSid": STREAM, "start": start}))


async def speaks(twilio: ClientConnection, clip: str = "en_caller_ask") -> bytes:
    """Says a clip at once, as if a tenth of its time passed; returns what was said."""
    said = clips.load(clip)
    for at in range(0, len(said), FRAME_BYTES):
        payload = base64.b64encode(said[at : at + FRAME_BYTES]).decode()
        media = {"payload": payload, "timestamp": str(at // 80)}
        await twilio.send(json.dumps({"event": "media", "streamSid": STREAM, "media": media}))
    return said


async def hears(twilio: ClientConnection, event: str) -> dict[str, Any]:
    """The next message of this kind."""
    while True:
        message: dict[str, Any] = json.loads(await twilio.recv())
        if message["event"] == event:
            assert message["streamSid"] == STREAM
            return message


async def stops(twilio: ClientConnection, realtime: RealtimeSimulator) -> SessionRecord:
    """`stop`, as at a hang-up; the model's session has ended then."""
    await twilio.send(json.dumps({"event": "stop", "streamSid": STREAM}))
    await twilio.close()
    (session,) = realtime.sessions
    await realtime.wait_for(lambda: session.closed_at_ms is not None)
    return session
