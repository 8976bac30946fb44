"""Records and figures of a load, written by hand."""

from __future__ import annotations

from typing import Any

from proofs.bench.judging import Figures
from proofs.bench.records import CallHeard, ItemSpoken, SessionSpoken

FRAME_BYTES = 160


def item(session: int = 1, response: int = 1, *, frames: int = 10, **more: Any) -> ItemSpoken:
    """An item that began with the call."""
    told = {"began_ms": 0.0, "interrupted": False, **more}
    return ItemSpoken(session=session, response=response, item=0, length_bytes=frames * FRAME_BYTES, **told)


def session(*items: ItemSpoken, number: int = 1, turns_heard: int = 0, **more: Any) -> SessionSpoken:
    """A session with these items."""
    return SessionSpoken(number=number, turns_heard=turns_heard, items=list(items), **more)


def call(*heard: ItemSpoken, **more: Any) -> CallHeard:
    """A call of twenty seconds in which these items were heard whole."""
    frames = [(*each.key, number) for each in heard for number in range(each.length_bytes // FRAME_BYTES)]
    told = {
        "call_sid": "CA1",
        "began_ms": 0.0,
        "ended_ms": 20_000.0,
        "heard_bytes": len(frames) * FRAME_BYTES,
        **more,
    }
    return CallHeard(frames=frames, **told)


def figures(system: str = "trunkline", **more: Any) -> Figures:
    """Of ten calls."""
    return Figures(**{"system": system, "calls": 10, "run": 1, **more})
