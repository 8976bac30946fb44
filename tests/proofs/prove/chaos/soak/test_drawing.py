"""Which fault comes next."""

from __future__ import annotations

from itertools import islice

from proofs.prove.chaos import rows
from proofs.prove.chaos.faults import Nothing, Row
from proofs.prove.chaos.setting.stage import Setting
from proofs.prove.chaos.soak.drawing import Kind, drawn, healthy, kind_of, pool


def some(seed: int, count: int = 40) -> list[Row]:
    return list(islice(drawn(seed, 10), count))


def base(row: Row) -> str:
    """The name that it has in the catalogue."""
    return row.name[4:]


def test_a_seed_is_a_history() -> None:
    """The same one each time; another seed, another one."""
    assert some(7) == some(7)
    assert some(7) != some(8)
    assert len({row.name for row in some(7)}) == 40


def test_each_kind_comes_in_turn() -> None:
    """Four in a row are of all four."""
    found = some(3)
    for at in range(0, len(found), len(Kind)):
        assert {kind_of(row) for row in found[at : at + len(Kind)]} == set(Kind)


def test_no_row_comes_again_before_the_others_of_its_kind() -> None:
    """So that a soak of any length sees as many as it can."""
    for kind, of_kind in pool().items():
        own = [base(row) for row in some(5, 4 * len(of_kind)) if kind_of(row) is kind]
        assert sorted(own) == sorted(row.name for row in of_kind)


def test_each_is_judged_by_the_bounds_of_its_row() -> None:
    """And has the calls that are wished, on the one stack."""
    by_name = {row.name: row for row in rows.rows()}
    for row in some(1, 400):
        assert row.bounds == by_name[base(row)].bounds
        assert row.calls == 10
        assert Setting.of(row) == Setting()


def test_what_is_drawn_from() -> None:
    """Of each kind: ends and stops, a Redis that is gone, full or slow, sessions and
    sockets that go, answers that are late, packets that are."""
    found = {kind: {row.name for row in of_kind} for kind, of_kind in pool().items()}
    assert {"killed-brain-tool", "stopped-egress-model", "paused-brain"} <= found[Kind.PROCESS]
    assert {"redis-frozen", "redis-restarted", "redis-full", "redis-slow"} <= found[Kind.REDIS]
    assert {"model-lost", "model-dropped", "model-stalled", "model-refuses"} <= found[Kind.MODEL]
    assert {"twilio-gone", "twilio-half-open", "network-delayed"} <= found[Kind.NETWORK]


def test_what_is_usual_is_shown_first() -> None:
    """For every story that is told."""
    assert all(isinstance(row.fault, Nothing) for row in healthy(4))
    assert {row.story for row in healthy(4)} >= {row.story for row in some(1, 400)}
