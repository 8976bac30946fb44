"""Windows: what each role says of a call every three seconds, and what egress makes of all of it.

Why it exists: whose fault a slow call is can only be judged where all figures meet, and they come from three
processes. Owns: the windows on the card (JSON, one field each) and the summary that egress writes. Pure. Must
not know: how a figure is measured, how a window is judged (shared/figures/diagnosis.py).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import orjson

from shared.contract import record
from shared.contract.errors import ContractError


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessWindow:
    """How a process fares: what each role's window begins with."""

    v: int
    """The version of its writer's records, as in the writer's beat."""
    at_ms: int
    """Wall time. A window that says the same time twice is the same window."""
    worker: str
    lag_ms: float
    """The worst lateness of its loop."""
    redis_ms: float
    """Its slowest commit."""
    redis_refusal: str = record.since(4, "")
    """The first word of what Redis refused its writes with (OOM, NOPERM …); empty: it took them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainWindow(ProcessWindow):
    """`w_brain`: how the model keeps up. Writer: brain/call/call.py. Reader: egress/calls/window.py."""

    quiet_ms: float
    """The longest that the model owed something and said nothing."""
    audio_ms_per_s: float
    """Audio that it made."""
    skipped: int
    """Pieces of audio that were not admitted."""
    queued_events: int
    """Events for the model that its socket has not taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngressWindow(ProcessWindow):
    """`w_ingress`: how Twilio takes what it is given. Writer: ingress/calls/. Reader:
    egress/calls/window.py."""

    unsent_bytes: int
    write_p99_ms: float
    overflowed: int
    """Frames that were dropped because too much was unsent."""
    owed_ms: int = record.since(2, 0)
    """Silence that the caller hears while sound is owed; 0: none is owed."""
    owed_cause: str = record.since(2, "")


class Drop(enum.StrEnum):
    """Why audio was dropped: the keys of `drops`."""

    FLUSHED = "flushed"
    """Frames that were not sent before a flush."""
    OLD_CUT = "old_cut"
    """Entries of a reply that was cut."""
    OLD_EPOCH = "old_epoch"
    """Entries of a brain that has lost the call."""
    OVERFLOWED = "overflowed"
    """As in IngressWindow."""
    NOT_ADMITTED = "not_admitted"
    """As `skipped` in BrainWindow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineFigures:
    """`pipeline`: one window of a call, judged. Writer: egress/calls/window.py, in its log too. Readers: the
    console, the demo, people. `None` is what nobody said."""

    v: int
    at_ms: int
    verdict: str
    why: str
    window_ms: float
    tx_q: int
    """Frames of 20 ms that egress holds."""
    tx_q_age_ms: float
    reply_q_ms: float
    """Model audio that the caller has not heard."""
    caller_q: int
    """Frames of the caller that the model has not got."""
    tx_fps: float
    sent: int
    ws_block_ms: float
    unsent_bytes: int
    write_p99_ms: float | None
    delta_rate: float | None
    model_quiet_ms: float | None
    starved: int
    late: int
    ai_speaking: str
    redis_ms: float
    lag_ingress_ms: float | None
    lag_brain_ms: float | None
    lag_egress_ms: float | None
    owed_ms: int = record.since(2, 0)
    """As in IngressWindow."""
    owed_cause: str = record.since(2, "")
    drops: Mapping[str, int]
    """By Drop; what nobody counted, or what was 0, is left out."""


_HEAD = ("v", "at_ms", "verdict", "why")


def figures(window: PipelineFigures) -> dict[str, object]:
    """The figures of a summary by their names, without its version, its time and its verdict: for people."""
    rows = record.rows(PipelineFigures)
    return {row.name: getattr(window, row.attribute) for row in rows if row.name not in _HEAD}


W = TypeVar("W", BrainWindow, IngressWindow, PipelineFigures)


def dump(window: ProcessWindow | PipelineFigures) -> str:
    """A window as it stands in its field of the card."""
    return orjson.dumps(window).decode()


def load(kind: type[W], text: str) -> W:
    """A window from its field. Raises ContractError."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ContractError(kind.__name__, "JSON", "an object", text) from None
    if not isinstance(found, dict):
        raise ContractError(kind.__name__, "JSON", "an object", text)
    version = found.get("v")
    if not isinstance(version, int):
        raise ContractError(kind.__name__, "v", "a whole number", version)
    return record.read(kind, found, version=version)


def writer_of(text: str) -> str:
    """The worker that wrote a window: for the line about one that cannot be read. Empty if that cannot be
    read either."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return ""
    worker = found.get("worker") if isinstance(found, dict) else None
    return worker if isinstance(worker, str) else ""
