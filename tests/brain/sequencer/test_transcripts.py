"""Whole stories, told to the sequencer, and every action and deadline that came of them, word for word.

Each story is a list of inputs with their times; transcripts/<story>.txt holds what must come of it. A rule
that changes shows as a difference in a text that a person can read: look at it, and if it is what was meant,
write the texts again with TRUNKLINE_REWRITE=1.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from brain.sequencer import Reason, Sequencer, SequencerConfig
from brain.sequencer.actions import Action, Journal
from brain.sequencer.doubt import phrases
from brain.sequencer.inputs import (
    ApprovalAsked,
    Audible,
    CallerUnderstood,
    CallerWrote,
    Flushed,
    FlushedItem,
    HangUpWished,
    Heard,
    Input,
    ItemAdded,
    ItemFinished,
    ItemOpened,
    KeyPressed,
    MoveEnded,
    MoveWished,
    NoticeReady,
    Refused,
    ResponseCreated,
    ResponseDone,
    RolloverDue,
    ServerToolFinished,
    ServerToolOpened,
    SessionConfirmed,
    SessionLost,
    Silent,
    SpeechStarted,
    SpeechStopped,
    TextPartOpened,
    Tick,
    ToolCalled,
    ToolFinished,
    TurnCommitted,
    WishToSpeak,
)
from brain.sequencer.notice import notice_id

TRANSCRIPTS = Path(__file__).parent / "transcripts"
REWRITE = os.environ.get("TRUNKLINE_REWRITE") == "1"


class Story:
    """One sequencer, told one thing after the other; writes down what it does."""

    def __init__(self, by: str = "server", *, confirmed: bool = True, **config: object) -> None:
        self.core = Sequencer(SequencerConfig(create_response_by=by, token_prefix="b1", **config))  # type: ignore[arg-type]
        self.lines: list[str] = []
        self.now_ms = 0.0
        if confirmed:
            self.at(0, SessionConfirmed())

    def at(self, now_ms: float, *inputs: Input) -> None:
        self.now_ms = now_ms
        for input_ in inputs:
            self.lines.append(f"{now_ms:>8.0f}  {_shown(input_)}")
            self._note(self.core.handle(input_, now_ms))
        self._deadline()

    def audio(self, now_ms: float, response_id: str, item_id: str, ms: int) -> None:
        self.now_ms = now_ms
        verdict = self.core.admit_audio(response_id, item_id, ms * 8, now_ms)
        self.lines.append(f"{now_ms:>8.0f}  audio {response_id!r} {item_id!r} {ms} ms")
        word = "admitted" if verdict.skip is None else f"skipped: {verdict.skip}"
        self.lines.append(
            f"            {word}; {verdict.response_id} {verdict.item_id} cut {verdict.cut}"
            f" offset {verdict.offset_bytes}{' first' if verdict.first else ''}"
        )
        self._note(list(verdict.actions))
        self._deadline()

    def said(self, now_ms: float, response_id: str, item_id: str, ms: int, token: str = "") -> None:
        """A whole response with one spoken item."""
        self.at(now_ms, ResponseCreated(response_id=response_id, token=token))
        self.at(now_ms, ItemOpened(response_id=response_id, item_id=item_id, speaks=True))
        self.audio(now_ms, response_id, item_id, ms)
        self.at(
            now_ms,
            ItemFinished(response_id=response_id, item_id=item_id),
            ItemFinished(response_id=response_id, item_id=item_id, final=True),
            ResponseDone(response_id=response_id, status="completed", token=token),
        )

    def token(self) -> str:
        """Of the create that waits for its response."""
        create = self.core.state.outstanding
        return "" if create is None else create.token

    def wait(self) -> None:
        """Lets the clock run from deadline to deadline until nothing waits any more."""
        for _ in range(40):
            deadline_ms = self.core.next_deadline_ms()
            if deadline_ms is None:
                return
            self.at(deadline_ms, Tick())
        raise AssertionError("the sequencer never comes to rest")

    def _note(self, actions: list[Action]) -> None:
        self.lines += [f"            {_shown(action)}" for action in actions]

    def _deadline(self) -> None:
        s = self.core.state
        deadline_ms = self.core.next_deadline_ms()
        due = "none" if deadline_ms is None else f"{deadline_ms:.0f}"
        audible = self.core.audible_response_id or "-"
        busy = "busy" if self.core.is_busy else "idle"
        self.lines.append(
            f"            [{self.core.slot}, cut {self.core.cut}, audible {audible}, {busy}, deadline {due},"
            f" unheard {s.unheard_bytes}, open {sorted(self.core.open_tool_calls)}]"
        )


def _shown(thing: Input | Action) -> str:
    if isinstance(thing, Journal):
        return "journal " + " ".join([thing.kind, *(f"{k}={v}" for k, v in thing.fields.items())])
    # What no rule reads comes last.
    names = sorted((each.name for each in dataclasses.fields(thing)), key="frames_waiting".__eq__)
    return " ".join([type(thing).__name__, *(f"{name}={getattr(thing, name)!s}" for name in names)])


STORIES: dict[str, Callable[[], Story]] = {}


def story(tell: Callable[[], Story]) -> Callable[[], Story]:
    STORIES[tell.__name__] = tell
    return tell


def wish(reason: Reason, text: str = "", *, force: bool = False) -> WishToSpeak:
    return WishToSpeak(reason=reason, text=text, force=force)


# The stories.


@story
def a_greeting_a_turn_and_a_barge_in() -> Story:
    s = Story(confirmed=False)
    s.at(0, wish(Reason.GREETING, "Greet."))
    s.at(100, SessionConfirmed())
    s.said(300, "r1", "i1", 3_000, token="b1-create-2")
    s.at(320, Audible(cut=0, response_id="r1", item_id="i1", frames_waiting=120))
    s.at(1_320, Heard(cut=0, response_id="r1", item_id="i1", heard_ms=1_000, frames_waiting=70))
    s.at(1_500, SpeechStarted(item_id="u1"))
    s.at(1_520, Flushed(cut=1, items=(FlushedItem(item_id="i1", heard_ms=1_180),)))
    s.at(3_000, SpeechStopped(item_id="u1"), TurnCommitted(item_id="u1"))
    s.said(3_100, "r2", "i2", 1_000)
    s.at(3_120, Audible(cut=1, response_id="r2", item_id="i2"))
    s.at(4_120, Silent(cut=1, response_id="r2", item_id="i2", heard_ms=990, cause="played"))
    s.wait()
    return s


@story
def egress_says_nothing_about_a_cut_or_about_playback() -> Story:
    s = Story()
    s.said(0, "r1", "i1", 500)
    s.said(0, "r2", "i2", 2_000)
    s.said(0, "r3", "i3", 700)
    s.at(20, Audible(cut=0, response_id="r1", item_id="i1"))
    s.at(600, Audible(cut=0, response_id="r2", item_id="i2", heard_ms=40))
    s.at(1_000, SpeechStarted(item_id="u1"))
    s.at(1_050, Heard(cut=0, response_id="r2", item_id="i2", heard_ms=400))
    s.at(1_060, Heard(cut=0, response_id="r1", item_id="i1", heard_ms=9))
    s.at(1_070, Heard(cut=7, response_id="r2", item_id="i2", heard_ms=1_400))
    s.at(1_150, Tick())
    s.at(1_200, SpeechStopped(item_id="u1"))
    s.said(1_300, "r4", "i4", 1_000)
    s.at(1_320, Audible(cut=1, response_id="r4", item_id="i4"))
    s.wait()
    return s


@story
def the_server_says_what_it_should_not() -> Story:
    s = Story()
    s.at(0, ResponseCreated(response_id=""), ResponseDone(response_id="", status="completed"))
    s.at(0, ResponseCreated(response_id="x", out_of_band=True))
    s.audio(0, "x", "ix", 20)
    s.audio(0, "", "", 20)
    s.at(0, ResponseDone(response_id="x", status="completed", out_of_band=True))
    s.at(10, ItemFinished(response_id="r0", item_id="i0"))
    s.audio(20, "r0", "i0", 20)
    s.at(30, ResponseDone(response_id="other", status="completed"))
    s.audio(40, "other", "io", 20)
    s.at(
        50,
        ResponseDone(response_id="r0", status="completed"),
        ResponseDone(response_id="r0", status="failed"),
    )
    s.audio(60, "r0", "i0", 20)
    s.audio(60, "r1", "", 20)
    s.audio(61, "r1", "", 20)
    s.audio(62, "r1", "i1", 0)
    s.at(70, ResponseCreated(response_id="r1"), ResponseCreated(response_id="r1"))
    s.at(80, ResponseCreated(response_id="r2"))
    s.at(90, Refused(event_id="?", code="unknown"), Refused(event_id="", code="server_error"))
    s.wait()
    return s


@story
def a_response_that_falls_silent() -> Story:
    s = Story()
    s.at(0, ResponseCreated(response_id="r1"))
    s.audio(100, "r1", "i1", 200)
    s.at(10_100, Tick())
    s.at(10_200, Refused(event_id="b1-cancel-1", code="response_cancel_not_active"))
    s.wait()
    return s


@story
def creates_that_are_refused_lost_and_late() -> Story:
    s = Story()
    s.at(0, wish(Reason.OPERATOR, "One."))
    s.at(50, wish(Reason.OPERATOR, "Two."), wish(Reason.IDLE_PROMPT, "There?"))
    s.at(100, Refused(event_id="b1-create-2", code="server_error"))
    s.at(110, wish(Reason.TURN))
    s.at(350, Tick())
    s.at(5_350, Tick())
    s.at(5_400, ResponseCreated(response_id="r1", token="b1-create-5"))
    s.at(5_450, ResponseDone(response_id="r1", status="cancelled", code="turn_detected"))
    s.at(5_700, Tick())
    s.at(5_750, ResponseDone(response_id="r2", status="completed", token="b1-create-8"))
    s.wait()
    return s


@story
def our_create_meets_an_active_response() -> Story:
    s = Story()
    s.at(0, wish(Reason.TURN))
    s.at(20, Refused(event_id="b1-create-2", code="conversation_already_has_active_response"))
    s.said(30, "r1", "i1", 500)
    s.at(40, Audible(cut=0, response_id="r1", item_id="i1"))
    s.at(600, Silent(cut=0, response_id="r1", item_id="i1", heard_ms=495, cause="played"))
    s.at(700, Refused(event_id="", code="conversation_already_has_active_response"))
    s.wait()
    return s


@story
def an_operator_insists() -> Story:
    s = Story()
    s.said(0, "r1", "i1", 4_000)
    s.at(20, Audible(cut=0, response_id="r1", item_id="i1"))
    s.at(1_000, wish(Reason.OPERATOR, "Wait."))
    s.at(1_010, wish(Reason.OPERATOR, "Listen.", force=True))
    s.at(1_020, SpeechStarted(item_id="u1"))
    s.at(1_030, wish(Reason.OPERATOR, "Please.", force=True))
    s.at(1_050, ResponseCreated(response_id="r2", token="b1-create-2"))
    s.at(1_060, ResponseDone(response_id="r2", status="cancelled", code="client_cancelled"))
    s.wait()
    return s


@story
def tools_side_by_side() -> Story:
    s = Story()
    s.at(0, ResponseCreated(response_id="r1"))
    s.at(10, ToolCalled(response_id="r1", call_id="c1", name="look_up", arguments='{"n":1}'))
    s.at(11, ToolCalled(response_id="r1", call_id="c2", name="check", arguments="{"))
    s.at(12, ToolCalled(response_id="r1", call_id="c1", name="look_up", arguments='{"n":1}'))
    s.at(13, ToolCalled(response_id="r1", call_id="", name="look_up", arguments=""))
    s.at(20, ToolFinished(call_id="c1", output="1"), ItemAdded(item_id="o1", answers_id="c1"))
    s.at(25, ToolFinished(call_id="c9", output="9"))
    s.at(30, ResponseDone(response_id="r1", status="completed"))
    s.at(40, ToolFinished(call_id="c2", output="2"), ItemAdded(item_id="o2", answers_id="c2"))
    s.said(60, "r2", "i2", 100, token="b1-create-4")
    s.at(80, Audible(cut=0, response_id="r2", item_id="i2"))
    s.at(100, ToolCalled(response_id="r2", call_id="c3", name="late", arguments=""))
    s.at(110, SpeechStarted(item_id="u1"))
    s.at(120, ToolCalled(response_id="r2", call_id="c4", name="dead", arguments=""))
    s.at(130, ToolFinished(call_id="c3", output="3", reply=False))
    s.wait()
    return s


@story
def a_tool_that_never_ends_and_a_server_that_answers_anyway() -> Story:
    s = Story()
    s.at(0, ResponseCreated(response_id="r1"))
    s.at(10, ToolCalled(response_id="r1", call_id="c1", name="hang", arguments="{}"))
    s.at(20, ResponseDone(response_id="r1", status="completed"))
    s.at(120_010, Tick())
    s.at(120_020, ItemAdded(item_id="o1", answers_id="c1"))
    s.at(120_030, ResponseCreated(response_id="r2"))
    s.at(120_040, ResponseDone(response_id="r2", status="failed", code="server_error"))
    s.wait()
    return s


@story
def tools_of_the_server() -> Story:
    s = Story()
    s.at(0, ResponseCreated(response_id="r1"))
    s.at(
        10, ServerToolOpened(response_id="r1", item_id="m1"), ServerToolOpened(response_id="r1", item_id="m1")
    )
    s.at(11, ServerToolOpened(response_id="r1", item_id=""))
    s.at(12, ApprovalAsked(response_id="r1", item_id="a1", approve=True))
    s.at(13, ApprovalAsked(response_id="r1", item_id="a1", approve=True))
    s.at(14, ApprovalAsked(response_id="r1", item_id="", approve=True))
    s.at(15, ServerToolFinished(item_id="m9"))
    s.at(20, ResponseDone(response_id="r1", status="completed"))
    s.at(30, ServerToolFinished(item_id="m1"))
    s.at(40, ResponseCreated(response_id="r2", token="b1-create-3"))
    s.at(41, ServerToolOpened(response_id="r2", item_id="m2"))
    s.at(50, SpeechStarted(item_id="u1"))
    s.at(51, ServerToolOpened(response_id="r2", item_id="m3"))
    s.at(52, ApprovalAsked(response_id="r2", item_id="a2", approve=True))
    s.at(53, ApprovalAsked(response_id="r3", item_id="a3", approve=False))
    s.at(60, SessionLost(cause="closed_1006"))
    s.at(90, SessionConfirmed())
    s.wait()
    return s


@story
def an_approval_is_asked_for_alone_and_while_hanging_up() -> Story:
    s = Story()
    s.at(0, ApprovalAsked(response_id="r1", item_id="a1", approve=False))
    s.at(10, ResponseCreated(response_id="r2", token="b1-create-3"))
    s.at(20, HangUpWished(cause="agent", farewell="Bye."))
    s.at(30, ApprovalAsked(response_id="r2", item_id="a2", approve=True))
    s.at(31, ServerToolOpened(response_id="r2", item_id="m2"))
    s.wait()
    return s


@story
def a_session_is_lost_in_the_middle_of_everything() -> Story:
    s = Story()
    s.at(0, ResponseCreated(response_id="r1"))
    s.audio(10, "r1", "i1", 3_000)
    s.at(11, ToolCalled(response_id="r1", call_id="c1", name="slow", arguments="{}"))
    s.at(20, Audible(cut=0, response_id="r1", item_id="i1"))
    s.at(30, wish(Reason.OPERATOR, "Hold on."))
    s.at(1_000, SessionLost(cause="closed_1011"))
    s.at(1_100, ToolFinished(call_id="c1", output="done"))
    s.at(1_200, SessionConfirmed())
    s.at(1_300, SpeechStarted(item_id="u1"))
    s.at(1_310, Flushed(cut=1, items=(FlushedItem(item_id="i1", heard_ms=1_280),)))
    s.at(1_400, SpeechStopped(item_id="u1"))
    s.at(1_500, SessionLost(cause="closed_1006", turn_replayed=True))
    s.at(1_600, SessionConfirmed(), SessionConfirmed())
    s.wait()
    return s


@story
def an_outstanding_create_and_an_owed_turn_outlive_their_session() -> Story:
    s = Story()
    s.at(0, SpeechStarted(item_id="u1"))
    s.at(500, SpeechStopped(item_id="u1"))
    s.at(600, SessionLost(cause="closed_1006"))
    s.at(700, SessionConfirmed())
    s.at(800, SessionLost(cause="closed_1006"), SessionLost(cause="again"))
    s.at(900, SessionConfirmed())
    s.said(950, "r1", "i1", 200, token="b1-create-3")
    s.at(990, SessionLost(cause="rollover"))
    s.at(1_000, Silent(cut=0, response_id="r1", item_id="i1", heard_ms=200, cause="played"))
    s.wait()
    return s


@story
def a_rewrite_after_a_change_of_sessions() -> Story:
    s = Story()
    s.said(0, "r1", "i1", 4_000)
    s.said(10, "r2", "i2", 1_000)
    s.at(20, Audible(cut=0, response_id="r1", item_id="i1"))
    s.at(30, SessionLost(cause="rollover"))
    s.at(40, SessionConfirmed())
    s.at(2_000, SpeechStarted(item_id="u1"))
    s.at(
        2_010,
        Flushed(
            cut=1, items=(FlushedItem(item_id="i1", heard_ms=1_990), FlushedItem(item_id="i2", heard_ms=0))
        ),
    )
    s.wait()
    return s


@story
def a_rollover_waits_settles_and_is_forced() -> Story:
    s = Story()
    s.at(0, ResponseCreated(response_id="r1"))
    s.audio(10, "r1", "i1", 30_000)
    s.at(20, RolloverDue(settle_at_ms=3_000, force_at_ms=9_000))
    s.at(
        30,
        ItemFinished(response_id="r1", item_id="i1", final=True),
        ResponseDone(response_id="r1", status="completed"),
    )
    s.at(2_000, SpeechStarted(item_id="u1"))
    s.at(2_500, SpeechStopped(item_id="u1"))
    s.said(2_600, "r2", "i2", 20_000)
    s.at(2_700, Audible(cut=1, response_id="r2", item_id="i2"))
    s.at(3_000, Tick())
    s.at(3_001, SessionLost(cause="rollover"))
    s.at(3_020, SessionConfirmed())
    s.at(3_030, RolloverDue(settle_at_ms=4_000, force_at_ms=5_000))
    s.at(3_500, SpeechStarted(item_id="u2"))
    s.at(5_000, Tick())
    s.wait()
    return s


@story
def the_agent_says_goodbye() -> Story:
    s = Story()
    s.at(0, ResponseCreated(response_id="r1"))
    s.at(10, ToolCalled(response_id="r1", call_id="c1", name="end_call", arguments="{}"))
    s.at(20, ResponseDone(response_id="r1", status="completed"))
    s.at(30, wish(Reason.OPERATOR, "Wait!"))
    s.at(40, HangUpWished(cause="agent", farewell="Goodbye.", response_id="r1"))
    s.at(45, ResponseCreated(response_id="r9", token="b1-create-2"))
    s.at(46, ResponseDone(response_id="r9", status="cancelled"))
    s.said(60, "r2", "i2", 1_000, token="b1-create-6")
    s.at(80, Audible(cut=0, response_id="r2", item_id="i2"))
    s.at(90, SpeechStarted(item_id="u1"), SpeechStopped(item_id="u1"))
    s.at(95, CallerWrote(text="1", barge_in=True))
    s.at(96, wish(Reason.OPERATOR, "No."))
    s.at(1_100, Silent(cut=0, response_id="r2", item_id="i2", heard_ms=995, cause="played"))
    s.at(1_200, SpeechStarted(item_id="u2"))
    s.wait()
    return s


@story
def a_farewell_that_was_said_already_or_never_comes() -> Story:
    s = Story()
    s.at(0, ResponseCreated(response_id="r1"))
    s.audio(5, "r1", "i1", 900)
    s.at(10, Audible(cut=0, response_id="r1", item_id="i1"))
    s.at(20, HangUpWished(cause="agent", farewell="Bye.", response_id="r1", only_if_unsaid=True))
    s.at(25, HangUpWished(cause="agent", farewell="Bye again."))
    s.wait()
    return s


@story
def the_caller_hangs_up_or_an_operator_ends_the_call() -> Story:
    s = Story()
    s.said(0, "r1", "i1", 900)
    s.at(10, Audible(cut=0, response_id="r1", item_id="i1"), wish(Reason.OPERATOR, "x"))
    s.at(20, HangUpWished(cause="operator"))
    s.at(30, wish(Reason.OPERATOR, "y"), Tick())
    s.audio(40, "r1", "i1", 20)
    s.wait()
    return s


@story
def a_transfer_that_nobody_takes() -> Story:
    s = Story()
    s.at(0, ResponseCreated(response_id="r1"))
    s.audio(5, "r1", "i1", 1_000)
    s.at(10, ToolCalled(response_id="r1", call_id="c1", name="transfer_call", arguments="{}"))
    s.at(20, ResponseDone(response_id="r1", status="completed"))
    s.at(25, MoveWished(kind="dial", argument="+15550003333", call_id="c9"))
    s.at(30, MoveWished(kind="dial", argument="+15550003333", call_id="c1", response_id="r1"))
    s.at(40, Audible(cut=0, response_id="r1", item_id="i1"))
    s.at(50, wish(Reason.OPERATOR, "Hm."))
    s.at(1_040, Silent(cut=0, response_id="r1", item_id="i1", heard_ms=1_000, cause="played"))
    s.at(2_000, ResponseCreated(response_id="r2"))
    s.at(2_010, ResponseDone(response_id="r2", status="cancelled"))
    s.at(20_000, MoveEnded(output='{"status":"busy"}'), MoveEnded(output="again"))
    s.at(20_010, ItemAdded(item_id="o1", answers_id="c1"))
    s.wait()
    return s


@story
def moves_that_never_end_or_meet_another() -> Story:
    s = Story("brain")
    s.at(0, wish(Reason.TURN))
    s.at(10, ResponseCreated(response_id="r1", token="b1-create-2"))
    s.at(11, ToolCalled(response_id="r1", call_id="c1", name="send_digits", arguments="{}"))
    s.at(12, ToolCalled(response_id="r1", call_id="c2", name="transfer_call", arguments="{}"))
    s.at(13, ResponseDone(response_id="r1", status="completed"))
    s.at(20, MoveWished(kind="digits", argument="42#", call_id="c1", response_id="r1"))
    s.at(21, MoveWished(kind="dial", argument="+15550003333", call_id="c2", response_id="r1"))
    s.wait()
    return s


@story
def a_caller_who_was_moved_had_spoken() -> Story:
    s = Story()
    s.at(0, ResponseCreated(response_id="r1"))
    s.at(1, ToolCalled(response_id="r1", call_id="c1", name="send_digits", arguments="{}"))
    s.at(2, ResponseDone(response_id="r1", status="completed"))
    s.at(3, SpeechStarted(item_id="u1"))
    s.at(500, SpeechStopped(item_id="u1"))
    s.at(510, MoveWished(kind="digits", argument="1", call_id="c1", response_id="r1"))
    s.at(520, ResponseCreated(response_id="r2"))
    s.at(530, ResponseDone(response_id="r2", status="cancelled"))
    s.at(3_000, MoveEnded(output="ok"))
    s.wait()
    return s


@story
def a_hang_up_ends_a_move() -> Story:
    s = Story()
    s.at(0, ResponseCreated(response_id="r1"))
    s.at(1, ToolCalled(response_id="r1", call_id="c1", name="transfer_call", arguments="{}"))
    s.audio(2, "r1", "i1", 2_000)
    s.at(3, MoveWished(kind="dial", argument="+15550003333", call_id="c1", response_id="r1"))
    s.at(4, HangUpWished(cause="cap", farewell="Time is up."))
    s.at(5, MoveWished(kind="dial", argument="+15550003333", call_id="c1", response_id="r1"))
    s.wait()
    return s


@story
def keys_are_pressed() -> Story:
    s = Story(confirmed=False)
    for number in range(10):
        s.at(number, CallerWrote(text=f"[{number}]"))
    s.at(100, SessionConfirmed())
    s.at(110, ItemAdded(item_id="x", answers_id="b1-text-1"))
    s.said(120, "r1", "i1", 800, token="b1-create-10")
    s.at(130, Audible(cut=0, response_id="r1", item_id="i1"), wish(Reason.IDLE_PROMPT, "There?"))
    s.at(200, CallerWrote(text="[5]", barge_in=True))
    s.wait()
    return s


@story
def a_written_answer_is_asked_for_aloud() -> Story:
    s = Story()
    s.at(0, wish(Reason.OPERATOR, "Say it."))
    s.at(10, ResponseCreated(response_id="r1", token="b1-create-2"))
    s.at(20, TextPartOpened(response_id="r1", item_id="i1"))
    s.at(30, ResponseDone(response_id="r1", status="cancelled"))
    s.at(40, ResponseCreated(response_id="r2", token="b1-create-5"))
    s.at(50, TextPartOpened(response_id="r2", item_id="i2"), TextPartOpened(response_id="r2", item_id="i2"))
    s.at(60, ResponseDone(response_id="r2", status="cancelled"))
    s.at(70, ResponseCreated(response_id="r3"))
    s.at(80, TextPartOpened(response_id="r3", item_id="i3"))
    s.at(90, ResponseDone(response_id="r3", status="cancelled"))
    s.said(100, "r4", "i4", 20)
    s.at(110, TextPartOpened(response_id="r4", item_id="i5"))
    s.wait()
    return s


@story
def a_caller_talks_on() -> Story:
    s = Story()
    s.at(0, SpeechStarted(item_id="u1"))
    s.at(1_000, SpeechStopped(item_id="u1"))
    s.at(1_050, SpeechStarted(item_id="u2"))
    s.at(1_100, ResponseCreated(response_id="r1"))
    s.audio(1_110, "r1", "i1", 100)
    s.at(1_120, ItemOpened(response_id="r1", item_id="i1", speaks=True))
    s.at(
        1_130,
        ItemFinished(response_id="r1", item_id="i1"),
        ResponseDone(response_id="r1", status="cancelled"),
    )
    s.at(1_200, SessionLost(cause="closed_1006"))
    s.at(1_300, SessionConfirmed())
    s.wait()
    return s


@story
def the_brain_answers_turns() -> Story:
    s = Story("brain")
    s.at(0, SpeechStarted(item_id="u1"))
    s.at(1_000, SpeechStopped(item_id="u1"), TurnCommitted(item_id="u1"), TurnCommitted(item_id="u1"))
    s.at(1_010, SpeechStarted(item_id="u2"))
    s.at(1_100, ResponseCreated(response_id="r1", token="b1-create-2"))
    s.at(1_150, ResponseDone(response_id="r1", status="cancelled"))
    s.at(2_000, SpeechStopped(item_id="u2"), TurnCommitted(item_id="u2"))
    s.at(2_100, ResponseCreated(response_id="r2", token="b1-create-5"))
    s.at(2_150, ResponseDone(response_id="r2", status="failed", code="server_error"))
    s.wait()
    return s


@story
def a_caller_who_never_stops() -> Story:
    s = Story()
    s.at(0, SpeechStarted(item_id="u1"), wish(Reason.GREETING, "Hi."))
    s.at(10, wish(Reason.TURN), wish(Reason.IDLE_PROMPT, "There?"))
    s.wait()
    return s


@story
def a_model_that_says_more_than_fits() -> Story:
    s = Story(max_unheard_bytes=16_000)
    s.at(0, ResponseCreated(response_id="r1"))
    s.audio(10, "r1", "i1", 1_900)
    s.audio(20, "r1", "i1", 100)
    s.audio(30, "r1", "i1", 1)
    s.audio(40, "r1", "i1", 1)
    s.at(50, ResponseDone(response_id="r1", status="cancelled"))
    s.wait()
    return s


@story
def items_of_a_response_come_and_go() -> Story:
    s = Story()
    s.at(0, ResponseCreated(response_id="r1"))
    s.at(10, ItemOpened(response_id="r1", item_id="i1", speaks=True))
    s.at(20, ItemOpened(response_id="r1", item_id="f1", speaks=False))
    s.audio(30, "r1", "", 500)
    s.at(40, ItemFinished(response_id="r1", item_id="i1"))
    s.audio(50, "r1", "i1", 20)
    s.at(60, ItemFinished(response_id="r1", item_id="i1", final=True))
    s.at(70, ItemFinished(response_id="r1", item_id="f1", final=True))
    s.at(80, ItemOpened(response_id="r1", item_id="i2", speaks=True))
    s.audio(90, "r1", "", 500)
    s.audio(95, "r1", "i2", 300)
    s.at(100, ItemFinished(response_id="r1", item_id="i2"))
    s.at(110, ItemFinished(response_id="r1", item_id="i2", final=True))
    s.at(120, ResponseDone(response_id="r1", status="completed"))
    s.at(130, ItemFinished(response_id="r1", item_id="i2", final=True))
    s.at(140, ItemOpened(response_id="r1", item_id="i3", speaks=True))
    s.wait()
    return s


@story
def a_response_whose_items_end_and_whose_done_is_lost() -> Story:
    s = Story()
    s.at(0, ResponseCreated(response_id="r1"))
    s.at(10, ItemOpened(response_id="r1", item_id="i1", speaks=True))
    s.audio(30, "r1", "i1", 500)
    s.at(40, ItemFinished(response_id="r1", item_id="i1", final=True))
    s.at(50, Audible(cut=0, response_id="r1", item_id="i1"))
    s.at(4_040, Tick())
    s.at(4_050, ItemFinished(response_id="r1", item_id="i1", final=True))
    s.wait()
    return s


@story
def what_a_dead_response_still_sends() -> Story:
    s = Story()
    s.at(0, ResponseCreated(response_id="r1"))
    s.audio(10, "r1", "i1", 500)
    s.at(20, Audible(cut=0, response_id="r1", item_id="i1"))
    s.at(100, SpeechStarted(item_id="u1"))
    s.at(110, ItemOpened(response_id="r1", item_id="i2", speaks=True))
    s.at(111, ItemOpened(response_id="r1", item_id="f1", speaks=False))
    s.at(112, ItemOpened(response_id="r1", item_id="", speaks=True))
    s.audio(120, "r1", "i2", 20)
    s.audio(121, "r1", "i2", 20)
    s.at(130, ItemFinished(response_id="r1", item_id="i2"))
    s.at(131, ItemFinished(response_id="r1", item_id="i2", final=True))
    s.at(
        140,
        Flushed(cut=1, items=(FlushedItem(item_id="i1", heard_ms=60), FlushedItem(item_id="i2", heard_ms=9))),
    )
    s.at(150, ItemOpened(response_id="r1", item_id="i3", speaks=True))
    s.at(160, ResponseDone(response_id="r1", status="cancelled"))
    s.at(
        170,
        ItemFinished(response_id="r9", item_id="i9"),
        ItemOpened(response_id="r9", item_id="i9", speaks=True),
    )
    s.wait()
    return s


@story
def audio_comes_before_its_created_and_nobody_wants_it() -> Story:
    s = Story()
    s.at(0, wish(Reason.OPERATOR, "Listen."))
    s.at(10, SpeechStarted(item_id="u1"))
    s.audio(20, "r1", "i1", 200)
    s.at(25, ItemOpened(response_id="r1", item_id="i1", speaks=True))
    s.at(30, ResponseCreated(response_id="r1", token="b1-create-2"))
    s.at(40, ResponseDone(response_id="r1", status="cancelled"))
    s.at(50, SpeechStopped(item_id="u1"))
    s.wait()
    return s


@story
def events_of_a_response_come_before_its_created() -> Story:
    s = Story()
    s.at(0, wish(Reason.TURN))
    s.at(10, ItemOpened(response_id="r1", item_id="i1", speaks=True))
    s.at(20, TextPartOpened(response_id="r1", item_id="i1"))
    s.audio(30, "r1", "i1", 100)
    s.at(40, ResponseDone(response_id="r1", status="completed", token="b1-create-2"))
    s.at(50, ResponseCreated(response_id="r1", token="b1-create-2"))
    s.at(60, wish(Reason.TURN))
    s.at(70, SpeechStarted(item_id="u1"))
    s.at(80, ResponseDone(response_id="r2", status="cancelled", token="b1-create-4"))
    s.wait()
    return s


@story
def responses_of_the_server_while_the_call_is_ending() -> Story:
    s = Story()
    s.at(0, ResponseCreated(response_id="r1", token=""))
    s.at(10, HangUpWished(cause="cap", farewell="Time."))
    s.at(20, ResponseDone(response_id="r1", status="failed", code="server_error"))
    s.audio(30, "r2", "i2", 100)
    s.at(31, ItemOpened(response_id="r2", item_id="i2", speaks=True))
    s.at(40, Refused(event_id="b1-create-3", code="server_error"))
    s.at(50, ResponseDone(response_id="r2", status="cancelled"))
    s.wait()
    return s


@story
def an_operators_words_fail_while_the_call_is_ending() -> Story:
    s = Story()
    s.at(0, wish(Reason.OPERATOR, "Wait."))
    s.at(10, ResponseCreated(response_id="r1", token="b1-create-2"))
    s.at(20, HangUpWished(cause="agent", farewell="Bye.", response_id="r1"))
    s.at(30, ResponseDone(response_id="r1", status="failed", code="server_error"))
    s.said(40, "r2", "i2", 400, token="b1-create-5")
    s.at(50, TextPartOpened(response_id="r2", item_id="i3"))
    s.at(60, Audible(cut=0, response_id="r2", item_id="i2"))
    s.wait()
    return s


@story
def a_farewell_in_writing() -> Story:
    s = Story()
    s.at(0, HangUpWished(cause="agent", farewell="Bye."))
    s.at(10, ResponseCreated(response_id="r1", token="b1-create-3"))
    s.at(20, TextPartOpened(response_id="r1", item_id="i1"))
    s.at(30, ResponseDone(response_id="r1", status="cancelled"))
    s.said(40, "r2", "i2", 400, token="b1-create-6")
    s.at(50, Audible(cut=0, response_id="r2", item_id="i2"))
    s.at(500, Silent(cut=0, response_id="r2", item_id="i2", heard_ms=400, cause="played"))
    return s


@story
def wishes_join_and_keep_what_each_asked_for() -> Story:
    s = Story()
    s.at(0, ResponseCreated(response_id="r1"))
    s.at(10, TextPartOpened(response_id="r1", item_id="i1"))
    s.at(20, CallerWrote(text="[1]"))
    s.at(30, wish(Reason.OPERATOR, ""), wish(Reason.OPERATOR, "Say this."), wish(Reason.OPERATOR, ""))
    s.at(40, ItemAdded(item_id="x", answers_id="b1-text-5"))
    s.at(50, ResponseDone(response_id="r1", status="cancelled"))
    s.wait()
    return s


@story
def a_caller_is_away_and_the_tools_time_is_up() -> Story:
    s = Story(tool_wait_ms=1_000.0)
    s.at(0, ResponseCreated(response_id="r1"))
    s.at(1, ToolCalled(response_id="r1", call_id="c1", name="transfer_call", arguments="{}"))
    s.at(2, ResponseDone(response_id="r1", status="completed"))
    s.at(10, wish(Reason.OPERATOR, "x"))
    s.at(20, MoveWished(kind="dial", argument="+15550003333", call_id="c1", response_id="r1"))
    s.at(30, SessionLost(cause="closed_1006"))
    s.at(40, SessionConfirmed())
    s.at(1_021, Tick())
    s.at(1_500, MoveEnded(output="late"))
    s.wait()
    return s


@story
def playback_is_told_by_response_alone() -> Story:
    s = Story()
    s.said(0, "r1", "i1", 300)
    s.said(0, "r2", "i2", 300)
    s.at(10, Audible(cut=0, response_id="r1", frames_waiting=30))
    s.at(20, Audible(cut=9, response_id="r1", item_id="i1"), Audible(cut=0, response_id="r7", item_id="i1"))
    s.at(30, Audible(cut=0, response_id="r1", item_id="i1", heard_ms=20, frames_waiting=29))
    s.at(320, Audible(cut=0, response_id="r2", item_id="", frames_waiting=14))
    s.at(340, Heard(cut=0, response_id="r2", item_id="", heard_ms=0, frames_waiting=13))
    s.at(350, Heard(cut=0, response_id="r2", item_id="i2", heard_ms=30, frames_waiting=12))
    s.at(600, Silent(cut=0, response_id="r2", item_id="i2", heard_ms=281, cause="played", frames_waiting=0))
    s.at(610, wish(Reason.OPERATOR, "x"))
    s.wait()
    return s


@story
def a_long_farewell_is_heard_from_its_start_on() -> Story:
    s = Story()
    s.at(0, ResponseCreated(response_id="r1"))
    s.audio(5, "r1", "i1", 12_000)
    s.at(6, ResponseDone(response_id="r1", status="completed"))
    s.at(10, HangUpWished(cause="agent", farewell="Bye.", response_id="r1", only_if_unsaid=True))
    s.at(7_000, Audible(cut=0, response_id="r1", item_id="i1"))
    s.at(14_000, Audible(cut=0, response_id="r1", item_id="i1", heard_ms=7_000))
    s.wait()
    return s


@story
def a_farewell_with_words_of_its_own_follows_a_preamble() -> Story:
    s = Story()
    s.at(0, ResponseCreated(response_id="r1"))
    s.audio(5, "r1", "i1", 900)
    s.at(10, ToolCalled(response_id="r1", call_id="c1", name="end_call", arguments="{}"))
    s.at(20, ResponseDone(response_id="r1", status="completed"))
    s.at(30, ToolFinished(call_id="c1", output="{}", reply=False))
    s.at(30, HangUpWished(cause="agent", farewell="Your table is booked. Goodbye.", response_id="r1"))
    s.at(40, Audible(cut=0, response_id="r1", item_id="i1"))
    s.said(100, "r2", "i2", 1_500, token="b1-create-4")
    s.at(900, Audible(cut=0, response_id="r2", item_id="i2"))
    s.at(2_400, Silent(cut=0, response_id="r2", item_id="i2", heard_ms=1_500, cause="played"))
    return s


@story
def a_caller_stops_a_transfer() -> Story:
    s = Story()
    s.at(0, SpeechStarted(item_id="u1"))
    s.at(900, SpeechStopped(item_id="u1"))
    s.at(1_000, ResponseCreated(response_id="r1"))
    s.audio(1_005, "r1", "i1", 2_000)
    s.at(1_010, ToolCalled(response_id="r1", call_id="c1", name="transfer_call", arguments="{}"))
    s.at(1_020, ResponseDone(response_id="r1", status="completed"))
    s.at(1_030, MoveWished(kind="dial", argument="+15550003333", call_id="c1", response_id="r1"))
    s.at(1_040, Audible(cut=0, response_id="r1", item_id="i1"))
    s.at(1_500, SpeechStarted(item_id="u2"))
    s.at(1_510, ItemAdded(item_id="o1", answers_id="c1"))
    s.at(1_520, Flushed(cut=1, items=(FlushedItem(item_id="i1", heard_ms=450),)))
    s.at(2_500, SpeechStopped(item_id="u2"))
    s.said(2_600, "r2", "i2", 500)
    s.at(2_620, Audible(cut=1, response_id="r2", item_id="i2"))
    s.at(3_120, Silent(cut=1, response_id="r2", item_id="i2", heard_ms=500, cause="played"))
    s.wait()
    return s


@story
def a_greeting_that_must_be_heard() -> Story:
    s = Story(greeting_interruptible=False)
    s.at(0, wish(Reason.GREETING, "This call is recorded."))
    s.at(100, ResponseCreated(response_id="r1", token="b1-create-2"))
    s.audio(110, "r1", "i1", 4_000)
    s.at(120, ResponseDone(response_id="r1", status="completed"))
    s.at(130, Audible(cut=0, response_id="r1", item_id="i1"))
    s.at(1_000, SpeechStarted(item_id="u1"))
    s.at(1_600, SpeechStopped(item_id="u1"))
    s.said(1_700, "r2", "i2", 800)
    s.at(2_000, KeyPressed())
    s.at(4_130, Audible(cut=0, response_id="r2", item_id="i2"))
    s.at(4_200, SpeechStarted(item_id="u2"))
    s.wait()
    return s


@story
def keys_interrupt_at_the_first_one() -> Story:
    s = Story()
    s.said(0, "r1", "i1", 4_000)
    s.at(20, Audible(cut=0, response_id="r1", item_id="i1"))
    s.at(1_000, KeyPressed())
    s.at(1_020, Flushed(cut=1, items=(FlushedItem(item_id="i1", heard_ms=960),)))
    s.at(1_300, KeyPressed(), wish(Reason.OPERATOR, "Hm."))
    s.at(2_900, CallerWrote(text="[1 2]", barge_in=True))
    s.said(3_000, "r2", "i2", 500, token="b1-create-5")
    s.at(3_020, Audible(cut=1, response_id="r2", item_id="i2"))
    s.at(3_520, Silent(cut=1, response_id="r2", item_id="i2", heard_ms=500, cause="played"))
    s.wait()
    return s


@story
def the_server_cancels_what_the_caller_interrupts() -> Story:
    s = Story(server_interrupts=True)
    s.at(0, ResponseCreated(response_id="r1"))
    s.audio(10, "r1", "i1", 2_000)
    s.at(20, Audible(cut=0, response_id="r1", item_id="i1"))
    s.at(500, SpeechStarted(item_id="u1"))
    s.at(520, ResponseDone(response_id="r1", status="cancelled", code="turn_detected"))
    s.at(900, SpeechStopped(item_id="u1"))
    s.at(1_000, ResponseCreated(response_id="r2"))
    s.audio(1_010, "r2", "i2", 2_000)
    s.at(1_500, SpeechStarted(item_id="u2"))
    s.at(1_600, SpeechStopped(item_id="u2"))
    s.wait()
    return s


@story
def a_model_that_fails_again_and_again() -> Story:
    s = Story()
    s.at(0, SpeechStarted(item_id="u1"))
    s.at(900, SpeechStopped(item_id="u1"))
    s.at(1_000, ResponseCreated(response_id="r1"))
    failed = {"status": "failed", "code": "rate_limit_exceeded"}
    s.at(1_100, ResponseDone(response_id="r1", retry_after_ms=800, **failed))
    s.at(1_900, Tick())
    s.at(2_000, ResponseCreated(response_id="r2", token="b1-create-2"))
    s.at(2_100, ResponseDone(response_id="r2", **failed))
    s.at(2_600, Tick())
    s.at(3_800, ResponseCreated(response_id="r3", token="b1-create-3"))
    s.at(3_900, ResponseDone(response_id="r3", **failed))
    s.at(3_910, SessionLost(cause="responses_failed", turn_replayed=True))
    s.at(4_400, SessionConfirmed())
    s.at(4_500, SpeechStarted(item_id="v1"))
    s.at(4_600, SpeechStopped(item_id="v1"))
    s.said(4_700, "r4", "i4", 600)
    s.at(4_720, Audible(cut=0, response_id="r4", item_id="i4"))
    s.at(5_320, Silent(cut=0, response_id="r4", item_id="i4", heard_ms=600, cause="played"))
    s.wait()
    return s


def _patient() -> Story:
    """A caller has heard the first second of a reply of three, whose response is done."""
    words = phrases(["mm-hm"])
    s = Story("brain", confirm_ms=2_000.0, transcribes=True, backchannels=words)
    s.said(0, "r1", "i1", 3_000)
    s.at(20, Audible(cut=0, response_id="r1", item_id="i1"))
    s.at(1_020, Heard(cut=0, response_id="r1", item_id="i1", heard_ms=1_000))
    return s


@story
def a_cough_and_a_murmur_stop_the_reply_for_a_while() -> Story:
    s = _patient()
    s.at(1_100, SpeechStarted(item_id="u1"))
    s.at(1_700, SpeechStopped(item_id="u1", spoke_ms=180.0), TurnCommitted(item_id="u1"))
    s.at(1_720, Heard(cut=0, response_id="r1", item_id="i1", heard_ms=1_080))
    s.at(2_000, CallerUnderstood(item_id="u1", text="", final=True))
    s.at(2_100, SpeechStarted(item_id="u2"))
    s.at(2_900, SpeechStopped(item_id="u2", spoke_ms=420.0), TurnCommitted(item_id="u2"))
    s.at(3_300, CallerUnderstood(item_id="u2", text="Mm-hmm.", final=True))
    s.at(5_200, Silent(cut=0, response_id="r1", item_id="i1", heard_ms=3_000, cause="played"))
    s.wait()
    return s


@story
def a_word_is_found_out_and_cuts() -> Story:
    s = _patient()
    s.at(1_100, SpeechStarted(item_id="u1"))
    s.at(2_100, SpeechStopped(item_id="u1", spoke_ms=600.0), TurnCommitted(item_id="u1"))
    s.at(2_300, CallerUnderstood(item_id="u1", text="No", final=False))
    s.at(2_320, CallerUnderstood(item_id="u1", text=", not that one", final=False))
    s.at(2_340, Flushed(cut=1, items=(FlushedItem(item_id="i1", heard_ms=1_080),)))
    s.at(2_400, CallerUnderstood(item_id="u1", text="No, not that one.", final=True))
    s.said(2_500, "r2", "i2", 1_000, token=s.token())
    s.at(2_520, Audible(cut=1, response_id="r2", item_id="i2"))
    s.at(3_520, Silent(cut=1, response_id="r2", item_id="i2", heard_ms=1_000, cause="played"))
    s.wait()
    return s


@story
def a_voice_that_nobody_explains_cuts_when_its_time_is_up() -> Story:
    s = _patient()
    s.at(1_100, SpeechStarted(item_id="u1"))
    s.at(3_100, Tick())
    s.at(3_120, Flushed(cut=1, items=(FlushedItem(item_id="i1", heard_ms=1_080),)))
    s.at(4_000, SpeechStopped(item_id="u1", spoke_ms=2_400.0), TurnCommitted(item_id="u1"))
    s.said(4_500, "r2", "i2", 1_000, token=s.token())
    s.at(4_520, Audible(cut=1, response_id="r2", item_id="i2"))
    s.at(5_520, Silent(cut=1, response_id="r2", item_id="i2", heard_ms=1_000, cause="played"))
    s.wait()
    return s


@story
def recordings_are_said_before_the_greeting() -> Story:
    s = Story(confirmed=False)
    for number, interruptible in ((1, False), (2, True)):
        item_id = notice_id(number, interruptible=interruptible)
        s.at(0, NoticeReady(item_id=item_id, n_bytes=16_000, text="x"))
    s.at(0, wish(Reason.GREETING, "Greet."))
    first, second = notice_id(1, interruptible=False), notice_id(2, interruptible=True)
    s.at(50, Audible(cut=0, response_id=first, item_id=first))
    s.at(400, SessionConfirmed())
    s.said(700, "r1", "i1", 1_000, token=s.token())
    s.at(900, SpeechStarted(item_id="u1"))
    s.at(1_500, SpeechStopped(item_id="u1"))
    s.at(2_050, Audible(cut=0, response_id=second, item_id=second))
    s.at(2_500, SpeechStarted(item_id="u2"))
    s.at(2_520, Flushed(cut=1, items=(FlushedItem(item_id=second, heard_ms=440),)))
    s.at(3_000, SpeechStopped(item_id="u2"))
    s.said(3_100, "r2", "i2", 1_000)
    s.at(3_120, Audible(cut=1, response_id="r2", item_id="i2"))
    s.at(4_120, Silent(cut=1, response_id="r2", item_id="i2", heard_ms=1_000, cause="played"))
    s.wait()
    return s


@pytest.mark.parametrize("name", sorted(STORIES))
def test_a_story_comes_out_as_it_is_written(name: str) -> None:
    """Every action, every deadline, every word of the journal."""
    told = "\n".join(STORIES[name]().lines) + "\n"
    page = TRANSCRIPTS / f"{name}.txt"
    if REWRITE:
        page.write_text(told, "utf-8")
    assert told == page.read_text("utf-8")


def test_every_transcript_has_its_story() -> None:
    """No page is left over."""
    assert sorted(path.stem for path in TRANSCRIPTS.glob("*.txt")) == sorted(STORIES)
