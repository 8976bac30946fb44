"""From the caller's stream into a session, one session after the other, and forgetting what is done with.

Why it exists: `audio` and `turns` decide; somebody must read, append and trim. Owns: when the stream is read
(not before a session is open, not while its socket does not keep up), what a new session is told again. Must
not know: the sequencer, what a frame means (audio), how long a turn is open (turns).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from brain.caller.audio import CallerAudio
from brain.caller.turns import CloseTurn, MoveTurn, Trim, Turns, Upkeep
from brain.counters import BrainCounters, BrainHops
from brain.model.engine import Engine
from shared.clock import now_ms
from shared.contract.card import CallerRead
from shared.contract.entry import after
from shared.contract.errors import EntryError
from shared.contract.streams.caller import TURN_MAX_ENTRIES, read_caller
from shared.figures.hops import Hop, host_of
from shared.logs.log import Log
from shared.ownership.owner import Owner
from shared.store.client import Store
from shared.store.errors import STORE_ERRORS
from shared.store.inbox import Entry, Inbox

REPLAY_TRIES = 5
REPLAY_PAUSE_S = 0.2


class CallerFeed:
    """One call's feed, into one session after the other."""

    def __init__(
        self,
        store: Store,
        inbox: Inbox,
        owner: Owner,
        counters: BrainCounters,
        log: Log,
        *,
        nudge: Callable[[], None],
        leg: int,
        ingress: str,
        transcribed: bool,
        hops: BrainHops,
        host: str,
    ) -> None:
        """`inbox`: that of the call's lane; `nudge` makes it read at once. `host`: of this process."""
        self._store = store
        self._inbox = inbox
        self._nudge = nudge
        self._owner = owner
        self._counters = counters
        self._log = log
        self._key = owner.keys.caller(owner.call_sid)
        self._audio = CallerAudio(counters, leg=leg)
        self._hop = Hop(hops.ingress_to_brain_ms, host)
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

    def may_be_cut(self, force_at_ms: float) -> bool:
        """Whether the session may be replaced now, by the caller's open turn."""
        return self._turns.may_be_cut(now_ms(), force_at_ms)

    def speech_started(self, item_id: str) -> None:
        """A turn opens, or goes on."""
        self._carry_out(self._turns.speech_started(item_id, self._appended_id))

    def speech_stopped(self) -> None:
        """The caller is silent."""
        self._turns.speech_stopped(now_ms())

    def committed(self, item_id: str) -> None:
        """The turn is an item of the conversation."""
        self._turns.committed(item_id)

    def settled(self, item_id: str) -> None:
        """The turn's text is in history, or will never be."""
        self._turns.settled(item_id)

    def upkeep(self) -> None:
        """Twice a second: sends the rest of a batch, fills what is late, forgets what is done with."""
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
        for audio in await self._open_turn():
            # Without an entry's id: these are in `turn` already and are not forgotten with the stream.
            engine.append(audio, b"")
            self._counters.frames_replayed += 1
        self._replaying = None
        if self._engine is engine:
            self._watch("0")

    async def _open_turn(self) -> list[bytes]:
        """The audio of the caller's open turn, half a second a piece."""
        key = self._owner.keys.turn(self._owner.call_sid)
        for _ in range(REPLAY_TRIES):
            try:
                found = await self._store.xrange(key, count=TURN_MAX_ENTRIES)
            except STORE_ERRORS:
                await asyncio.sleep(REPLAY_PAUSE_S)
                continue
            return [audio for _, fields in found if (audio := self._read_turn(fields))]
        self._log.warning("turn_not_replayed", reason="Redis is away")
        return []

    def _read_turn(self, fields: dict[bytes, bytes]) -> bytes:
        try:
            return read_caller([word for pair in fields.items() for word in pair]).audio
        except EntryError:
            self._counters.caller_entries_bad += 1
            return b""

    def _cancel_replay(self) -> None:
        if self._replaying is not None:
            self._replaying.cancel()
            self._replaying = None

    def _watch(self, after_id: str) -> None:
        if not self._stopped:
            self._inbox.watch(self._key, after_id, self._on_entries)
            self._nudge()

    def _on_entries(self, entries: list[Entry]) -> None:
        engine = self._engine
        if engine is None:
            return
        now = now_ms()
        self._audio.receive(entries, now)
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
                    self._owner.trim_caller(after(last_id), CallerRead(caller_pos=last_id))
                case MoveTurn(last_id):
                    self._owner.move_turn(last_id)
                case CloseTurn():
                    self._owner.close_turn()
