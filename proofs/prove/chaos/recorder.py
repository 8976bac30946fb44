"""The two simulators' records of a call, written down frame by frame.

Why it exists: what is judged offline must stand in a file, and the simulators keep audio, not frames. Owns:
the translation, on one clock. Must not know: what is allowed, or which fault there was.
"""

from __future__ import annotations

from base64 import b64decode
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ingress.sound.hold_clip import hold_clip
from proofs.prove.chaos.evidence import shapes
from proofs.prove.chaos.evidence.coding import (
    CALLER,
    FRAME_BYTES,
    FRAME_MS,
    MODEL,
    Code,
    Piece,
    is_beginning,
    pieces,
)
from proofs.prove.listening.spans import Span
from simulators import mulaw
from simulators.comparison import interruptions_ms
from simulators.realtime.record import SessionRecord
from simulators.twilio import CallRecord
from simulators.twilio.measures import arrivals_ms, lateness_ms
from simulators.twilio.record import MediaStream, Utterance

Stall = tuple[float, float]
"""From when to when the simulators' loop did nothing, on the host's monotonic clock."""

STALL_SLACK_MS: Final = 5.0
"""Behind a stall it takes a moment to read all that has come."""

OF_TWILIO: Final = {"Say": "apology", "Dial": "ringing"}
"""The verbs with which Twilio itself is heard: its own voice, the tone of a number that rings."""

_LONGEST_STALL_MS: Final = 2_000.0
_SILENCE: Final = bytes([mulaw.SILENCE])
_OWN_CLIP: Final = hold_clip() * 20
"""However often it was played without a pause between."""


def call_of(
    number: int,
    record: CallRecord,
    sessions: Sequence[SessionRecord],
    *,
    is_hit: bool,
    is_finished: bool,
    owners: Mapping[str, list[str]] | None = None,
    stalls_ms: Sequence[Stall] = (),
    network_ms: float = 0.0,
) -> shapes.Call:
    """One call. `sessions` are its own."""
    zero_ms = record.zero_ms
    ended_at_ms = 0.0 if record.ended_at_ms is None else record.ended_at_ms
    call = shapes.Call(
        number=number,
        call_sid=record.call_sid,
        is_hit=is_hit,
        answered_ms=_on(zero_ms, record.answered_at_ms),
        ended_ms=zero_ms + ended_at_ms,
        ended=record.end_reason,
        is_finished=is_finished,
        said=[_said(record, word, ended_at_ms) for word in record.utterances],
        legs=[
            shapes.Leg(
                _on(zero_ms, leg.open_at_ms),
                _on(zero_ms, leg.ended_at_ms),
                leg.end,
                _on(zero_ms, leg.first_media_at_ms),
            )
            for leg in record.streams
        ],
        sessions=[_session(session) for session in sessions],
        clears_ms=[zero_ms + clear.at_ms for clear in record.clears],
        lateness_ms=_lateness_ms(record, stalls_ms, network_ms),
        simulator_late_ms=record.worst_tick_late_ms,
        owners=dict(owners or {}),
    )
    for playback in record.playbacks:
        _listen(call, zero_ms + playback.started_at_ms, bytes(playback.audio))
    for stream in record.streams:
        call.arrived.extend(_arrivals(zero_ms, stream))
    for verb in record.verbs:
        if verb.name in OF_TWILIO:
            end_ms = zero_ms + (verb.ended_at_ms or ended_at_ms)
            span = Span(zero_ms + verb.started_at_ms, end_ms)
            call.other.append(shapes.OtherSound(OF_TWILIO[verb.name], span))
    return call


# Private.


def _on(zero_ms: float, at_ms: float | None) -> float | None:
    return None if at_ms is None else zero_ms + at_ms


def _frame(at_ms: float, code: Code, ms: float) -> shapes.Frame:
    voice = code.voice
    return shapes.Frame(
        at_ms=round(at_ms, 2),
        session=voice.session,
        response=voice.response,
        item=voice.item,
        frame=code.frame,
        call=voice.call,
        clip=voice.clip,
        ms=ms,
    )


def _listen(call: shapes.Call, at_ms: float, audio: bytes) -> None:
    """One unbroken stretch of sound."""
    for piece in pieces(audio):
        piece_ms = at_ms + piece.start / mulaw.BYTES_PER_MS
        if piece.code is not None and piece.code.voice.speaker == MODEL:
            call.heard.append(_frame(piece_ms, piece.code, piece.length / mulaw.BYTES_PER_MS))
        elif not is_beginning(audio[piece.start : piece.start + piece.length]):
            call.other.append(_other(at_ms, audio, piece))


