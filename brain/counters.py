"""What a brain process counts and measures: declared fields, incremented where things happen.

Why it exists: a figure that is counted under a name in one place and read under another is 0 for ever. Owns:
the fields, and what the sequencers' journal lines are counted as. Must not know: who reads them
(/metrics does), which call something happened in.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from brain.sequencer.actions import Skip
from brain.sequencer.door import Gate
from shared.contract.streams.journal import Kind
from shared.figures.counters import OTHER, Counts
from shared.figures.histograms import Histogram, latency_ms, response_ms

FLUSH_CAUSES = ("speech", "caller_text", "force", "hang_up", "move", "unwanted", OTHER)
"""Why the sequencer ends all that is audible."""

WISH_ENDS = ("spoken", "cut_short", "failed", "superseded", "expired")
STATUSES = ("completed", "cancelled", "incomplete", "failed", OTHER)
"""Of `response.done`."""

ENDS_BY_STATUS = {"completed": "spoken", "cancelled": "cut_short"}


@dataclass(slots=True)
class BrainCounters:
    """All calls of the process, since it started."""

    calls: int = 0
    """Calls taken."""
    contexts_asked: int = 0
    """Times that the user's system was asked who calls."""
    contexts_failed: int = 0
    """Those that were not answered in time, or with nothing that can be meant."""
    sessions_confirmed: int = 0
    """Sessions whose format the model's server has confirmed."""
    sessions_failed: int = 0
    """Attempts that did not end in a confirmed session."""
    sessions_beside: int = 0
    """Attempts that were begun beside others, because those were not answered in time."""
    sessions_early: int = 0
    """Sessions begun while a call rang, and taken by it; they may not have been confirmed yet."""
    sessions_early_unused: int = 0
    """Sessions begun while a call rang that it did not take: no stream came, another brain or agent serves
    it, or they failed before."""
    sessions_lost: int = 0
    """Sessions that ended before we ended them, and those that we replaced because they did not answer."""
    rollovers: int = 0
    """Sessions replaced before their end."""
    items_seeded: int = 0
    """Items of a call's past told to a new session."""
    seeds_refused: int = 0
    """Items of a call's past that a new session would not take."""
    appends: int = 0
    """Pieces of caller audio given to the model."""
    frames_appended: int = 0
    """Frames of callers given to the model."""
    frames_padded: int = 0
    """Silence sent in the place of frames that never came."""
    frames_old_leg: int = 0
    """Frames dropped because a newer stream of the call had begun."""
    frames_repeated: int = 0
    """Frames dropped because they came twice."""
    frames_replayed: int = 0
    """Half seconds of callers that were said again to a new session."""
    caller_gaps: int = 0
    """Times that frames of a caller were missing."""
    caller_entries_bad: int = 0
    """Entries of callers that could not be read."""
    caller_pauses: int = 0
    """Times that a slow model socket made us leave caller audio in Redis."""
    deltas: int = 0
    """Pieces of the model's audio."""
    delta_bytes: int = 0
    """Audio of the model that was admitted."""
    deltas_bad: int = 0
    """Pieces of the model's audio that were not base64."""
    deltas_skipped: Counts = field(default_factory=lambda: Counts("cause", Skip))
    """Pieces of the model's audio that were not admitted."""
    events: int = 0
    """Events of the model's server."""
    events_bad: int = 0
    """Events of the model's server that were not JSON."""
    errors_benign: int = 0
    """Errors of the model's server that lost races explain."""
    errors_unknown: int = 0
    """Errors of the model's server that nothing explains."""
    transcriptions_failed: int = 0
    """Turns of callers that the model's server could not transcribe."""
    creates: int = 0
    """Responses asked for."""
    barge_ins: int = 0
    """Flushes: all that was audible or on its way was ended."""
    pauses: int = 0
    """Times that a caller's voice stopped playback until it was known whether they interrupt."""
    passed_over: int = 0
    """Voices of callers that were nothing: noise, or a word that only shows that they listen."""
    tools_run: int = 0
    """Tool calls run."""
    tools_failed: int = 0
    """Tool calls that failed or took too long."""
    control_messages: int = 0
    """Control messages read."""
    control_ignored: int = 0
    """Control messages of a kind that the brain does not know."""
    hang_ups: int = 0
    """Calls that we hung up."""
    given_up: int = 0
    """Calls that heard an apology because there was no session with the model, or no card to be read."""
    fenced: int = 0
    """Calls let go of because a write was refused."""
    calls_failed: int = 0
    """Calls that a bug of ours ended, with an apology."""


