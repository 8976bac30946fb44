"""Noise does not cut: what stops playback, what lets it go on, what is an interruption after all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brain.sequencer import Reason, SequencerConfig, SlotState, inputs
from brain.sequencer.actions import (
    Action,
    Flush,
    Journal,
    Move,
    PassOver,
    PauseReply,
    ResumeReply,
    SendCancel,
    SendTruncate,
)
from brain.sequencer.debts import Owed
from brain.sequencer.doubt import phrases
from shared.contract.owed import DebtCause
from tests.brain.sequencer.desk import Desk, creates, journaled, only, token

CONFIG = SequencerConfig(
    create_response_by="brain",
    confirm_ms=1_500.0,
    confirm_min_ms=250.0,
    transcribes=True,
    backchannels=phrases(["mm-hm", "okay"]),
    listens_ms=500.0,
)


class Talk(Desk):
    """A caller who listens to a reply of five seconds, of which they have heard one."""

    def __init__(self, config: SequencerConfig = CONFIG, *, done: bool = True, plays: bool = True) -> None:
        super().__init__(config=config)
        self.now_ms = 1_000.0
        if plays:
            self.said("r1", "i1", 5_000, done=done)
            self.audible("r1", "i1")
            self.now_ms = 2_000.0
            self.heard("r1", "i1", 1_000)
            self.log.clear()

    def voice(self, item_id: str = "u1") -> list[Action]:
        return self.give(inputs.SpeechStarted(item_id=item_id))

    def stops(self, after_ms: float, spoke_ms: float | None = None, item_id: str = "u1") -> list[Action]:
        """The voice is silent, and its turn stands in the conversation."""
        self.now_ms += after_ms
        stopped = self.give(inputs.SpeechStopped(item_id=item_id, spoke_ms=spoke_ms))
        return [*stopped, *self.give(inputs.TurnCommitted(item_id=item_id))]

    def words(self, text: str, *, final: bool = True, item_id: str = "u1") -> list[Action]:
        return self.give(inputs.CallerUnderstood(item_id=item_id, text=text, final=final))


def shape(actions: list[Action]) -> list[str]:
    """What is asked for, but for lines of the journal."""
    return [type(action).__name__ for action in actions if not isinstance(action, Journal)]


# It stands still.


def test_a_voice_stops_playback_and_nothing_else() -> None:
    """At once; nothing is cancelled, truncated or raised."""
    talk = Talk(done=False)

    actions = talk.voice()

    assert only(PauseReply, actions) == [PauseReply(cut=0, most_ms=2_500.0)]
    assert shape(actions) == ["PauseReply"]
    assert (talk.core.slot, talk.core.cut, talk.core.audible_response_id) == (SlotState.GENERATING, 0, "r1")
    assert journaled(actions, "paused") == [{"item": "u1", "cut": "0"}]


@pytest.mark.parametrize("what", ["generating", "asked for", "unheard"])
def test_whatever_an_interruption_would_end_stands_still(what: str) -> None:
    """A response that has said nothing yet, a create on its way, audio that waits."""
    talk = Talk(plays=False)
    match what:
        case "generating":
            talk.created("r1")
        case "asked for":
            talk.wish(Reason.TURN)
        case _:
            talk.said("r1", "i1", 1_000)

    assert shape(talk.voice()) == ["PauseReply"]


@pytest.mark.parametrize("what", ["nothing", "a greeting on its way", "a farewell", "no item", "a notice"])
def test_where_nothing_could_be_cut_nothing_stands_still(what: str) -> None:
    """Then a voice is what it has always been."""
    talk = Talk(replace(CONFIG, greeting_interruptible=what != "a notice"), plays=False)
    match what:
        case "a greeting on its way":
            talk.wish(Reason.GREETING)
        case "a farewell":
            talk.give(inputs.HangUpWished(cause="x", farewell="bye"))
        case "no item":
            talk.said("r1", "i1", 1_000)
        case "a notice":
            talk.created("r1", token(talk.wish(Reason.GREETING, "This call is recorded.")))
            talk.audio("r1", "i1", 4_000)
        case _:
            pass

    actions = talk.voice("" if what == "no item" else "u1")

    assert only(PauseReply, actions) == []
    assert bool(only(Flush, actions)) == (what == "no item")
    assert talk.core.state.doubt is None


def test_without_the_setting_a_voice_interrupts_at_once() -> None:
    """As for every other agent."""
    talk = Talk(replace(CONFIG, confirm_ms=0.0))

    assert shape(talk.voice()) == ["Flush"]


def test_what_the_model_goes_on_saying_is_admitted_meanwhile() -> None:
    """It is said behind what stands still."""
    talk = Talk(done=False)
    talk.voice()

    verdict = talk.audio("r1", "i1", 500)

    assert (verdict.skip, verdict.cut, verdict.offset_bytes) == (None, 0, 40_000)


# It was nothing.


def test_a_short_voice_was_noise() -> None:
    """Playback goes on as soon as that is known; its turn is answered by nobody, and the model is told
    nothing."""
    talk = Talk(done=False)
    talk.voice()

    actions = talk.stops(700, spoke_ms=200)

    assert shape(actions) == ["PassOver", "ResumeReply"]
    assert only(PassOver, actions) == [PassOver(item_id="u1")]
    assert journaled(actions, "passed_over") == [{"item": "u1", "cause": "short"}]
    assert journaled(actions, "went_on") == [{"cut": "0", "ms": "700"}]
    assert (talk.core.owed, talk.core.state.doubt, talk.core.slot) == (None, None, SlotState.GENERATING)
    assert not talk.core.state.caller.speaking


@pytest.mark.parametrize(
    ("said", "cause"), [("Mm-hm, okay.", "backchannel"), ("", "no_words"), (" ", "no_words")]
)
def test_without_a_word_that_is_meant_it_was_nothing(said: str, cause: str) -> None:
    """The transcript says so, within the time."""
    talk = Talk()
    talk.voice()
    assert shape(talk.stops(900, spoke_ms=400)) == []
    talk.now_ms += 300

    actions = talk.words(said)

    assert shape(actions) == ["PassOver", "ResumeReply"]
    assert journaled(actions, "passed_over")[0]["cause"] == cause
    assert talk.core.owed is None
    assert shape(talk.at(talk.now_ms + 5_000)) == []


def test_a_length_that_is_just_enough_is_no_noise() -> None:
    """To the millisecond; and one that nobody knows is none either."""
    for spoke_ms in (250.0, None):
        talk = Talk()
        talk.voice()
        assert shape(talk.stops(800, spoke_ms=spoke_ms)) == []
    talk = Talk()
    talk.voice()
    assert shape(talk.stops(800, spoke_ms=249.0)) == ["PassOver", "ResumeReply"]


def test_what_came_before_the_voice_is_owed_as_before() -> None:
    """They asked something, the answer is on its way, they cough: the answer comes."""
    talk = Talk(plays=False)
    talk.voice("u0")
    talk.stops(2_000, item_id="u0")
    ours = token(talk.log)
    owed = talk.core.owed
    talk.voice("u1")
    talk.stops(700, spoke_ms=100)

    talk.created("r1", ours)
    verdict = talk.audio("r1", "i1", 400)

    assert owed == Owed(1, DebtCause.TURN, 2_500)
    assert (verdict.skip, talk.core.owed) == (None, owed)
    talk.audible("r1", "i1")
    assert talk.core.owed is None


def test_a_wish_waits_until_it_is_known() -> None:
    """An operator's words are not spoken into the doubt, but after it."""
    talk = Talk()
    talk.voice()
    talk.now_ms += 100

    assert creates(talk.wish(Reason.OPERATOR, "news")) == []
    assert creates(talk.stops(700, spoke_ms=100)) == [Reason.OPERATOR]


