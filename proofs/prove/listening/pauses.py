"""Replies that stand still while a caller coughs or murmurs: both records of a call, compared to the byte.

Why it exists: a reply that goes on after a pause is heard in two stretches, which other judgements take for
two replies; here each stretch is given its place in all that the model said. Owns: those places, and what
they say: complete, nothing twice, not cut by noise, silent in time for a word. Pure. Must not know: how
playback is stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from simulators.comparison import (
    FRAME_BYTES,
    TAIL_FRAMES,
    cancelled_items,
    frames,
    interruptions_ms,
    item_audio,
    item_starts_ms,
)
from simulators.mulaw import BYTES_PER_MS
from simulators.realtime.record import SessionRecord
from simulators.twilio import CallRecord
from simulators.twilio.media.playout import PlaybackEnd
from simulators.twilio.record import Utterance

ASIDES = ("cough", "murmur")
"""What an utterance is called that means nothing."""

REPEATED_MS = 40.0
"""So much may be heard twice where a reply goes on: the account of the ear counts whole frames, and is behind
by one at most. No word is as short."""

SILENT_WITHIN_MS = 400.0
"""From the first sound of a word that interrupts to the last of the reply."""

BACK_MS = 5_000.0
"""A stretch that begins so far before the end of the last one is looked for."""

END_MS = 3_000.0
"""What the model said, or went on with, so shortly before the end had no time to be heard."""

FRAME_MS = 20.0

_HEAD_BYTES = 500 * BYTES_PER_MS
_SHORT_HEAD_BYTES = 100 * BYTES_PER_MS


@dataclass(slots=True)
class PauseFigures:
    """The figures of one scenario."""

    asides: int = 0
    """Coughs and murmurs over a reply."""
    resumed: int = 0
    silences_ms: list[float] = field(default_factory=list)
    twice_ms: list[float] = field(default_factory=list)
    """How much was heard again where a reply went on."""
    stopped: int = 0
    """Replies that a cough or a murmur stopped before their end."""
    left: list[str] = field(default_factory=list)
    """Those of them that did not go on."""
    incomplete: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    cut_by_noise: list[str] = field(default_factory=list)
    interruptions: int = 0
    """Words over a reply."""
    silent_ms: list[float] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    above_heard: list[str] = field(default_factory=list)
    """Truncations that name more than was heard."""

    def told(self) -> list[str]:
        """What went wrong, the first of each kind."""
        kinds = (self.left, self.incomplete, self.repeated, self.cut_by_noise, self.late, self.above_heard)
        return [line for kind in kinds for line in kind[:3]]


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was heard without a break, as a place in all that the model said, in bytes."""

    begin: int
    until: int
    started_at_ms: float
    ended_at_ms: float
    end: PlaybackEnd


@dataclass(frozen=True, slots=True)
class Said:
    """All that the model said, item after item, in whole frames."""

    audio: bytes = field(repr=False)
    places: Mapping[str, tuple[int, int]]
    """By item."""

    @classmethod
    def of(cls, session: SessionRecord) -> Said:
        """From its record."""
        places: dict[str, tuple[int, int]] = {}
        parts: list[bytes] = []
        at = 0
        for item_id, audio in item_audio(session).items():
            whole = b"".join(frames(audio))
            places[item_id] = (at, at + len(whole))
            parts.append(whole)
            at += len(whole)
        return cls(b"".join(parts), places)

    def item_at(self, place: int) -> str:
        """The item that the byte before this place is of."""
        return next((item for item, (begin, end) in self.places.items() if begin < place <= end), "")


def concerns(call: CallRecord) -> bool:
    """Whether this caller makes sounds that mean nothing."""
    return any(item.name in ASIDES for item in call.utterances)


def judge(figures: PauseFigures, call: CallRecord, session: SessionRecord, *, notice: bytes = b"") -> None:
    """Adds one call to the figures; `session`: all of its sessions as one. `notice`: what the call begins
    with that is none of the model's."""
    said = Said.of(session)
    cut_ms = {item: at_ms - call.zero_ms for item, at_ms in interruptions_ms(session).items()}
    heard = stretches(call, said, set(cut_ms), notice=b"".join(frames(notice)))
    over = [item for item in call.utterances if item.barge_in]
    figures.asides += sum(item.name in ASIDES for item in over)
    _resumptions(figures, call, said, heard)
    _stops(figures, call, said, heard)
    _completeness(figures, call, session, said, heard, set(cut_ms))
    _noise(figures, call, session, cut_ms)
    _interruptions(figures, call, over)
    _truncations(figures, call, session, said, heard)