@dataclass(slots=True)
class BrainHops:
    """What the brain adds to the way of the caller's audio."""

    ingress_to_brain_ms: Histogram = field(default_factory=latency_ms)
    """From the stamp of a caller's frame in ingress to its append: of the oldest frame of each append, which
    has waited for the second one."""


@dataclass(slots=True)
class ResponseTimes:
    """How long callers wait for the model, of all calls since the process started."""

    created_ms: Histogram = field(default_factory=response_ms)
    """From a `response.create` of ours to its `response.created`."""
    create_to_audio_ms: Histogram = field(default_factory=response_ms)
    """From a `response.create` of ours to the first audio of its response."""
    turn_to_audio_ms: Histogram = field(default_factory=response_ms)
    """From `speech_stopped` to the first audio after it, tools and all. The server's VAD adds its own
    silence before that."""
    barge_in_ms: Histogram = field(default_factory=response_ms)
    """From `speech_started` to the flush that it led to, written in Redis."""


@dataclass(slots=True)
class SequencerCounters:
    """What the sequencers of all calls decided, by their journal lines."""

    wishes: Counts = field(default_factory=lambda: Counts("outcome", WISH_ENDS))
    """Wishes to speak, by how they ended."""
    deferrals: Counts = field(default_factory=lambda: Counts("gate", Gate))
    """Times that a wish to speak had to wait, by the gate that was closed."""
    responses: Counts = field(default_factory=lambda: Counts("status", STATUSES))
    """Responses of the model that are done, ours and the server's own."""
    refusals: Counts = field(default_factory=lambda: Counts("what", ("create", "cancel", OTHER)))
    """Requests of ours that the model's server refused."""
    flushes: Counts = field(default_factory=lambda: Counts("cause", FLUSH_CAUSES))
    """Times that all that was audible or on its way was ended."""
    errors: int = 0
    """Things that should not happen and were put right: deadlines passed, events missing."""

    def note(
        self,
        kind: Kind,
        *,
        status: str = "",
        wish: str = "0",
        gate: str = "",
        what: str = "",
        cause: str = "",
        **_: str,
    ) -> None:
        """A journal line of a sequencer, and those of its fields that are figures here."""
        match kind:
            case Kind.RESPONSE_DONE:
                self.responses.count(status)
                if wish != "0":
                    self.wishes[ENDS_BY_STATUS.get(status, "failed")] += 1
            case Kind.RESPONSE_SUPERSEDED:
                self.wishes["superseded"] += 1
            case Kind.RESPONSE_EXPIRED:
                self.wishes["expired"] += 1
            case Kind.RESPONSE_DEFERRED:
                self.deferrals[gate] += 1
            case Kind.REFUSED:
                self.refusals.count(what)
            case Kind.FLUSH:
                self.flushes.count(cause)
            case Kind.ERROR:
                self.errors += 1
            case _:
                pass


@dataclass(frozen=True, slots=True)
class BrainFigures:
    """What a process measures of all its calls, beside its counters."""

    hops: BrainHops = field(default_factory=BrainHops)
    sequencer: SequencerCounters = field(default_factory=SequencerCounters)
    times: ResponseTimes = field(default_factory=ResponseTimes)
