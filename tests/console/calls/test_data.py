"""The JSON of the commands: its names are a promise to programs."""

from __future__ import annotations

import json

from console.calls import data
from console.calls.watching import Entry
from shared.contract.card import CallState
from tests.support.top_samples import (
    AT_MS,
    PROBLEM,
    call,
    ended_call,
    journal_entry,
    silent_worker,
    unreadable_call,
    unreadable_worker,
    worker,
)

CALL = {
    "call_sid": f"CA{5:032x}", "state": "attached", "started_at_ms": AT_MS - 300_000, "from_number": "…11",
    "to_number": "…22", "agent": "default", "leg": 1, "ingress": "ingress-0@box#a1",
    "brain": "brain-1@box#b2", "egress": "egress-0@box#c3", "audible_response": "", "pipeline": {},
    "verdict": "cpu(egress)", "why": "no figures for 300 s", "caller_q": 3, "reply_q": 2,
    "age_ms": 300_000, "owed_ms": 0, "owed_cause": "", "trouble": "no word from egress-0 for 300 s",
    "ghost": False, "claims": {"brain": 0, "egress": 0}, "ends_as": "", "phase": "", "response_ms": None,
    "cost_usd": None,
}  # fmt: skip


def as_json(found: object) -> object:
    """As it is printed and read again."""
    return json.loads(json.dumps(found))


def test_a_call() -> None:
    """Empty where nothing was said yet."""
    assert as_json(data.aged_call_data(call(5, pipeline=None, verdict=None, agent=""), AT_MS)) == CALL


def test_the_figures_of_a_call() -> None:
    """All of its last window, by their names on the card."""
    pipeline = data.call_data(call(5))["pipeline"]
    assert isinstance(pipeline, dict)
    assert (pipeline["tx_fps"], pipeline["verdict"], pipeline["drops"]) == (50.0, "ok", {})


def test_a_call_that_is_over() -> None:
    """It gets no older."""
    ended = call(5, state=CallState.ENDED, ended_at_ms=AT_MS - 4 * 60_000)
    assert data.aged_call_data(ended, AT_MS)["age_ms"] == 60_000


def test_calls_that_are_over_in_a_list() -> None:
    """All that a row says."""
    assert as_json(data.ended_data(ended_call(5, cause=None))) == {
        "call_sid": f"CA{5:032x}", "started_at_ms": AT_MS - 120_000, "ended_at_ms": AT_MS,
        "lasted_ms": 120_000, "from_number": "…11", "to_number": "…89", "agent": "default",
        "outcome": "apology", "cause": "", "owed_ms": 5_200, "owed_cause": "turn", "cost_usd": None,
    }  # fmt: skip
    assert set(data.ended_data(unreadable_call(9))) == {"call_sid", "problem"}


def test_a_whole_call() -> None:
    """With its card as it is and lines of its journal."""
    journal = [journal_entry("flush", "brain-0@box#a1", cause="dtmf")]
    found = as_json(data.whole_call_data(call(5, fields={"leg": "1", "own": "x"}), journal, AT_MS))
    assert isinstance(found, dict)
    assert found["card"] == {"leg": "1", "own": "x"}
    assert found["journal"] == [{"at_ms": AT_MS, "kind": "flush", "text": "brain-0  cause=dtmf"}]


def test_what_cannot_be_read_says_why() -> None:
    """A call with its card as it is, a worker."""
    unreadable = {"call_sid": f"CA{9:032x}", "problem": PROBLEM, "ghost": False}
    assert data.aged_call_data(unreadable_call(9), AT_MS) == unreadable
    assert data.whole_call_data(unreadable_call(9), [], AT_MS)["card"] == {"leg": "many"}
    assert set(data.worker_data(unreadable_worker("brain-0"))) == {"name", "problem"}
    assert set(data.drained_data("x", unreadable_worker("brain-0"))) == {"worker", "problem"}


def test_an_entry_that_is_watched() -> None:
    """Its fields as they were written."""
    entry = Entry(stream="journal", at_ms=5, record=None, fields={"kind": "flush", "from": "brain-0@h#1"})
    assert data.entry_data(entry) == {"at_ms": 5, "stream": "journal", "kind": "flush", "from": "brain-0@h#1"}


def test_workers() -> None:
    """Alive or not; one that has ended has no calls."""
    assert as_json(data.worker_data(worker("brain-0"))) == {
        "name": "brain-0@box#a1", "role": "brain", "host": "box", "pid": 42, "calls": 1, "capacity": 100,
        "loop_lag_ms": 1.25, "draining": False, "version": "0.1.0", "beat_age_ms": 200, "alive": True,
    }  # fmt: skip
    assert data.worker_data(silent_worker("brain-0"))["alive"] is False
    assert data.drained_data("brain-0@box#a1", worker("brain-0")) == {"worker": "brain-0@box#a1", "calls": 1}
    assert data.drained_data("brain-0@box#a1", None) == {"worker": "brain-0@box#a1", "calls": 0}


def test_a_snapshot() -> None:
    """Calls and workers at one moment; calls without their age, which the moment and their start say."""
    found = data.snapshot_data(AT_MS, [call(5)], [worker("brain-0")], "")
    assert set(found) == {"at_ms", "calls", "workers", "trouble"}
    (one,) = found["calls"]  # type: ignore[misc]
    assert "age_ms" not in one
