"""What ingress counts, declared once: plain fields, incremented where things happen.

Owns: the figures, and their meaning in words. Must not know: when something is counted. Labels are bounded:
Counts have one key for each member of an enumeration of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ingress.calls.fence import Admit
from ingress.errors import Fault, StartReason, TokenReason, WebhookReason
from ingress.rescue.stranded import Outcome
from shared.contract.owed import CAUSES
from shared.figures.counters import OTHER, Counts
from shared.figures.histograms import Histogram, latency_ms, unsent_bytes

START_REFUSALS = (*TokenReason, *StartReason, OTHER)
"""Why a `start` is refused: its token, its data, or the answer of the ATTACH script."""


ASKED = (Outcome.DONE, Outcome.GONE, Outcome.LATER, Outcome.REFUSED)
"""What Twilio can answer to being asked for a call."""


def _faults() -> Counts:
    return Counts("cause", Fault)


def _drops() -> Counts:
    return Counts("cause", [admit for admit in Admit if admit is not Admit.PASS])


@dataclass(slots=True)
class SocketCounters:
    """Media sockets: from the upgrade request to the last byte."""

    upgrades: int = 0
    """WebSocket handshakes answered with 101."""
    refused_signature: int = 0
    """Handshakes answered 403: not signed by Twilio for this URL."""
    refused_path: int = 0
    """Handshakes answered 404."""
    refused_request: int = 0
    """Handshakes that were no valid WebSocket request."""
    handshake_too_slow: int = 0
    """Connections closed because their request did not come in time."""
    protocol_errors: int = 0
    """Connections that broke RFC 6455, or sent a message above the limit (1009)."""
    control_floods: int = 0
    """Connections cut because of too many pings."""
    unread_cut: int = 0
    """Sockets dropped because their peer reads nothing at all."""
    pings: int = 0
    """Pings sent to sockets that had been silent."""
    frames_written: int = 0
    """Frames of audio given to sockets."""
    frames_overflowed: int = 0
    """Frames dropped because a call's unsent bytes were above the bound: Twilio reads too slowly."""
    frames_cleared: int = 0
    """Unsent frames dropped by a clear."""
    faults: Counts = field(default_factory=_faults)
    """Messages of Twilio's that could not be taken."""
    bytes_written: int = 0
    """Frames of media and control messages given to sockets, headers of ours included."""
    unsent_bytes: Histogram = field(default_factory=unsent_bytes)
    """What a call's socket had not got rid of, looked at every 3 s: ours, the transport's, the kernel's."""


