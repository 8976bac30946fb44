"""Calls and workers as the console has read them."""

from __future__ import annotations

import dataclasses

from console.calls import trouble
from console.calls.ended import EndedCall
from console.calls.live import AnyCall, LiveCall, UnreadableCall, UnreadableWorker, WorkerRow
from console.calls.trouble import Crew, Said, Seen
from console.top.state import Snapshot
from shared.contract.card import CallState
from shared.contract.record import CONTRACT
from shared.contract.streams.journal import JournalEntry
from shared.contract.views import EndedView, PeopleView
from shared.contract.window import BrainWindow, IngressWindow, PipelineFigures
from shared.contract.worker import Beat
from tests.support import window_samples
from tests.support.redis_samples import FIGURES

AT_MS = 1_700_000_000_000
PROBLEM = "expected a whole number in leg of PeopleView, got 'many'"


def figures(**changes: object) -> PipelineFigures:
    """A window of a second ago in which all was well, but for `changes`."""
    return dataclasses.replace(FIGURES, **{"at_ms": AT_MS - 1_000, **changes})  # type: ignore[arg-type]


def seen(silent_ms: int = 200) -> Seen:
    """A process that showed itself so long ago."""
    return Seen(at_ms=AT_MS - silent_ms, silent_ms=silent_ms)


def crew(**silent_ms: int) -> Crew:
    """Two healthy processes of each role, but for those (`egress_0`) that have been silent for so long."""
    names = {"ingress_0": "ingress-0@box#a1", "brain_1": "brain-1@box#b2", "egress_0": "egress-0@box#c3"}
    return Crew(seen={name: seen(silent_ms.get(short, 200)) for short, name in names.items()})


def ingress_window(**changes: object) -> IngressWindow:
    """What ingress says of a call that is well, but for `changes`."""
    return window_samples.ingress_window(**{"at_ms": AT_MS - 1_000, "worker": "ingress-0@box#a1", **changes})


def brain_window(**changes: object) -> BrainWindow:
    """What the brain says of a call that is well, but for `changes`."""
    return window_samples.brain_window(**{"at_ms": AT_MS - 1_000, "worker": "brain-1@box#b2", **changes})


def call(number: int, **changes: object) -> LiveCall:
    """A healthy call that began `number` minutes ago, but for `changes` of its card or beside it (its
    `pipeline`, the windows `w_brain` and `w_ingress`, the `crew` that was seen). A `verdict` is its last
    window's."""
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
        "owed_ms": None,
        "owed_cause": None,
        "phase": None,
        "phase_at_ms": None,
        "response_ms": None,
        "usage": None,
        "cost_micros": None,
        "cause": None,
        "ear_behind_ms": None,
    }
    beside: dict[str, object] = {
        "fields": {}, "pipeline": figures(), "pipeline_problem": "", "caller_q": 3, "reply_q": 2,
        "attached_at_ms": 0, "w_brain": brain_window(), "w_ingress": ingress_window(), "crew": crew(),
    }  # fmt: skip
    for name, value in changes.items():
        (beside if name in beside else card)[name] = value
    view = PeopleView(**card)  # type: ignore[arg-type]
    found = _said(view, beside)
    judged_by = beside["crew"]
    assert isinstance(judged_by, Crew)
    return LiveCall(
        call_sid=f"CA{number:032x}",
        card=view,
        fields=beside["fields"],  # type: ignore[arg-type]
        said=found,
        standing=trouble.judge(found, judged_by, AT_MS),
        caller_q=beside["caller_q"],  # type: ignore[arg-type]
        reply_q=beside["reply_q"],  # type: ignore[arg-type]
    )


def _said(view: PeopleView, beside: dict[str, object]) -> Said:
    pipeline = beside["pipeline"]
    if isinstance(pipeline, PipelineFigures) and view.verdict is not None:
        pipeline = dataclasses.replace(pipeline, verdict=view.verdict)
    problem = beside["pipeline_problem"]
    return Said(
        card=view,
        attached_at_ms=beside["attached_at_ms"] or view.started_at_ms,  # type: ignore[arg-type]
        ingress=beside["w_ingress"],  # type: ignore[arg-type]
        brain=beside["w_brain"],  # type: ignore[arg-type]
        egress=pipeline,  # type: ignore[arg-type]
        problems={"egress": str(problem)} if problem else {},
    )


def ended_call(number: int, **changes: object) -> EndedCall:
    """A call of two minutes that ended just now in an apology, but for `changes` of its card."""
    card: dict[str, object] = {
        "state": CallState.ENDED, "started_at_ms": AT_MS - 120_000, "ended_at_ms": AT_MS,
        "from_number": "…11", "to_number": "…89", "agent": "default", "outcome": "apology",
        "cause": "no_session", "owed_ms": 5_200, "owed_cause": "turn", "cost_micros": None,
    }  # fmt: skip
    view = EndedView(**{**card, **changes})  # type: ignore[arg-type]
    return EndedCall(call_sid=f"CA{number:032x}", ended_at_ms=AT_MS, card=view)


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
        "pid_started": 0,
        "boot_id": "",
        "pid_ns": 0,
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
