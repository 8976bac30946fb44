"""What the demo's caller does, and which clips must then be heard. Pure but for reading the clips.

Owns: the steps of the call and the order of the agent's replies. Must not know: how they are judged.
The Realtime simulator's scripts (simulators/realtime/scripts) answer these clips; the real API answers as
it likes, so there only the steps count and the time limits are wider.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simulators import clips
from simulators.twilio.caller.clip import Clip
from simulators.twilio.caller.plan import (
    CallPlan,
    HangUp,
    InterruptAfter,
    Pause,
    Speak,
    Step,
    WaitForSilence,
    WaitForSpeech,
)

Language = Literal["en", "he"]

SIMULATOR_SCRIPTS: dict[Language, str] = {"en": "english", "he": "hebrew"}

INTERRUPT_AFTER_MS = 2500.0
"""How much of the long reply the caller listens to."""

TOOL = "check_order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One conversation. Clips are µ-law, 8 bytes a millisecond."""

    language: Language
    ask: Clip
    interrupt: Clip
    goodbye: Clip
    greeting: bytes
    long_reply: bytes
    """The reply that is interrupted."""
    tool_reply: bytes
    """The answer that is made from the tool's result."""
    farewell: bytes


def script(language: Language) -> Script:
    """The conversation in one of the languages that there are clips for."""
    return Script(
        language=language,
        ask=_caller(language, "ask"),
        interrupt=_caller(language, "interrupt"),
        goodbye=_caller(language, "goodbye"),
        greeting=clips.load(f"{language}_model_greeting"),
        long_reply=clips.load(f"{language}_model_long"),
        tool_reply=clips.load(f"{language}_model_order"),
        farewell=clips.load(f"{language}_model_goodbye"),
    )


def plan(chosen: Script, *, real_model: bool, public_url: str) -> CallPlan:
    """The caller's steps. A step that fails is noted and the call goes on: the checks want to see it all."""
    limit_ms = 15_000.0 if real_model else 8_000.0
    quiet_ms = 1_200.0 if real_model else 500.0
    steps: list[Step] = [
        WaitForSpeech(limit_ms),
        WaitForSilence(quiet_ms, 20_000),
        Speak(chosen.ask),
        InterruptAfter(INTERRUPT_AFTER_MS, chosen.interrupt, limit_ms),
        WaitForSpeech(limit_ms),
        WaitForSilence(quiet_ms, 30_000),
        Speak(chosen.goodbye),
        WaitForSpeech(limit_ms),
        WaitForSilence(quiet_ms, 30_000),
        Pause(300),
        HangUp(),
    ]
    return CallPlan(
        steps,
        status_callback=f"{public_url}/call-status",
        fallback_url=f"{public_url}/voice/fallback",
        hang_up_after_ms=120_000.0 if real_model else 60_000.0,
        stop_at_failure=False,
    )


# Private.


def _caller(language: str, name: str) -> Clip:
    return Clip(clips.load(f"{language}_caller_{name}"), name)
