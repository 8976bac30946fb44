"""What the model says, on its way into the brain: inputs, audio, texts, and what each means beside them.

Why it exists: an event of the model concerns several parts of a call at once (the sequencer, the caller's
open turn, history, counters, ingress). Which part is told what, and in which order, is here.

Owns: that order. Must not know: a wire, how sessions come and go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from brain.call.lines import CallLog
from brain.call.owing import AnswerDue
from brain.call.reply import ReplyWriter
from brain.call.stopwatch import Stopwatch
from brain.call.watch import CallWatch
from brain.call.window import ModelWindow
from brain.caller.feed import CallerFeed
from brain.counters import BrainCounters
from brain.memory.record import Record
from brain.model.engine import Said, SaidKind, ServerTool
from brain.sequencer import inputs
from brain.sequencer.actions import AudioVerdict
from brain.sequencer.inputs import Input
from brain.telling.teller import CallTeller
from brain.tools.runs import ToolRuns
from shared.audio import BYTES_PER_MS, is_silent
from shared.clock import now_ms
from shared.contract.bill.usage import ModelUsage
from shared.logs.log import Log


class Door(Protocol):
    """The way to the sequencer. What it asks for is done when these return."""

    def give(self, input_: Input) -> None:
        """Hands it an input."""

    def admit(self, response_id: str, item_id: str, n_bytes: int, *, audible: bool) -> AudioVerdict:
        """Has it judge a piece of audio. `audible`: it is no silence."""


@dataclass(slots=True)
class FromModel:
    """See brain.model.engine.Listener."""

    door: Door
    feed: CallerFeed
    record: Record
    reply: ReplyWriter
    due: AnswerDue
    watch: CallWatch
    tools: ToolRuns
    lines: CallLog
    log: Log
    counters: BrainCounters
    window: ModelWindow
    stopwatch: Stopwatch
    completed: Callable[[], None]
    """Told when a response with sound came to its end in good order: the session works."""
    teller: CallTeller
    _sounded_id: str = ""
    """The last response that had sound."""

    def on_input(self, input_: Input) -> None:
        """Beside the sequencer, an event may concern the caller's turn, and who waits for what."""
        now = now_ms()
        match input_:
            case inputs.SpeechStarted(item_id=item_id):
                self.stopwatch.speech_started(now)
                self.feed.speech_started(item_id)
                self.watch.caller_active()
                self.tools.caller_active()
            case inputs.SpeechStopped():
                self.stopwatch.speech_stopped(now)
                self.feed.speech_stopped()
            case inputs.ResponseCreated(response_id=response_id, token=token):
                self.stopwatch.created(response_id, token, now)
            case inputs.ToolCalled():
                # It is being done; said to the next session again, it would be done again.
                self.feed.answered()
            case inputs.ResponseDone(response_id=response_id, status=status):
                self.lines.response_done(response_id)
                if status == "completed" and response_id == self._sounded_id:
                    self.completed()
            case _:
                pass
        self.window.sign(now)
        self.door.give(input_)
        self.stopwatch.handled()

    def on_audio(self, response_id: str, item_id: str, audio: bytes) -> None:
        """One delta: judged, then written whole into `reply`."""
        counters = self.counters
        is_sound = not is_silent(audio)
        verdict = self.door.admit(response_id, item_id, len(audio), audible=is_sound)
        now = now_ms()
        if verdict.skip is not None:
            counters.deltas_skipped[verdict.skip] += 1
            self.lines.skipped(verdict.response_id)
            self.window.skipped()
            return
        counters.deltas += 1
        counters.delta_bytes += len(audio)
        self.window.sign(now, len(audio) / BYTES_PER_MS)
        self.reply.audio(verdict, audio, now)
        if verdict.first:
            self.stopwatch.first_audio(verdict.response_id, now)
            self.due.audio_came(verdict.debt)
            self.teller.first_audio(verdict.response_id)
        if is_sound and verdict.response_id != self._sounded_id:
            self._sounded_id = verdict.response_id
            if verdict.answers_turn:
                self.feed.answered()

    def on_said(self, said: Said) -> None:
        """A text: into history, and the caller's turn is settled with it. Without a text it is not: then its
        audio is all that there is of it."""
        self.record.said(said)
        if said.kind is SaidKind.USER_TEXT and said.text:
            self.feed.settled(said.item_id)

    def on_server_tool(self, tool: ServerTool) -> None:
        """A tool that the server ran: into history, as ours."""
        self.record.server_tool(tool)

    def on_voice(self, item_id: str, *, begins: bool, ago_ms: float) -> None:
        """When the caller's voice was: for people."""
        if begins:
            self.teller.voice_began(item_id, ago_ms)
        else:
            self.teller.voice_ended(item_id, ago_ms)

    def on_usage(self, used: ModelUsage) -> None:
        """What was used: for the bill."""
        self.teller.used(used)

    def on_trouble(self, code: str, *, known: bool) -> None:
        """A refusal: counted; one that nobody expected has a line."""
        if known:
            self.counters.errors_benign += 1
        else:
            self.counters.errors_unknown += 1
            self.log.warning("error_unknown", code=code)
