"""When two states are one: whatever no rule can tell apart."""

from __future__ import annotations

from brain.sequencer import Reason, Sequencer, SequencerConfig, inputs
from proofs.prove.states.canonical import VOICE, canonical


def said(at_ms: float, response_id: str) -> Sequencer:
    """A turn, and an answer to it."""
    core = Sequencer(SequencerConfig())
    for input_ in (
        inputs.SessionConfirmed(),
        inputs.SpeechStarted(item_id="u"),
        inputs.SpeechStopped(item_id="u"),
        inputs.ResponseCreated(response_id=response_id),
    ):
        core.handle(input_, at_ms)
    core.admit_audio(response_id, "i", 8_000, at_ms)
    return core


def test_time_and_names_make_no_difference() -> None:
    """The same things at another moment, under other ids."""
    assert canonical(said(0, "a").state, 0) == canonical(said(5_000, "b").state, 5_000)


def test_what_is_owed_does() -> None:
    """And whether an answer that waits to be heard pays for it."""
    owing, paid = said(0, "a"), said(0, "a")
    paid.handle(inputs.Audible(cut=0, response_id="a", item_id="i"), 0)
    more = said(0, "a")
    more.handle(inputs.WishToSpeak(reason=Reason.OPERATOR, text="x"), 0)

    forms = [canonical(core.state, 0) for core in (owing, paid, more)]

    assert len(set(forms)) == 3


def test_how_the_model_does_makes_a_difference() -> None:
    """A session with a mark against it is another one."""
    good, bad = said(0, "a"), said(0, "a")
    bad.state.asking.silent_ends = 1

    assert canonical(good.state, 0) != canonical(bad.state, 0)


def test_what_is_known_of_a_voice_makes_a_difference() -> None:
    """Whether there is one in doubt, what it has said, and that one was passed over."""

    def heard(*more: inputs.Input) -> object:
        core = Sequencer(SequencerConfig(create_response_by="brain", confirm_ms=1_500, transcribes=True))
        core.handle(inputs.SessionConfirmed(), 0)
        core.handle(inputs.ResponseCreated(response_id="r"), 0)
        core.admit_audio("r", "i", 8_000, 0)
        for input_ in more:
            core.handle(input_, 0)
        return canonical(core.state, 0)

    begun = inputs.SpeechStarted(item_id=VOICE)
    half = inputs.CallerUnderstood(item_id=VOICE, text="st", final=False)
    forms = [
        heard(),
        heard(begun),
        heard(begun, half),
        heard(begun, inputs.TurnCommitted(item_id=VOICE)),
        heard(begun, inputs.SpeechStopped(item_id=VOICE, spoke_ms=100)),
    ]

    assert len(set(forms)) == 5
