"""Silence and length of a call: what is due, and when."""

from __future__ import annotations

from brain.call.limits import CallLimits, HardCap, IdleHangUp, IdlePrompt, LimitValues, Step

VALUES = LimitValues(hard_cap_s=600, idle_prompt_s=10, idle_prompts=2, hold_max_s=300)


def looked(
    limits: CallLimits, until_s: int, *, since_s: int = 0, busy: bool = False
) -> list[tuple[float, Step]]:
    """What came of looking twice a second."""
    found: list[tuple[float, Step]] = []
    for half in range(since_s * 2, until_s * 2):
        found += [(half / 2, step) for step in limits.due(half * 500.0, busy=busy)]
    return found


def test_a_silent_caller_is_asked_twice_and_then_left() -> None:
    """Each wait counts from the end of what was said before; here nothing is."""
    assert looked(CallLimits(VALUES, 0.0), 120) == [
        (10.0, IdlePrompt(1)),
        (20.5, IdlePrompt(2)),
        (31.0, IdleHangUp()),
    ]


def test_time_while_something_goes_on_is_not_idle() -> None:
    """From the end of playback, not from the end of generation."""
    limits = CallLimits(VALUES, 0.0)
    assert looked(limits, 60, busy=True) == []

    assert looked(limits, 75, since_s=60)[0] == (70.0, IdlePrompt(1))


def test_a_caller_who_speaks_is_asked_again() -> None:
    """The count begins again with the silence after."""
    limits = CallLimits(VALUES, 0.0)
    looked(limits, 25)
    limits.caller_active()

    assert looked(limits, 40, since_s=25)[0] == (35.0, IdlePrompt(1))


def test_a_caller_who_asked_for_a_moment_has_it() -> None:
    """No prompts until then, or until they speak; never longer than the bound."""
    limits = CallLimits(VALUES, 0.0)
    assert limits.hold(0.0, 60_000) == 60_000
    assert looked(limits, 69) == []
    assert looked(limits, 72, since_s=69) == [(70.0, IdlePrompt(1))]

    assert limits.hold(72_000, 10_000_000) == 300_000
    assert looked(limits, 372, since_s=72) == []


def test_without_prompts_a_silent_caller_is_left_after_one_wait() -> None:
    """And with no idle time at all, never."""
    none = LimitValues(hard_cap_s=0, idle_prompt_s=10, idle_prompts=0, hold_max_s=0)
    off = LimitValues(hard_cap_s=0, idle_prompt_s=0, idle_prompts=2, hold_max_s=0)

    assert looked(CallLimits(none, 0.0), 60) == [(10.0, IdleHangUp())]
    assert looked(CallLimits(off, 0.0), 3_600) == []


def test_the_hard_cap_comes_once_however_busy_the_line_is() -> None:
    """Counted from the call's beginning, which may lie before this process's."""
    assert looked(CallLimits(VALUES, -500_000.0), 200, busy=True) == [(100.0, HardCap())]
