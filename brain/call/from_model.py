"""What the model says, on its way into the brain: inputs, audio, texts, and what each means beside them.

Why it exists: an event of the model concerns several parts of a call at once (the sequencer, the caller's
open turn, history, the card, counters). Which part is told what, and in which order, is here.

Owns: that order; whether the caller waits for an answer. Must not know: a wire, how sessions come and go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from brain.call.lines import CallLog
from brain.call.reply import ReplyWriter
from brain.call.stopwatch import Stopwatch
from brain.call.window import ModelWindow
from brain.caller.feed import CallerFeed
from brain.counters import BrainCounters
from brain.memory.record import Record
from brain.model.engine import Said, SaidKind
from brain.sequencer import Sequencer, inputs
from brain.sequencer.actions import Action
from brain.sequencer.inputs import Input
from shared.audio import BYTES_PER_MS
from shared.clock import now_ms
from shared.logs.log import Log


@dataclass(slots=True)
class FromModel:
    """See brain.model.engine.Listener. `give` hands an input to the sequencer, `perform` does its actions."""

    sequencer: Sequencer
    feed: CallerFeed
    record: Record
    reply: ReplyWriter
    lines: CallLog
    log: Log
    counters: BrainCounters
    window: ModelWindow
    stopwatch: Stopwatch
    give: Callable[[Input], None]
    perform: Callable[[tuple[Action, ...]], None]
    caller_waits: Callable[[bool], None]
    """Told when an answer to the caller becomes due, and when its first audio is there."""
    caller_spoke: Callable[[], None]
    completed: Callable[[], None]
    """Told when a response came to its end in good order."""
    _waits: bool = False

    def on_input(self, input_: Input) -> None:
        """Beside the sequencer, an event may concern the caller's turn and the card."""
        now = now_ms()
        match input_:
            case inputs.SpeechStarted(item_id=item_id):
                self.stopwatch.speech_started(now)
                self.feed.speech_started(item_id)
                self.caller_spoke()
            case inputs.SpeechStopped():
                self.stopwatch.speech_stopped(now)
                self.feed.speech_stopped()
                self._waits = True
                self.caller_waits(True)
            case inputs.TurnCommitted(item_id=item_id):
                self.feed.committed(item_id)
            case inputs.ResponseCreated(response_id=response_id, token=token):
                self.stopwatch.created(response_id, token, now)
            case inputs.ResponseDone(response_id=response_id, status=status):
                self.lines.response_done(response_id)
                if status == "completed":
                    self.completed()
            case _:
                pass
        self.window.sign(now)
        self.give(input_)
        self.stopwatch.handled()

    def on_audio(self, response_id: str, item_id: str, audio: bytes) -> None:
        """One delta: judged, then written whole into `reply`."""
        counters = self.counters
        now = now_ms()
        verdict = self.sequencer.admit_audio(response_id, item_id, len(audio), now)
        if verdict.actions:
            self.perform(verdict.actions)
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
        if self._waits:
            self.answered()

    def on_said(self, said: Said) -> None:
        """A text: into history, and the caller's turn is settled with it."""
        self.record.said(said)
        if said.kind is SaidKind.USER_TEXT:
            self.feed.settled(said.item_id)

    def on_trouble(self, code: str, *, known: bool) -> None:
        """A refusal: counted; one that nobody expected has a line."""
        if known:
            self.counters.errors_benign += 1
        else:
            self.counters.errors_unknown += 1
            self.log.warning("error_unknown", code=code)

    def answered(self) -> None:
        """Nobody waits for an answer (any more)."""
        if self._waits:
            self._waits = False
            self.caller_waits(False)
