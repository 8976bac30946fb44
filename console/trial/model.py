"""The simulated model's side of a scenario: its script, and the voice that knows its words.

Why it exists: the simulator has no mind. What it hears, answers and calls stands in the scenario beside the
caller's words, so that the agent's tools, its limits and the whole way of the sound are tried without a key.
Owns: that script. Must not know: how anything sounds, when it is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from console.trial.matching import written
from console.trial.scenario import Act, CallsTool, SaysText, Scenario, Simulated, Words, answer_of
from simulators import clips
from simulators.realtime.record import SessionRecord
from simulators.realtime.script import Call, Output, Say, Script, Turn

UNHEARD: Final = "…"
"""What a turn says that has no words: keys."""

_USUAL: Final = Simulated(
    greeting="Hello, how can I help you?",
    other="Yes, I am listening. Please go on.",
    idle="Are you still there?",
)
_USUAL_BY_LANGUAGE: Final[Mapping[str, Simulated]] = {
    "he": Simulated(
        greeting="שלום, איך אפשר לעזור?", other="כן, אני מקשיבה. אפשר להמשיך.", idle="האם אתה עדיין על הקו?"
    ),
}


@dataclass(slots=True)
class ModelVoice:
    """What the simulated model's words sound like; texts may be added while it speaks."""

    audio: dict[str, bytes] = field(default_factory=dict)

    def __call__(self, _session: SessionRecord, _response: int, _index: int, clip: str) -> bytes:
        return self.audio[clip] if clip in self.audio else clips.load(clip)


def script_of(scenario: Scenario, language: str) -> Script:
    """What the simulated model hears and says in this scenario. Its turns are a list: more may be added."""
    said = _said(scenario.simulated, language)
    other = _say(said.other)
    said_by_caller = dict(scenario.said)
    turns = [
        Turn(
            heard_clip="",
            reply=tuple(map(_output, answer.acts)) or (other,),
            after=tuple(map(_output, answer.then)),
            words=_heard(said_by_caller[index]) if index in said_by_caller else UNHEARD,
        )
        for index, step in enumerate(scenario.steps)
        if (answer := answer_of(step)) is not None
    ]
    return Script(
        name=scenario.name,
        language=language,
        greeting=(_say(said.greeting),),
        turns=turns or [Turn(heard_clip="", reply=(other,), after=(), words=UNHEARD)],
        idle=(_say(said.idle),),
        other=(other,),
    )


def add_turn(script: Script, text: str) -> None:
    """The caller is about to say something that the script does not have yet; it is answered as what nothing
    is said of."""
    turns = script.turns
    assert isinstance(turns, list), "expected the script of a scenario, whose turns are a list"
    turn = Turn(heard_clip="", reply=script.other, after=(), words=text)
    if [each.words for each in turns] == [UNHEARD]:
        turns[:] = [turn]  # There was one because there must be one.
    else:
        turns.append(turn)


def texts_of(script: Script) -> list[str]:
    """All that the simulated model may say, but for stored clips."""
    replies = [script.greeting, script.idle, script.other]
    for turn in script.turns:
        replies += [turn.reply, turn.after]
    return [output.words for reply in replies for output in reply if isinstance(output, Say) and output.words]


def tools_called(scenario: Scenario) -> list[tuple[int, str]]:
    """The line and the name of each tool that the simulated model is to call."""
    return [
        (step.line, act.name)
        for step in scenario.steps
        if (answer := answer_of(step)) is not None
        for act in answer.acts
        if isinstance(act, CallsTool)
    ]


# Private.


def _said(simulated: Simulated, language: str) -> Simulated:
    usual = _USUAL_BY_LANGUAGE.get(language.partition("-")[0], _USUAL)
    return Simulated(
        greeting=simulated.greeting or usual.greeting,
        other=simulated.other or usual.other,
        idle=simulated.idle or usual.idle,
    )


def _heard(words: Words) -> str:
    """What the model's transcript says of it."""
    if words.clip and not words.text:
        return clips.manifest()[words.clip].text
    return words.name


def _output(act: Act) -> Output:
    match act:
        case SaysText(text=text):
            return _say(text)
        case CallsTool(name=name, arguments=arguments):
            return Call(name, written(arguments))


def _say(text: str) -> Say:
    return Say(clip=text, words=text)
