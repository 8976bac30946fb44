"""The caller of a scenario, tick by tick, with a call that the test makes up."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from console.demo.timeline import Line
from console.demo.watch import Record, Seen
from console.trial.acting import QUIET_MS, Acting, Stage
from console.trial.scenario import (
    Event,
    ExpectTool,
    ExpectWords,
    HangUp,
    Interrupt,
    Press,
    Rest,
    Say,
    Scenario,
    Step,
    WaitFor,
    Words,
)
from shared.contract.streams.history import ItemEntry, ItemHeard, ToolEntry, ToolState
from shared.contract.streams.journal import Kind
from simulators.twilio.caller.clip import Clip
from simulators.twilio.caller.conduct import Caller, EndCall, PressKey
from simulators.twilio.caller.plan import CallPlan
from tests.support.top_samples import journal_entry

CLIP = Clip(b"\x10" * 480, "clip")  # 60 ms.


@dataclass
class Ear:
    """What is heard."""

    playing: bool = False
    reply_number: int = 0
    quiet_since_ms: float = 0.0
    played_ms: float = 0.0

    def reply_played_ms(self, now_ms: float) -> float:
        return self.played_ms


@dataclass
class Play:
    """A call under way."""

    acting: Acting
    ear: Ear = field(default_factory=Ear)
    seen: list[Seen] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    did: list[object] = field(default_factory=list)
    now_ms: float = 0.0
    caller: Caller = field(init=False)

    def __post_init__(self) -> None:
        self.acting.stage = Stage(
            now_ms=lambda: self.now_ms,
            seen=self.seen,
            hearing=self.ear,
            write=self.written.append,
            tell=self.lines.append,
        )
        self.caller = Caller(CallPlan(self.acting.steps(), stop_at_failure=False), 0.0)

    def goes_on(self, ms: float) -> Play:
        """Lets time pass; notes what the caller does."""
        until_ms = self.now_ms + ms
        while self.now_ms < until_ms:
            self.now_ms += 20
            self.did += self.caller.tick(self.now_ms, self.ear)
            frame = self.caller.take_frame()
            if frame is not None and frame.first:
                self.did.append(frame.clip.name)
        return self

    def is_told(self, record: Record) -> None:
        self.seen.append(Seen(at_ms=self.now_ms, record=record))

    def agent_speaks(self, item: str, text: str = "") -> None:
        """A reply begins."""
        self.is_told(journal_entry(Kind.AUDIBLE, item=item))
        if text:
            self.is_told(ItemEntry(item_id=item, role="assistant", text=text, final=True))
        self.ear.playing = True

    def agent_is_silent(self, item: str) -> None:
        """It was heard to its end."""
        self.is_told(ItemHeard(item_id=item, ms=900, of_ms=900, complete=True))
        self.ear.playing, self.ear.quiet_since_ms = False, self.now_ms


def play(*steps: Step, written: bool = False) -> Play:
    voices = {} if written else dict.fromkeys(range(len(steps)), CLIP)
    return Play(Acting(Scenario(name="x", steps=steps), voices))


def say(text: str = "a", *, now: bool = False) -> Say:
    return Say(line=1, words=Words(text=text), now=now)


def test_a_caller_speaks_once_the_greeting_was_heard() -> None:
    """Not before it, not into it, not at its first pause."""
    made = play(say()).goes_on(1000)
    made.agent_speaks("g")
    made.goes_on(1000)
    assert made.did == []
    made.agent_is_silent("g")
    made.goes_on(QUIET_MS - 20)
    assert made.did == []
    assert made.goes_on(40).did == ["clip"]


def test_a_caller_who_does_not_wait_speaks_at_once() -> None:
    """Before anything was heard."""
    assert play(say(now=True)).goes_on(20).did == ["clip"]


def test_at_the_end_the_last_reply_is_heard_then_the_caller_hangs_up() -> None:
    """By themselves."""
    made = play(say(now=True)).goes_on(500)
    assert not made.acting.hung_up
    made.agent_speaks("a")
    made.goes_on(500)
    made.agent_is_silent("a")
    made.goes_on(1200)
    assert made.did == ["clip", EndCall()]
    assert made.acting.hung_up


def test_a_reply_to_something_else_is_no_answer() -> None:
    """The greeting that was cut is not what the caller waits for."""
    made = play(Rest(line=1, ms=100), say(now=True), say()).goes_on(40)
    made.agent_speaks("g")
    made.goes_on(500)
    made.agent_is_silent("g")
    made.goes_on(3000)
    assert made.did == ["clip"]
    made.agent_speaks("a")
    made.goes_on(20)
    made.agent_is_silent("a")
    assert made.goes_on(800).did == ["clip", "clip"]


def test_what_is_told_before_it_has_arrived_is_waited_for() -> None:
    """A reply is told of when its first frame leaves."""
    made = play(say()).goes_on(2000)
    made.agent_speaks("g")
    made.ear.playing = False
    assert made.goes_on(500).did == []


def test_an_interruption_comes_into_a_reply() -> None:
    """After as much of it as the scenario says; what is expected then counts from there."""
    made = play(Interrupt(line=1, words=Words(text="no"), after_ms=800), ExpectWords(line=2, words=("yes",)))
    made.goes_on(100)
    made.agent_speaks("a", "yes yes")
    made.ear.played_ms = 780
    assert made.goes_on(100).did == []
    made.ear.played_ms = 800
    assert made.goes_on(100).did == ["clip"]
    since_ms = made.acting.marks[1].since_ms
    assert 180 <= since_ms <= 240
    made.agent_is_silent("a")
    made.goes_on(1000)
    assert made.acting.marks[1].met_at_ms is None
    made.agent_speaks("b", "Oh, yes.")
    made.agent_is_silent("b")
    made.goes_on(40)
    assert made.acting.marks[1].met_at_ms is not None


def test_a_tool_is_waited_for() -> None:
    """And when it came is noted."""
    made = play(say(now=True), ExpectTool(line=2, tool="stock", within_ms=5000), HangUp(line=3, now=True))
    made.goes_on(1000)
    assert made.did == ["clip"]
    made.is_told(ToolEntry(call_id="c", name="stock", state=ToolState.STARTED, value="{}"))
    made.goes_on(40)
    assert made.acting.marks[1].met_at_ms == 1000
    assert made.did == ["clip", EndCall()]


def test_what_does_not_come_is_not_waited_for_for_ever() -> None:
    """The caller goes on; the failure belongs to the step."""
    made = play(ExpectTool(line=2, tool="stock", within_ms=1000), say(now=True)).goes_on(1200)
    assert made.did == ["clip"]
    assert made.acting.marks[0].met_at_ms is None
    (failure,) = made.caller.failures
    assert failure.startswith("step 1 WaitUntil: expected stock() within 1 s within 1000 ms")
    assert made.acting.owners[0] == 0


def test_keys_are_pressed_and_told() -> None:
    """One after another."""
    made = play(Press(line=1, keys="12", now=True), HangUp(line=2, now=True)).goes_on(600)
    assert made.did == [PressKey("1"), PressKey("2"), EndCall()]
    assert [each.text for each in made.lines] == ["(presses 12)"]


@pytest.mark.parametrize(
    ("event", "goes_on_at"), [(Event.SPEECH, "speech"), (Event.REPLY, "silence"), (Event.END, "never")]
)
def test_a_caller_waits_for_what_they_are_told_to(event: Event, goes_on_at: str) -> None:
    """And no longer."""
    made = play(WaitFor(line=1, event=event, within_ms=60_000), say(now=True)).goes_on(500)
    assert made.did == []
    made.agent_speaks("a")
    made.goes_on(500)
    assert made.did == (["clip"] if goes_on_at == "speech" else [])
    made.agent_is_silent("a")
    made.goes_on(2000)
    assert (made.did != []) is (goes_on_at != "never")


def test_a_rest_is_a_rest() -> None:
    """Nothing is done for that long."""
    made = play(Rest(line=1, ms=500), say(now=True)).goes_on(480)
    assert made.did == []
    assert made.goes_on(40).did == ["clip"]


def test_what_cannot_be_spoken_is_written() -> None:
    """At the same moment, and told as what the caller said; an interruption too."""
    made = play(
        say("Hello", now=True), Interrupt(line=2, words=Words(text="No!"), after_ms=500), written=True
    ).goes_on(100)
    assert made.written == ["Hello"]
    made.agent_speaks("a")
    made.ear.played_ms = 600
    made.goes_on(100)
    assert made.written == ["Hello", "No!"]
    assert [each.said for each in made.lines] == ["Hello", "No!"]


def test_every_step_knows_when_it_began_and_when_it_was_done() -> None:
    """Of an expectation, when it was met."""
    made = play(Rest(line=1, ms=200), say(now=True), HangUp(line=3, now=True)).goes_on(1000)
    marks = made.acting.marks
    assert [marks[0].began_ms, marks[0].met_at_ms] == [0, 200]
    assert marks[1].met_at_ms is not None
    assert sorted(marks) == [0, 1, 2]
    assert made.acting.owners == [0, 1, 2]
