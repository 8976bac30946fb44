"""The caller's side of a call in the brain: from the caller's stream into the session, and forgetting.

Owns: when the stream is read (not before the gate is open, not while the model's socket does not keep
up) and when it is trimmed. Must not know: the sequencer. What a frame means is `caller_audio`'s, how
long a turn is open is `turns`'.
"""

from __future__ import annotations

from brain.caller_audio import CallerAudio
from brain.counters import BrainCounters
from brain.session import RealtimeSession
from brain.turns import CloseTurn, MoveTurn, Trim, Turns, Upkeep
from shared.clock import now_ms
from shared.inbox import Entry
from shared.logs import Log
from shared.ownership import Owner, after
from shared.process import Process


class CallerFeed:
    """One call's feed; `start` it once the session is confirmed."""

    def __init__(
        self,
        process: Process,
        owner: Owner,
        session: RealtimeSession,
        counters: BrainCounters,
        log: Log,
        *,
        leg: int,
        transcribed: bool,
    ) -> None:
        self._process = process
        self._owner = owner
        self._session = session
        self._counters = counters
        self._log = log
        lane = process.keys.lane(owner.call_sid)
        self._lane = lane
        self._inbox = process.inboxes[lane]
        self._key = process.keys.caller(owner.call_sid)
        self._audio = CallerAudio(counters, leg=leg)
        self._turns = Turns(transcribed=transcribed)
        self._stopped = False

    def start(self, after_id: str = "0") -> None:
        """Reads the stream from its first entry: what is in it, the model has not got."""
        if not self._stopped:
            self._inbox.watch(self._key, after_id, self._on_entries)
            self._process.nudge(self._lane)

    def stop(self) -> None:
        """Reads no more; safe to repeat."""
        self._stopped = True
        self._inbox.unwatch(self._key)

    # The caller's turn, as the server's VAD reports it.

    def speech_started(self, item_id: str) -> None:
        self._carry_out(self._turns.speech_started(item_id, self._appended_id))

    def speech_stopped(self) -> None:
        self._turns.speech_stopped(now_ms())

    def committed(self, item_id: str) -> None:
        self._turns.committed(item_id)

    def settled(self, item_id: str) -> None:
        """The turn's text is in history, or will never be."""
        self._turns.settled(item_id)

    def upkeep(self) -> None:
        """Twice a second: send the rest of a batch, forget what is done with."""
        if self._stopped:
            return
        rest = self._audio.append_text(all_of_it=True)
        if rest is not None:
            self._session.append(rest, self._audio.last_id)
        self._carry_out(self._turns.upkeep(self._appended_id, now_ms()))

    # Private.

    @property
    def _appended_id(self) -> str:
        return self._session.appended_id.decode()

    def _on_entries(self, entries: list[Entry]) -> None:
        self._audio.take(entries)
        message = self._audio.append_text()
        if message is None or self._session.append(message, self._audio.last_id):
            return
        # The model's socket does not keep up: what is not read waits in Redis, and XLEN shows it.
        read_to = self._inbox.unwatch(self._key)
        if read_to is not None:
            self._counters.caller_pauses += 1
            self._log.warning("caller_paused", queued=self._session.queued_events)
            self._session.when_drained(lambda: self.start(read_to))

    def _carry_out(self, steps: list[Upkeep]) -> None:
        for step in steps:
            match step:
                case Trim(last_id):
                    self._owner.trim("caller", after(last_id), {"caller_pos": last_id})
                case MoveTurn(last_id):
                    self._owner.move_turn(last_id)
                case CloseTurn():
                    self._owner.close_turn()
