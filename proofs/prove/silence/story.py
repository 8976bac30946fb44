"""What callers do in each story, what the model has by heart for it, and which clips can then be heard.

Why it exists: script, caller and ear must speak of the same clips. Owns: these three, story by story. Must
not know: faults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ingress.sound.hold_clip import hold_clip
from proofs.prove.silence.faults import At, Story
from proofs.prove.silence.recognise import Known
from simulators import clips, mulaw
from simulators.twilio import Clip, Dtmf, HangUp, InterruptAfter, Pause, Speak, Step, WaitUntil

LIMIT_MS = 120_000.0
"""Of one step; whoever watches the call hangs up long before."""

INTERRUPTED_AFTER_MS = 1_500.0
HELLO_MS = 600
HELLO_EVERY_MS = 3_000.0
IDLE_MS = 2_500.0

_HEAD = """
language = "en"
greeting = [{ say = "en_model_greeting" }]
idle = [{ say = "en_model_idle" }]
other = [{ say = "en_model_goodbye" }]
"""

_TURN = """
[[turns]]
heard = "{heard}"
reply = [{reply}]
after = [{{ say = "en_model_order" }}]
"""

_ORDER = '{ call = "check_order", arguments = { order_number = "4217" } }'
_REPLIES = {
    Story.TWO_TURNS: ('{ say = "en_model_order" }', '{ say = "en_model_short" }'),
    Story.TOOL: (_ORDER, '{ say = "en_model_short" }'),
    Story.PREAMBLE: ('{ say = "en_model_short" }, ' + _ORDER, '{ say = "en_model_order" }'),
    Story.FAREWELL: ('{ call = "end_call", arguments = { farewell = "Goodbye." } }',),
    Story.INTERRUPTS: ('{ say = "en_model_long" }', '{ say = "en_model_order" }'),
    Story.KEYS: ('{ say = "en_model_order" }', '{ say = "en_model_short" }'),
    Story.HELLO: ('{ say = "en_model_order" }', '{ say = "en_model_short" }'),
}

_ASK, _NUMBER, _STOP, _GOODBYE = (
    "en_caller_ask",
    "en_caller_number",
    "en_caller_interrupt",
    "en_caller_goodbye",
)


def script(story: Story) -> str:
    """The model's part, as a file of the Realtime simulator."""
    heard = _GOODBYE if story is Story.FAREWELL else _ASK
    return _HEAD + "".join(_TURN.format(heard=heard, reply=reply) for reply in _REPLIES[story])


def known(story: Story) -> Known:
    """What can be heard."""
    model = [
        name for name, clip in clips.manifest().items() if clip.speaker == "model" and clip.language == "en"
    ]
    return Known(
        answers={name: clips.load(name) for name in model},
        clip=hold_clip(),
        preambles=frozenset({"en_model_short"} if story is Story.PREAMBLE else ()),
    )


def steps(story: Story, at: At, is_settled: Callable[[], bool]) -> Iterator[Step]:
    """The caller's part. `is_settled`: all that was owed was heard, to its end."""
    settled = WaitUntil(is_settled, "all that is owed to be heard", LIMIT_MS)
    yield settled
    yield Pause(IDLE_MS if at is At.IDLE else 300)
    match story:
        case Story.FAREWELL:
            yield Speak(_clip(_GOODBYE))
            yield WaitUntil(lambda: False, "the end of the call", LIMIT_MS)
        case Story.HELLO:
            hello = Clip(clips.load(_ASK)[: HELLO_MS * mulaw.BYTES_PER_MS], "hello")
            while True:
                yield Speak(hello)
                yield Pause(HELLO_EVERY_MS - HELLO_MS)
        case Story.INTERRUPTS:
            yield Speak(_clip(_ASK))
            yield InterruptAfter(INTERRUPTED_AFTER_MS, _clip(_STOP), LIMIT_MS)
        case Story.KEYS:
            yield Dtmf("42#")
        case _:
            yield Speak(_clip(_ASK))
            yield settled
            yield Pause(500)
            yield Speak(_clip(_NUMBER))
    yield settled
    yield Pause(1_000)
    yield settled
    yield HangUp()


# Private.


def _clip(name: str) -> Clip:
    return Clip(clips.load(name), name)
