"""Which step a call is in."""

from __future__ import annotations

from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import cast

from proofs.prove.chaos.faults import Step, Story
from proofs.prove.chaos.moments import moments
from proofs.prove.chaos.setting.stage import Cast, Stage
from simulators.twilio import LiveCall


def test_a_step_is_there_when_the_records_say_so() -> None:
    """Asking for a session is the opening, once there is a stream; a tool that runs for the call is its tool;
    the others are not."""
    cast_ = Cast(Path("/nowhere"), Random(1))
    tool = SimpleNamespace(running={"CA2"})
    stage = cast(Stage, SimpleNamespace(cast=cast_, tool=tool, sessions_of=lambda _sid: []))
    record = SimpleNamespace(utterances=[], playbacks=[], streams=[], playout=SimpleNamespace(playing=False))
    call = cast(LiveCall, SimpleNamespace(call_sid="CA1", record=record, now_ms=lambda: 5_000.0))
    found = moments(stage, Story.TOOL, call)

    assert [step for step in Step if found[step]()] == []
    cast_.asked["CA1"] = 1
    tool.running.add("CA1")
    record.utterances.append(SimpleNamespace(started_at_ms=1_000.0, voice_ended_at_ms=9_000.0))
    assert [step for step in Step if found[step]()] == [Step.CALLER, Step.TOOL]
    record.streams.append(SimpleNamespace())
    assert [step for step in Step if found[step]()] == [Step.CLAIM, Step.OPENING, Step.CALLER, Step.TOOL]
