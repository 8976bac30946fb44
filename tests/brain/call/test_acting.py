"""What the sequencer asks for, and the part of the call that each of its actions reaches."""

from __future__ import annotations

import typing
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from brain.call.acting import Acting
from brain.call.parts import BrainServices, CallParts
from brain.counters import BrainCounters, BrainFigures
from brain.sequencer import Reason, actions
from brain.sequencer.actions import Action
from brain.sound.kinds import Notice
from shared.contract.card import CutRaised, Next
from shared.contract.streams.journal import Kind
from shared.ownership.owner import Owner

Told = list[tuple[object, ...]]
NOTICE = Notice(file="a.wav", text="This call is recorded.", audio=b"\x10" * 8_000)
AUDIO_BYTES = 8_000
"""Of one second."""

FLUSH = actions.Flush(cut=2, response_id="r1", item_id="i1")
PAUSE = actions.PauseReply(cut=1, most_ms=2_500.0)
RESUME = actions.ResumeReply(cut=1)
PASS_OVER = actions.PassOver(item_id="u1")
PLAY = actions.PlayNotice(cut=1, item_id="notice-free-1", debt=3)
TELL = actions.TellSaid(event_id="e", item_id="notice-free-1", text="This call is recorded.")
END_ITEM = actions.EndItem(cut=1, response_id="r1", item_id="i1", total_bytes=AUDIO_BYTES)
END_RESPONSE = actions.EndResponse(cut=1, response_id="r1")
HEARD = actions.RecordHeard(item_id="i1", heard_ms=400, received_ms=1000, complete=False, heard_out=True)
RUN = actions.RunTool(response_id="r1", call_id="t1", name="look_up", arguments="{}")
MOVE = actions.Move(kind=Next.DIAL, argument="+15550001", call_id="t1")
CREATE = actions.SendCreate(token="b1-1", reason=Reason.TURN)
CANCEL = actions.SendCancel(event_id="e", response_id="r1")
TRUNCATE = actions.SendTruncate(event_id="e", item_id="i1", audio_end_ms=400)
DELETE = actions.SendDelete(event_id="e", item_id="i1")
APPROVAL = actions.SendApproval(event_id="e", request_id="a1", approve=False)
SILENCE = actions.SilenceServer(event_id="e")
TEXT = actions.SendText(event_id="e", text="1234")
OUTPUT = actions.SendToolOutput(event_id="e", call_id="t1", output="{}")
REWRITE = actions.Rewrite(item_id="i1", heard_ms=400)
HANG_UP = actions.HangUp(cause="idle", unheard=True)
JOURNAL = actions.Journal(kind=Kind.ERROR, fields={"what": "no_sound"})
REPLACE = actions.ReplaceSession(cause="stuck")

REACHES: list[tuple[Action, Told]] = [
    (FLUSH, [
        ("reply", "flush", FLUSH, 5.0, None),
        ("owner", "card", CutRaised(cut=2), True),
        ("control", "ask_playhead", 1),
        ("host", "spawn", "playhead"),
    ]),
    (PAUSE, [("reply", "pause", PAUSE, 5.0, None)]),
    (RESUME, [("reply", "resume", RESUME, 5.0)]),
    (PASS_OVER, [("feed", "settled", "u1"), ("stopwatch", "passed_over"), ("record", "overheard", "u1")]),
    (PLAY, [
        ("record", "notice", "notice-free-1", NOTICE.text, 1_000),
        ("reply", "notice", PLAY, NOTICE.audio, 5.0),
        ("due", "audio_came", 3),
    ]),
    (TELL, [("sessions", "do", replace(TELL, text="This call …"))]),
    (END_ITEM, [("reply", "end_item", END_ITEM, 5.0), ("record", "item_ms", "i1", 1000)]),
    (END_RESPONSE, [("reply", "end_response", END_RESPONSE, 5.0)]),
    (HEARD, [("record", "heard", "i1", 400, 1000, False), ("recording", "heard", "i1", True)]),
    (RUN, [("tools", "run", RUN), ("host", "spawn", "tool-look_up")]),
    (MOVE, [("away", "sent", MOVE), ("leaving", "move", Next.DIAL, "+15550001")]),
    (CREATE, [("sessions", "do", CREATE), ("stopwatch", "asked", "b1-1", 5.0)]),
    (CANCEL, [("sessions", "do", CANCEL)]),
    (TRUNCATE, [("sessions", "do", TRUNCATE)]),
    (DELETE, [("sessions", "do", DELETE)]),
    (APPROVAL, [("sessions", "do", APPROVAL)]),
    (SILENCE, [("sessions", "do", SILENCE)]),
    (TEXT, [("record", "keys", "e", "1234"), ("sessions", "do", TEXT)]),
    (OUTPUT, [("tools", "moved", "t1", "{}"), ("sessions", "do", OUTPUT)]),
    (REWRITE, [("engine", "rewrite", "i1", "Hello …")]),
    (HANG_UP, [("host", "hang_up", "idle", True)]),
    (JOURNAL, [("lines", "note", Kind.ERROR, "no_sound")]),
    (REPLACE, [("sessions", "replace", "stuck")]),
    (actions.RollOver(), [("host", "roll_over")]),
]  # fmt: skip
"""Every action, and who hears of it, in this order."""

