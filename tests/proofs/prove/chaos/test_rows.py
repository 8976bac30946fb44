"""The rows."""

from __future__ import annotations

import pytest

from proofs.prove.chaos.faults import GroupRestarted, Killed, Rolled, Step, Stopped
from proofs.prove.chaos.rows import ON_IT, ROLES, chosen, repeated, rows
from proofs.prove.chaos.setting.stage import Setting


def test_each_role_is_killed_and_stopped_at_each_step_one_of_two_and_alone() -> None:
    """No gap in the square."""
    found = {(type(row.fault), row.role, row.step, row.only) for row in rows()}
    for role in ROLES:
        for step in Step:
            for kind in (Killed, Stopped):
                assert (kind, role, step, None) in found
                assert (kind, role, step, role) in found
        assert (GroupRestarted, role, Step.MODEL, None) in found
        assert (Rolled, role, Step.MODEL, None) in found


def test_ten_calls_are_on_the_process_that_is_hit() -> None:
    """Twice as many where there are two; of the short tier, few."""
    for row in chosen("full"):
        if row.role is not None and row.far is None:
            assert row.calls == (ON_IT if row.only else 2 * ON_IT)
    assert max(row.calls for row in chosen("short")) == 4


def test_names_are_unique_and_stacks_stand_together() -> None:
    """A name is a file; each change of the stack costs ten seconds."""
    names = [row.name for row in rows()]
    assert len(names) == len(set(names))
    stacks = [Setting.of(row) for row in rows()]
    changes = sum(stacks[at] != stacks[at - 1] for at in range(1, len(stacks)))
    assert changes == len(set(stacks)) - 1


def test_bounds_are_those_that_are_asked() -> None:
    """Of each kind, and what is allowed to nobody else."""
    by_name = {row.name: row.bounds for row in rows()}
    assert by_name["killed-egress-model"].silence_ms == 300
    brain = by_name["killed-brain-tool"]
    assert (brain.silence_ms, brain.with_opening, brain.with_boot) == (400, True, False)
    assert by_name["killed-brain-tool-only"].with_boot
    assert by_name["killed-ingress-model"].silence_ms == 1_500
    assert by_name["stopped-egress-model"].silence_ms == 2_500
    assert by_name["restarted-brain-model"].with_boot
    ends = {name for name, bounds in by_name.items() if bounds.ends_by_fault}
    assert ends == {"stopped-ingress-farewell-only", "stopped-egress-farewell-only", "abandoned"}
    for name, bounds in by_name.items():
        is_of_process = name.startswith(("killed", "stopped", "restarted", "rolled", "paused", "blinked"))
        if is_of_process and "ingress" not in name and name != "rolled-all" and not bounds.ends_by_fault:
            assert (bounds.repeated_ms, bounds.skipped_ms, bounds.unsaid_ms) == (0, 0, 0), name


def test_the_short_tier_has_every_role_and_both_kinds() -> None:
    """And a healthy row, which shows what the others are held against."""
    short = chosen("short")
    assert {row.role for row in short} == {None, *ROLES}
    assert {"killed-brain-model-only", "healthy-model"} <= {row.name for row in short}
    assert {"redis-frozen", "model-lost", "twilio-gone"} <= {row.name for row in short}
    assert {"sentinel-killed", "cluster-killed", "cluster-moved"} <= {row.name for row in short}
    assert sum(not row.is_of_one_call for row in short) <= 18


def test_rows_are_chosen_by_a_part_of_their_name() -> None:
    """Of any tier; a whole name is that row's alone; a part that fits none is refused."""
    assert {row.name for row in chosen("short", ["killed-egress-to"])} == {
        "killed-egress-tool",
        "killed-egress-tool-only",
    }
    assert [row.name for row in chosen("short", ["killed-egress-tool"])] == ["killed-egress-tool"]
    with pytest.raises(ValueError, match="got 'nonsense'"):
        chosen("full", ["nonsense"])


def test_rows_with_a_redis_of_their_own_are_played_by_themselves() -> None:
    """No part of a name brings them into what is said of processes."""
    own = {row.name for row in chosen("redis")}
    assert own.isdisjoint(row.name for row in chosen("full"))
    assert own.isdisjoint(row.name for row in chosen("full", ["restarted"]))
    assert [row.name for row in chosen("redis", ["cluster-moved"])] == ["cluster-moved"]
    assert chosen("redis", ["cluster-moved"])[0].calls == 50


def test_a_row_can_be_played_again_with_more_calls() -> None:
    """Under names of their own; a row about one call keeps it."""
    found = repeated(chosen("full", ["rolled-all", "twilio-twice"]), times=3, calls=50)
    assert [row.name for row in found if row.is_of_one_call][:1] == ["twilio-twice"]
    rolls = [row for row in found if row.name.startswith("rolled-all")]
    assert [(row.name, row.calls) for row in rolls] == [
        ("rolled-all", 50), ("rolled-all-2", 50), ("rolled-all-3", 50)
    ]  # fmt: skip
    assert all(row.calls != 50 for row in found if row.is_of_one_call)
    assert len(repeated(chosen("full", ["healthy-model"]), times=3)) == 1


def test_only_where_nobody_else_is_there_a_call_may_end_in_an_apology() -> None:
    """The one process of its role stands still for longer than a caller is left to wait."""
    may = {row.name for row in rows() if row.bounds.apologises}
    assert may == {row.name for row in rows() if row.name.startswith("stopped-") and row.only}