def test_two_voices_are_two_questions() -> None:
    """A cough, and "mm-hm" while it is not known yet: playback goes on when both are nothing."""
    talk = Talk()
    talk.voice("u1")
    talk.stops(600, spoke_ms=400, item_id="u1")
    talk.now_ms += 100
    assert shape(talk.voice("u2")) == [], "it stands still already"
    assert shape(talk.stops(300, spoke_ms=100, item_id="u2")) == ["PassOver"]

    assert shape(talk.words("okay", item_id="u1")) == ["PassOver", "ResumeReply"]


def test_a_voice_that_was_nothing_is_no_turn_when_they_speak_on() -> None:
    """A cough stands in the conversation already, and they mean the next one: that is answered, once it is
    over."""
    talk = Talk()
    talk.voice("u1")
    talk.stops(600, spoke_ms=400, item_id="u1")
    talk.voice("u2")
    assert shape(talk.words("okay", item_id="u1")) == ["PassOver"]
    assert creates(talk.words("Stop, ", final=False, item_id="u2")) == []
    talk.now_ms += 500

    assert creates(talk.give(inputs.SpeechStopped(item_id="u2"))) == []
    assert creates(talk.give(inputs.TurnCommitted(item_id="u2"))) == [Reason.TURN]


def test_a_move_is_not_dropped_by_a_cough() -> None:
    """The tool's caller goes once what was said before is heard."""
    talk = Talk(done=False)
    talk.give(inputs.ToolCalled(response_id="r1", call_id="c1", name="transfer", arguments="{}"))
    talk.done("r1")
    talk.give(inputs.MoveWished(kind="dial", argument="+15550001", call_id="c1", response_id="r1"))
    talk.voice()

    assert shape(talk.stops(600, spoke_ms=90)) == ["PassOver", "ResumeReply"]
    assert len(only(Move, talk.played("r1", "i1", 5_000))) == 1


