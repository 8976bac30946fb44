"""One call in the brain: the driver that joins sessions, sequencer, streams, tools and history.

Owns: the order of a call's life here, and the one place where the sequencer's actions are carried out
and its clock is read. Decisions are not made here: what may be said is the sequencer's, what is forgotten
is `turns`', what an event means is the engine's, when a session is replaced is `lifeline`'s, how long
silence and calls may last is `limits`'.

The audio path is synchronous from the socket's frame to the outbox, and from the inbox's entry to the
socket's queue: nothing is awaited for a frame or a delta.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import orjson

from brain.call import parts as call_parts
from brain.call import reports
from brain.call.leaving import CallExit
from brain.call.parts import CallParts
from brain.call.playhead import last_playhead
from brain.model.engine import Engine, EngineError, Opened, SeedItem, ToModel
from brain.model.lifeline import Rollover
from brain.model.sessions import Sessions
from brain.sequencer import Reason, SlotState, actions, inputs
from brain.sequencer.actions import Action
from brain.sequencer.inputs import Input
from brain.tools.runs import DIGITS_SENT, dial_result
from shared.audio import BYTES_PER_MS
from shared.clock import now_ms, wall_ms
from shared.contract.scripts import Answer
from shared.figures.rolling import Telling
from shared.ownership.control import ControlMessage
from shared.ownership.control_feed import ControlFeed
from shared.ownership.owner import Claim, Owner
from shared.process.role import Process

SEED_MAX_CHARS = 24_000
"""Of the past that a new session is told: some hours of talk, a quarter of the smallest context."""

ROLL_AGAIN_S = 0.2
"""A rollover waits for the caller's turn to be in history, looking this often."""

ASKED = frozenset({SlotState.REQUESTED, SlotState.GENERATING, SlotState.GENERATING_AND_REQUESTED})
"""The model has been asked, or is at it: from here on it is its turn."""

DUE_AGAIN_MS = 8_000.0
"""While a tool runs ingress is told anew so often that an answer is due: its apology comes at 12 s."""


