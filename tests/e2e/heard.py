"""What a caller must have heard, judged from both simulators' records.

Owns the comparison of generated with played audio. It knows both simulators and nothing of the bridge.
"""

from __future__ import annotations

import base64
from typing import Any, cast

from simulators.realtime import SessionRecord
from simulators.twilio import CallRecord

FRAME_BYTES = 160
SILENCE = b"\xff"


def item_audio(session: SessionRecord) -> dict[str, bytes]:
    """All audio that the model sent, by item, in the order in which the items began."""
    audio: dict[str, bytearray] = {}
    for event in session.sent_of("response.output_audio.delta"):
        audio.setdefault(str(event["item_id"]), bytearray()).extend(base64.b64decode(str(event["delta"])))
    return {item_id: bytes(data) for item_id, data in audio.items()}


def item_texts(session: SessionRecord) -> dict[str, str]:
    """Text of each assistant item that spoke."""
    return {
        item_id: session.items[item_id].text for item_id in item_audio(session) if item_id in session.items
    }


def frames(audio: bytes) -> list[bytes]:
    """20 ms frames, the last one padded with silence."""
    padded = audio + SILENCE * (-len(audio) % FRAME_BYTES)
    return [padded[at : at + FRAME_BYTES] for at in range(0, len(padded), FRAME_BYTES)]


def padded(audio: bytes) -> bytes:
    return b"".join(frames(audio))


def interrupted_items(session: SessionRecord) -> set[str]:
    """Items that the bridge truncated or deleted."""
    found = {str(event["item_id"]) for event in session.received_of("conversation.item.truncate")}
    return found | {str(event["item_id"]) for event in session.received_of("conversation.item.delete")}


def assert_whole_items_heard(call: CallRecord, session: SessionRecord) -> None:
    """Every item that nobody interrupted was heard to the byte."""
    heard = call.heard_bytes
    for item_id, audio in item_audio(session).items():
        if item_id not in interrupted_items(session):
            text = item_texts(session).get(item_id, "")
            assert padded(audio) in heard, f"{len(audio)} bytes of {item_id} ({text!r}) were not heard whole"


def assert_nothing_stale(call: CallRecord, session: SessionRecord) -> None:
    """After a clear, no frame of an item that was interrupted by then is heard."""
    audio = item_audio(session)
    interrupted = interrupted_items(session)
    fresh = {frame for item, data in audio.items() if item not in interrupted for frame in frames(data)}
    stale = {frame for item in interrupted if item in audio for frame in frames(audio[item])} - fresh
    for clear in call.clears:
        for playback in call.playbacks:
            if playback.started_at_ms > clear.at_ms:
                late = [frame for frame in frames(bytes(playback.audio)) if frame in stale]
                assert not late, f"{len(late)} frames of an interrupted reply were heard after the clear"


def created_events(session: SessionRecord) -> list[dict[str, Any]]:
    """`response.create` events of the bridge."""
    return cast("list[dict[str, Any]]", session.received_of("response.create"))


def assert_protocol_kept(call: CallRecord, session: SessionRecord) -> None:
    """Neither side had anything to complain about."""
    assert call.violations == []
    assert session.violations == []
    assert call.failures == []
