"""Where a call is: which step of its life it is in.

Why it exists: "while the tool runs" must mean the same for every fault. Owns: that judgement, from the
simulators' records. Must not know: what is done then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from proofs.prove.chaos.faults import Step, Story
from proofs.prove.chaos.setting.stage import Stage
from simulators.twilio import LiveCall

INTO_MS: Final = 1_000.0
SPEAKING_MS: Final = 900.0
FAREWELL_MS: Final = 400.0


def moments(stage: Stage, story: Story, call: LiveCall) -> dict[Step, Callable[[], bool]]:
    """Step → whether the call is there now."""
    call_sid, record, cast = call.call_sid, call.record, stage.cast

    def plays_for(ms: float) -> bool:
        playout = record.playout
        return playout.playing and playout.reply_played_ms(call.now_ms()) >= ms

    def has_spoken() -> bool:
        words = record.utterances
        return bool(words) and call.now_ms() > words[0].voice_ended_at_ms

    def is_answered(ms: float) -> bool:
        if not has_spoken() or not record.playbacks:
            return False
        began_ms = record.playbacks[-1].started_at_ms
        return began_ms > record.utterances[0].voice_ended_at_ms and plays_for(ms)

    def speaks() -> bool:
        words = record.utterances
        return bool(words) and call.now_ms() >= words[0].started_at_ms + SPEAKING_MS

    def transfers() -> bool:
        items = [item for each in stage.sessions_of(call_sid) for item in each.items.values()]
        return any(item.role == "function_call" for item in items)

    return {
        Step.CLAIM: lambda: bool(record.streams),
        # Asked for while it rang: until the stream is there nobody has the call.
        Step.OPENING: lambda: cast.asked.get(call_sid, 0) > 0 and bool(record.streams),
        Step.GREETING: lambda: plays_for(INTO_MS),
        Step.CALLER: speaks,
        Step.MODEL: lambda: is_answered(INTO_MS),
        Step.TOOL: lambda: call_sid in stage.tool.running,
        Step.TRANSFER: transfers,
        Step.FAREWELL: lambda: story is Story.FAREWELL and is_answered(FAREWELL_MS),
    }
