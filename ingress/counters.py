"""What ingress counts, declared once: plain fields, incremented where things happen.

Labels are bounded: every dict has one key for each member of an enumeration of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ingress.fence import Admit
from ingress.twilio import Fault


def _faults() -> dict[str, int]:
    return {fault.value: 0 for fault in Fault}


def _drops() -> dict[str, int]:
    return {admit.value: 0 for admit in Admit if admit is not Admit.PASS}


@dataclass(slots=True)
class SocketCounters:
    """Media sockets: from the upgrade request to the last byte."""

    upgrades: int = 0
    refused_signature: int = 0
    refused_path: int = 0
    refused_request: int = 0
    handshake_too_slow: int = 0
    protocol_errors: int = 0
    """Connections that broke RFC 6455, or sent a message above the limit (1009)."""
    control_floods: int = 0
    unread_cut: int = 0
    """Sockets dropped because their peer reads nothing at all."""
    pings: int = 0
    silent_cut: int = 0
    frames_written: int = 0
    frames_overflowed: int = 0
    """Frames dropped because a call's unsent bytes were above the bound: Twilio reads too slowly.
    """
    frames_cleared: int = 0
    """Unsent frames dropped by a clear."""
    faults: dict[str, int] = field(default_factory=_faults)


@dataclass(slots=True)
class CallCounters:
    """Calls, and the pipeline's two streams of this process."""

    attached: int = 0
    resumed: int = 0
    refused_start: int = 0
    detached: int = 0
    ended: int = 0
    superseded: int = 0
    restored: int = 0
    """Cards written again after Redis came back empty."""
    watchdog_ends: int = 0
    caller_frames: int = 0
    caller_gap_chunks: int = 0
    caller_repeats: int = 0
    caller_other_track: int = 0
    held_dropped: int = 0
    dtmf: int = 0
    echoes: int = 0
    stops: int = 0
    out_entries: int = 0
    out_frames: int = 0
    out_marks: int = 0
    out_clears: int = 0
    out_closes: int = 0
    out_bad: int = 0
    out_other_calls: int = 0
    out_drops: dict[str, int] = field(default_factory=_drops)
    back_entries: int = 0
    hold_clips: int = 0
    apologies: int = 0
    """Calls given back to Twilio's voice after too long a silence."""
    store_errors: int = 0


@dataclass(slots=True)
class WebhookCounters:
    """Twilio's HTTP requests."""

    requests: int = 0
    refused_signature: int = 0
    bad_requests: int = 0
    connects: int = 0
    resumes: int = 0
    busy: int = 0
    apologies: int = 0
    store_failures: int = 0
    stream_errors: int = 0
    call_ends: int = 0
