"""What a brain process counts. Declared fields, incremented where things happen; /metrics reads them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class BrainCounters:
    """All calls of the process, since it started."""

    calls: int = 0
    sessions_confirmed: int = 0
    sessions_failed: int = 0
    """Attempts that did not end in a confirmed session."""
    sessions_lost: int = 0
    rollovers: int = 0
    items_seeded: int = 0
    seeds_refused: int = 0
    """Items of a call's past that a new session would not take."""
    appends: int = 0
    frames_appended: int = 0
    frames_padded: int = 0
    """Silence sent in the place of frames that never came."""
    frames_old_leg: int = 0
    frames_repeated: int = 0
    frames_replayed: int = 0
    """Half seconds of an open turn that were said again to a new session."""
    caller_gaps: int = 0
    caller_entries_bad: int = 0
    caller_pauses: int = 0
    """Times that a slow model socket made us leave caller audio in Redis."""
    deltas: int = 0
    delta_bytes: int = 0
    deltas_bad: int = 0
    deltas_skipped: dict[str, int] = field(default_factory=dict)
    """By reason (sequencer's Skip)."""
    events: int = 0
    events_bad: int = 0
    errors_benign: int = 0
    errors_unknown: int = 0
    creates: int = 0
    barge_ins: int = 0
    tools_run: int = 0
    tools_failed: int = 0
    control_messages: int = 0
    control_ignored: int = 0
    hang_ups: int = 0
    given_up: int = 0
    fenced: int = 0
    calls_failed: int = 0
    """Calls that a bug of ours ended, with an apology."""
