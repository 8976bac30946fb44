"""The figures of the demo's call, drawn from the record of the Twilio simulator. Pure.

Owns: which figures stand in the summary. What each means is defined in simulators/twilio/measures.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulators.twilio import measures
from simulators.twilio.record import CallRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One utterance of the caller and how fast it was answered."""

    name: str
    response_ms: float | None
    """End of the caller's voice to the first sound of the answer; None without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The call in numbers."""

    turns: list[Turn]
    barge_in_silent_ms: list[float]
    """Onset of the caller's voice to the last sound of the interrupted reply."""
    barge_in_dropped_ms: list[float]
    """Audio at Twilio that `clear` threw away unheard."""
    frames_to_caller: int
    frames_late: int
    """Frames that arrived after the time at which they were due to be heard: each is a hole."""
    worst_late_ms: float
    lead_ms: float
    """Median of the audio in hand at Twilio when a frame arrived."""
    frames_from_caller: int
    frames_lost: int
    """Caller frames that the bridge did not take, and that nobody could take."""
    simulator_late_ms: float
    """The simulator's own worst delay; a large one blurs all other figures."""


def figures(record: CallRecord) -> Figures:
    """All figures of a call that is over."""
    lateness = measures.lateness_ms(record)
    late = [ms for ms in lateness if ms > 0]
    times = measures.response_times_ms(record)
    barge_ins = measures.barge_ins(record)
    return Figures(
        turns=[
            Turn(name=utterance.name, response_ms=ms)
            for utterance, ms in zip(record.utterances, times, strict=True)
        ],
        barge_in_silent_ms=[barge_in.silent_after_ms for barge_in in barge_ins],
        barge_in_dropped_ms=[barge_in.dropped_ms for barge_in in barge_ins],
        frames_to_caller=len(lateness),
        frames_late=len(late),
        worst_late_ms=max(late, default=0.0),
        lead_ms=-measures.percentile(lateness, 0.5),
        frames_from_caller=sum(stream.frames_sent for stream in record.streams),
        frames_lost=sum(stream.frames_dropped for stream in record.streams)
        + sum(utterance.frames_lost for utterance in record.utterances),
        simulator_late_ms=record.worst_tick_late_ms,
    )