class BrainCall:
    """One claimed call, from `run` to its end. All methods but `run` and `stop` return at once."""

    def __init__(self, process: Process, call_sid: str, claim: Claim, parts: CallParts) -> None:
        self.call_sid = call_sid
        self.epoch = claim.epoch
        self._process = process
        self._parts = parts
        self._counters = parts.counters
        self._log = process.log.bind(call=call_sid, epoch=claim.epoch)
        self._owner = Owner(process.outbox, process.keys, call_sid, "brain", claim.epoch, self._on_refused)
        self._exit = CallExit(process, self._owner, claim.card)
        made = call_parts.make(process, self._owner, claim.card, parts, self._log, self)
        self._agent = made.agent
        self._sequencer = made.sequencer
        self._lines = made.lines
        self._record = made.record
        self._feed = made.feed
        self._reply = made.reply
        self._watch = made.watch
        self._tools = made.tools
        self._from_model = made.from_model
        self._sessions = Sessions(
            made.make_engine,
            self,
            made.from_model,
            made.lifeline,
            self._counters,
            self._log,
            has_past=claim.epoch > 1,
        )
        self._control = ControlFeed(process, self._owner, claim.card, self._on_control)
        self._engine: Engine | None = None
        self._attached = claim.card.get("state") != "detached"
        self._move: actions.Move | None = None
        self._dialled = ""
        self._rollover: Rollover | None = None
        self._due_at_ms: float | None = None
        self._telling = Telling(now_ms())
        self._over = asyncio.Event()
        self._ending = False
        self._children: set[asyncio.Task[None]] = set()
        self._group: asyncio.TaskGroup | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_ms = 0.0

    # Life.

    async def run(self) -> None:
        """Serves the call until it ended, was lost to another owner, or is given up. Never raises but
        CancelledError."""
        self._counters.calls += 1
        self._log.info("call_taken", agent=self._agent.name)
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._spawn(self._talk(), "talk")
                self._spawn(self._control.run(), "control")
                try:
                    await self._over.wait()
                finally:
                    # Also when a child failed: the reader's cancellation may be lost inside redis-py.
                    self._control.stop()
                    for child in list(self._children):
                        child.cancel()
        except* Exception as bugs:  # noqa: BLE001 - a bug met in one call must not end the others
            self._group = None
            self._counters.calls_failed += 1
            self._log.error("call_failed", exc_info=bugs.exceptions[0])
            self._give_up("bug")
        finally:
            self._group = None
            self._cancel_timer()
            self._lines.session_over()
            self._feed.stop()
            self._exit.cancel()
            await self._sessions.close()
            self._log.info("call_left", slot=self._sequencer.slot)

    async def stop(self) -> None:
        """The process ends: the caller hears the apology by Twilio's voice, and the call is released."""
        if not self._ending:
            self._give_up("drained")
        await self._exit.release()
        self._over.set()

    def abandon(self) -> None:
        """The call is another owner's by now: lets go of it without a word."""
        self._ending = True
        self._feed.stop()
        self._over.set()

    async def _talk(self) -> None:
        """All sessions of the call, from the first to the last."""
        if self.epoch == 1:
            self._parts.hooks.started(self.call_sid)
        else:
            await call_parts.recall(self._process, self._record.conversation, self.call_sid)
        if self._agent.greeting and self._record.conversation.is_empty:
            self._process.outbox.journal(self.call_sid, "greeting")
            self.give(inputs.WishToSpeak(reason=Reason.GREETING, text=self._agent.greeting))
        end = await self._sessions.run()
        if not self._ending:
            self._log.error("call_given_up", cause=end.cause, detail=end.detail)
            self._give_up(end.cause)

    # The sessions (brain.model.sessions.Host).

    def seed(self) -> tuple[SeedItem, ...]:
        return self._record.conversation.seed(SEED_MAX_CHARS, self._sequencer.open_tool_calls)

    def session_begins(self, engine: Engine, opened: Opened) -> None:
        if self._ending:
            return
        self._engine = engine
        self._log.info("session_confirmed", session=opened.session_id, life_ms=round(opened.life_ms))
        expires_at_ms = wall_ms() + round(opened.life_ms) if opened.life_ms else 0
        self._owner.card({"session_id": opened.session_id, "session_expires_at_ms": expires_at_ms})
        self.give(inputs.SessionConfirmed())
        self._feed.connect(engine)

    def session_ends(self, cause: str) -> None:
        self._engine = None
        self._lines.session_over()
        replayed = self._feed.disconnect()
        self.give(inputs.SessionLost(cause=cause, turn_replayed=replayed))

    def rollover_due(self, rollover: Rollover) -> None:
        self._rollover = rollover
        settle_at_ms, force_at_ms = rollover.settle_at_ms, rollover.force_at_ms
        self.give(inputs.RolloverDue(settle_at_ms=settle_at_ms, force_at_ms=force_at_ms))

    def _roll_over(self) -> None:
        """Quiet, by the sequencer; but a turn whose text is still under way would be said twice."""
        rollover = self._rollover
        if rollover is not None and self._feed.turn_is_open and now_ms() < rollover.force_at_ms:
            asyncio.get_running_loop().call_later(ROLL_AGAIN_S, self.rollover_due, rollover)
        else:
            self._sessions.roll()

    # The sequencer: inputs, actions, deadlines.

    def give(self, input_: Input) -> None:
        """Hands the sequencer an input and carries out what it asks for."""
        self.perform(self._sequencer.handle(input_, now_ms()))
        self.arm()

    def perform(self, asked: list[Action] | tuple[Action, ...]) -> None:
        """Carries out the sequencer's actions, in their order."""
        now = now_ms()
        for action in asked:
            match action:
                case actions.Journal():
                    self._parts.figures.sequencer.note(action.kind, action.fields)
                    self._lines.note(action.kind, action.fields)
                case actions.Flush():
                    self._counters.barge_ins += 1
                    self._reply.flush(action, now, self._flush_written())
                    self._owner.card({"cut": action.cut}, urgent=True)
                    self._spawn(self._ask_playhead(action.cut - 1), "playhead")
                case actions.EndItem():
                    self._reply.end_item(action, now)
                    self._record.item_ms(action.item_id, action.total_bytes // BYTES_PER_MS)
                case actions.EndResponse():
                    self._reply.end_response(action, now)
                case actions.RecordHeard():
                    self._record.heard(
                        action.item_id, action.heard_ms, action.received_ms, complete=action.complete
                    )
                case actions.RunTool():
                    self._spawn(self._tools.run(action), f"tool-{action.name}")
                case actions.Move():
                    self._move, self._dialled = action, ""
                    self._exit.move(action.kind, action.argument)
                case actions.SendText():
                    self._record.keys(action.event_id, action.text)
                    self._tell_model(action)
                case actions.RollOver():
                    self._roll_over()
                case actions.HangUp():
                    self._hang_up(action.cause)
                case _:
                    self._tell_model(action)

    async def _ask_playhead(self, cut: int) -> None:
        """Egress tells more, if it tells within the wait; then this changes nothing."""
        found = await last_playhead(self._process, self.call_sid, cut)
        if found is not None:
            self.give(found)

    def _flush_written(self) -> Callable[[], None] | None:
        """What to do when a flush stands in Redis: measure the barge-in, if it is one."""
        stopwatch = self._from_model.stopwatch
        since_ms = stopwatch.interrupting_since_ms
        return None if since_ms is None else lambda: stopwatch.flush_written(since_ms, now_ms())

    def _tell_model(self, action: ToModel | actions.Rewrite) -> None:
        engine = self._engine
        if engine is None or self._ending:
            return
        try:
            if isinstance(action, actions.Rewrite):
                heard = self._record.conversation.heard_text(action.item_id, action.heard_ms)
                engine.rewrite(action.item_id, heard)
                return
            if isinstance(action, actions.SendCreate):
                self._counters.creates += 1
                self._from_model.stopwatch.asked(action.token, now_ms())
            engine.do(action)
        except EngineError as error:
            # It takes nothing any more: closing it makes its reader report the loss.
            self._log.warning("session_stuck", cause=error.cause)
            self._engine = None
            self._spawn(engine.close(), "close")

    def arm(self) -> None:
        """One timer a call. One that fires too early only ticks and is set anew, so it never moves."""
        due_ms = self._sequencer.next_deadline_ms()
        if due_ms is None or (self._timer is not None and self._timer_at_ms <= due_ms):
            return
        self._cancel_timer()
        self._timer_at_ms = due_ms
        wait_s = max(0.0, due_ms - now_ms()) / 1000
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.give(inputs.Tick())

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # What the others of the call ask for.

    def caller_waits(self, waits: bool) -> None:
        """An answer to the caller is due, or is there: ingress plays its clip if it takes long."""
        self._due_at_ms = now_ms() if waits else None
        self._owner.card({"reply_due": wall_ms() if waits else ""})
        self._exit.due(is_due=waits)

    def response_completed(self) -> None:
        """The model came to an end in good order."""
        self._sessions.response_completed()

    def upkeep(self, *, sweep: bool) -> None:
        """Twice a second: forget what is done with; with `sweep` look for messages typed by hand."""
        if not self._ending:
            now = now_ms()
            self._feed.upkeep()
            busy = self._sequencer.is_busy
            if self._due_at_ms is not None:
                if not busy:
                    self._from_model.answered()
                elif self._sequencer.open_tool_calls and now - self._due_at_ms >= DUE_AGAIN_MS:
                    self.caller_waits(True)
            self._watch.look(now, busy=busy or self._engine is None or not self._attached)
        if not self._over.is_set():
            self._show_window(now_ms())
        if sweep and not self._over.is_set():
            self._control.sweep()

    def _show_window(self, now: float) -> None:
        """How the model keeps up, on the card every three seconds, for egress to judge."""
        window, core = self._from_model.window, self._sequencer
        is_due = self._due_at_ms is not None and not core.open_tool_calls
        owes = self._engine is None or core.slot in ASKED or is_due or self._feed.is_paused
        # Nobody waits for a model while the caller is away, or after the last word.
        owes = owes and self._attached and not self._ending
        window.look(now, owes=owes, since_ms=self._due_at_ms if is_due else None)
        if not self._telling.is_due(now, late=self._process.is_late):
            return
        queued = 0 if self._engine is None else self._engine.queued_events
        figures = {**self._process.window(now), **window.take(now), "queued": queued}
        self._owner.card({"w_brain": orjson.dumps(figures).decode()})

    # From control messages.

    def ring(self) -> None:
        """The doorbell rang for this call."""
        self._control.ring()

    def _on_control(self, message: ControlMessage) -> None:
        self._counters.control_messages += 1
        report = reports.read_report(message)
        if report is not None:
            self.give(report)
            return
        match message.kind:
            case "ended":
                self._log.info("call_ended", outcome=message.fields.get("outcome", ""))
                self._over.set()
            case "stream":
                self._on_stream(message.integer("leg"), message.fields.get("ingress", ""))
            case "detached":
                self._attached = False
                self._log.info("stream_detached", cause=message.fields.get("cause", ""))
            case "dialled":
                self._dialled = message.fields.get("status", "")[:40]
            case "dtmf":
                self._tools.caller_active()
                self._watch.pressed(message.fields.get("digit", ""), now_ms())
            case _:
                self._counters.control_ignored += 1
                why = reports.why_refused(message)
                self._log.info("control_ignored", kind=message.kind[:40], sender=message.sender[:80])
                if why:
                    self._lines.note("refused", {"what": message.kind[:40], "why": why})

    def _on_stream(self, leg: int, ingress: str) -> None:
        """A new media stream: the caller is back, if they were sent away."""
        self._exit.moved(leg, ingress)
        self._feed.moved(ingress)
        self._lines.note("leg", {"leg": str(leg)})
        self._attached = True
        move, self._move = self._move, None
        if move is not None:
            output = dial_result(self._dialled) if move.kind == "dial" else DIGITS_SENT
            self._lines.note("move_ended", {"what": move.kind, "status": self._dialled})
            self._tools.moved(move.call_id, output)
            self.give(inputs.MoveEnded(output=output))

    # Ends.

    def _hang_up(self, cause: str) -> None:
        if self._ending:
            return
        self._counters.hang_ups += 1
        self._leave(lambda: self._exit.hang_up(cause))

    def _give_up(self, cause: str) -> None:
        """No conversation is to be had: Twilio's voice apologises. Never dead air."""
        if self._ending:
            return
        if self._sequencer.state.hang_up is not None:
            self._hang_up(cause)
            return
        self._counters.given_up += 1
        self._leave(lambda: self._exit.apologise(cause, self._agent.apology))
        if self._group is not None:  # After a bug the sequencer may be what broke: it is not asked again.
            self.give(inputs.SessionLost(cause=cause))

    def _leave(self, exit_by: Callable[[], None]) -> None:
        self._ending = True
        exit_by()
        self._exit.wait_for_end(self._over.set)
        self._feed.stop()
        if self._group is not None:
            self._spawn(self._sessions.close(), "close")

    def _on_refused(self, answer: Answer) -> None:
        """A fenced write was refused: the call ended, or another brain has it."""
        if not self._over.is_set():
            self._counters.fenced += 1
            self._process.ownership.lost(answer)
            self._log.warning("call_fenced", answer=answer)
            self._ending = True
            self._over.set()

    def _spawn(self, coroutine: Coroutine[object, object, None], name: str) -> None:
        if self._group is None or self._over.is_set():
            coroutine.close()
            return
        task = self._group.create_task(coroutine, name=f"{self.call_sid}-{name}")
        self._children.add(task)
        task.add_done_callback(self._children.discard)
