"""What the model says: which part of a call is told, and in which order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import cast

import pytest

from brain.call.from_model import Door, FromModel
from brain.call.lines import CallLog
from brain.call.owing import AnswerDue
from brain.call.reply import ReplyWriter
from brain.call.stopwatch import Stopwatch
from brain.call.watch import CallWatch
from brain.call.window import ModelWindow
from brain.caller.feed import CallerFeed
from brain.counters import BrainCounters, ResponseTimes
from brain.memory.record import Record
from brain.model.engine import Said, SaidKind
from brain.sequencer import inputs
from brain.sequencer.actions import AudioVerdict, Skip
from brain.sequencer.debts import Owed
from brain.sequencer.inputs import Input
from brain.telling.teller import CallTeller
from brain.tools.runs import ToolRuns
from shared.audio import SILENCE_FRAME
from shared.contract.bill.usage import ModelUsage, used
from shared.contract.owed import DebtCause
from shared.logs.log import get_log
from tests.brain.call.standings import QUIET


@dataclass
class Call:
    """Every part of a call that may be told, and what it was told, in one list."""

    told: list[tuple[object, ...]] = field(default_factory=list)
    people: list[tuple[object, ...]] = field(default_factory=list)
    """What people were told."""
    skip: Skip | None = None
    """What is said of each delta."""
    answers_turn: bool = True
    """Whether it is of a response to the caller."""

    def give(self, given: Input) -> None:
        self.told.append(("core", type(given).__name__))

    def admit(self, response_id: str, item_id: str, n_bytes: int, *, audible: bool) -> AudioVerdict:
        self.told.append(("judged", n_bytes))
        return AudioVerdict(
            skip=self.skip,
            response_id=response_id,
            item_id=item_id,
            cut=0,
            offset_bytes=0,
            first=not any(told[0] == "reply" for told in self.told),
            debt=1,
            answers_turn=self.answers_turn,
        )

    def audio(self, verdict: AudioVerdict, audio: bytes, _now_ms: float) -> None:
        self.told.append(("reply", verdict.item_id, audio))

    def speech_started(self, item_id: str) -> None:
        self.told.append(("feed", "speech_started", item_id))

    def speech_stopped(self) -> None:
        self.told.append(("feed", "speech_stopped"))

    def answered(self) -> None:
        self.told.append(("feed", "answered"))

    def settled(self, item_id: str) -> None:
        self.told.append(("feed", "settled", item_id))

    def caller_active(self) -> None:
        self.told.append(("active",))

    def said(self, said: Said) -> None:
        self.told.append(("record", said.kind))

    def response_done(self, response_id: str) -> None:
        self.told.append(("lines", response_id))

    def skipped(self, response_id: str) -> None:
        self.told.append(("skipped", response_id))

    def completed(self) -> None:
        self.told.append(("completed",))

    # The teller: what people are told concerns no other part, and stands beside the list.

    def first_audio(self, response_id: str) -> None:
        self.people.append(("first", response_id))

    def voice_began(self, item_id: str, ago_ms: float) -> None:
        self.people.append(("began", item_id, ago_ms))

    def voice_ended(self, item_id: str, ago_ms: float) -> None:
        self.people.append(("ended", item_id, ago_ms))

    def used(self, more: ModelUsage) -> None:
        self.people.append(("used", more))


WAITING = replace(QUIET, owed=Owed(1, DebtCause.TURN, 0.0))
"""A caller who is owed an answer."""


def listener(skip: Skip | None = None, *, answers_turn: bool = True) -> tuple[FromModel, Call]:
    call, due = Call(skip=skip, answers_turn=answers_turn), AnswerDue()
    made = FromModel(
        cast(Door, call), cast(CallerFeed, call), cast(Record, call), cast(ReplyWriter, call), due,
        cast(CallWatch, call), cast(ToolRuns, call), cast(CallLog, call), get_log(),
        BrainCounters(), ModelWindow(due, 0.0), Stopwatch(ResponseTimes()), call.completed,
        cast(CallTeller, call),
    )  # fmt: skip
    return made, call


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (inputs.SpeechStarted(item_id="u"), [("feed", "speech_started", "u"), ("active",), ("active",)]),
        (inputs.SpeechStopped(), [("feed", "speech_stopped")]),
        (inputs.TurnCommitted(item_id="u"), []),
        (inputs.ResponseDone(response_id="r", status="completed"), [("lines", "r")]),
        (inputs.ResponseDone(response_id="r", status="failed"), [("lines", "r")]),
        (inputs.Refused(event_id="e", code="c"), []),
    ],
    ids=["started", "stopped", "committed", "completed", "failed", "refused"],
)
def test_the_sequencer_is_told_last(given: Input, told: list[tuple[object, ...]]) -> None:
    """What it asks for then finds the others as they should be: the open turn, who waits for what."""
    made, call = listener()

    made.on_input(given)

    assert call.told == [*told, ("core", type(given).__name__)]


def test_audio_that_is_admitted_is_written_and_is_the_answer() -> None:
    """The model owes nothing any more, and the caller's turn is told once that its answer is there."""
    made, call = listener()
    made.due.check_model(0.0, WAITING)
    assert made.due.model_owes_since_ms is not None
    for piece in (b"one", b"two"):
        made.on_audio("r", "i", piece)

    assert call.told == [
        ("judged", 3), ("reply", "i", b"one"), ("feed", "answered"),
        ("judged", 3), ("reply", "i", b"two"),
    ]  # fmt: skip
    assert (made.counters.deltas, made.counters.delta_bytes) == (2, 6)
    made.due.check_model(1.0, WAITING)
    assert made.due.model_owes_since_ms is None


