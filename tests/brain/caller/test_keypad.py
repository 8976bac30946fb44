"""Keys become groups."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from brain.caller.keypad import GROUP_MS, MAX_KEYS, Keypad


def test_a_pause_ends_a_group() -> None:
    """Four keys, one text, in their order."""
    keypad = Keypad()
    for at_ms, key in enumerate("4271"):
        assert keypad.press(key, at_ms * 300.0) is None

    assert keypad.due(900 + GROUP_MS - 1) is None
    typed = keypad.due(900 + GROUP_MS)

    assert typed is not None
    assert typed.text.endswith(": 4 2 7 1]")
    assert keypad.due(1e9) is None


def test_the_pound_key_ends_a_group_at_once() -> None:
    """It is how people end a number."""
    keypad = Keypad()
    keypad.press("7", 0.0)
    typed = keypad.press("#", 100.0)

    assert typed is not None
    assert typed.text.endswith(": 7 #]")
    assert keypad.next_deadline_ms is None


def test_what_is_no_key_is_ignored() -> None:
    """A message typed by hand may hold anything."""
    keypad = Keypad()

    assert keypad.press("seven", 0.0) is None
    assert keypad.next_deadline_ms is None


@given(st.lists(st.tuples(st.sampled_from("0123456789*#AD"), st.integers(0, 4_000)), max_size=200))
def test_every_key_is_in_one_group_in_order(presses: list[tuple[str, int]]) -> None:
    """Nothing lost, nothing twice, no group above its bound."""
    keypad, now, groups = Keypad(), 0.0, []
    for key, after_ms in presses:
        now += after_ms
        for typed in (keypad.due(now), keypad.press(key, now)):
            groups += [] if typed is None else [typed.text]
    last = keypad.due(now + GROUP_MS)
    groups += [] if last is None else [last.text]

    keys = [group[group.index(": ") + 2 : -1].split() for group in groups]
    assert [key for group in keys for key in group] == [key for key, _ in presses]
    assert all(len(group) <= MAX_KEYS for group in keys)
