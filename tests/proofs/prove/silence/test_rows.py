"""The list of all kinds of silence."""

from __future__ import annotations

import pytest

from proofs.prove.silence.faults import At, Killed, Responses, Stopped, Store
from proofs.prove.silence.rows import ROLES, chosen, rows


def test_every_row_has_a_name_of_its_own() -> None:
    """And there are more than thirty kinds of fault."""
    names = [row.name for row in rows()]
    assert len(set(names)) == len(names)
    assert len({row.text for row in rows()}) >= 30


def test_each_process_is_killed_and_stopped_while_words_are_owed() -> None:
    """At the greeting, while the caller waits, in mid-reply; stopped for five seconds and for good."""
    found = {(row.fault, row.at, row.lasts_s) for row in rows() if isinstance(row.fault, Killed | Stopped)}
    for role in ROLES:
        for at in (At.GREETING, At.WAITING, At.REPLY):
            assert {(Killed(role), at, 0.0), (Stopped(role), at, 5.0), (Stopped(role), at, None)} <= found


def test_redis_refuses_and_stands_still_for_a_while_and_for_good() -> None:
    """And comes back empty."""
    found = {(row.fault, row.lasts_s) for row in rows() if isinstance(row.fault, Store)}
    for fault in (Store.FULL, Store.MISCONF, Store.NO_REPLICAS, Store.FROZEN):
        assert {lasts_s for which, lasts_s in found if which is fault} == {6.5, None}
    assert {Store.EMPTIED, Store.RESTARTED} <= {which for which, _ in found}


def test_the_models_responses_fail_wherever_words_are_owed() -> None:
    """At the greeting, at a turn, at a tool's answer and at the farewell."""
    for part in ("unanswered", "no_output", "failed", "limited", "text_part"):
        found = {row.at for row in rows() if isinstance(row.fault, Responses) and row.name.startswith(part)}
        assert {At.GREETING, At.TURN, At.TOOL, At.FAREWELL} <= found


def test_what_passes_within_eight_seconds_ends_in_an_answer() -> None:
    """But where it takes the call's owner, or all that is known of it; and a model that never goes on."""
    may = {row.name for row in rows() if row.may_apologise and row.lasts_s is not None and row.lasts_s < 8}
    assert all(
        name.startswith(("brain_killed", "egress_killed", "redis_", "late_", "ceased")) for name in may
    )
    assert not any("redis_" in name and "emptied" not in name and "restarted" not in name for name in may)


def test_rows_that_need_a_stack_of_their_own_come_last() -> None:
    """The others are played beside one another."""
    alone = [row.is_alone for row in rows()]
    assert alone == sorted(alone)


def test_rows_are_chosen_by_a_part_of_their_name() -> None:
    """Several parts add up; a part that fits nothing is refused."""
    assert {row.at for row in chosen(["half_open_passes"])} == {At.IDLE, At.SPEAKING, At.WAITING, At.REPLY}
    assert len(chosen(["egress_killed", "egress_stopped"])) == 11
    assert chosen(None) == rows()
    with pytest.raises(ValueError, match="expected a part of the name of a row"):
        chosen(["half_open", "no such row"])
