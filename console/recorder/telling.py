"""What is told of a recording: in its sidecar beside the sound, and to the user's systems.

Why it exists: whoever finds a file must know whose it is. Owns: these words. Must not know: what of the
sound itself is told (files.py), when (worker.py).
"""

from __future__ import annotations

import orjson

from console.recorder.files import Told
from shared.clock import wall_ms
from shared.contract.streams.hooks import Event, Hook
from shared.contract.views import TapedView


def of_call(sid: str, view: TapedView | None) -> Told:
    """What the card says: the rest is the sound's."""
    if view is None:
        return {"call_sid": sid}
    return {
        "call_sid": sid,
        "agent": view.agent,
        "from": view.from_number,
        "to": view.to_number,
        "caller_tag": view.caller_tag or "",
        "started_at_ms": view.started_at_ms,
        "ended_at_ms": view.ended_at_ms,
        "outcome": view.outcome or "",
        "announced_at_ms": view.taped_from_ms,
    }


def hook_of(sid: str, sidecar: Told) -> Hook:
    """`call.recorded`: each time of the same id, so that it may be told twice."""
    at_ms = wall_ms()
    silences = sidecar.get("silences")
    details = {
        "file": f"{sid}.wav",
        "seconds": sidecar.get("seconds"),
        "sha256": sidecar.get("sha256"),
        "channels": sidecar.get("channels"),
        "silences": silences,
    }
    return Hook(
        event=Event.RECORDED,
        call_sid=sid,
        event_id=f"{sid}-recorded",
        at_ms=at_ms,
        attempt=0,
        due_ms=at_ms,
        details=orjson.dumps(details).decode(),
    )
