"""What is talked about in a simulated world."""

from __future__ import annotations

from brain.agents.book import BUILT_IN
from brain.agents.file import parse
from proofs.simulate.conversation import AGENTS_FILE, SCRIPT
from simulators import clips
from simulators.realtime.script import Call, Say


def test_the_agent_has_every_tool_that_the_model_calls() -> None:
    """Else the model would say the words behind the tool at once."""
    agent = parse(AGENTS_FILE.read_text("utf-8"), BUILT_IN).default
    called = {out.name for turn in SCRIPT.turns for out in turn.reply if isinstance(out, Call)}
    assert called == {"check_order", "transfer_call", "send_digits", "end_call"}
    assert called <= set(agent.tools or ())


def test_whatever_is_said_is_a_clip() -> None:
    """The ear must know it."""
    outputs = [out for turn in SCRIPT.turns for out in (*turn.reply, *turn.after)]
    said = [out.clip for out in (*outputs, *SCRIPT.greeting, *SCRIPT.idle) if isinstance(out, Say)]
    assert set(said) <= set(clips.manifest())