def stretches(call: CallRecord, said: Said, cut: set[str], *, notice: bytes = b"") -> list[Stretch]:
    """What was heard of the model, in the order in which it was heard. After an item that was cut, what is
    like its beginning is another one that sounds the same."""
    found: list[Stretch] = []
    at = 0
    for playback in call.playbacks:
        whole = bytes(playback.audio)
        audio = whole.removeprefix(notice)
        begin = _next_place(said, audio, at, said.item_at(at) in cut)
        if begin < 0:
            continue  # None of the model's: a hold clip, say.
        at = begin + _length_in_common(said.audio, begin, audio)
        started_at_ms = playback.started_at_ms + (len(whole) - len(audio)) / BYTES_PER_MS
        found.append(Stretch(begin, at, started_at_ms, playback.ended_at_ms, playback.end))
    return found


# Private.


def _resumptions(figures: PauseFigures, call: CallRecord, said: Said, heard: Sequence[Stretch]) -> None:
    for before, after in pairwise(heard):
        back_ms = (before.until - after.begin) / BYTES_PER_MS
        if back_ms > REPEATED_MS:
            figures.repeated.append(f"{call.call_sid}: {back_ms:.0f} ms were heard twice")
        is_same = said.item_at(before.until) == said.item_at(after.begin + 1)
        if before.end != "cleared" or back_ms < 0 or not is_same:
            continue
        figures.resumed += 1
        figures.twice_ms.append(back_ms)
        figures.silences_ms.append(after.started_at_ms - before.ended_at_ms)
        last = _last_said(call, after.started_at_ms)
        if last is not None and last.name not in ASIDES:
            figures.late.append(f"{call.call_sid}: a reply went on over {last.name}")


def _stops(figures: PauseFigures, call: CallRecord, said: Said, heard: Sequence[Stretch]) -> None:
    """Every reply that noise stopped before its end goes on, if the call does."""
    over_ms = call.ended_at_ms or 0.0
    for number, stretch in enumerate(heard):
        last = _last_said(call, stretch.ended_at_ms)
        if stretch.end != "cleared" or last is None or last.name not in ASIDES:
            continue
        item_id = said.item_at(stretch.until)
        has_rest = bool(item_id) and stretch.until < said.places[item_id][1]
        if not has_rest or over_ms - stretch.ended_at_ms < END_MS:
            continue
        figures.stopped += 1
        after = heard[number + 1] if number + 1 < len(heard) else None
        if after is None or after.begin > stretch.until or said.item_at(after.begin + 1) != item_id:
            figures.left.append(f"{call.call_sid}: {item_id} did not go on after a {last.name}")


def _completeness(
    figures: PauseFigures,
    call: CallRecord,
    session: SessionRecord,
    said: Said,
    heard: Sequence[Stretch],
    cut: set[str],
) -> None:
    excused = cut | cancelled_items(session)
    starts_ms = item_starts_ms(session)
    over_ms = call.ended_at_ms or 0.0
    last_ms = heard[-1].ended_at_ms if heard else 0.0
    for item_id, (begin, end) in said.places.items():
        if item_id in excused:
            continue
        missing = _missing(begin, end - _spared(call, heard, begin, end), heard)
        has_ended = over_ms - max(last_ms, starts_ms[item_id] - call.zero_ms) < END_MS
        is_last = not heard or end > heard[-1].until
        if missing and not (has_ended and is_last):
            figures.incomplete.append(f"{call.call_sid}: {missing} of {end - begin} bytes were not heard")


def _spared(call: CallRecord, heard: Sequence[Stretch], begin: int, end: int) -> int:
    """A word within the last 100 ms of a complete item truncates nothing: the model may as well believe that
    it was heard."""
    last = next((each for each in reversed(heard) if begin < each.until <= end), None)
    if last is None or last.end != "cleared":
        return 0
    said = _last_said(call, last.ended_at_ms)
    return TAIL_FRAMES * FRAME_BYTES if said is not None and said.name not in ASIDES else 0


