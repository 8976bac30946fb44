"""The caller's side of a call in the brain: from the caller's stream into a session, and forgetting.

Owns: when the stream is read (not before a session is open, not while its socket does not keep up), what
a new session is told again, and when the stream is trimmed. Must not know: the sequencer. What a frame
means is `caller_audio`'s, how long a turn is open is `turns`'.
"""

from __future__ import annotations

import asyncio

from brain.caller.audio import CallerAudio
from brain.caller.turns import CloseTurn, MoveTurn, Trim, Turns, Upkeep
from brain.counters import BrainCounters, BrainHops
from brain.model.engine import Engine
from shared.clock import now_ms
from shared.figures.hops import Hop, host_of
from shared.logs.log import Log
from shared.ownership.owner import Owner, after
from shared.process.role import Process
from shared.store.errors import STORE_ERRORS
from shared.store.inbox import Entry

REPLAY_TRIES = 5
REPLAY_PAUSE_S = 0.2
REPLAY_ENTRIES = 120
"""60 s of an open turn: all that `turn` may hold."""


class CallerFeed:
    """One call's feed, into one session after the other."""

    def __init__(
        self,
        process: Process,
        owner: Owner,
        counters: BrainCounters,
        log: Log,
        *,
        leg: int,
        ingress: str,
        transcribed: bool,
        hops: BrainHops,
    ) -> None:
        self._process = process
        self._owner = owner
        self._counters = counters
        self._log = log
        lane = process.keys.lane(owner.call_sid)
        self._lane = lane
        self._inbox = process.inboxes[lane]
        self._key = process.keys.caller(owner.call_sid)
        self._audio = CallerAudio(counters, leg=leg)
        self._hop = Hop(hops.ingress_to_brain_ms, process.worker.host)
        self._ingress_host = host_of(ingress)
        self._turns = Turns(transcribed=transcribed)
        self._engine: Engine | None = None
        self.is_paused = False
        """Caller audio stays in Redis because the model's socket does not take it."""
        self._replaying: asyncio.Task[None] | None = None
        self._stopped = False

    # Sessions.

    def connect(self, engine: Engine) -> None:
        """A session is open: it is told the caller's open turn again, then all that is in the stream."""
        if self._stopped:
            return
        self._engine = engine
        self.is_paused = False
        self._audio.restart()
        self._replaying = asyncio.create_task(self._replay(engine), name=f"{self._owner.call_sid}-replay")

    def disconnect(self) -> bool:
        """The session is gone. True: the caller's open turn will be said again to the next one."""
        if self._engine is None:
            return False
        self._forget_done()
        self._engine = None
        self.is_paused = False
        self._cancel_replay()
        self._inbox.unwatch(self._key)
        return self._turns.session_lost(now_ms())

    def moved(self, ingress: str) -> None:
        """The caller's frames come from this worker now."""
        self._ingress_host = host_of(ingress)

    def stop(self) -> None:
        """Reads no more; safe to repeat."""
        if self._stopped:
            return
        self._stopped = True
        self._engine = None
        self._cancel_replay()
        self._inbox.unwatch(self._key)

    # The caller's turn, as the server's VAD reports it.

    @property
    def turn_is_open(self) -> bool:
        """Whether the caller said something that is not yet in history."""
        return self._turns.is_open

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
        """Twice a second: send the rest of a batch, fill what is late, forget what is done with."""
        engine = self._engine
        if engine is None:
            return
        if self._turns.speaking and self._replaying is None:
            self._audio.pad_by_clock(now_ms())
        rest = self._audio.batch(all_of_it=True)
        if rest is not None:
            engine.append(rest, self._audio.last_id)
        self._forget_done()

    # Private.

    @property
    def _appended_id(self) -> str:
        return "" if self._engine is None else self._engine.appended_id.decode()

    async def _replay(self, engine: Engine) -> None:
        """What the caller had said and no session has answered, then on from the stream's first entry."""
        for entry in await self._open_turn():
            audio = entry.get(b"a", b"")
            if audio:
                # Without an entry's id: these are in `turn` already and are not forgotten with the stream.
                engine.append(audio, b"")
                self._counters.frames_replayed += 1
        self._replaying = None
        if self._engine is engine:
            self._watch("0")

    async def _open_turn(self) -> list[dict[bytes, bytes]]:
        key = self._process.keys.turn(self._owner.call_sid)
        for _ in range(REPLAY_TRIES):
            try:
                found = await self._process.store.xrange(key, count=REPLAY_ENTRIES)
            except STORE_ERRORS:
                await asyncio.sleep(REPLAY_PAUSE_S)
                continue
            return [fields for _, fields in found]
        self._log.warning("turn_not_replayed", reason="Redis is away")
        return []

    def _cancel_replay(self) -> None:
        if self._replaying is not None:
            self._replaying.cancel()
            self._replaying = None

    def _watch(self, after_id: str) -> None:
        if not self._stopped:
            self._inbox.watch(self._key, after_id, self._on_entries)
            self._process.nudge(self._lane)

    def _on_entries(self, entries: list[Entry]) -> None:
        engine = self._engine
        if engine is None:
            return
        now = now_ms()
        self._audio.take(entries, now)
        oldest, audio = self._audio.oldest, self._audio.batch()
        if audio is not None and oldest is not None:
            self._hop.took(oldest[0], self._ingress_host, oldest[1], now)
        if audio is None or engine.append(audio, self._audio.last_id):
            return
        # The model's socket does not keep up: what is not read waits in Redis, and XLEN shows it.
        read_to = self._inbox.unwatch(self._key)
        if read_to is not None:
            self.is_paused = True
            self._counters.caller_pauses += 1
            self._log.warning("caller_paused", queued=engine.queued_events)
            engine.when_drained(lambda: self._go_on(engine, read_to))

    def _go_on(self, engine: Engine, after_id: str) -> None:
        if self._engine is engine:
            self.is_paused = False
            self._watch(after_id)

    def _forget_done(self) -> None:
        self._carry_out(self._turns.upkeep(self._appended_id, now_ms()))

    def _carry_out(self, steps: list[Upkeep]) -> None:
        for step in steps:
            match step:
                case Trim(last_id):
                    self._owner.trim("caller", after(last_id), {"caller_pos": last_id})
                case MoveTurn(last_id):
                    self._owner.move_turn(last_id)
                case CloseTurn():
                    self._owner.close_turn()
