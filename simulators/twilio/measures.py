"""Figures drawn from a call's record: what a listener would say about the bridge, in numbers.

Why it exists: response time, barge-in, gaps and lateness must mean the same in tests, demo and proofs. Owns:
the definitions, and the WAV of a call. Must not know: why a figure is what it is. Times are ms, as in the
record.
"""

from __future__ import annotations

import sys
import wave
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from simulators import mulaw
from simulators.twilio.caller.clip import FRAME_BYTES
from simulators.twilio.media.playout import REPLY_JOIN_MS, Playback
from simulators.twilio.record import CallRecord, MediaStream, Utterance


@dataclass(frozen=True, slots=True)
class Spurt:
    """One talk spurt of the bridge: stretches of sound with no more than REPLY_JOIN_MS between."""

    started_at_ms: float
    ended_at_ms: float
    played_ms: float
    gaps_ms: tuple[float, ...]
    """Silences inside it, where the bridge was too late: audible holes."""
    cleared: bool
    """Its end was a clear, not the last of its audio."""


@dataclass(frozen=True, slots=True)
class BargeIn:
    """The caller spoke into the bridge's speech."""

    voice_started_at_ms: float
    silent_after_ms: float
    """From the onset of the caller's voice to the last sound of the interrupted reply."""
    clear_after_ms: float | None
    """To the arrival of the first clear; None without a clear."""
    dropped_ms: float
    """Audio that the clear threw away unheard."""


def spurts(record: CallRecord, *, join_ms: float = REPLY_JOIN_MS) -> list[Spurt]:
    """The bridge's talk spurts in order."""
    groups: list[list[Playback]] = []
    for playback in record.playbacks:
        if groups and playback.started_at_ms - groups[-1][-1].ended_at_ms <= join_ms:
            groups[-1].append(playback)
        else:
            groups.append([playback])
    return [_spurt(group) for group in groups]


def response_times_ms(record: CallRecord) -> list[float | None]:
    """For each utterance: end of the caller's voice to the first sound of the answer.

    None where no spurt began before the next utterance. The figure is negative for a spurt that began before
    the voice ended (an answer to a pause in mid-clip).
    """
    starts = [spurt.started_at_ms for spurt in spurts(record)]
    times: list[float | None] = []
    for number, utterance in enumerate(record.utterances):
        until_ms = (
            record.utterances[number + 1].started_at_ms
            if number + 1 < len(record.utterances)
            else float("inf")
        )
        first = next((at for at in starts if utterance.started_at_ms < at < until_ms), None)
        times.append(None if first is None else first - utterance.voice_ended_at_ms)
    return times


def barge_ins(record: CallRecord) -> list[BargeIn]:
    """Every utterance that began while the bridge was audible, and how fast it fell silent."""
    found: list[BargeIn] = []
    for utterance in record.utterances:
        if utterance.barge_in:
            found.append(_barge_in(record, utterance))
    return found


def gaps_ms(record: CallRecord) -> list[float]:
    """Holes inside talk spurts, all spurts together."""
    return [gap for spurt in spurts(record) for gap in spurt.gaps_ms]


def lateness_ms(record: CallRecord) -> array[float]:
    """For each 20 ms that came: arrival minus the time at which their first sample was due to play.

    A message of any length is judged by the frames in it, each by its own due time; `arrivals_ms` has their
    arrivals. The due time counts from the first frame of the spurt (its anchor), n × 20 ms. Negative: time in
    hand (the lead). Above zero: a hole of that length. A first frame, and one arriving after more than
    REPLY_JOIN_MS of quiet, is an anchor and counts as 0.
    """
    lateness = array("d")
    for stream in record.streams:
        lateness.extend(_lateness_of(stream))
    return lateness


def arrivals_ms(record: CallRecord) -> array[float]:
    """When each of these 20 ms arrived: those of one message at one moment."""
    return array("d", (at_ms for stream in record.streams for at_ms, _ in _frames_of(stream)))


