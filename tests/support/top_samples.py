"""Calls and workers as the console has read them."""

from __future__ import annotations

import dataclasses

from console.calls.live import AnyCall, LiveCall, UnreadableCall, UnreadableWorker, WorkerRow
from console.top.state import Snapshot
from shared.contract.card import CallState, PeopleView
from shared.contract.record import CONTRACT
from shared.contract.streams.journal import JournalEntry
from shared.contract.window import PipelineFigures
from shared.contract.worker import Beat
from tests.support.redis_samples import FIGURES

AT_MS = 1_700_000_000_000
PROBLEM = "expected a whole number in leg of PeopleView, got 'many'"


def figures(**changes: object) -> PipelineFigures:
    """A window in which all was well, but for `changes`."""
    return dataclasses.replace(FIGURES, **changes)  # type: ignore[arg-type]


def call(number: int, **changes: object) -> LiveCall:
    """A healthy call that began `number` minutes ago, but for `changes` of its card or beside it."""
    card: dict[str, object] = {
        "state": CallState.ATTACHED,
        "started_at_ms": AT_MS - number * 60_000,
        "ended_at_ms": None,
        "outcome": None,
        "from_number": "…11",
        "to_number": "…22",
        "agent": "default",
        "leg": 1,
        "ingress": "ingress-0@box#a1",
        "brain": "brain-1@box#b2",
        "egress": "egress-0@box#c3",
        "audible_response": None,
        "tx_q_ms": 1500,
        "verdict": "ok",
        "pipeline": None,
    }
    beside: dict[str, object] = {"fields": {}, "pipeline": FIGURES, "caller_q": 3, "reply_q": 2}
    for name, value in changes.items():
        (beside if name in beside or name == "pipeline_problem" else card)[name] = value
    return LiveCall(
        call_sid=f"CA{number:032x}",
        card=PeopleView(**card),  # type: ignore[arg-type]
        **beside,  # type: ignore[arg-type]
    )


def unreadable_call(number: int) -> UnreadableCall:
    """One whose card somebody has spoilt."""
    return UnreadableCall(call_sid=f"CA{number:032x}", fields={"leg": "many"}, problem=PROBLEM)


def worker(name: str, *, age_ms: int = 200, **changes: object) -> WorkerRow:
    """A healthy worker, `brain-0`, that showed itself `age_ms` ago, but for `changes` of its beat."""
    beat: dict[str, object] = {
        "beat": 7,
        "at_ms": AT_MS - age_ms,
        "host": "box",
        "pid": 42,
        "role": name.partition("-")[0],
        "calls": 1,
        "capacity": 100,
        "loop_lag_ms": 1.25,
        "draining": False,
        "version": "0.1.0",
        "contract": CONTRACT,
        "admin_port": 9120,
    }
    return WorkerRow(
        name=f"{name}@box#a1",
        beat=Beat(**{**beat, **changes}),  # type: ignore[arg-type]
        beat_age_ms=age_ms,
    )


def silent_worker(name: str) -> WorkerRow:
    """One that has not shown itself for a minute."""
    return worker(name, age_ms=60_000)


def unreadable_worker(name: str) -> UnreadableWorker:
    """One whose beat lacks something."""
    problem = "expected a whole number in contract of Beat, got nothing"
    return UnreadableWorker(name=f"{name}@box#a1", problem=problem)


def workers() -> tuple[WorkerRow, ...]:
    """Two of each role."""
    return tuple(worker(f"{role}-{number}") for role in ("brain", "egress", "ingress") for number in (0, 1))


def snapshot(*calls: AnyCall) -> Snapshot:
    """These calls and the six workers."""
    return Snapshot(at_ms=AT_MS, calls=calls, workers=workers())


def journal_entry(kind: str, writer: str = "", at_ms: int = AT_MS, **fields: str) -> JournalEntry:
    """A line of a journal."""
    return JournalEntry(at_ms=at_ms, kind=kind, writer=writer, fields=fields)