@dataclass(slots=True)
class CallCounters:
    """Calls, and the pipeline's two streams of this process."""

    strays: int = 0
    """Calls that Redis said were here, and were not: an answer or a write was lost, or an older snapshot came
    back. They end, unless they stream again."""
    failed: int = 0
    """Calls whose stream was closed since a bug was met in them: they go on in a new one."""
    attached: int = 0
    """Calls that came to this process with their first stream."""
    resumed: int = 0
    """Streams of calls that had one before."""
    starts_refused: Counts = field(default_factory=lambda: Counts("reason", START_REFUSALS))
    """Streams that were opened and not attached."""
    detached: int = 0
    """Streams that ended."""
    ended: int = 0
    """Calls that this process ended."""
    superseded: int = 0
    """Streams closed because the call had a newer one."""
    restored: int = 0
    """Cards written again after Redis came back empty."""
    unheard: int = 0
    """Frames and keys of callers that Redis had no place for when it came back empty: the brain was told them
    afterwards."""
    silent_cut: int = 0
    """Connections cut because no byte came, pings or not."""
    watchdog_ends: int = 0
    """Calls ended because Twilio sent no media any more."""
    caller_frames: int = 0
    """Frames of callers given to the brain."""
    caller_gap_chunks: int = 0
    """Frames of callers that never came, by Twilio's count or its time."""
    caller_renumbered: int = 0
    """Times that Twilio's count of a caller's frames leapt or went back, and was followed."""
    caller_repeats: int = 0
    """Frames of callers dropped because they came twice."""
    caller_other_track: int = 0
    """Frames dropped because they were not the caller's."""
    held_dropped: int = 0
    """Messages dropped because attaching took too long."""
    dtmf: int = 0
    """Keys pressed."""
    echoes: int = 0
    """Marks that Twilio sent back."""
    stops: int = 0
    """`stop` messages of Twilio's."""
    out_entries: int = 0
    """Entries read from egress and brain."""
    out_frames: int = 0
    """Frames let through to a socket."""
    out_marks: int = 0
    """Marks sent."""
    out_clears: int = 0
    """Clears sent."""
    out_pauses: int = 0
    """Clears sent for a pause: what was cleared came again, or was an interruption after all."""
    out_closes: int = 0
    """Streams closed because the brain asked for it."""
    out_bad: int = 0
    """Entries or names that could not be read."""
    out_other_calls: int = 0
    """Frames and marks of calls that are not here (any more)."""
    out_drops: Counts = field(default_factory=_drops)
    """Frames and marks that the fence did not let pass."""
    outranked: int = 0
    """Times that a writer was told that its epoch is too low."""
    due: int = 0
    """Calls that ended at a deadline, told to this process."""
    back_entries: int = 0
    """Entries written to egress."""
    hold_clips: int = 0
    """Times that the hold clip was played into a silence that was owed sound."""
    filled_frames: int = 0
    """Frames of the user's own sound given to sockets while callers waited."""
    tape_runs: int = 0
    """Times that both sides of a call began to be written as sound: it is recorded, or somebody listens."""
    tape_entries: int = 0
    """Pieces of half a second written of them."""
    tape_void: int = 0
    """Those of them that there was no stream for any more."""
    owed_silence_ms: Counts = field(default_factory=lambda: Counts("cause", CAUSES))
    """Silence that callers heard while sound was owed, by what it was owed for."""
    apologies: int = 0
    """Calls given back to Twilio's voice after too long a silence."""
    places_regained: int = 0
    """Calls on the line that had no place in the count of all calls, and got it: Redis had lost it, or a
    process of the version before had let them in."""
    store_errors: int = 0
    """Steps in Redis that failed and were asked again."""


@dataclass(slots=True)
class IngressHops:
    """What ingress adds to the way of the model's audio."""

    egress_to_socket_ms: Histogram = field(default_factory=latency_ms)
    """From an `out` entry's stamp in egress until all its frames were given to their sockets."""
    socket_write_ms: Histogram = field(default_factory=latency_ms)
    """Time to take one `out` entry through the fences and write it to its sockets."""
    flush_to_clear_ms: Histogram = field(default_factory=latency_ms)
    """From a flush's stamp in the brain to the clear on the socket; all three on one host."""


@dataclass(slots=True)
class RescueCounters:
    """Calls whose ingress died."""

    found: int = 0
    """Calls of dead ingresses that this process has looked after."""
    returned: int = 0
    """Those of them that had come back by themselves, or had ended."""
    asked: Counts = field(default_factory=lambda: Counts("outcome", ASKED))
    """Requests to Twilio that send a call to us, by what came of them."""
    given_up: int = 0
    """Calls that could not be asked for within a minute."""


@dataclass(slots=True)
class WebhookCounters:
    """Twilio's HTTP requests."""

    requests: int = 0
    """Requests of Twilio's."""
    refusals: Counts = field(default_factory=lambda: Counts("reason", WebhookReason))
    """Requests that got no stream although they asked for one, and those that were not believed."""
    connects: int = 0
    """Calls admitted: a place, a token, and TwiML that opens a stream."""
    resumes: int = 0
    """Requests after a stream had ended: what next?"""
    apologies: int = 0
    """Answers that make Twilio's voice apologise."""
    stream_errors: int = 0
    """Errors of streams that Twilio told of."""
    call_ends: int = 0
    """Final states of calls that Twilio told of."""
