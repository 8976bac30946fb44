"""Sound of the user's own: was a notice heard whole and first, and nothing beside the model's voice.

Why it exists: what is played by us is in no record of the model's; it is found by its bytes in what the
caller heard. Owns: that judgement and its figures. Pure. Must not know: how anything is played.

A clip that the model says four times is four items that sound the same, and one of them may have been cut. So
the items are followed through what was heard, in their order and frame by frame: where an item is not heard
on, what stands in the place of its rest is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from simulators.comparison import FRAME_BYTES, frames, item_audio
from simulators.mulaw import BYTES_PER_MS, energy
from simulators.realtime.record import SessionRecord
from simulators.twilio import CallRecord

EDGE_BYTES = 100 * BYTES_PER_MS
"""By so much of it an item is found, at its beginning and where it goes on."""

LEAST_ENERGY = 0.0005
"""Softer frames of a sound may be anybody's."""

QUIET_MS = 1_000.0
"""A tool that works for this long while nothing is heard is heard itself. What it does beneath words that are
still being said is nobody's silence."""


@dataclass(slots=True)
class OwnSound:
    """The figures of one scenario, and what is looked for. Empty sounds: nothing is."""

    notice: bytes = field(default=b"", repr=False)
    loop: bytes = field(default=b"", repr=False)
    whole: int = 0
    """Calls that began with the whole notice."""
    not_whole: list[str] = field(default_factory=list)
    filled: int = 0
    """Calls in which the loop was heard."""
    unfilled: list[str] = field(default_factory=list)
    """Those in which a tool worked while nothing was heard, and it was not."""
    over_voice: list[str] = field(default_factory=list)


def judge(figures: OwnSound, call: CallRecord, session: SessionRecord) -> None:
    """Adds one call to the figures; `session`: all of its sessions as one."""
    heard = call.heard_bytes
    if figures.notice:
        is_whole = heard.startswith(b"".join(frames(figures.notice)))
        figures.whole += is_whole
        if not is_whole:
            figures.not_whole.append(f"{call.call_sid}: did not begin with the whole notice")
    if figures.loop:
        said = item_audio(session)
        own = {frame for frame in frames(figures.loop) if energy(frame) >= LEAST_ENERGY}
        own -= {frame for audio in said.values() for frame in frames(audio)}
        is_filled = _has(heard, own)
        figures.filled += is_filled
        if not is_filled and _worked_in_silence(call, session):
            figures.unfilled.append(f"{call.call_sid}: a tool worked in silence")
        stops = _stops(call)
        at = 0
        for item_id, audio in said.items():
            gaps, at = _follow(heard, audio, at, stops)
            if any(_has(heard[begin:end], own) for begin, end in gaps):
                figures.over_voice.append(f"{call.call_sid}: our sound was heard within {item_id}")


# Private.


Gap = tuple[int, int]
"""Bytes of what was heard: from, to."""


def _follow(heard: bytes, audio: bytes, lowest: int, stops: Sequence[int]) -> tuple[list[Gap], int]:
    """Follows one item through what was heard from `lowest` on: what was heard in the midst of it, and the
    place where it ceases (`lowest`, if it was not heard). `stops`: where playing stood still.

    Where it is not heard on, it was cut, and the rest of that stretch is in its place; or it goes on behind
    something else, but before anything that begins as it does: that is another item.
    """
    head, lead = _edge(audio, 0)
    found = heard.find(head, lowest + lead) - lead
    if not head or found < lowest:
        return [], lowest
    again = _or_end(heard.find(head, found + lead + 1), heard)
    gaps: list[Gap] = []
    at, whole = found, frames(audio)
    done = 0
    while done < len(whole):
        if heard.startswith(whole[done], at):
            at += FRAME_BYTES
            done += 1
            continue
        edge, ahead = _edge(audio, done * FRAME_BYTES)
        on = heard.find(edge, at, again) if edge else -1
        if on < 0:
            end = min((stop for stop in stops if stop >= at), default=len(heard))
            return [*gaps, (at, min(end, again))], at
        gaps.append((at, on))
        at, done = on, done + ahead // FRAME_BYTES
    return gaps, at


def _edge(audio: bytes, at: int) -> tuple[bytes, int]:
    """The first piece from there on that can be told from silence, and how far on that is. Empty: there is
    none."""
    for begin in range(at, len(audio) - EDGE_BYTES + 1, FRAME_BYTES):
        if energy(audio[begin : begin + FRAME_BYTES]) >= LEAST_ENERGY:
            return audio[begin : begin + EDGE_BYTES], begin - at
    return b"", 0


def _stops(call: CallRecord) -> list[int]:
    """The ends of what was played without a break, as places in all that was heard."""
    stops, at = [], 0
    for playback in call.playbacks:
        at += len(playback.audio)
        stops.append(at)
    return stops


def _or_end(place: int, heard: bytes) -> int:
    return len(heard) if place < 0 else place


def _worked_in_silence(call: CallRecord, session: SessionRecord) -> bool:
    """Whether a tool was at work for QUIET_MS while nothing was heard, of a call whose loop nobody heard."""
    until_ms = call.zero_ms + (call.ended_at_ms or 0.0)
    posted = {
        item.get("call_id"): timed.at_ms
        for timed in session.received
        if isinstance(item := timed.event.get("item"), dict) and item.get("type") == "function_call_output"
    }
    for timed in session.sent:
        item = timed.event.get("item")
        if timed.type != "response.output_item.done" or not isinstance(item, dict):
            continue
        if item.get("type") == "function_call" and item.get("status") == "completed":
            done_ms = min(until_ms, posted.get(item.get("call_id"), until_ms))
            if _longest_quiet_ms(call, timed.at_ms - call.zero_ms, done_ms - call.zero_ms) >= QUIET_MS:
                return True
    return False


def _longest_quiet_ms(call: CallRecord, from_ms: float, to_ms: float) -> float:
    """The longest stretch between two moments of a call in which nothing was played."""
    longest = 0.0
    for playback in call.playbacks:
        longest = max(longest, min(playback.started_at_ms, to_ms) - from_ms)
        from_ms = max(from_ms, playback.ended_at_ms)
    return max(longest, to_ms - from_ms)


def _has(heard: bytes, own: set[bytes]) -> bool:
    """Whether one of these frames is in it, wherever it begins: a clear may have cut a frame."""
    return any(frame in heard for frame in own)