def test_audio_without_sound_answers_nobody() -> None:
    """It is written, but the caller's turn is still to be answered, and the session has not shown that it
    works."""
    made, call = listener()
    made.on_audio("r", "i", SILENCE_FRAME)
    made.on_input(inputs.ResponseDone(response_id="r", status="completed"))

    assert ("reply", "i", SILENCE_FRAME) in call.told
    assert ("feed", "answered") not in call.told
    assert ("completed",) not in call.told

    made.on_audio("s", "j", SILENCE_FRAME)
    made.on_audio("s", "j", b"sound")
    assert call.told[-1] == ("feed", "answered")


def test_only_a_response_with_sound_shows_that_the_session_works() -> None:
    """One that is completed in silence forgives no loss: sessions would be replaced without end."""
    made, call = listener()
    made.on_audio("r", "i", b"one")
    made.on_input(inputs.ResponseDone(response_id="other", status="completed"))
    made.on_input(inputs.ResponseDone(response_id="r", status="cancelled"))
    assert ("completed",) not in call.told

    made.on_input(inputs.ResponseDone(response_id="r", status="completed"))
    assert ("completed",) in call.told


def test_audio_that_is_not_admitted_is_counted_and_answers_nobody() -> None:
    """The caller waits on."""
    made, call = listener(Skip.RETIRED)
    made.on_audio("r", "i", b"late")

    assert call.told == [("judged", 4), ("skipped", "r")]
    made.due.check_model(1.0, WAITING)
    assert made.due.model_owes_since_ms is not None
    assert made.counters.deltas_skipped["retired"] == 1


def test_a_callers_text_settles_their_turn() -> None:
    """The model's own is only noted, and so is that there will be none."""
    made, call = listener()
    made.on_said(Said(SaidKind.USER_TEXT, "u", "hello"))
    made.on_said(Said(SaidKind.USER_TEXT, "v", ""))
    made.on_said(Said(SaidKind.MODEL_TEXT, "a", "hello"))

    assert call.told == [
        ("record", SaidKind.USER_TEXT),
        ("feed", "settled", "u"),
        ("record", SaidKind.USER_TEXT),
        ("record", SaidKind.MODEL_TEXT),
    ]


def test_a_refusal_is_counted_by_whether_it_was_expected() -> None:
    """In lost races, or not at all."""
    made, _ = listener()
    made.on_trouble("response_cancel_not_active", known=True)
    made.on_trouble("a_new_code", known=False)

    assert (made.counters.errors_benign, made.counters.errors_unknown) == (1, 1)


def test_an_operators_words_do_not_close_the_callers_turn() -> None:
    """A session that is lost then must still answer what the caller said."""
    made, call = listener(answers_turn=False)

    made.on_audio("r", "i", b"sound")

    assert ("feed", "answered") not in call.told


def test_a_tool_call_is_the_answer_to_the_callers_turn() -> None:
    """Said to the next session again, it would be done again."""
    made, call = listener()

    made.on_input(inputs.ToolCalled(response_id="r", call_id="c", name="book", arguments="{}"))

    assert ("feed", "answered") in call.told


def test_people_are_told_of_a_voice_of_the_first_sound_and_of_what_was_used() -> None:
    """Once a response, and not of audio that is not admitted."""
    made, call = listener()
    made.on_voice("u", begins=True, ago_ms=300.0)
    made.on_voice("u", begins=False, ago_ms=20.0)
    made.on_audio("r", "i", b"one")
    made.on_audio("r", "i", b"two")
    made.on_usage(used("m", text_out=1))

    assert call.people == [
        ("began", "u", 300.0), ("ended", "u", 20.0), ("first", "r"), ("used", used("m", text_out=1)),
    ]  # fmt: skip
    skipped, other = listener(Skip.RETIRED)
    skipped.on_audio("r", "i", b"late")
    assert other.people == []
