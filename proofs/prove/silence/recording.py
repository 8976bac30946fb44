"""A simulated call's record as the ear wants it, also while the call goes on.

Why it exists: the ear shall not depend on how the Twilio simulator writes things down, and must know within
moments whether anything is owed, for a dozen calls at once. Owns: the translation, what counts as time in
which nobody could have played anything, and what was made of stretches that are over, so that nothing is
searched twice. Pure. Must not know: what is allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from proofs.prove.listening.ear import Hearing, Kind, Recording, Sound, listen
from proofs.prove.listening.spans import Span
from proofs.prove.silence.recognise import Known, sounds
from simulators.twilio.record import CallRecord, MediaStream

SPOKEN = "Say"
"""The verb with which Twilio's own voice speaks."""


def recording_of(
    record: CallRecord, heard: Iterable[Sound], *, now_ms: float, stopped: Iterable[Span] = ()
) -> Recording:
    """`heard`: what its playbacks are made of; `now_ms` of the call's own clock; `stopped`: when the ingress
    that has the socket stood still."""
    ended_ms = now_ms if record.ended_at_ms is None else record.ended_at_ms
    answered_ms = ended_ms if record.answered_at_ms is None else record.answered_at_ms
    spoken = [
        Sound(Kind.APOLOGY, Span(verb.started_at_ms, verb.ended_at_ms or ended_ms))
        for verb in record.verbs
        if verb.name == SPOKEN
    ]
    return Recording(
        answered_at_ms=answered_ms,
        ended_at_ms=ended_ms,
        sounds=sorted([*heard, *spoken], key=lambda sound: sound.span),
        speech=[
            Span(word.voice_started_at_ms, min(word.voice_ended_at_ms, ended_ms))
            for word in record.utterances
            if word.frames_lost * 20 < word.voice_to_ms - word.voice_from_ms
        ],
        keys=[key.at_ms for key in record.key_presses if key.delivered],
        down=[*_without_a_socket(record.streams, ended_ms), *stopped],
    )


@dataclass(slots=True)
class Listener:
    """The ear of one call."""

    record: CallRecord
    known: Known
    _heard: list[Sound] = field(default_factory=list)
    _stretches: int = 0
    """How many are over and in `_heard`."""

    def hearing(self, now_ms: float, stopped: Sequence[Span] = ()) -> Hearing:
        """What was heard so far; of a stretch that goes on, what was played of it."""
        playbacks = self.record.playbacks
        while self._stretches < len(playbacks) and playbacks[self._stretches].end != "playing":
            playback = playbacks[self._stretches]
            self._heard += sounds(playback.started_at_ms, bytes(playback.audio), self.known)
            self._stretches += 1
        heard = list(self._heard)
        for playback in playbacks[self._stretches :]:
            # What is being played has not ceased: whether it will come to its end nobody knows.
            going_on = sounds(playback.started_at_ms, bytes(playback.audio), self.known)
            heard += [Sound(sound.kind, sound.span, sound.name) for sound in going_on]
        return listen(recording_of(self.record, heard, now_ms=now_ms, stopped=stopped))


# Private.


def _without_a_socket(streams: Sequence[MediaStream], ended_ms: float) -> list[Span]:
    """From the end of a stream to the next one. Behind the last one only if its connection broke: a stream
    that was closed is followed by what Twilio was told to say."""
    down = []
    for number, stream in enumerate(streams):
        if stream.ended_at_ms is None:
            continue
        later = [next_one.open_at_ms for next_one in streams[number + 1 :] if next_one.open_at_ms is not None]
        if later:
            down.append(Span(stream.ended_at_ms, later[0]))
        elif stream.end != "bridge_closed":
            down.append(Span(stream.ended_at_ms, ended_ms))
    return down