def test_a_caller_who_may_want_to_stop_a_move_is_heard_out_before_they_are_gone() -> None:
    """All was heard, another response still talks, and they said something: they go when it was nothing."""
    talk = Talk(done=False)
    talk.give(inputs.ToolCalled(response_id="r1", call_id="c1", name="transfer", arguments="{}"))
    talk.done("r1")
    talk.created("r2")
    talk.voice()
    talk.give(inputs.MoveWished(kind="dial", argument="+15550001", call_id="c1", response_id="r1"))

    assert only(Move, talk.played("r1", "i1", 5_000)) == []
    assert shape(talk.stops(600, spoke_ms=90)) == ["PassOver", "ResumeReply", "Flush", "SendCancel", "Move"]


# It is an interruption.


def test_a_word_that_is_meant_interrupts_as_it_would_have_at_once() -> None:
    """While they speak: flush, cancel by id, truncation at what egress says was heard."""
    talk = Talk(done=False)
    talk.voice()
    talk.now_ms += 400
    assert shape(talk.words("Mm", final=False)) == []

    actions = talk.words("-hm, wait, ", final=False)

    assert shape(actions) == ["Flush", "SendCancel"]
    assert only(SendCancel, actions)[0].left_to_server is False
    assert journaled(actions, "confirmed") == [{"cause": "words", "ms": "400"}]
    (truncate,) = only(SendTruncate, talk.flushed(1, i1=1_050))
    assert truncate.audio_end_ms == 1_050
    talk.done("r1", "cancelled")
    assert creates(talk.stops(900)) == [Reason.TURN]


def test_a_turn_that_ended_in_doubt_is_answered_when_its_words_are_known() -> None:
    """The caller waits since they stopped; one create."""
    talk = Talk()
    talk.voice()
    talk.stops(900, spoke_ms=400)
    talk.now_ms += 250

    actions = talk.words("Stop.")

    assert shape(actions) == ["Flush", "SendCreate"]
    assert talk.core.owed == Owed(1, DebtCause.TURN, 2_000 + 900 - 500)


def test_when_the_time_is_over_they_are_taken_to_mean_it() -> None:
    """No transcript came, or they are still speaking."""
    for stops in (True, False):
        talk = Talk()
        talk.voice()
        if stops:
            talk.stops(900, spoke_ms=400)
        assert shape(talk.at(3_499)) == []

        actions = talk.at(3_500)

        assert shape(actions) == (["Flush", "SendCreate"] if stops else ["Flush"])
        assert journaled(actions, "confirmed") == [{"cause": "time", "ms": "1500"}]
        assert shape(talk.words("mm-hm")) == [], "it is known already"


