"""When a process drains itself for want of memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.process.resources.memory import FOR_S, NEAR_SHARE, OWN_SHARE, TURN_S, MemoryRule, MemorySeen

MIB = 2**20


def own(share: float) -> MemorySeen:
    """By a limit of its own."""
    used = int(1000 * MIB * share)
    return MemorySeen(used, used, 1000 * MIB, is_shared=False)


def shared(share: float, own_share: float) -> MemorySeen:
    """By a limit that it shares."""
    return MemorySeen(int(1000 * MIB * own_share), int(1000 * MIB * share), 1000 * MIB, is_shared=True)


def test_near_for_a_while_is_enough() -> None:
    """Not a burst, and what passes begins anew."""
    rule = MemoryRule(0)
    assert not rule.look(own(0.95), 0)
    assert not rule.look(own(0.5), 10)
    assert not rule.look(own(0.95), FOR_S)
    assert not rule.look(own(0.95), 2 * FOR_S - 1)
    assert rule.look(own(0.95), 2 * FOR_S)


def test_siblings_wait_for_their_turn() -> None:
    """One after the other, unless there is no time left."""
    second = MemoryRule(1)
    assert not second.look(own(0.95), 0)
    assert not second.look(own(0.95), FOR_S + TURN_S - 1)
    assert second.look(own(0.95), FOR_S + TURN_S)
    assert MemoryRule(9).look(own(0.98), 0)


def test_of_a_shared_limit_the_process_must_be_a_good_part() -> None:
    """Else another one is to blame, and its end would help more."""
    small, large = MemoryRule(0), MemoryRule(0)
    for awake_s in (0, FOR_S):
        few = small.look(shared(0.99, OWN_SHARE / 2), awake_s)
        much = large.look(shared(0.95, OWN_SHARE), awake_s)
    assert (few, much) == (False, True)


@pytest.mark.parametrize("seen", [None, MemorySeen(1, 1, 0, is_shared=False)])
def test_without_a_limit_nobody_drains(seen: MemorySeen | None) -> None:
    """However long."""
    rule = MemoryRule(0)
    assert not any(rule.look(seen, awake_s) for awake_s in range(0, 1000, 5))


@given(st.lists(st.floats(0, NEAR_SHARE - 0.01), max_size=40), st.integers(0, 20))
def test_who_is_not_near_never_drains(shares: list[float], number: int) -> None:
    """Whatever its number."""
    rule = MemoryRule(number)
    assert not any(rule.look(own(share), 5.0 * at) for at, share in enumerate(shares))
