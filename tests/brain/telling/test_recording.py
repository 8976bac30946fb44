"""Whether a call is recorded: not before the caller knows, and not while somebody asked for a pause."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from brain.agents.agent import Agent, Recorded, default_agent
from brain.sequencer import inputs
from brain.sequencer.notice import notice_id
from brain.sound.kinds import Notice
from brain.telling.recording import CallRecording
from shared.contract.card import BrainListened, BrainRecording, TapeState
from shared.contract.streams.control import LISTEN_MS
from shared.contract.streams.journal import Kind
from shared.contract.streams.tape import TapeWish
from shared.settings import load

NOTICE = Notice(file="n.wav", text="This call is recorded.", interruptible=False, audio=b"n" * 8000)
FIRST = [inputs.NoticeReady(item_id=notice_id(1, interruptible=False), n_bytes=8000, text=NOTICE.text)]
ANNOUNCEMENT, WELCOME = notice_id(1, interruptible=False), notice_id(2, interruptible=True)


def agent(**recorded: object) -> Agent:
    return replace(default_agent(load(env_file=None)), recording=Recorded(**recorded))  # type: ignore[arg-type]


ANNOUNCED = agent(record=True, announcement=NOTICE)


@dataclass
class Call:
    """A call whose time stands until it is moved."""

    now_ms: int = 1_000_000
    written: list[object] = field(default_factory=list)
    told: list[TapeWish] = field(default_factory=list)
    lines: list[tuple[Kind, dict[str, str]]] = field(default_factory=list)

    def note(self, kind: Kind, *, response: str | None = None, **fields: str) -> None:
        self.lines.append((kind, fields))

    def recording(self, state: TapeState = TapeState.NO, from_ms: int | None = None) -> CallRecording:
        return CallRecording(
            self.written.append, self.told.append, self, state, from_ms, 0, lambda: self.now_ms
        )


def test_an_agent_that_says_nothing_of_it_is_not_recorded() -> None:
    call = Call()
    made = call.recording()
    made.begins(agent(), FIRST)
    made.heard(ANNOUNCEMENT, complete=True)
    assert (call.written, call.told, made.wish()) == ([], [], None)


def test_it_begins_when_the_announcement_was_heard_whole() -> None:
    """Not with its beginning, not with another notice."""
    call = Call()
    made = call.recording()
    made.begins(ANNOUNCED, FIRST)
    assert made.wish() == TapeWish(recording=TapeState.ANNOUNCING)
    made.heard(ANNOUNCEMENT, complete=False)
    made.heard(WELCOME, complete=True)
    made.heard("item_1", complete=True)
    assert made.state is TapeState.ANNOUNCING
    call.now_ms += 5_000
    made.heard(ANNOUNCEMENT, complete=True)
    assert call.written[-1] == BrainRecording(tape=TapeState.ON, taped_from_ms=1_005_000)
    assert call.told[-1] == TapeWish(recording=TapeState.ON)
    assert call.lines[-1] == (Kind.TAPED, {"what": "on"})


def test_callers_who_know_before_are_recorded_at_once() -> None:
    call = Call()
    made = call.recording()
    made.begins(agent(record=True, announced="elsewhere"), [])
    assert made.state is TapeState.ON


def test_a_call_whose_announcement_is_not_played_is_not_recorded() -> None:
    """As of a call that is taken over before anybody knew whether it is to be: nobody was told."""
    call = Call()
    made = call.recording()
    made.begins(ANNOUNCED, [])
    assert (made.state, made.wish()) == (TapeState.NO, None)


def test_a_brain_that_takes_the_call_goes_on_as_it_was() -> None:
    """Paused stays paused, and ingress is told so before anything else."""
    call = Call()
    made = call.recording(TapeState.PAUSED, 5)
    made.begins(ANNOUNCED, FIRST)
    assert call.told == [TapeWish(recording=TapeState.PAUSED)]
    made.pause(False)
    assert call.written == [
        BrainRecording(tape=TapeState.PAUSED, taped_from_ms=5),
        BrainRecording(tape=TapeState.ON, taped_from_ms=5),
    ]


def test_a_pause_is_told_whatever_is_known() -> None:
    """What is to be kept out must not hang on this brain's view; and nothing begins by the end of one."""
    call = Call()
    made = call.recording()
    made.pause(False)
    assert call.told == []
    made.pause(True)
    made.pause(True)
    assert [wish.recording for wish in call.told] == [TapeState.PAUSED] * 2


def test_a_listener_is_believed_for_a_minute() -> None:
    """And noted once, however often they say that they are there."""
    call = Call()
    made = call.recording()
    made.listened()
    call.now_ms += 20_000
    made.listened()
    assert call.written[-1] == BrainListened(listen_until_ms=1_020_000 + LISTEN_MS)
    assert made.wish() == TapeWish(recording=TapeState.NO, listen_ms=LISTEN_MS)
    assert [kind for kind, _ in call.lines] == [Kind.LISTENED]
    call.now_ms += LISTEN_MS
    assert made.wish() is None
