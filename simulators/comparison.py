"""What a caller must have heard: the two simulators' records of one call, compared.

Why it exists: both ends of a call are ours here, so that "nothing was lost, nothing stale was played" can be
checked to the byte. Owns: the comparison. Pure. Must not know: the bridge between the two.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from math import inf

from simulators.mulaw import SILENCE
from simulators.realtime.record import SessionRecord
from simulators.twilio.record import CallRecord

FRAME_BYTES = 160

TAIL_FRAMES = 6
"""100 ms, and the frame in which they end."""

CLEAR_BEFORE_TRUNCATION_MS = 50.0
"""A truncation follows its clear; they are on two sockets, so the order of arrival may differ by this."""

_SILENCE = bytes([SILENCE])


def item_audio(session: SessionRecord) -> dict[str, bytes]:
    """All audio that the model sent, by item, in the order in which the items began."""
    audio: dict[str, bytearray] = {}
    for event in session.sent_of("response.output_audio.delta"):
        audio.setdefault(str(event["item_id"]), bytearray()).extend(base64.b64decode(str(event["delta"])))
    return {item_id: bytes(data) for item_id, data in audio.items()}


def frames(audio: bytes) -> list[bytes]:
    """20 ms frames, the last one padded with silence."""
    whole = audio + _SILENCE * (-len(audio) % FRAME_BYTES)
    return [whole[at : at + FRAME_BYTES] for at in range(0, len(whole), FRAME_BYTES)]


def interruptions_ms(session: SessionRecord) -> dict[str, float]:
    """Items that the bridge truncated or deleted, and when it first did, on the host's monotonic clock."""
    told: dict[str, float] = {}
    for timed in session.received:
        if timed.type in ("conversation.item.truncate", "conversation.item.delete"):
            told.setdefault(str(timed.event["item_id"]), timed.at_ms)
    return told


def interrupted_items(session: SessionRecord) -> set[str]:
    """Items that the bridge truncated or deleted."""
    return set(interruptions_ms(session))


def cancelled_items(session: SessionRecord) -> set[str]:
    """Items of responses that did not complete."""
    bad = {response.response_id for response in session.responses.values() if response.status != "completed"}
    return {item.item_id for item in session.items.values() if item.response_id in bad}


def merged(sessions: Sequence[SessionRecord]) -> SessionRecord:
    """All sessions of one call as if they had been one. Of an item that a later session was told again the
    first record stands: that with its audio."""
    first = sessions[0]
    whole = SessionRecord(
        number=first.number,
        session_id=first.session_id,
        model=first.model,
        knobs=first.knobs,
        opened_at_ms=first.opened_at_ms,
        headers=first.headers,
    )
    for session in sessions:
        whole.sent.extend(session.sent)
        whole.received.extend(session.received)
        whole.responses.update(session.responses)
        whole.truncations.extend(session.truncations)
        for item_id, item in session.items.items():
            whole.items.setdefault(item_id, item)
    return whole


def unheard_items(call: CallRecord, session: SessionRecord) -> list[str]:
    """Items that nobody interrupted and that were not heard to the byte, each with the share that was heard.

    A barge-in within the last 100 ms of a complete item truncates nothing (the model may as well believe that
    it was heard): where there was a clear, an item may lack its end.
    """
    heard = call.heard_bytes
    excused = interrupted_items(session) | cancelled_items(session)
    spared = TAIL_FRAMES if call.clears else 0
    return [
        f"{item_id}: {len(audio)} bytes, {_heard_share(audio, heard):.0%} of its frames were heard"
        for item_id, audio in item_audio(session).items()
        if item_id not in excused and b"".join(frames(audio)[: len(frames(audio)) - spared]) not in heard
    ]


def stale_frames(call: CallRecord, session: SessionRecord) -> int:
    """Frames of interrupted items that were heard after the clear that should have ended them: the last one
    before the item was truncated or deleted. (An earlier clear ended something else: a hold clip, say.)

    A frame that some other item also has, which the model began after that clear or which nobody interrupted,
    is not counted: it may be that item's.
    """
    audio = {item: frames(data) for item, data in item_audio(session).items()}
    began_ms = item_starts_ms(session)
    clears_ms = [call.zero_ms + clear.at_ms for clear in call.clears]
    ended_ms = {
        item: max((at for at in clears_ms if at <= told_ms + CLEAR_BEFORE_TRUNCATION_MS), default=inf)
        for item, told_ms in interruptions_ms(session).items()
    }
    count = 0
    ends_ms = [clear.at_ms for clear in call.clears[1:]] + [inf]
    for clear, until_ms in zip(call.clears, ends_ms, strict=False):
        clear_ms = call.zero_ms + clear.at_ms
        ended = {
            item
            for item, at in ended_ms.items()
            if at <= clear_ms and began_ms.get(item, clear_ms) < clear_ms
        }
        fresh = {frame for item, own in audio.items() if item not in ended for frame in own}
        stale = {frame for item in ended for frame in audio.get(item, [])} - fresh
        for playback in call.playbacks:
            if clear.at_ms < playback.started_at_ms <= until_ms:
                count += sum(frame in stale for frame in frames(bytes(playback.audio)))
    return count


def item_starts_ms(session: SessionRecord) -> dict[str, float]:
    """When the first audio of each item was sent, on the host's monotonic clock."""
    starts: dict[str, float] = {}
    for timed in session.sent:
        if timed.type == "response.output_audio.delta":
            starts.setdefault(str(timed.event["item_id"]), timed.at_ms)
    return starts


def session_of(call: CallRecord, sessions: Sequence[SessionRecord]) -> SessionRecord | None:
    """The model's session of a call, by the item ids in its marks; None if it had none.

    Raises ValueError when items of two sessions were played to one caller.
    """
    played = {mark.name.split(".")[2] for mark in call.marks if mark.name.count(".") == 3}
    owners = [session for session in sessions if played & set(session.items)]
    if len(owners) > 1:
        raise ValueError(f"items of {len(owners)} sessions were played to call {call.call_sid}")
    return owners[0] if owners else None


def _heard_share(audio: bytes, heard: bytes) -> float:
    wanted = frames(audio)
    return sum(frame in heard for frame in wanted) / len(wanted)
