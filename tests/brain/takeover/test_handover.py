"""The rules of a hand-over, walked by every event in every state."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from brain.takeover.handover import (
    AGAIN_AFTER_MS,
    FRESH_MS,
    NOBODY_FOR_MS,
    QUIET_WITHIN_MS,
    READY_WITHIN_MS,
    Ask,
    Give,
    HandOver,
    HandOverState,
    Step,
    fit_heirs,
)
from shared.contract.record import CONTRACT
from shared.contract.worker import Beat
from shared.ownership.workers import SeenWorker

BEAT = Beat(
    beat=1, at_ms=0, host="h", pid=1, role="brain", calls=0, capacity=50, loop_lag_ms=0.0,
    draining=False, version="1", contract=CONTRACT, admin_port=0, pid_started=0, boot_id="", pid_ns=0,
)  # fmt: skip
A, B = "brain-1@h#1", "brain-2@h#1"


def test_the_heir_is_ready_before_it_gets_the_call_and_gets_it_at_a_quiet_moment() -> None:
    """Asked, ready, quiet: three steps, in this order."""
    call = HandOver(0.0)
    assert call.tick(0.0, [A, B], is_quiet=True) == Ask(A)
    assert call.tick(100.0, [A, B], is_quiet=True) is None
    call.ready(A)
    assert call.tick(200.0, [A, B], is_quiet=False) is None
    assert call.tick(300.0, [A, B], is_quiet=True) == Give(A)
    assert call.tick(400.0, [A, B], is_quiet=True) is None


@pytest.mark.parametrize("how", ["late", "declined", "dead"])
def test_another_one_is_asked_and_then_whoever_comes_first(how: str) -> None:
    """Who is late, declines, or is gone is not asked twice."""
    call, now, asked = HandOver(0.0), 0.0, []
    for heir in (A, B):
        assert call.tick(now, [A, B], is_quiet=True) == Ask(heir)
        asked.append(heir)
        if how == "late":
            now += READY_WITHIN_MS
        elif how == "declined":
            call.declined(heir)
        else:
            now += NOBODY_FOR_MS
            rest = [each for each in (A, B) if each not in asked]
            assert call.tick(now, rest, is_quiet=True) == (Ask(B) if rest else Give(""))
            if rest:
                asked.append(B)
                call.declined(B)
            break
    if call.state is not HandOverState.GIVEN:
        assert call.tick(max(now, NOBODY_FOR_MS), [A, B], is_quiet=True) == Give("")


def test_nobody_there_is_waited_for_no_longer_than_a_new_brain_takes_to_be_seen() -> None:
    """In a deploy it is ready a moment before. Then the call is released: a next boot takes it."""
    call = HandOver(0.0)
    assert call.tick(0.0, [], is_quiet=True) is None
    assert call.tick(NOBODY_FOR_MS - 1, [], is_quiet=True) is None
    assert call.tick(NOBODY_FOR_MS, [], is_quiet=False) == Give("")

    call = HandOver(0.0)
    assert call.tick(0.0, [], is_quiet=True) is None
    assert call.tick(NOBODY_FOR_MS - 1, [A], is_quiet=True) == Ask(A)


def test_where_the_process_lives_on_nobody_there_is_waited_for() -> None:
    """However long; who declined is asked again after a while; the time for a quiet moment begins when
    somebody was asked. Once the process ends, the call is given as ever."""
    call, now = HandOver(0.0), 60_000.0
    assert call.tick(now, [], is_quiet=True, may_stay=True) is None
    assert call.tick(now, [A], is_quiet=True, may_stay=True) == Ask(A)
    call.declined(A)
    assert call.tick(now + 1, [A], is_quiet=True, may_stay=True) is None
    assert call.tick(now + AGAIN_AFTER_MS, [A], is_quiet=True, may_stay=True) is None
    assert call.tick(now + AGAIN_AFTER_MS, [A], is_quiet=True, may_stay=True) == Ask(A)
    call.ready(A)
    now += AGAIN_AFTER_MS
    assert call.tick(now + QUIET_WITHIN_MS - 1, [A], is_quiet=False, may_stay=True) is None
    assert call.tick(now + QUIET_WITHIN_MS, [], is_quiet=True, may_stay=True) is None  # It died.
    assert call.tick(now + QUIET_WITHIN_MS, [], is_quiet=True) == Give("")


def test_a_quiet_moment_that_does_not_come_is_not_waited_for_for_ever() -> None:
    """A tool that still runs then is answered for by the heir."""
    call = HandOver(0.0)
    call.tick(0.0, [A], is_quiet=False)
    call.ready(A)
    assert call.tick(QUIET_WITHIN_MS - 1, [A], is_quiet=False) is None
    assert call.tick(QUIET_WITHIN_MS, [A], is_quiet=False) == Give(A)


def test_a_call_is_given_once_whatever_comes() -> None:
    """Every sequence of five events: at most one Give; to nobody who was not ready, unless to no one; nobody
    is asked twice; and within the bounds it is given."""
    events = ["tick", "quiet", "ready", "declined", "dead", "late"]
    for sequence in itertools.product(events, repeat=5):
        call, now, heirs = HandOver(0.0), 0.0, [A, B]
        steps: list[Step] = []
        ready: set[str] = set()
        for event in sequence:
            if event == "ready" and call.heir:
                ready.add(call.heir)
                call.ready(call.heir)
            elif event == "declined" and call.heir and call.state is not HandOverState.GIVEN:
                ready.discard(call.heir)
                call.declined(call.heir)
            elif event == "dead" and call.heir in heirs:
                heirs = [each for each in heirs if each != call.heir]
            now += READY_WITHIN_MS if event == "late" else 1.0
            steps.append(call.tick(now, heirs, is_quiet=event == "quiet"))
        for _ in range(20):
            now += READY_WITHIN_MS
            steps.append(call.tick(now, heirs, is_quiet=False))
        given = [step for step in steps if isinstance(step, Give)]
        asked = [step.heir for step in steps if isinstance(step, Ask)]
        assert len(given) == 1
        assert given[0].heir in {"", *ready}
        assert len(set(asked)) == len(asked)


def test_the_least_loaded_of_those_that_beat_is_asked_first() -> None:
    """By our own clock; who drains, is full, is silent or was never seen to beat is not asked."""
    workers = [
        seen("brain-1@h#1", calls=5),
        seen("brain-2@h#1", calls=1),
        seen("brain-3@h#1", calls=0, draining=True),
        seen("brain-4@h#1", calls=50),
        seen("brain-5@h#1", calls=0),
        seen("brain-6@h#1", calls=0),
        seen("brain-7@h#1", calls=0),
        SeenWorker("brain-8@h#1", None),
    ]
    silent = {worker.name: 0.0 for worker in workers} | {"brain-5@h#1": FRESH_MS}
    del silent["brain-6@h#1"]
    found = fit_heirs(workers, silent, {"brain-2@h#1": 9}, own="brain-7@h#1", role="brain")
    assert found == ["brain-1@h#1", "brain-2@h#1"]


def seen(name: str, *, calls: int, draining: bool = False) -> SeenWorker:
    """A brain with room for 50."""
    return SeenWorker(name, replace(BEAT, calls=calls, draining=draining))