def _noise(figures: PauseFigures, call: CallRecord, session: SessionRecord, cut_ms: dict[str, float]) -> None:
    ends_ms = dict(cut_ms)
    for response in session.responses.values():
        if response.status == "cancelled" and response.done_at_ms is not None:
            ends_ms[response.response_id] = response.done_at_ms - call.zero_ms
    for ended, at_ms in ends_ms.items():
        last = _last_said(call, at_ms)
        if last is not None and last.name in ASIDES and at_ms < (call.ended_at_ms or 0.0):
            figures.cut_by_noise.append(f"{call.call_sid}: {ended} was cut by a {last.name}")


def _interruptions(figures: PauseFigures, call: CallRecord, over: Sequence[Utterance]) -> None:
    for utterance in over:
        if utterance.name in ASIDES:
            continue
        onset_ms = utterance.voice_started_at_ms
        playing = [p for p in call.playbacks if p.started_at_ms <= onset_ms < p.ended_at_ms]
        if not playing:
            continue
        figures.interruptions += 1
        silent_ms = playing[-1].ended_at_ms - onset_ms
        figures.silent_ms.append(silent_ms)
        if silent_ms > SILENT_WITHIN_MS:
            figures.late.append(f"{call.call_sid}: silent {silent_ms:.0f} ms after {utterance.name}")


def _truncations(
    figures: PauseFigures, call: CallRecord, session: SessionRecord, said: Said, heard: Sequence[Stretch]
) -> None:
    for truncation in session.truncations:
        begin, end = said.places.get(truncation.item_id, (0, 0))
        at_ms = truncation.at_ms - call.zero_ms
        before = (
            min(each.until, end)
            for each in heard
            if each.started_at_ms < at_ms and each.begin < end and begin < each.until
        )
        heard_ms = (max(before, default=begin) - begin) / BYTES_PER_MS
        if not truncation.error and truncation.audio_end_ms > heard_ms + FRAME_MS:
            figures.above_heard.append(
                f"{call.call_sid}: truncated at {truncation.audio_end_ms} ms, heard {heard_ms:.0f} ms"
            )


def _next_place(said: Said, audio: bytes, at: int, is_cut: bool) -> int:
    """Where this was said, by a listener who stood at `at`, in an item that was cut in the end or not; -1:
    nowhere."""
    far = _place(said.audio, audio, max(0, at - int(BACK_MS * BYTES_PER_MS)))
    if not is_cut:
        return far
    near = _place(said.audio, audio, max(0, at - int(REPEATED_MS * BYTES_PER_MS)))
    # In the midst of a later item that sounds the same nothing begins: it went on further back.
    is_beginning = any(near == begin for begin, _ in said.places.values())
    item_id = said.item_at(at)
    if said.item_at(near + 1) == item_id or is_beginning or said.item_at(far + 1) != item_id:
        return near
    return far


def _place(said: bytes, audio: bytes, lowest: int) -> int:
    """Where this was said; -1: nowhere."""
    for length in (_HEAD_BYTES, _SHORT_HEAD_BYTES):
        found = said.find(audio[:length], lowest)
        if found >= 0 and audio:
            return found
    return -1


def _length_in_common(said: bytes, begin: int, audio: bytes) -> int:
    if said.startswith(audio, begin):
        return len(audio)
    length = 0
    while length < len(audio) and said.startswith(audio[length : length + FRAME_BYTES], begin + length):
        length += FRAME_BYTES
    return min(length, len(audio))


def _missing(begin: int, end: int, heard: Sequence[Stretch]) -> int:
    """How many bytes of a place no stretch covers."""
    missing, at = 0, begin
    for each in sorted(heard, key=lambda stretch: stretch.begin):
        if each.begin >= end:
            break
        missing += max(0, each.begin - at)
        at = max(at, each.until)
    return missing + max(0, end - at)


def _last_said(call: CallRecord, at_ms: float) -> Utterance | None:
    """What the caller said last, or still says, at this time."""
    begun = [item for item in call.utterances if item.voice_started_at_ms <= at_ms]
    return begun[-1] if begun else None