def _lateness_ms(record: CallRecord, stalls_ms: Sequence[Stall], network_ms: float) -> list[float]:
    """Of each 20 ms, less what the simulators were late with it themselves: they read it, and before that
    the network between passed it on."""
    at_ms = [record.zero_ms + at for at in arrivals_ms(record)]
    near = [
        (began_ms + shift_ms, ended_ms + shift_ms + STALL_SLACK_MS)
        for began_ms, ended_ms in stalls_ms
        for shift_ms in {0.0, network_ms}
    ]
    near.sort()
    found = []
    for at, late_ms in zip(at_ms, lateness_ms(record), strict=True):
        own_ms = 0.0
        for began_ms, ended_ms in _before(near, at):
            if at <= ended_ms:
                own_ms = max(own_ms, at - began_ms)
        found.append(round(late_ms - own_ms, 1) if late_ms else 0.0)
    return found


def _before(near: Sequence[Stall], at_ms: float) -> Iterator[Stall]:
    """Those that began by then, the last ones first, as far back as a stall may last."""
    for place in range(bisect_left(near, (at_ms, 0.0)) - 1, -1, -1):
        if at_ms - near[place][0] > _LONGEST_STALL_MS:
            return
        yield near[place]


def _other(at_ms: float, audio: bytes, piece: Piece) -> shapes.OtherSound:
    sound = audio[piece.start : piece.start + piece.length]
    start = piece.start + len(sound) - len(sound.lstrip(_SILENCE))
    end = piece.start + len(sound.rstrip(_SILENCE))
    kind = "clip" if piece.code is None and audio[start:end] in _OWN_CLIP else "unknown"
    span = Span(at_ms + start / mulaw.BYTES_PER_MS, at_ms + end / mulaw.BYTES_PER_MS)
    return shapes.OtherSound(kind, span)


def _arrivals(zero_ms: float, stream: MediaStream) -> Iterator[shapes.Frame]:
    """What was sent to Twilio, played or not."""
    start = 0
    for at_ms, size in zip(stream.received_at_ms, stream.received_bytes, strict=True):
        for piece in pieces(bytes(stream.received_audio[start : start + size])):
            if piece.code is not None:
                yield _frame(zero_ms + at_ms, piece.code, piece.length / mulaw.BYTES_PER_MS)
        start += size


def _said(record: CallRecord, word: Utterance, ended_at_ms: float) -> shapes.Said:
    until_ms = ended_at_ms if word.ended_at_ms is None else word.ended_at_ms
    # A simulator that is late takes longer for its words; they are no more for that.
    said_ms = min(until_ms - word.started_at_ms, word.voice_to_ms)
    return shapes.Said(
        number=int(word.name),
        started_ms=record.zero_ms + word.started_at_ms,
        voice=Span(
            record.zero_ms + word.voice_started_at_ms,
            record.zero_ms + min(word.voice_ended_at_ms, ended_at_ms),
        ),
        frames=round(said_ms / FRAME_MS),
    )


def _session(record: SessionRecord) -> shapes.Session:
    cuts, clips = interruptions_ms(record), _clips(record)
    session = shapes.Session(
        number=record.number,
        opened_ms=record.opened_at_ms,
        opening_ms=record.knobs.opening_ms,
        closed_ms=record.closed_at_ms,
        got=list(_got(record)),
    )
    for response in record.responses.values():
        own = [item for item in record.items.values() if item.response_id == response.response_id]
        session.responses.append(
            shapes.Response(
                number=response.number,
                response_id=response.response_id,
                reason=response.reason,
                created_ms=response.created_at_ms,
                done_ms=response.done_at_ms,
                status=response.status,
                first_audio_ms=response.first_audio_at_ms,
                items=[
                    shapes.Item(
                        index=index,
                        frames=-int(-item.generated_ms // FRAME_MS),
                        cut_ms=cuts.get(item.item_id),
                        clip=clips.get(item.item_id, 0),
                    )
                    for index, item in enumerate(own)
                    if item.generated_ms
                ],
            )
        )
    return session


def _clips(record: SessionRecord) -> dict[str, int]:
    """Which words each item stands for. Audio that names no item says it of none."""
    begun: dict[str, bytes] = {}
    for event in record.sent_of("response.output_audio.delta"):
        item_id = str(event.get("item_id") or "")
        if item_id and len(begun.get(item_id, b"")) < FRAME_BYTES:
            begun[item_id] = begun.get(item_id, b"") + b64decode(str(event["delta"]))
    codes = {item_id: Code.read(audio, 0) for item_id, audio in begun.items()}
    return {item_id: code.voice.clip for item_id, code in codes.items() if code is not None}


def _got(record: SessionRecord) -> Iterator[shapes.Got]:
    """The caller's frames, each with the append that completed it."""
    ends = [end for _, end in record.appended_at]
    for piece in pieces(bytes(record.appended_audio)):
        if piece.code is not None and piece.code.voice.speaker == CALLER:
            at_ms, _ = record.appended_at[bisect_left(ends, piece.start + piece.length)]
            yield shapes.Got(
                round(at_ms, 2), piece.code.voice.call, piece.code.voice.response, piece.code.frame
            )
