"""The exhaustive walk: no violation to a small depth, and a walk that finds what is wrong."""

from __future__ import annotations

import os

import pytest

from brain.sequencer import SlotState, ask_again, confirm, cut, door
from brain.sequencer.doubt import VoiceInDoubt
from brain.sequencer.state import Response, State
from proofs.prove.states.walk import Mode, Violation, walk

DEPTH = int(os.environ.get("TRUNKLINE_WALK_DEPTH", "5"))
"""`make prove-sequencer` goes deeper, `make prove-mutants` less deep."""


@pytest.mark.timeout(420)
@pytest.mark.parametrize("mode", ["server", "brain", "confirm", "voice"])
def test_every_state_that_a_few_inputs_reach_is_sound(mode: Mode) -> None:
    """All invariants of the walk, in every state and at every step, and rest from everywhere."""
    walked = walk(mode, DEPTH)

    assert walked.states > 100
    assert {SlotState.GENERATING, SlotState.CANCELLING, SlotState.REQUESTED} <= walked.slots


def test_a_slot_that_is_bypassed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A door without the slot's gate: two creates, or one beside an active response."""
    real = door.closed_gate

    def careless(s: State, wish: door.Wish) -> door.Gate | None:
        gate = real(s, wish)
        return None if gate is door.Gate.SLOT else gate

    monkeypatch.setattr(door, "closed_gate", careless)

    with pytest.raises(Violation, match=r"create|journal"):
        walk("server", DEPTH)


def test_a_wish_that_is_dropped_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Superseding without a journal line is losing."""
    monkeypatch.setattr(door, "supersede", lambda s, wish, cause: None)

    with pytest.raises(Violation, match="journal"):
        walk("server", 4)


def test_a_retired_response_that_lives_on_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retired, but its audio still waits to be heard."""

    def careless(s: State, response: Response) -> None:
        s.retired.add(response.response_id)

    monkeypatch.setattr(cut, "retire", careless)

    with pytest.raises(Violation, match="retired"):
        walk("server", 4)


def test_the_way_to_a_violation_is_told() -> None:
    """The shortest sequence, in words."""
    violation = Violation("something", ["session confirmed", "tick"])

    assert "session confirmed → tick" in str(violation)


def test_a_debt_that_a_silent_end_takes_away_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ended is not heard."""

    def careless(s: State, response: Response, status: str, now_ms: float, **_: float) -> None:
        s.debts.waive_all()

    monkeypatch.setattr(ask_again, "response_ended", careless)

    with pytest.raises(Violation, match="nobody heard of"):
        walk("server", 4)


def test_a_debt_that_nobody_looks_after_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Owed, and no wait armed."""
    monkeypatch.setattr(ask_again, "watch", lambda s, now_ms: None)

    with pytest.raises(Violation, match="sound is owed"):
        walk("server", 4)


def test_a_reply_that_stands_still_for_ever_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The doubt is over, and nobody says that playback goes on."""

    def careless(s: State, doubt: VoiceInDoubt, now_ms: float) -> None:
        s.doubt = None

    monkeypatch.setattr(confirm, "_resume", careless)

    with pytest.raises(Violation, match="stands for ever"):
        walk("confirm", DEPTH)


def test_a_doubt_that_outlives_what_it_is_about_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing settles it after a cut that had another cause."""
    monkeypatch.setattr(confirm, "settle", lambda s, now_ms: None)

    with pytest.raises(Violation, match=r"still|doubt"):
        walk("confirm", DEPTH)


def test_a_voice_that_waits_for_words_that_nobody_writes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an agent without a transcriber: time alone would end it, a second too late."""
    real = confirm._interrupt

    def careless(s: State, doubt: VoiceInDoubt, now_ms: float, *, why: str) -> None:
        if why != "voice":
            real(s, doubt, now_ms, why=why)

    monkeypatch.setattr(confirm, "_interrupt", careless)

    with pytest.raises(Violation, match="nobody writes"):
        walk("voice", DEPTH)
