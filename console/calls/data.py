"""Calls and workers as JSON: what the commands print for programs. Pure.

Owns: the names and shapes of that JSON, which do not change with what stands in Redis. Must not know: Redis,
how people are shown the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from console.calls import takeovers
from console.calls.ended import AnyEndedCall
from console.calls.journal import details
from console.calls.live import AnyCall, AnyWorker, UnreadableCall, UnreadableWorker
from console.calls.watching import Entry
from shared.contract.streams.journal import JournalEntry


def usd(micros: int | None) -> float | None:
    """A cost for programs; null where nobody can tell."""
    return None if micros is None else micros / 1_000_000


def call_data(call: AnyCall) -> dict[str, object]:
    """A call; one that cannot be read says why."""
    if isinstance(call, UnreadableCall):
        return {"call_sid": call.call_sid, "problem": call.problem, "ghost": call.is_ghost}
    card = call.card
    return {
        "call_sid": call.call_sid,
        "state": card.state,
        "started_at_ms": card.started_at_ms,
        "from_number": card.from_number,
        "to_number": card.to_number,
        "agent": call.agent,
        "leg": card.leg,
        "ingress": card.ingress,
        "brain": card.brain,
        "egress": card.egress,
        "phase": card.phase or "",
        "response_ms": card.response_ms,
        "cost_usd": usd(card.cost_micros),
        "audible_response": card.audible_response or "",
        "pipeline": {} if call.pipeline is None else asdict(call.pipeline),
        "verdict": call.verdict,
        "why": call.standing.why,
        "owed_ms": card.owed_ms or 0,
        "owed_cause": card.owed_cause or "",
        "trouble": "" if call.standing.trouble is None else call.standing.trouble.words,
        "ghost": call.is_ghost,
        "claims": takeovers.claims(call.fields),
        "ends_as": takeovers.ends_as(call.fields),
        "caller_q": call.caller_q,
        "reply_q": call.reply_q,
    }


def aged_call_data(call: AnyCall, now_wall_ms: int) -> dict[str, object]:
    """A call and how long it has lasted."""
    if isinstance(call, UnreadableCall):
        return call_data(call)
    return {**call_data(call), "age_ms": call.age_ms(now_wall_ms)}


def whole_call_data(
    call: AnyCall, journal: Sequence[JournalEntry], now_wall_ms: int, key: str = ""
) -> dict[str, object]:
    """A call with all that stands on its card, and lines of its journal. `key`: of its card in Redis, with
    its lane in it; empty where it is not read from there."""
    return {
        **aged_call_data(call, now_wall_ms),
        "key": key,
        "card": dict(call.fields),
        "journal": [{"at_ms": e.at_ms, "kind": e.kind, "text": details(e)} for e in journal],
    }


def ended_data(call: AnyEndedCall) -> dict[str, object]:
    """A call that is over, in the list of those; one that cannot be read says why."""
    if isinstance(call, UnreadableCall):
        return {"call_sid": call.call_sid, "problem": call.problem}
    card = call.card
    return {
        "call_sid": call.call_sid,
        "started_at_ms": card.started_at_ms,
        "ended_at_ms": call.ended_at_ms,
        "lasted_ms": call.lasted_ms,
        "from_number": card.from_number,
        "to_number": card.to_number,
        "agent": card.agent,
        "outcome": card.outcome or "",
        "cause": card.cause or "",
        "cost_usd": usd(card.cost_micros),
        "owed_ms": card.owed_ms or 0,
        "owed_cause": card.owed_cause or "",
    }


def entry_data(entry: Entry) -> dict[str, object]:
    """An entry of a call that is watched: its fields as they were written."""
    return {"at_ms": entry.at_ms, "stream": entry.stream, **entry.fields}


def worker_data(row: AnyWorker) -> dict[str, object]:
    """A worker; one whose beat cannot be read says why."""
    if isinstance(row, UnreadableWorker):
        return {"name": row.name, "problem": row.problem}
    beat = row.beat
    return {
        "name": row.name,
        "role": beat.role,
        "host": beat.host,
        "pid": beat.pid,
        "calls": beat.calls,
        "capacity": beat.capacity,
        "loop_lag_ms": beat.loop_lag_ms,
        "draining": beat.draining,
        "version": beat.version,
        "beat_age_ms": row.beat_age_ms,
        "alive": row.is_alive,
    }


def drained_data(name: str, row: AnyWorker | None) -> dict[str, object]:
    """A worker that drains; None: it has ended."""
    if isinstance(row, UnreadableWorker):
        return {"worker": name, "problem": row.problem}
    return {"worker": name, "calls": 0 if row is None else row.beat.calls}


def snapshot_data(
    at_ms: int, calls: Sequence[AnyCall], workers: Sequence[AnyWorker], trouble: str
) -> Mapping[str, object]:
    """All calls and workers at one moment. `trouble`: why they are older than that, if they are."""
    return {
        "at_ms": at_ms,
        "calls": [call_data(call) for call in calls],
        "workers": [worker_data(row) for row in workers],
        "trouble": trouble,
    }