TO_MODEL = [CREATE, CANCEL, TRUNCATE, DELETE, APPROVAL, SILENCE, TEXT, TELL, OUTPUT, REWRITE]


@dataclass
class Call:
    """A call whose parts all note what they are told, in one list."""

    told: Told = field(default_factory=list)
    is_ending: bool = False
    has_session: bool = True
    figures: BrainFigures = field(default_factory=BrainFigures)
    counters: BrainCounters = field(default_factory=BrainCounters)
    heard_of_notice: str = "This call …"

    def part(self, name: str, **methods: object) -> Any:
        """A part with these methods: each notes its name, and returns what is given here."""
        noting = {method: self._noting(name, method, answer) for method, answer in methods.items()}
        return SimpleNamespace(**noting)

    def acting(self) -> Acting:
        engine = self.part("engine", rewrite=None) if self.has_session else None
        sessions = self.part("sessions", do=self.has_session, replace=None)
        sessions.serving = engine
        record = self.part("record", item_ms=None, heard=None, keys=None, overheard=None, notice=None)
        record.conversation = SimpleNamespace(
            told_text=lambda _item_id, heard_ms=0: "Hello …" if heard_ms else self.heard_of_notice
        )
        stopwatch = self.part("stopwatch", asked=None, passed_over=None)
        stopwatch.barge_in = lambda _clock: None
        parts = SimpleNamespace(
            reply=self.part(
                "reply", flush=None, pause=None, resume=None, notice=None, end_item=None, end_response=None
            ),
            record=record, feed=self.part("feed", settled=None),
            control=self.part("control", ask_playhead=None), tools=self.part("tools", run=None, moved=None),
            away=self.part("away", sent=None), leaving=self.part("leaving", move=None), sessions=sessions,
            stopwatch=stopwatch, lines=self.part("lines", note=None), notice=lambda _item_id: NOTICE,
            watch=SimpleNamespace(due=self.part("due", audio_came=None)),
            recording=self.part("recording", heard=None),
        )  # fmt: skip
        services = SimpleNamespace(figures=self.figures, counters=self.counters)
        return Acting(
            cast(CallParts, parts), cast(Owner, self.part("owner", card=None)), cast(BrainServices, services),
            self,
        )  # fmt: skip

    # The host.

    def spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        self.told.append(("host", "spawn", name))

    def roll_over(self) -> None:
        self.told.append(("host", "roll_over"))

    def hang_up(self, cause: str, *, unheard: bool) -> None:
        self.told.append(("host", "hang_up", cause, unheard))

    # Private.

    def _noting(self, name: str, method: str, answer: object) -> Callable[..., object]:
        def note(*what: object, **named: object) -> object:
            self.told.append((name, method, *what, *named.values()))
            return answer

        return note


@pytest.mark.parametrize(("action", "told"), REACHES, ids=lambda each: type(each).__name__)
def test_an_action_reaches_those_whom_it_concerns(action: Action, told: Told) -> None:
    """In this order, and nobody else."""
    call = Call()

    call.acting().do(action, 5.0)

    assert call.told == told


def test_every_action_is_known_here() -> None:
    """One that the sequencer learns is carried out, or this fails."""
    assert {type(action) for action, _ in REACHES} == set(typing.get_args(Action))


@pytest.mark.parametrize("action", TO_MODEL, ids=lambda action: type(action).__name__)
def test_after_the_last_word_the_model_is_told_nothing(action: Action) -> None:
    """What concerns others is still done: history keeps what the caller typed."""
    call = Call(is_ending=True)

    call.acting().do(action, 5.0)

    assert {name for name, *_ in call.told} <= {"record", "tools"}


def test_a_create_that_reached_nobody_is_not_measured() -> None:
    """No session serves: nothing was asked for, and nothing is waited for."""
    call = Call(has_session=False)

    call.acting().do(CREATE, 5.0)
    call.acting().do(REWRITE, 5.0)

    assert call.told == [("sessions", "do", CREATE)]
    assert call.counters.creates == 0


def test_of_a_notice_that_nobody_heard_no_session_is_told() -> None:
    """It was cut off before there was one."""
    call = Call(heard_of_notice="")

    call.acting().do(TELL, 5.0)

    assert call.told == []


def test_what_is_done_is_counted() -> None:
    """Barge-ins, pauses, creates, and the sequencer's own lines."""
    call = Call()
    for action in (FLUSH, PAUSE, RESUME, PASS_OVER, CREATE, JOURNAL):
        call.acting().do(action, 5.0)

    assert (call.counters.barge_ins, call.counters.creates, call.figures.sequencer.errors) == (1, 1, 1)
    assert (call.counters.pauses, call.counters.passed_over) == (1, 1)
