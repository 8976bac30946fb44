"""Invariants of the sequencer, held against any input in any order.

The rule-based machine plays a server, an egress, a caller, tools and operators who lose, delay, repeat and
invent messages, over several sessions. After every step:

1. At most one create of ours is outstanding, and none is sent while another response holds the slot.
2. Every wish is spoken, superseded or expired, and the journal says which.
3. No delta of a retired response is admitted.
4. Speaking is bound to one live response, and ends.
5. Every step is in the table.
6. The machine never sticks: the next deadline lies in the future, and once nothing more comes, everything
   ends.
7. The cut never falls; a tool call is run once; a call is hung up once; nobody is spoken to while away.
8. An item is truncated once, below what was received, and never above what egress said was heard; the audio
   of an item is admitted without a gap and without a repeat.
9. A debt ends by what egress heard, or by a decision: a hang-up, a move, tools that want no answer. While one
   stands in an open session, something is waited for; a session is asked to be replaced once.
10. Playback stands still while it is in doubt whether the caller interrupts, and no longer: it goes on, is
   flushed, or the call ends.

`TRUNKLINE_EXAMPLES` sets how many examples are tried (`make prove-sequencer` tries thousands).
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from brain.sequencer import Reason, Sequencer, SequencerConfig, SlotState, inputs
from brain.sequencer.actions import (
    Action,
    Flush,
    HangUp,
    Journal,
    Move,
    PauseReply,
    ReplaceSession,
    ResumeReply,
    RollOver,
    RunTool,
    SendCancel,
    SendCreate,
    SendText,
    SendToolOutput,
    SendTruncate,
)
from brain.sequencer.doubt import phrases
from brain.sequencer.inputs import Input
from brain.sequencer.notice import is_notice, notice_id
from brain.sequencer.transitions import TRANSITIONS

IDS = st.sampled_from(["r1", "r2", "r3", "r4", ""])
ITEMS = st.sampled_from(["i1", "i2", "i3", "i4", ""])
CALLS = st.sampled_from(["c1", "c2", "c3"])
WISHABLE = st.sampled_from([Reason.GREETING, Reason.TURN, Reason.IDLE_PROMPT, Reason.OPERATOR])
STATUSES = st.sampled_from(["completed", "cancelled", "failed", "incomplete"])
MS = st.integers(min_value=0, max_value=3_000)
EXAMPLES = int(os.environ.get("TRUNKLINE_EXAMPLES", "120"))


ENDS_OF_A_WISH = frozenset({"response_created", "response_done", "response_superseded", "response_expired"})


class AnyOrder(RuleBasedStateMachine):
    """Any input, in any order, late, lost, duplicated, with unknown ids."""

    def __init__(self) -> None:
        super().__init__()
        self.core = Sequencer(SequencerConfig())
        self.now_ms = 0.0
        self.tokens: list[str] = []
        self.wishes_open: dict[int, str] = {}
        self.hung_up = False
        self.last_id = 0
        self.highest_cut = 0
        self.tools_run: set[str] = set()
        self.outputs: list[str] = []
        self.is_away = False
        self.rollovers_asked = 0
        self.is_replaced = False
        self.texts_written = 0
        self.texts_sent = 0
        self.open_token = ""
        self.admitted: dict[str, int] = {}
        self.told_heard: dict[str, float] = {}
        self.truncated: set[str] = set()
        self.spoke: set[str] = set()
        self.stands_still = False
        self.notices = 0

    @initialize(
        by=st.sampled_from(["server", "brain", "notice", "confirm", "voice"]), confirmed=st.booleans()
    )
    def begin(self, by: str, confirmed: bool) -> None:
        mode: dict[str, SequencerConfig] = {
            "server": SequencerConfig(create_response_by="server", server_interrupts=True),
            "brain": SequencerConfig(create_response_by="brain"),
            "notice": SequencerConfig(create_response_by="server", greeting_interruptible=False),
            "confirm": SequencerConfig(
                create_response_by="brain", confirm_ms=1_500, transcribes=True, backchannels=phrases(["mm"])
            ),
            "voice": SequencerConfig(create_response_by="brain", confirm_ms=1_500, transcribes=False),
        }
        self.core = Sequencer(mode[by])
        if confirmed:
            self.give(inputs.SessionConfirmed())

    # The step, and what is checked of it.

    def give(self, input_: Input) -> None:
        if not isinstance(input_, inputs.Tick):
            # Deadlines fire before any input: let them, so that the step seen is the input's own.
            self.step(inputs.Tick())
        before = self.core.slot
        self.step(input_)
        after = self.core.slot
        row = TRANSITIONS[(before, type(input_))]
        assert after in row.to, f"{type(input_).__name__} led from {before} to {after}"

    def step(self, input_: Input) -> None:
        s = self.core.state
        debts, batches = set(s.debts.standing), set(s.batches)
        actions = self.core.handle(input_, self.now_ms)
        self.check(actions)
        is_heard = isinstance(input_, inputs.Audible | inputs.Heard | inputs.Silent)
        is_decided = any(isinstance(action, HangUp | Move) for action in actions)
        is_tool_over = bool(batches - set(s.batches))
        if not (is_heard or is_decided or is_tool_over):
            assert debts <= set(s.debts.standing), "a debt ended that nobody heard of or took back"

    def check(self, actions: list[Action]) -> None:
        assert self.core.cut >= self.highest_cut, "the cut fell"
        self.highest_cut = self.core.cut
        for number, action in enumerate(actions):
            if isinstance(action, Journal):
                self.account(action)
            if isinstance(action, Move):
                assert not self.is_away, "moved twice"
                self.is_away = True
            if isinstance(action, RunTool):
                assert action.call_id not in self.tools_run, "a tool ran twice"
                self.tools_run.add(action.call_id)
            if isinstance(action, SendToolOutput):
                self.outputs.append(action.call_id)
            if isinstance(action, SendText):
                self.texts_sent += 1
            if isinstance(action, SendTruncate):
                self.check_truncation(action)
            if isinstance(action, ReplaceSession):
                assert not self.is_replaced, "a session is to be replaced twice"
                self.is_replaced = True
            if isinstance(action, RollOver):
                assert self.rollovers_asked > 0, "rolled over unasked"
                self.rollovers_asked = 0
            if isinstance(action, SendCreate):
                assert not self.is_away, "spoke to nobody"
                assert self.core.slot in (SlotState.REQUESTED, SlotState.ENDED)
                assert sum(isinstance(other, SendCreate) for other in actions) == 1
                self.tokens.append(action.token)
            if isinstance(action, SendCancel):
                assert action.response_id, "a cancel is always by id"
            if isinstance(action, Flush):
                # A watchdog that fires in the same moment has cancelled for a reason of its own; so was
                # an unwanted response, of which nothing stands in `reply`.
                by_watchdog = any(
                    isinstance(other, Journal) and other.fields.get("what") == "response_silent"
                    for other in actions[:number]
                )
                assert by_watchdog or not any(
                    isinstance(other, SendCancel) and other.response_id in self.spoke
                    for other in actions[:number]
                ), "the model was told before the caller's ear was"
            if isinstance(action, HangUp):
                assert not self.hung_up, "hung up twice"
                self.hung_up = True
            if isinstance(action, PauseReply):
                assert not self.stands_still, "paused twice"
                self.stands_still = True
            if isinstance(action, ResumeReply):
                assert self.stands_still, "went on, and did not stand still"
            if isinstance(action, ResumeReply | Flush | HangUp):
                self.stands_still = False

    def check_truncation(self, action: SendTruncate) -> None:
        item_id, keep_ms = action.item_id, action.audio_end_ms
        assert not is_notice(item_id), "no session has the audio of a recording"
        assert item_id not in self.truncated, "an item was truncated twice"
        self.truncated.add(item_id)
        margin_ms = self.core.state.config.truncate_margin_ms
        assert 0 < keep_ms <= self.admitted[item_id] / 8 - margin_ms, "truncated above what was received"
        assert keep_ms <= self.told_heard.get(item_id, 0.0), "truncated above what was heard"

    def account(self, line: Journal) -> None:
        """Follows each create and each wish through the journal alone."""
        what = line.fields.get("what", "")
        if what == "move_never_ended":
            self.is_away = False
        if what == "playback_unreported":
            # Taken as played, for want of a better word: egress has said nothing for too long.
            self.told_heard.update(dict.fromkeys(self.core.state.items, float("inf")))
        if line.kind == "response_create":
            assert not self.open_token, "a create was sent while another is outstanding"
            self.open_token = line.fields["token"]
        elif what == "session_lost" or (self.open_token and line.fields.get("token") == self.open_token):
            # Created, refused, given up on, or gone with its session.
            self.open_token = ""
        if "wish" not in line.fields:
            return
        number = int(line.fields["wish"])
        self.wishes_open.pop(int(line.fields.get("joined", 0)), None)
        if line.kind in ("response_deferred", "response_create"):
            self.wishes_open[number] = line.fields["reason"]
        else:
            # Created, or its end seen: spoken. Superseded, expired: said so.
            assert line.kind in ENDS_OF_A_WISH or line.fields.get("what") == "created_missing"
            self.wishes_open.pop(number, None)

    # The inputs.

    @rule(ms=st.sampled_from([0, 1, 20, 151, 260, 600, 1_100, 3_100, 5_100, 12_000, 61_000]))
    def time_passes(self, ms: int) -> None:
        self.now_ms += ms
        self.give(inputs.Tick())

    @rule()
    def confirm(self) -> None:
        self.give(inputs.SessionConfirmed())

    @rule(cause=st.sampled_from(["closed_1006", "rollover"]), replayed=st.booleans())
    def lose_session(self, cause: str, replayed: bool) -> None:
        self.give(inputs.SessionLost(cause=cause, turn_replayed=replayed))
        self.rollovers_asked = 0
        self.is_replaced = False

    @rule(in_ms=st.sampled_from([0, 100, 5_000]), settles=st.booleans())
    def rollover_due(self, in_ms: int, settles: bool) -> None:
        self.rollovers_asked += 1
        settle_at_ms = self.now_ms + (in_ms / 2 if settles else in_ms)
        self.give(inputs.RolloverDue(settle_at_ms=settle_at_ms, force_at_ms=self.now_ms + in_ms))

    @rule(kind=st.sampled_from(["dial", "digits"]), call_id=CALLS, response_id=IDS)
    def move_wished(self, kind: str, call_id: str, response_id: str) -> None:
        self.give(
            inputs.MoveWished(kind=kind, argument="+15550001", call_id=call_id, response_id=response_id)
        )

    @rule()
    def move_ended(self) -> None:
        self.is_away = False
        self.give(inputs.MoveEnded(output="{}"))

    @rule()
    def key_pressed(self) -> None:
        self.give(inputs.KeyPressed())

    @rule(barge_in=st.booleans())
    def caller_wrote(self, barge_in: bool) -> None:
        self.texts_written += 1
        self.give(inputs.CallerWrote(text="1 2 3", barge_in=barge_in))
        assert self.texts_sent <= self.texts_written

    @rule(response_id=IDS, item_id=ITEMS)
    def text_part(self, response_id: str, item_id: str) -> None:
        self.give(inputs.TextPartOpened(response_id=response_id, item_id=item_id))

    @rule(response_id=IDS, item_id=ITEMS)
    def server_tool_opened(self, response_id: str, item_id: str) -> None:
        self.give(inputs.ServerToolOpened(response_id=response_id, item_id=item_id))

    @rule(item_id=ITEMS)
    def server_tool_finished(self, item_id: str) -> None:
        self.give(inputs.ServerToolFinished(item_id=item_id))

    @rule(response_id=IDS, item_id=ITEMS, approve=st.booleans())
    def approval_asked(self, response_id: str, item_id: str, approve: bool) -> None:
        self.give(inputs.ApprovalAsked(response_id=response_id, item_id=item_id, approve=approve))

    @rule(interruptible=st.booleans(), n_bytes=st.sampled_from([1_600, 24_000]))
    def notice_ready(self, interruptible: bool, n_bytes: int) -> None:
        self.notices += 1
        item_id = notice_id(self.notices, interruptible=interruptible)
        self.admitted[item_id] = n_bytes
        self.give(inputs.NoticeReady(item_id=item_id, n_bytes=n_bytes, text="exact"))

    @rule(reason=WISHABLE, text=st.sampled_from(["", "a", "b"]), force=st.booleans())
    def wish(self, reason: Reason, text: str, force: bool) -> None:
        self.give(inputs.WishToSpeak(reason=reason, text=text, force=force))

    @rule(response_id=IDS, farewell=st.sampled_from(["", "bye", "bye", "bye"]), unsaid=st.booleans())
    @precondition(lambda self: self.now_ms > 200)
    def hang_up(self, response_id: str, farewell: str, unsaid: bool) -> None:
        wish = inputs.HangUpWished(
            cause="test", farewell=farewell, response_id=response_id, only_if_unsaid=unsaid
        )
        self.give(wish)

    @rule(response_id=IDS, data=st.data(), out_of_band=st.sampled_from([False, False, False, True]))
    def created(self, response_id: str, data: st.DataObject, out_of_band: bool) -> None:
        token = data.draw(st.sampled_from(["", "alien", *self.tokens[-3:]]))
        self.give(inputs.ResponseCreated(response_id=response_id, token=token, out_of_band=out_of_band))

    @rule(response_id=IDS, data=st.data(), status=STATUSES)
    def done(self, response_id: str, data: st.DataObject, status: str) -> None:
        token = data.draw(st.sampled_from(["", *self.tokens[-2:]]))
        retry_after_ms = data.draw(st.sampled_from([0.0, 900.0, 20_000.0]))
        self.give(
            inputs.ResponseDone(
                response_id=response_id, token=token, status=status, retry_after_ms=retry_after_ms
            )
        )

    @rule(response_id=IDS, item_id=ITEMS, speaks=st.booleans())
    def item_opened(self, response_id: str, item_id: str, speaks: bool) -> None:
        self.give(inputs.ItemOpened(response_id=response_id, item_id=item_id, speaks=speaks))

    @rule(response_id=IDS, item_id=ITEMS, final=st.booleans())
    def item_finished(self, response_id: str, item_id: str, final: bool) -> None:
        self.give(inputs.ItemFinished(response_id=response_id, item_id=item_id, final=final))

    @rule(response_id=IDS, item_id=ITEMS, n_bytes=st.sampled_from([0, 1, 160, 2_100, 24_000]))
    def audio(self, response_id: str, item_id: str, n_bytes: int) -> None:
        was_retired = response_id in self.core.state.retired
        verdict = self.core.admit_audio(response_id, item_id, n_bytes, self.now_ms)
        self.check(list(verdict.actions))
        assert verdict.cut == self.core.cut
        if was_retired:
            assert verdict.skip is not None, "a delta of a retired response was admitted"
        if verdict.skip is None:
            assert verdict.response_id
            assert verdict.item_id
            self.spoke.add(verdict.response_id)
            item = self.core.state.items[verdict.item_id]
            if verdict.offset_bytes:
                assert verdict.offset_bytes == self.admitted[verdict.item_id], "a gap, or a repeat"
            else:
                # Also an item of the same name that was heard out or flushed before: it begins again.
                self.truncated.discard(verdict.item_id)
                self.told_heard.pop(verdict.item_id, None)
            self.admitted[verdict.item_id] = verdict.offset_bytes + n_bytes
            assert item.received_bytes == self.admitted[verdict.item_id]

    @rule(response_id=IDS, call_id=CALLS)
    def tool_called(self, response_id: str, call_id: str) -> None:
        self.give(inputs.ToolCalled(response_id=response_id, call_id=call_id, name="t", arguments="{}"))

    @rule(call_id=CALLS, reply=st.booleans())
    def tool_finished(self, call_id: str, reply: bool) -> None:
        self.give(inputs.ToolFinished(call_id=call_id, output="{}", reply=reply))

    @rule(call_id=CALLS)
    def item_added(self, call_id: str) -> None:
        self.give(inputs.ItemAdded(item_id="out", answers_id=call_id))

    @rule(item_id=ITEMS)
    def speech_started(self, item_id: str) -> None:
        self.give(inputs.SpeechStarted(item_id=item_id))

    @rule(item_id=ITEMS, spoke_ms=st.sampled_from([None, 90.0, 700.0]))
    def speech_stopped(self, item_id: str, spoke_ms: float | None) -> None:
        self.give(inputs.SpeechStopped(item_id=item_id, spoke_ms=spoke_ms))

    @rule(item_id=ITEMS, text=st.sampled_from(["", "mm", "stop", "stop "]), final=st.booleans())
    def understood(self, item_id: str, text: str, final: bool) -> None:
        self.give(inputs.CallerUnderstood(item_id=item_id, text=text, final=final))

    @rule(item_id=ITEMS)
    def committed(self, item_id: str) -> None:
        self.give(inputs.TurnCommitted(item_id=item_id))

    @rule(
        data=st.data(),
        code=st.sampled_from(
            ["conversation_already_has_active_response", "response_cancel_not_active", "new_code"]
        ),
    )
    def refused(self, data: st.DataObject, code: str) -> None:
        active = self.core.state.active
        cancel = "" if active is None else active.cancel_event_id
        event_id = data.draw(st.sampled_from(["", "alien", cancel, *self.tokens[-2:]]))
        self.give(inputs.Refused(event_id=event_id, code=code))

    @rule(back=st.integers(-1, 1), response_id=IDS, item_id=ITEMS, ms=MS)
    def audible(self, back: int, response_id: str, item_id: str, ms: int) -> None:
        self.tell_heard(item_id, ms, response_id)
        self.give(
            inputs.Audible(cut=self.core.cut - back, response_id=response_id, item_id=item_id, heard_ms=ms)
        )

    @rule(back=st.integers(-1, 1), response_id=IDS, item_id=ITEMS, ms=MS)
    def heard(self, back: int, response_id: str, item_id: str, ms: int) -> None:
        self.tell_heard(item_id, ms, response_id)
        self.give(
            inputs.Heard(cut=self.core.cut - back, response_id=response_id, item_id=item_id, heard_ms=ms)
        )

    @rule(
        back=st.integers(-1, 1),
        response_id=IDS,
        item_id=ITEMS,
        ms=MS,
        cause=st.sampled_from(["played", "flushed", "ended"]),
    )
    def silent(self, back: int, response_id: str, item_id: str, ms: int, cause: str) -> None:
        self.tell_heard(item_id, ms, response_id)
        self.give(
            inputs.Silent(
                cut=self.core.cut - back,
                response_id=response_id,
                item_id=item_id,
                heard_ms=ms,
                cause=cause,
            )
        )

    @rule(back=st.integers(-1, 1), item_id=ITEMS, ms=MS)
    def flushed(self, back: int, item_id: str, ms: int) -> None:
        self.tell_heard(item_id, ms)
        items = (inputs.FlushedItem(item_id=item_id, heard_ms=ms),) if item_id else ()
        self.give(inputs.Flushed(cut=self.core.cut - back, items=items))

    def tell_heard(self, item_id: str, ms: float, response_id: str = "") -> None:
        """A report of egress also says that whatever stands before its item was played."""
        items = self.core.state.items
        before: list[str] = []
        for item in items.values():
            if item.item_id == item_id or (item_id not in items and item.response_id == response_id):
                self.told_heard.update(dict.fromkeys(before, float("inf")))
                break
            before.append(item.item_id)
        self.told_heard[item_id] = max(self.told_heard.get(item_id, 0.0), ms)

    # What goes well, so that deep states are reached.

    @precondition(lambda self: self.core.state.outstanding is not None)
    @rule()
    def our_create_is_answered(self) -> None:
        create = self.core.state.outstanding
        assert create is not None
        self.give(inputs.ResponseCreated(response_id=self.fresh_id(), token=create.token))

    @rule()
    def server_makes_a_response(self) -> None:
        self.give(inputs.ResponseCreated(response_id=self.fresh_id()))

    @precondition(lambda self: self.core.state.active is not None)
    @rule(n_bytes=st.sampled_from([160, 8_000, 24_000]))
    def active_speaks(self, n_bytes: int) -> None:
        active = self.core.state.active
        assert active is not None
        self.audio(active.response_id, f"item_{active.response_id}", n_bytes)

    @precondition(lambda self: self.core.state.active is not None)
    @rule(count=st.integers(1, 2), fast=st.booleans())
    def active_calls_tools(self, count: int, fast: bool) -> None:
        active = self.core.state.active
        assert active is not None
        for number in range(count):
            call_id = f"call_{active.response_id}_{number}"
            self.tool_called(active.response_id, call_id)
            if fast:
                self.tool_finished(call_id, True)

    @precondition(lambda self: bool(self.core.state.batches))
    @rule()
    def a_tool_moves_the_caller(self) -> None:
        for batch in self.core.state.batches.values():
            for call_id in batch.open_tool_calls:
                self.move_wished("dial", call_id, batch.response_id)
                return

    @precondition(lambda self: self.core.state.active is not None)
    @rule()
    def active_writes(self) -> None:
        active = self.core.state.active
        assert active is not None
        self.text_part(active.response_id, f"text_{active.response_id}")

    @precondition(lambda self: self.core.slot is SlotState.CLOSED)
    @rule()
    def a_new_session(self) -> None:
        self.confirm()

    @precondition(lambda self: bool(self.core.state.batches))
    @rule()
    def a_tool_finishes(self) -> None:
        for batch in list(self.core.state.batches.values()):
            for call_id in list(batch.open_tool_calls):
                self.tool_finished(call_id, True)
                self.item_added(call_id)
                return

    @precondition(lambda self: self.core.state.active is not None)
    @rule(status=STATUSES)
    def active_is_done(self, status: str) -> None:
        active = self.core.state.active
        assert active is not None
        self.give(inputs.ResponseDone(response_id=active.response_id, status=status))

    @precondition(lambda self: bool(self.core.state.items))
    @rule(out=st.booleans())
    def egress_plays(self, out: bool) -> None:
        item = next(iter(self.core.state.items.values()))
        self.audible(0, item.response_id, item.item_id, int(item.heard_ms))
        if out:
            ms = int(item.received_ms)
            self.silent(0, item.response_id, item.item_id, ms, "played")

    @precondition(lambda self: self.core.state.pending_cut is not None)
    @rule(ms=MS)
    def egress_flushes(self, ms: int) -> None:
        pending = self.core.state.pending_cut
        assert pending is not None
        first = next(iter(pending.items), "i1")
        self.flushed(0, first, ms)

    def fresh_id(self) -> str:
        self.last_id += 1
        return f"resp_{self.last_id}"

    # The invariants.

    @invariant()
    def every_open_wish_is_waiting_sent_or_spoken(self) -> None:
        s = self.core.state
        waiting = {wish.number for wish in s.deferred.values()}
        for wish in s.deferred.values():
            assert wish.number in self.wishes_open, "a wish waits that the journal does not know"
        create = s.outstanding
        if create is not None and create.wish is not None:
            assert create.wish.number in self.wishes_open
            assert create.wish.number not in waiting, "a wish waits and is sent at once"

    @invariant()
    def a_retired_response_is_not_live(self) -> None:
        s = self.core.state
        assert not [r for r in s.responses if r in s.retired]
        for item in s.items.values():
            assert item.response_id not in s.retired, "audio of a retired response is waiting"
            assert item.heard_ms <= item.received_ms

    @invariant()
    def speaking_is_bound_to_a_live_response(self) -> None:
        speaking = self.core.audible_response_id
        if speaking:
            assert speaking not in self.core.state.retired

    @invariant()
    def the_next_deadline_lies_in_the_future(self) -> None:
        self.step(inputs.Tick())
        deadline_ms = self.core.next_deadline_ms()
        assert deadline_ms is None or deadline_ms > self.now_ms

    @invariant()
    def what_is_owed_is_waited_for(self) -> None:
        if self.is_served and self.core.owed is not None:
            assert self.core.next_deadline_ms() is not None, "sound is owed and nothing is waited for"

    @invariant()
    def playback_stands_still_while_it_is_in_doubt(self) -> None:
        assert self.stands_still == (self.core.state.doubt is not None)

    @property
    def is_served(self) -> bool:
        """Whether there is a session that may be asked."""
        is_open = self.core.slot not in (SlotState.CLOSED, SlotState.ENDED)
        return is_open and not self.core.state.asking.replacing

    @invariant()
    def ids_are_never_empty_keys(self) -> None:
        s = self.core.state
        assert "" not in s.responses
        assert "" not in s.items

    def teardown(self) -> None:
        """Nothing more comes: every wait expires, nothing is speaking, wished, active or asked for."""
        for _ in range(400):
            deadline_ms = self.core.next_deadline_ms()
            if deadline_ms is None:
                break
            self.now_ms = deadline_ms
            self.step(inputs.Tick())
        s = self.core.state
        assert self.core.next_deadline_ms() is None
        assert self.core.owed is None or not self.is_served, "sound is owed for ever"
        assert self.core.slot in (SlotState.FREE, SlotState.CLOSED, SlotState.ENDED)
        assert not s.deferred
        assert not self.core.audible_response_id
        assert not s.caller.speaking or self.core.slot is SlotState.ENDED
        assert s.pending_cut is None
        assert s.doubt is None
        assert s.move is None or self.core.slot is SlotState.ENDED
        assert not s.batches or self.core.slot is SlotState.ENDED
        assert len(set(self.outputs)) == len(self.outputs), "a call was answered twice"
        assert not self.wishes_open, f"wishes without an end in the journal: {self.wishes_open}"


AnyOrder.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestAnyOrder = AnyOrder.TestCase
