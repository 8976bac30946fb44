"""What the model has by heart in each story, what the caller does, and how both sound.

Why it exists: script, caller, coded frames and record must speak of the same words. Owns: these, story by
story. Must not know: faults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from proofs.prove.chaos.evidence.coding import CALLER, MODEL, Voice
from proofs.prove.chaos.faults import Story
from simulators import clips
from simulators.twilio import Clip, Do, HangUp, InterruptAfter, Pause, Speak, Step, WaitUntil

LIMIT_MS: Final = 120_000.0
"""Of one step; the caller's patience ends long before."""

INTERRUPTED_AFTER_MS: Final = 1_200.0

CLIP_NUMBERS: Final = {name: number for number, name in enumerate(clips.manifest(), 1)}
"""Words have a number in each frame that stands for them."""

NUMBER: Final = "+15550002222"
DESK: Final = "+15550009999"

_HEAD: Final = """
language = "en"
greeting = [{ say = "en_model_greeting" }]
idle = [{ say = "en_model_idle" }]
other = [{ say = "en_model_short" }]
"""

_TURN: Final = """
[[turns]]
heard = "{heard}"
reply = [{reply}]
after = [{{ say = "en_model_order" }}]
"""

_LOOK_UP: Final = '{ call = "look_up", arguments = { order_number = "4217" } }'
_TRANSFER: Final = '{ call = "transfer_call", arguments = { destination = "desk" } }'
_FAREWELL: Final = '{ call = "end_call", arguments = { farewell = "Goodbye." } }'
_REPLIES: Final = {
    Story.TWO_TURNS: ('{ say = "en_model_order" }', '{ say = "en_model_goodbye" }'),
    Story.INTERRUPTS: ('{ say = "en_model_long" }', '{ say = "en_model_goodbye" }'),
    Story.TOOL: (_LOOK_UP, '{ say = "en_model_goodbye" }'),
    Story.TRANSFER: (_TRANSFER, '{ say = "en_model_goodbye" }'),
    Story.FAREWELL: (_FAREWELL,),
}


def script(story: Story) -> str:
    """The model's part, as a file of the Realtime simulator."""
    return _HEAD + "".join(_TURN.format(heard="en_caller_ask", reply=reply) for reply in _REPLIES[story])


def agents(tool_port: int) -> str:
    """The agents file: one agent, with a tool that counts its runs."""
    return f"""
[default]
tools = ["look_up", "transfer_call", "end_call"]
destinations = {{ desk = "{DESK}" }}
limits = {{ idle_prompt_s = 0 }}
[tools.look_up]
url = "http://127.0.0.1:{tool_port}/look_up"
description = "Look up an order."
parameters = {{ type = "object", properties = {{ order_number = {{ type = "string" }} }} }}
timeout_s = 10.0
"""


def model_voice(call: int, session: int, response: int, item: int, clip: str) -> bytes:
    """The words of a clip, as this item of this response says them."""
    voice = Voice(
        speaker=MODEL, call=call, session=session, response=response, item=item, clip=CLIP_NUMBERS[clip]
    )
    return voice.audio(len(clips.load(clip)))


def caller_clip(call: int, number: int, clip: str) -> Clip:
    """The words of a clip, as the caller says them the how manieth time they speak."""
    voice = Voice(speaker=CALLER, call=call, response=number, clip=CLIP_NUMBERS[clip])
    return Clip(voice.audio(len(clips.load(clip))), str(number))


def steps(
    story: Story,
    call: int,
    turns: int,
    is_settled: Callable[[], bool],
    is_over: Callable[[], bool],
    done: Do,
) -> Iterator[Step]:
    """The caller's part. `turns`: how often they speak at least; `is_settled`: all that was owed was heard to
    its end, or will not come; `is_over`: no more is to be said; `done` is the last thing they do before they
    hang up."""
    settled = WaitUntil(is_settled, "all that is owed to be heard", LIMIT_MS)
    yield settled
    yield Pause(300)
    if story is Story.FAREWELL:
        yield Speak(caller_clip(call, 1, "en_caller_goodbye"))
        yield done
        yield WaitUntil(lambda: False, "the end of the call", LIMIT_MS)
    number = 0
    while number < turns or not is_over():
        number += 1
        yield Speak(caller_clip(call, number, "en_caller_ask" if number % 2 else "en_caller_number"))
        # The answer must have had its chance to begin.
        yield Pause(200)
        if story is Story.INTERRUPTS and number == 1:
            number += 1
            yield InterruptAfter(INTERRUPTED_AFTER_MS, caller_clip(call, number, "en_caller_interrupt"))
            yield Pause(200)
        yield settled
        yield Pause(500)
    yield done
    yield HangUp()