def behind_schedule_ms(record: CallRecord, lead_ms: float) -> array[float]:
    """For each 20 ms that a pacer held back: arrival minus its due time less the lead.

    For a bridge that keeps `lead_ms` of audio ahead of the ear. What makes up the lead at the beginning of a
    spurt is sent as soon as it is there, so its time says nothing about the pacer: it is left out. Negative:
    more in hand than the lead.
    """
    behind = array("d")
    for stream in record.streams:
        for at_ms, anchor_ms, due_ms in _arrivals(stream):
            if due_ms - anchor_ms >= lead_ms:
                behind.append(at_ms - due_ms + lead_ms)
    return behind


def stale_after_clear_ms(record: CallRecord, *, within_ms: float = 150.0) -> float:
    """Audio that arrived within `within_ms` after a clear: too soon for a new answer, so stale."""
    stale_bytes = 0
    for stream in record.streams:
        for clear in stream.clears:
            stale_bytes += sum(
                size
                for at, size in zip(stream.received_at_ms, stream.received_bytes, strict=True)
                if clear.at_ms <= at <= clear.at_ms + within_ms
            )
    return stale_bytes / mulaw.BYTES_PER_MS


def percentile(values: array[float] | list[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie; 0.0 without values."""
    if not values:
        return 0.0
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def write_stereo_wav(record: CallRecord, path: Path) -> None:
    """Both sides on one timeline: left the caller, right what the caller heard; 16 bit, 8 kHz."""
    left, right = record.caller_audio, record.heard_audio
    length = max(len(left), len(right))
    silence = bytes([mulaw.SILENCE])
    samples = array("h", bytes(4 * length))
    samples[0::2] = mulaw.decode(left.ljust(length, silence))
    samples[1::2] = mulaw.decode(right.ljust(length, silence))
    if sys.byteorder == "big":
        samples.byteswap()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(mulaw.SAMPLE_RATE_HZ)
        file.writeframes(samples.tobytes())


# Private.


def _spurt(group: list[Playback]) -> Spurt:
    return Spurt(
        started_at_ms=group[0].started_at_ms,
        ended_at_ms=group[-1].ended_at_ms,
        played_ms=sum(playback.bytes for playback in group) / mulaw.BYTES_PER_MS,
        gaps_ms=tuple(
            after.started_at_ms - before.ended_at_ms
            for before, after in pairwise(group)
            if before.end == "dry"
        ),
        cleared=group[-1].end == "cleared",
    )


def _barge_in(record: CallRecord, utterance: Utterance) -> BargeIn:
    onset_ms = utterance.voice_started_at_ms
    interrupted = [spurt for spurt in spurts(record) if spurt.started_at_ms <= utterance.started_at_ms]
    clear = next((clear for clear in record.clears if clear.at_ms >= onset_ms), None)
    return BargeIn(
        voice_started_at_ms=onset_ms,
        silent_after_ms=interrupted[-1].ended_at_ms - onset_ms,
        clear_after_ms=None if clear is None else clear.at_ms - onset_ms,
        dropped_ms=0.0 if clear is None else clear.dropped_ms,
    )


def _frames_of(stream: MediaStream) -> Iterator[tuple[float, int]]:
    """Arrival and size of each 20 ms; of a message that is no multiple of that, the last piece is shorter."""
    for at_ms, size in zip(stream.received_at_ms, stream.received_bytes, strict=True):
        for start in range(0, size, FRAME_BYTES):
            yield at_ms, min(FRAME_BYTES, size - start)


def _lateness_of(stream: MediaStream) -> array[float]:
    return array("d", (at_ms - due_ms for at_ms, _, due_ms in _arrivals(stream)))


def _arrivals(stream: MediaStream) -> Iterator[tuple[float, float, float]]:
    """Of each 20 ms: arrival, anchor of its spurt, time at which its first sample was due."""
    clears = iter([clear.at_ms for clear in stream.clears])
    next_clear_ms = next(clears, float("inf"))
    due_ms = anchor_ms = float("-inf")
    for at_ms, size in _frames_of(stream):
        while next_clear_ms <= at_ms:
            due_ms = float("-inf")  # what follows a clear is a new spurt
            next_clear_ms = next(clears, float("inf"))
        if at_ms - due_ms > REPLY_JOIN_MS:
            due_ms = anchor_ms = at_ms
        yield at_ms, anchor_ms, due_ms
        due_ms = max(due_ms, at_ms) + size / mulaw.BYTES_PER_MS
