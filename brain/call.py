"""One call in the brain: the driver that joins session, sequencer, streams, tools and history.

Owns: the order of a call's life here, and the one place where the sequencer's actions are carried out
and its clock is read. Decisions are not made here: what may be said is the sequencer's, what is forgotten
is `turns`', what an event means is `translate`'s.

The audio path is synchronous from the socket's frame to the outbox, and from the inbox's entry to the
socket's queue: nothing is awaited for a frame or a delta.
"""

from __future__ import annotations

import asyncio
import binascii
from base64 import b64decode
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from openai import AsyncOpenAI

from brain import reports, translate
from brain.agent import Agent, session_config
from brain.call_log import CallLog
from brain.caller_feed import CallerFeed
from brain.control_feed import ControlFeed
from brain.counters import BrainCounters
from brain.events import Json, text
from brain.exits import CallExit
from brain.history import History
from brain.reply_writer import ReplyWriter
from brain.sequencer import Reason, Sequencer, SequencerConfig, actions, inputs
from brain.sequencer.actions import Action
from brain.sequencer.inputs import Input
from brain.session import RealtimeSession, SessionError, SessionPlan
from brain.tools import Toolbox
from shared.clock import now_ms, wall_ms
from shared.control import ControlMessage
from shared.ownership import Claim, Owner
from shared.process import Process
from shared.scripts import Answer


@dataclass(frozen=True, slots=True)
class CallTools:
    """What every call of the process shares."""

    agent: Agent
    toolbox: Toolbox
    client: AsyncOpenAI
    counters: BrainCounters


