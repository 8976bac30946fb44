"""Ids that were seen: bounded, and never an empty one."""

from __future__ import annotations

from brain.sequencer.id_memory import IdMemory


def test_the_oldest_are_forgotten_first() -> None:
    """Its bound holds."""
    memory = IdMemory(limit=2)
    for known in ("a", "b", "c"):
        memory.add(known)

    assert [known in memory for known in ("a", "b", "c")] == [False, True, True]


def test_an_empty_id_is_never_remembered() -> None:
    """A server that leaves out ids must not retire all nameless audio."""
    memory = IdMemory()
    memory.add("")

    assert "" not in memory


def test_it_holds_some_hours_of_talk() -> None:
    """4,096 ids; one more, and the oldest is forgotten."""
    memory = IdMemory()
    for number in range(4_096):
        memory.add(f"id{number}")
    assert "id0" in memory

    memory.add("one more")

    assert "id0" not in memory
    assert "id1" in memory
