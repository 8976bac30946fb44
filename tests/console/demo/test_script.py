"""What the demo's caller does."""

from __future__ import annotations

from typing import get_args

import pytest

from console.demo.script import INTERRUPT_AFTER_MS, SIMULATOR_SCRIPTS, Language, plan, script
from simulators.twilio.caller.plan import HangUp, InterruptAfter, Speak


@pytest.mark.parametrize("language", get_args(Language))
def test_every_language_has_its_clips_and_its_simulator(language: Language) -> None:
    """The long reply is long enough to be interrupted."""
    chosen = script(language)
    assert len(chosen.long_reply) / 8 > 2 * INTERRUPT_AFTER_MS
    assert all((chosen.greeting, chosen.tool_reply, chosen.farewell))
    assert language in SIMULATOR_SCRIPTS


def test_the_caller_asks_interrupts_says_goodbye_and_hangs_up() -> None:
    """In this order, and goes on after a step that fails: the checks want to see it all."""
    steps = plan(script("en"), real_model=False, public_url="https://b.example.com")
    kinds = [type(step) for step in steps.steps if isinstance(step, Speak | InterruptAfter | HangUp)]
    assert kinds == [Speak, InterruptAfter, Speak, HangUp]
    assert steps.stop_at_failure is False
    assert steps.status_callback == "https://b.example.com/call-status"


def test_a_real_model_is_given_more_time() -> None:
    """It thinks, and says what it likes."""
    simulated, real = (
        plan(script("en"), real_model=real_model, public_url="") for real_model in (False, True)
    )
    assert real.hang_up_after_ms > simulated.hang_up_after_ms