class BrainCall:
    """One claimed call, from `run` to its end. All methods but `run` and `stop` return at once."""

    def __init__(self, process: Process, call_sid: str, claim: Claim, shared: CallTools) -> None:
        self.call_sid = call_sid
        self.lane = process.keys.lane(call_sid)
        self._process = process
        self._shared = shared
        self._epoch = claim.epoch
        self._log = process.log.bind(call=call_sid, epoch=claim.epoch)
        agent = shared.agent
        self._lines = CallLog(process.outbox, self._log, call_sid)
        self._owner = Owner(process.outbox, process.keys, call_sid, "brain", claim.epoch, self._on_refused)
        self._exit = CallExit(process, self._owner, claim.card)
        self._sequencer = Sequencer(
            SequencerConfig(
                create_response_by=agent.answers_turns,
                first_cut=int(claim.card.get("cut") or 0),
                token_prefix=f"b{claim.epoch}",
            )
        )
        plan = SessionPlan(
            model=agent.model,
            config=session_config(agent, shared.toolbox.definitions()),
            update_id=f"b{claim.epoch}-session",
        )
        self._session = RealtimeSession(shared.client, plan, shared.counters)
        self._feed = CallerFeed(
            process,
            self._owner,
            self._session,
            shared.counters,
            self._log,
            leg=int(claim.card.get("leg") or 0),
            transcribed=bool(agent.transcription_model),
        )
        self._reply = ReplyWriter(self._owner)
        self._history = History(self._owner)
        self._control = ControlFeed(process, self._owner, claim.card, self._on_control)
        self._over = asyncio.Event()
        self._ending = False
        self._answer_due = False
        self._children: set[asyncio.Task[None]] = set()
        self._group: asyncio.TaskGroup | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_ms = 0.0

    # Life.

    async def run(self) -> None:
        """Serves the call until it ended, was lost to another owner, or is given up. Never raises but
        CancelledError."""
        self._shared.counters.calls += 1
        self._log.info("call_taken")
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
            self._shared.counters.calls_failed += 1
            self._log.error("call_failed", exc_info=bugs.exceptions[0])
            self._give_up("bug")
        finally:
            self._group = None
            self._cancel_timer()
            self._lines.close()
            self._feed.stop()
            self._exit.cancel()
            await self._session.close()
            self._log.info("call_left", slot=self._sequencer.slot)

    async def stop(self) -> None:
        """The process ends: the caller hears the apology by Twilio's voice, and the call is released."""
        if not self._ending:
            self._give_up("drained")
        await self._exit.release()
        self._over.set()

    async def _talk(self) -> None:
        """The session, from connecting to its end."""
        began_ms = now_ms()
        if self._epoch == 1 and self._shared.agent.greeting:
            self._process.outbox.journal(self.call_sid, "greeting")
            self.give(inputs.WishToSpeak(reason=Reason.GREETING, text=self._shared.agent.greeting))
        try:
            await self._session.open()
        except SessionError as error:
            self._shared.counters.sessions_failed += 1
            self._log.error("session_failed", cause=error.cause, detail=error.detail)
            self._give_up(error.cause)
            return
        self._shared.counters.sessions_confirmed += 1
        gate = self._session.gate
        self._log.info("session_confirmed", session=gate.session_id, ms=round(now_ms() - began_ms))
        self._owner.card({"session_id": gate.session_id, "session_expires_at_s": gate.expires_at_s})
        self._spawn(self._session.write(), "write")
        self.give(inputs.SessionConfirmed())
        self._feed.start()
        cause = await self._session.read(self._on_event)
        if not self._ending:
            self._shared.counters.sessions_lost += 1
            self._log.warning("session_lost", cause=cause)
            self._give_up(cause)

    # The sequencer: inputs, actions, deadlines.

    def give(self, input_: Input) -> None:
        """Hands the sequencer an input and carries out what it asks for."""
        self._perform(self._sequencer.handle(input_, now_ms()))
        self._arm()

    def _perform(self, asked: list[Action] | tuple[Action, ...]) -> None:
        now = now_ms()
        for action in asked:
            match action:
                case actions.Journal():
                    self._lines.note(action.kind, action.fields)
                case actions.Flush():
                    self._shared.counters.barge_ins += 1
                    self._reply.flush(action, now)
                    self._owner.card({"cut": action.cut}, urgent=True)
                case actions.EndItem():
                    self._reply.end_item(action, now)
                case actions.EndResponse():
                    self._reply.end_response(action, now)
                case actions.RecordHeard():
                    self._history.heard(action.item_id, action.heard_ms)
                case actions.RunTool():
                    self._history.tool(action.call_id, action.name, "started", action.arguments)
                    self._spawn(self._run_tool(action), f"tool-{action.name}")
                case actions.HangUp():
                    self._hang_up(action.cause)
                case _:
                    self._send(action)

    def _send(self, action: translate.ToModel) -> None:
        if self._ending:
            return
        if isinstance(action, actions.SendCreate):
            self._shared.counters.creates += 1
        try:
            self._session.send(translate.client_event(action, self._shared.agent))
        except SessionError as error:
            self._give_up(error.cause)

    def _arm(self) -> None:
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

    # From the model.

    def _on_event(self, event: Json) -> None:
        if event.get("type") == translate.AUDIO_DELTA:
            self._on_audio(event)
            return
        fatal = translate.fatal_code(event)
        if fatal:
            self._log.error("session_fatal", code=fatal)
            self._give_up(fatal)
            return
        settled = self._history.on_event(event, now_ms())
        if settled:
            self._feed.settled(settled)
        for input_ in translate.read_event(event):
            self._before(input_)
            self.give(input_)

    def _on_audio(self, event: Json) -> None:
        counters = self._shared.counters
        try:
            audio = b64decode(text(event, "delta"))
        except binascii.Error:
            counters.deltas_bad += 1
            return
        now = now_ms()
        verdict = self._sequencer.admit_audio(
            text(event, "response_id"), text(event, "item_id"), len(audio), now
        )
        if verdict.actions:
            self._perform(verdict.actions)
        if verdict.skip is not None:
            skipped = counters.deltas_skipped
            skipped[verdict.skip] = skipped.get(verdict.skip, 0) + 1
            self._lines.skipped(verdict.response_id)
            return
        counters.deltas += 1
        counters.delta_bytes += len(audio)
        self._reply.audio(verdict, audio, now)
        if self._answer_due:
            self._answer_due = False
            self._owner.card({"reply_due": ""})
        self._arm()

    def _before(self, input_: Input) -> None:
        """What an event means to the caller's turn and the counters, beside the sequencer."""
        match input_:
            case inputs.SpeechStarted(item_id=item_id):
                self._feed.speech_started(item_id)
            case inputs.SpeechStopped():
                self._feed.speech_stopped()
                self._answer_due = True
                self._owner.card({"reply_due": wall_ms()})
            case inputs.TurnCommitted(item_id=item_id):
                self._feed.committed(item_id)
            case inputs.ResponseDone(response_id=response_id):
                self._lines.response_done(response_id)
            case inputs.Refused(code=code):
                if translate.classify(code) is translate.ErrorClass.BENIGN:
                    self._shared.counters.errors_benign += 1
                else:
                    self._shared.counters.errors_unknown += 1
                    self._log.warning("error_unknown", code=code, event_id=input_.event_id)
            case _:
                pass

    async def _run_tool(self, action: actions.RunTool) -> None:
        began_ms = now_ms()
        result = await self._shared.toolbox.run(action.name, action.arguments)
        counters = self._shared.counters
        counters.tools_run += 1
        if result.outcome != "ok":
            counters.tools_failed += 1
        self._log.info(
            "tool_run",
            tool=action.name,
            call_id=action.call_id,
            outcome=result.outcome,
            ms=round(now_ms() - began_ms),
        )
        self._history.tool(action.call_id, action.name, "result", result.output)
        self.give(inputs.ToolFinished(call_id=action.call_id, output=result.output, reply=result.reply))
        if result.end_call is not None:
            self.give(
                inputs.HangUpWished(
                    cause=result.end_call.cause,
                    farewell=result.end_call.farewell,
                    response_id=action.response_id,
                )
            )

    def upkeep(self, *, sweep: bool) -> None:
        """Twice a second: forget what is done with; with `sweep` look for messages typed by hand."""
        if not self._ending:
            self._feed.upkeep()
        if sweep and not self._over.is_set():
            self._control.sweep()

    # From control messages.

    def ring(self) -> None:
        """The doorbell rang for this call."""
        self._control.ring()

    def _on_control(self, message: ControlMessage) -> None:
        self._shared.counters.control_messages += 1
        report = reports.read_report(message)
        if report is not None:
            self.give(report)
            return
        match message.kind:
            case "ended":
                self._log.info("call_ended", outcome=message.fields.get("outcome", ""))
                self._over.set()
            case "stream":
                self._exit.moved(message.integer("leg"), message.fields.get("ingress", ""))
                self._lines.note("leg", {"leg": str(message.integer("leg"))})
            case "detached":
                self._log.info("stream_detached", cause=message.fields.get("cause", ""))
            case "dtmf":
                # The digit itself may be a card number's: it is not written down.
                self._lines.note("dtmf", {})
            case _:
                self._shared.counters.control_ignored += 1
                self._log.info("control_ignored", kind=message.kind, sender=message.sender)

    # Ends.

    def _hang_up(self, cause: str) -> None:
        if self._ending:
            return
        self._shared.counters.hang_ups += 1
        self._leave(lambda: self._exit.hang_up(cause))

    def _give_up(self, cause: str) -> None:
        """No conversation is to be had: Twilio's voice apologises. Never dead air."""
        if self._ending:
            return
        if self._sequencer.state.hang_up is not None:
            self._hang_up(cause)
            return
        self._shared.counters.given_up += 1
        self._leave(lambda: self._exit.apologise(cause, self._shared.agent.apology))
        if self._group is not None:  # After a bug the sequencer may be what broke: it is not asked again.
            self.give(inputs.SessionLost(cause=cause))

    def _leave(self, exit_by: Callable[[], None]) -> None:
        self._ending = True
        exit_by()
        self._exit.wait_for_end(self._over.set)
        self._feed.stop()
        if self._group is not None:
            self._spawn(self._session.close(), "close")

    def _on_refused(self, answer: Answer) -> None:
        """A fenced write was refused: the call ended, or another brain has it."""
        if not self._over.is_set():
            self._shared.counters.fenced += 1
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