def test_without_transcripts_the_length_decides() -> None:
    """As soon as the voice has stopped."""
    config = replace(CONFIG, transcribes=False)
    talk = Talk(config)
    talk.voice()
    actions = talk.stops(900, spoke_ms=400)
    assert shape(actions) == ["Flush", "SendCreate"]
    assert journaled(actions, "confirmed")[0]["cause"] == "voice"

    talk = Talk(config)
    talk.voice()
    assert shape(talk.stops(900, spoke_ms=200)) == ["PassOver", "ResumeReply"]


def test_what_was_heard_out_meanwhile_cannot_be_cut() -> None:
    """The report of it was under way: their turn is one as in any silence, and what comes next is heard."""
    talk = Talk()
    talk.voice()
    talk.stops(900, spoke_ms=400)

    actions = talk.played("r1", "i1", 5_000)

    assert shape(actions) == ["RecordHeard", "ResumeReply", "SendCreate"]
    assert journaled(actions, "confirmed")[0]["cause"] == "nothing_left"


@pytest.mark.parametrize(
    "input_",
    [
        inputs.KeyPressed(),
        inputs.CallerWrote(text="1", barge_in=True),
        inputs.WishToSpeak(reason=Reason.OPERATOR, text="x", force=True),
    ],
    ids=["key", "keys", "operator"],
)
def test_whatever_else_cuts_ends_the_doubt(input_: inputs.Input) -> None:
    """Their voice is a turn then, and is answered with it."""
    talk = Talk()
    talk.voice()
    talk.stops(900, spoke_ms=400)

    actions = talk.give(input_)

    assert len(only(Flush, actions)) == 1
    assert only(ResumeReply, actions) == []
    assert talk.core.state.doubt is None
    assert talk.core.state.debts.standing[1 if isinstance(input_, inputs.KeyPressed) else 2] is DebtCause.TURN


@pytest.mark.parametrize("how", ["farewell", "session lost"])
def test_what_cannot_be_found_out_any_more_goes_on(how: str) -> None:
    """A farewell is not interrupted, nor what is said before it; the next session hears the voice again."""
    talk = Talk()
    talk.voice()

    actions = talk.give(
        inputs.HangUpWished(cause="x", farewell="bye")
        if how == "farewell"
        else inputs.SessionLost(cause="closed_1006", turn_replayed=True)
    )

    assert only(ResumeReply, actions) == [ResumeReply(cut=0)]
    assert talk.core.state.doubt is None


def test_a_hang_up_at_once_needs_no_word_more() -> None:
    """All is flushed."""
    talk = Talk()
    talk.voice()

    actions = talk.give(inputs.HangUpWished(cause="operator"))

    assert len(only(Flush, actions)) == 1
    assert only(ResumeReply, actions) == []


def test_an_item_that_was_passed_over_stays_so() -> None:
    """Whatever the server says of it later."""
    talk = Talk()
    talk.voice()
    talk.stops(700, spoke_ms=100)

    for late in (
        inputs.SpeechStopped(item_id="u1"),
        inputs.TurnCommitted(item_id="u1"),
        inputs.CallerUnderstood(item_id="u1", text="Thank you.", final=True),
    ):
        assert shape(talk.give(late)) == []
    assert talk.core.owed is None


def test_what_the_server_answers_by_itself_is_heard_behind_what_goes_on() -> None:
    """An engine that makes responses of its own: nothing sticks."""
    talk = Talk(replace(CONFIG, create_response_by="server"))
    talk.voice()
    talk.stops(700, spoke_ms=400)
    talk.created("r2")
    talk.audio("r2", "i2", 300)

    actions = talk.words("mm-hm")

    assert shape(actions) == ["PassOver", "ResumeReply"]
    assert talk.core.slot is SlotState.GENERATING
