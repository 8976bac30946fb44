"""Which system comes when."""

from __future__ import annotations

from proofs.bench.order import Turn, turns


def test_every_second_run_goes_backwards() -> None:
    """A B, B A, A B; each size is done with before the next one."""
    assert [(turn.calls, turn.run, turn.system) for turn in turns(["a", "b"], [10, 30], 3)] == [
        *[(10, 1, "a"), (10, 1, "b"), (10, 2, "b"), (10, 2, "a"), (10, 3, "a"), (10, 3, "b")],
        *[(30, 1, "a"), (30, 1, "b"), (30, 2, "b"), (30, 2, "a"), (30, 3, "a"), (30, 3, "b")],
    ]


def test_one_system_has_all_turns() -> None:
    """Without a comparison."""
    assert list(turns(["a"], [10], 2)) == [Turn(10, 1, "a"), Turn(10, 2, "a")]
