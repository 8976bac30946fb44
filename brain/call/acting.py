"""Carries out what the sequencer asks for: each of its actions concerns some part of the call.

Why it exists: the sequencer asks on plain data; whom each action is for is the one thing that is neither a
rule nor a part's own business. Owns: that. Must not know: when anything is asked for, how a call ends.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any, Protocol

from brain.call.parts import BrainServices, CallParts
from brain.model.engine import ToModel
from brain.sequencer import actions
from brain.sequencer.actions import Action
from shared.audio import BYTES_PER_MS
from shared.clock import now_ms
from shared.contract.card import CutRaised, Next
from shared.ownership.owner import Owner


class ActingHost(Protocol):
    """The call, as far as its actions need it."""

    is_ending: bool
    """The last word was said: the model is told nothing more."""

    def spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        """Runs a task of the call, which ends with it."""

    def roll_over(self) -> None:
        """The session is replaced."""

    def hang_up(self, cause: str, *, unheard: bool) -> None:
        """The call ends."""


@dataclass(frozen=True, slots=True)
class Acting:
    """Of one call."""

    parts: CallParts
    owner: Owner
    services: BrainServices
    host: ActingHost

    def do(self, action: Action, now: float) -> None:
        """Carries out one action."""
        mine = self.parts
        match action:
            case actions.Journal():
                self.services.figures.sequencer.note(action.kind, **action.fields)
                mine.lines.note(action.kind, **action.fields)
            case actions.Flush():
                self.services.counters.barge_ins += 1
                mine.reply.flush(action, now, mine.stopwatch.barge_in(now_ms))
                self.owner.card(CutRaised(cut=action.cut), urgent=True)
                self.host.spawn(mine.control.ask_playhead(action.cut - 1), "playhead")
            case actions.PauseReply():
                self.services.counters.pauses += 1
                mine.reply.pause(action, now, mine.stopwatch.barge_in(now_ms))
            case actions.ResumeReply():
                mine.reply.resume(action, now)
            case actions.PassOver():
                self.services.counters.passed_over += 1
                mine.feed.settled(action.item_id)
                mine.stopwatch.passed_over()
                mine.record.overheard(action.item_id)
            case actions.PlayNotice():
                self._play(action, now)
            case actions.TellSaid():
                self._tell_said(action, now)
            case actions.EndItem():
                mine.reply.end_item(action, now)
                mine.record.item_ms(action.item_id, action.total_bytes // BYTES_PER_MS)
            case actions.EndResponse():
                mine.reply.end_response(action, now)
            case actions.RecordHeard():
                mine.record.heard(
                    action.item_id, action.heard_ms, action.received_ms, complete=action.complete
                )
                mine.recording.heard(action.item_id, heard_out=action.heard_out)
            case actions.RunTool():
                self.host.spawn(mine.tools.run(action), f"tool-{action.name}")
            case actions.Move():
                mine.away.sent(action)
                mine.leaving.move(Next(action.kind), action.argument)
            case actions.SendText():
                mine.record.keys(action.event_id, action.text)
                self._tell_model(action, now)
            case actions.SendToolOutput():
                # Of a move that did not come about: the sequencer knows why.
                mine.tools.moved(action.call_id, action.output)
                self._tell_model(action, now)
            case actions.Rewrite():
                self._rewrite(action)
            case actions.RollOver():
                self.host.roll_over()
            case actions.ReplaceSession():
                mine.sessions.replace(action.cause)
            case actions.HangUp():
                self.host.hang_up(action.cause, unheard=action.unheard)
            case _:
                self._tell_model(action, now)

    # Private.

    def _tell_model(self, action: ToModel, now: float) -> None:
        mine = self.parts
        if self.host.is_ending or not mine.sessions.do(action):
            return
        if isinstance(action, actions.SendCreate):
            self.services.counters.creates += 1
            mine.stopwatch.asked(action.token, now)

    def _play(self, action: actions.PlayNotice, now: float) -> None:
        mine = self.parts
        notice = mine.notice(action.item_id)
        mine.record.notice(action.item_id, notice.text, notice.ms)
        mine.reply.notice(action, notice.audio, now)
        mine.watch.due.audio_came(action.debt)  # It is nothing that the model owes.

    def _tell_said(self, action: actions.TellSaid, now: float) -> None:
        """Of what was cut off meanwhile the session is told as much as was heard."""
        said = self.parts.record.conversation.told_text(action.item_id)
        if said:
            self._tell_model(replace(action, text=said), now)

    def _rewrite(self, action: actions.Rewrite) -> None:
        engine = self.parts.sessions.serving
        if engine is not None and not self.host.is_ending:
            heard = self.parts.record.conversation.told_text(action.item_id, action.heard_ms)
            engine.rewrite(action.item_id, heard)
