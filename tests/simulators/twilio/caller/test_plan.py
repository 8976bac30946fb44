"""Endless conversation for load."""

from __future__ import annotations

from itertools import islice

from simulators.twilio.caller.clip import Clip
from simulators.twilio.caller.plan import InterruptAfter, Speak, WaitForSpeech, conversation

CLIPS = [Clip(bytes([n]) * 160, f"clip{n}") for n in range(1, 6)]


def test_the_same_seed_talks_the_same_and_another_differently() -> None:
    """Seeded variety."""
    one, same, other = (
        list(islice(conversation(CLIPS, seed=seed, barge_in_share=0.3), 60)) for seed in (1, 1, 2)
    )

    assert one == same
    assert one != other


def test_the_share_of_barge_ins_is_obeyed() -> None:
    """None at 0, only interruptions at 1."""
    never = list(islice(conversation(CLIPS, seed=1), 40))
    always = list(islice(conversation(CLIPS, seed=1, barge_in_share=1), 40))

    assert {type(step) for step in never} >= {WaitForSpeech, Speak}
    assert not any(isinstance(step, InterruptAfter) for step in never)
    assert all(isinstance(step, InterruptAfter) for step in always)
