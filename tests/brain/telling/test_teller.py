"""What people are told of a call, and when."""

from __future__ import annotations

from dataclasses import dataclass, field

from brain.telling.meter import Meter
from brain.telling.teller import CallTeller
from brain.telling.voice import VoiceBand
from shared.contract.card import BrainPhase, BrainUsed, TalkPhase
from shared.contract.streams.journal import Kind
from tests.brain.telling.test_phase import QUIET
from tests.brain.telling.test_spending import REPLY, Clock, Redis, spending


@dataclass
class Desk:
    """A pen and a card."""

    lines: list[tuple[Kind, dict[str, str]]] = field(default_factory=list)
    cards: list[object] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)

    def note(self, kind: Kind, *, response: str | None = None, **fields: str) -> None:
        self.lines.append((kind, fields if response is None else {"response": response, **fields}))

    def teller(self, *, call_micros: int = 0) -> CallTeller:
        made = spending(Redis(), self.clock)
        made.call_micros = call_micros
        meter = Meter(made, "CA1", "sales", self.cards.append)
        return CallTeller(self, meter, VoiceBand(), self.cards.append, self.clock)


def test_a_turn_is_a_voice_and_a_response_time() -> None:
    """From the end of the voice, not from the news of it, to the first sound of the answer."""
    desk = Desk()
    teller, began_ms = desk.teller(), desk.clock.now_ms
    teller.voice_began("u", 0.0)
    desk.clock.now_ms += 2_000
    teller.voice_ended("u", 500.0)
    desk.clock.now_ms += 400
    teller.first_audio("r1")
    teller.first_audio("r2")
    teller.look(QUIET)

    voice, first, second = desk.lines
    assert voice == (
        Kind.VOICE, {"item": "u", "from_ms": str(began_ms), "to_ms": str(began_ms + 1_500)}
    )  # fmt: skip
    assert [first, second] == [(Kind.FIRST_AUDIO, {"response": "r1"}), (Kind.FIRST_AUDIO, {"response": "r2"})]
    (phase,) = desk.cards
    assert phase == BrainPhase(phase=TalkPhase.LISTENING, phase_at_ms=desk.clock.now_ms, response_ms=900)


def test_a_brain_that_takes_over_keeps_the_last_response_time() -> None:
    """It stands until another answer was waited for."""
    desk = Desk()
    teller = desk.teller()
    teller.response_ms = 640
    teller.first_audio("r1")
    teller.look(QUIET)
    (phase,) = desk.cards
    assert isinstance(phase, BrainPhase)
    assert phase.response_ms == 640


def test_who_speaks_on_waits_for_no_answer() -> None:
    """What they said before is not what is answered."""
    desk = Desk()
    teller = desk.teller()
    teller.voice_began("u", 0.0)
    teller.voice_ended("u", 0.0)
    teller.voice_began("v", 0.0)
    teller.first_audio("r1")
    teller.look(QUIET)
    (phase,) = desk.cards
    assert isinstance(phase, BrainPhase)
    assert phase.response_ms is None


def test_a_phase_that_stays_is_not_written_again() -> None:
    """Twice a second would be a write for nothing."""
    desk = Desk()
    teller = desk.teller()
    for _ in range(5):
        teller.look(QUIET)
    assert len(desk.cards) == 1


def test_a_budget_has_its_lines_and_ends_what_it_ends() -> None:
    """Nearly spent: a line. Spent: a line, and its name."""
    desk = Desk()
    teller = desk.teller(call_micros=70_000)
    teller.used(REPLY)
    assert teller.budgets_spent() == []
    teller.used(REPLY)
    assert teller.budgets_spent() == ["call"]

    assert [(kind, fields["level"]) for kind, fields in desk.lines] == [
        (Kind.BUDGET, "nearly"), (Kind.BUDGET, "spent"),
    ]  # fmt: skip
    assert all(isinstance(card, BrainUsed) for card in desk.cards)
