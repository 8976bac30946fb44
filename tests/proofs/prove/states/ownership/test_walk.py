"""The exhaustive walk: no violation to a small depth, and each guard that is switched off makes it fail."""

from __future__ import annotations

import dataclasses
import os

import pytest

from proofs.prove.states.ownership import faults as F  # noqa: N812
from proofs.prove.states.ownership.redis import Rules
from proofs.prove.states.ownership.walk import KINDS, Violation, rules_of, walk

DEPTH = int(os.environ.get("TRUNKLINE_WALK_DEPTH", "7"))
"""`make prove-ownership` goes deeper."""

WIDE_DEPTH = 4
"""For the kind that has everything in it."""


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", list(KINDS))
def test_every_history_of_a_few_steps_is_sound(name: str) -> None:
    """All invariants in every state and at every step; and from everywhere the call is owned, or ends."""
    kind = KINDS[name]

    walked = walk(kind, WIDE_DEPTH if name == "all" else DEPTH, rules_of(kind))

    assert walked.states > 100


GUARDS = [
    ("owner_compared", "owners", {F.EMPTIED}, 7, "does not name"),
    ("epochs_by_time", "owners", {F.EMPTIED}, 8, "under one epoch"),
    ("outranked", "clocks", {F.FORGETS}, 8, "never comes to rest"),
    ("deadlines", "ends", {F.DETACHED_CRASH}, 7, "never comes to rest"),
    ("raises_when_seen", "owners", {F.FORGETS, F.HAND_OVER}, 8, "never comes to rest"),
    ("own_numbers", "clocks", {F.FORGETS}, 8, "under one epoch"),
    ("disowned_again", "owners", {F.LATE, F.CRASH}, 6, "never comes to rest"),
    ("looked_after", "owners", {F.LATE, F.HAND_OVER}, 6, "never comes to rest"),
    ("attempts_returned", "failures", {F.HAND_OVER}, 9, "nobody has failed"),
    ("heir_time_ends", "rings", {F.CRASH}, 4, "never comes to rest"),
    ("newer_stream_wins", "legs", {F.SOCKET, F.EMPTIED}, 8, "for the sake of an older one"),
    ("replays_refused", "legs", {F.REPLAY}, 3, "a stranger"),
    ("ends_name_leg", "legs", {F.SOCKET, F.LATE}, 10, "a stream that it has"),
    ("streams_compared", "legs", {F.SOCKET, F.FORGETS}, 10, "a stream that it has"),
    ("sweeps_wait", "legs", {F.SOCKET, F.FORGETS}, 10, "a stream that it has"),
    ("detached_with_deadline", "ends", {F.DETACHED_CRASH}, 7, "never comes to rest"),
]
"""Guard, kind, faults and steps that suffice to show what it is for, and what goes wrong."""


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("guard", "name", "faults", "depth", "what"), GUARDS, ids=[row[0] for row in GUARDS])
def test_each_guard_is_needed(guard: str, name: str, faults: set[str], depth: int, what: str) -> None:
    """Switched off, a history is found that breaks what it guards, and told step by step."""
    kind = KINDS[name]._replace(faults=frozenset(faults))
    rules = dataclasses.replace(rules_of(kind), **{guard: False})
    if guard == "deadlines":
        rules = dataclasses.replace(rules, detached_with_deadline=False)

    with pytest.raises(Violation, match=what) as raised:
        walk(kind, depth, rules)

    assert 1 < len(raised.value.path) <= depth


def test_every_guard_has_its_row() -> None:
    """No rule of the model is there for nothing."""
    assert {row[0] for row in GUARDS} == {field.name for field in dataclasses.fields(Rules)}


def test_calls_that_nobody_ends_need_somebody_who_keeps_house() -> None:
    """The ingress of a caller who hangs up dies: no other process hears of the end."""
    with pytest.raises(Violation, match="never comes to rest"):
        walk(KINDS["legs"]._replace(janitor=False), 4)


def test_a_walk_that_has_seen_everything_says_so() -> None:
    """Without faults there are few states: they are walked to the last one."""
    walked = walk(KINDS["owners"]._replace(budget=0), 99)

    assert walked.is_whole
    assert walked.depth < 30


def test_the_way_to_a_violation_is_told() -> None:
    """The shortest history, in words."""
    violation = Violation("something", ["claim a1 0 calls", "a1 crashes"])

    assert "claim a1 0 calls → a1 crashes" in str(violation)
