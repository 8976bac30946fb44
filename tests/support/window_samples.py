"""What processes say on the card of a call that is well: windows of the contract, complete."""

from __future__ import annotations

from shared.contract.record import CONTRACT
from shared.contract.window import BrainWindow, IngressWindow


def brain_window(**changes: object) -> BrainWindow:
    """The brain's, but for `changes`."""
    found: dict[str, object] = {
        "v": CONTRACT, "at_ms": 1, "worker": "brain-0@h#1", "lag_ms": 1.0, "redis_ms": 2.0,
        "redis_refusal": "", "quiet_ms": 0.0, "audio_ms_per_s": 990.0, "skipped": 0, "queued_events": 0,
    }  # fmt: skip
    return BrainWindow(**{**found, **changes})  # type: ignore[arg-type]


def ingress_window(**changes: object) -> IngressWindow:
    """That of ingress, but for `changes`."""
    found: dict[str, object] = {
        "v": CONTRACT, "at_ms": 1, "worker": "ingress-0@h#1", "lag_ms": 1.0, "redis_ms": 2.0,
        "redis_refusal": "", "unsent_bytes": 0, "write_p99_ms": 0.5, "overflowed": 0,
        "owed_ms": 0, "owed_cause": "",
    }  # fmt: skip
    return IngressWindow(**{**found, **changes})  # type: ignore[arg-type]
