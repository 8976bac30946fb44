"""Calls and workers as `trunkline top` gets them."""

from __future__ import annotations

from console.calls.live import LiveCall, WorkerRow
from console.top.state import Snapshot

AT_MS = 1_700_000_000_000


def call(number: int, **changes: object) -> LiveCall:
    """A healthy call that began `number` minutes ago."""
    values: dict[str, object] = {
        "call_sid": f"CA{number:032x}",
        "state": "live",
        "started_at_ms": AT_MS - number * 60_000,
        "from_number": "…11",
        "to_number": "…22",
        "agent": "default",
        "leg": 1,
        "ingress": "ingress-0@box#a1",
        "brain": "brain-1@box#b2",
        "egress": "egress-0@box#c3",
        "audible_response": "",
        "pipeline": {"tx_fps": 50.0, "reply_q_ms": 1500, "why": ""},
        "verdict": "ok",
        "caller_q": 3,
        "reply_q": 2,
        "card": {},
    }
    return LiveCall(**{**values, **changes})  # type: ignore[arg-type]


def worker(name: str, **changes: object) -> WorkerRow:
    """A healthy worker: `brain-0`."""
    values: dict[str, object] = {
        "name": f"{name}@box#a1",
        "role": name.partition("-")[0],
        "host": "box",
        "pid": 42,
        "calls": 1,
        "capacity": 100,
        "loop_lag_ms": 1.25,
        "draining": False,
        "version": "0.1.0",
        "beat_age_ms": 200,
        "alive": True,
    }
    return WorkerRow(**{**values, **changes})  # type: ignore[arg-type]


def workers() -> tuple[WorkerRow, ...]:
    """Two of each role."""
    return tuple(worker(f"{role}-{number}") for role in ("brain", "egress", "ingress") for number in (0, 1))


def snapshot(*calls: LiveCall) -> Snapshot:
    """These calls and the six workers."""
    return Snapshot(at_ms=AT_MS, calls=calls, workers=workers())
