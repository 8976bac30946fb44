"""What an outbox counts: declared fields, incremented in shared/store/writing/outbox.py, read by /metrics.

Owns: their names and help texts. Must not know: how they are told.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.figures.histograms import Histogram, latency_ms


@dataclass(slots=True)
class OutboxCounters:
    """What the outbox did, since the process started."""

    commits: int = 0
    """Commits sent to Redis."""
    commands: int = 0
    """Commands in them."""
    bytes_sent: int = 0
    """Bytes sent to Redis."""
    expired: int = 0
    """Frames of callers dropped because they had become stale before they could be written."""
    refused: int = 0
    """Writes dropped because the bound of what is queued was reached."""
    resent: int = 0
    """Writes sent again on a new connection."""
    reply_errors: int = 0
    """Commands that Redis answered with an error, and that were given up."""
    refusals: int = 0
    """Times that Redis began to refuse writes: no memory, no disk, no replicas, read only."""
    held_back: int = 0
    """Writes that Redis refused and that were sent again."""
    connects: int = 0
    """Connections opened."""
    unknown: int = 0
    """Commits whose answer was lost with the connection: sent again."""
    callback_errors: int = 0
    """What `on_reply` raised: bugs, each reported to the loop's exception handler."""
    commit_ms: Histogram = field(default_factory=latency_ms)
    """From the sending of a commit to its answer: Redis and the way there and back."""
