"""From the caller's stream into a session, one session after the other, and out of the stream again.

Why it exists: `audio` and `turns` decide; somebody must read, append and have it moved. Owns: when the stream
is read (not before a session is open, not while its socket does not keep up), what a new session is told
again. Must not know: the sequencer, what a frame means (audio), how long a turn is open (turns), when moves
are asked for (moves).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from functools import partial

from brain.caller.audio import BATCH_FRAMES, CallerAudio
from brain.caller.hole import Hole
from brain.caller.moves import CallerMoves
from brain.caller.turns import Turns
from brain.caller.unmoved import Unmoved
from brain.caller.voices import Voices
from brain.counters import BrainCounters, BrainHops
from brain.model.engine import Engine
from shared.audio import BYTES_PER_MS
from shared.clock import now_ms
from shared.contract.entry import FIRST, written_ms
from shared.contract.errors import EntryError
from shared.contract.lua.scripts import Refusal
from shared.contract.streams.caller import read_turn
from shared.contract.writes import CallerMove, Moved, caller_keys
from shared.figures.hops import Hop, host_of
from shared.logs.log import Log
from shared.ownership.counters import Where
from shared.ownership.guard import CallGuard
from shared.ownership.owner import Owner
from shared.store.client import Store
from shared.store.errors import STORE_ERRORS
from shared.store.gathering import enough_together
from shared.store.inbox import Entry, Inbox

REPLAY_TRIES = 5
REPLAY_PAUSE_S = 0.2
REPLAY_WAIT_S = 1.0
"""How long a move that is under way may take before `turn` is read without it."""

REPLAY_BYTES = 500 * BYTES_PER_MS
"""At least so much goes into one append of a replay: a message for each piece would fill the socket's
queue."""


class CallerFeed:
    """One call's feed, into one session after the other. It is the call's Mover."""

    def __init__(
        self,
        store: Store,
        inbox: Inbox,
        owner: Owner,
        moves: CallerMoves,
        counters: BrainCounters,
        log: Log,
        *,
        nudge: Callable[[], None],
        leg: int,
        ingress: str,
        hops: BrainHops,
        host: str,
        guard: CallGuard,
        hole: Hole,
        lag_ms: Callable[[], float],
    ) -> None:
        """`inbox`: that of the call's lane; `nudge` makes it read at once. `host`: of this process; `lag_ms`:
        how late its loop mostly is."""
        self._store = store
        self._inbox = inbox
        self._nudge = nudge
        self._owner = owner
        self._counters = counters
        self._log = log
        self._guard = guard
        self._lag_ms = lag_ms
        self.call_sid = owner.call_sid
        self._key = owner.keys.caller(owner.call_sid)
        self.lane = owner.keys.lane(owner.call_sid)
        self._audio = CallerAudio(counters, leg=leg, hole=hole)
        self._hop = Hop(hops.ingress_to_brain_ms, host)
        self._ingress_host = host_of(ingress)
        self._turns = Turns()
        self._voices = Voices()
        self._engine: Engine | None = None
        self.is_paused = False
        """Caller audio stays in Redis because the model's socket does not take it."""
        self._replaying: asyncio.Task[None] | None = None
        self._moves = moves
        self._unmoved = Unmoved(caller_keys(owner.keys, owner.call_sid), owner.epoch)
        self._none_under_way = asyncio.Event()
        self._none_under_way.set()
        self._stopped = False

    # Sessions.

    def connect(self, engine: Engine) -> None:
        """A session is open: it is told what `turn` has kept, then all that is in the stream."""
        if self._stopped:
            return
        self._engine = engine
        self.is_paused = False
        self._audio.restart()
        self._moves.add(self)
        replay = self._guard.task(self.call_sid, self._replay(engine))
        self._replaying = asyncio.create_task(replay, name=f"{self.call_sid}-replay")

    def disconnect(self) -> bool:
        """The session is gone. True: the caller's open turn will be said again to the next one."""
        if self._engine is None:
            return False
        self._keep_from_ms(self._engine)
        self._let_go()
        self._voices.stopped()
        self.is_paused = False
        return self._turns.session_lost(now_ms())

    def moved(self, ingress: str) -> None:
        """The caller's frames come from this worker now."""
        self._ingress_host = host_of(ingress)

    def stop(self) -> None:
        """Reads no more; safe to repeat."""
        if self._stopped:
            return
        self._stopped = True
        self._let_go()

    def claimed_again(self, epoch: int) -> None:
        """See Unmoved.claimed_again."""
        self._unmoved.claimed_again(epoch)

    def inherit(self, item_ids: Iterable[str]) -> None:
        """See Turns.inherit."""
        self._turns.inherit(item_ids, now_ms())

    async def tell_kept(self, item_id: str) -> None:
        """What `turn` has is the sound of this item: it is told with the past, and not said again. Cancelling
        it leaves it to be said again."""
        pieces = await self._kept()
        if pieces:
            self._voices.keep(item_id, b"".join(audio for _, audio in pieces))
            self._turns.told(_position_ms(pieces[-1][0]))

    # The caller's turn, as the server's VAD reports it.

    def may_be_cut(self, force_at_ms: float) -> bool:
        """Whether the session may be replaced now, by the caller's open turn."""
        return self._turns.may_be_cut(now_ms(), force_at_ms)

    def speech_started(self, item_id: str) -> None:
        """A turn opens, or goes on."""
        engine = self._engine
        self._voices.started(item_id)
        self._turns.speech_started(item_id, 0 if engine is None else _position_ms(engine.proven_id))

    def speech_stopped(self) -> None:
        """The caller is silent."""
        engine = self._engine
        self._voices.stopped()
        self._turns.speech_stopped(now_ms(), 0 if engine is None else _position_ms(engine.appended_id))

    def settled(self, item_id: str) -> None:
        """The turn's text is in history."""
        self._turns.settled(item_id)
        self._voices.forget(item_id)

    def answered(self) -> None:
        """A response has sound: what the caller has said is not said again."""
        self._turns.answered()

    def voice_of(self, item_id: str) -> bytes | None:
        """How a new session is told an item that has no text: by its sound, if that is known. None: not at
        all, since it is said again."""
        return None if self._turns.is_waiting(item_id) else self._voices.of(item_id)

    def upkeep(self) -> None:
        """Twice a second: sends the rest of a batch, fills what is late, waits no longer for what is
        overdue."""
        engine = self._engine
        if engine is None:
            return
        if self._turns.speaking and self._replaying is None:
            self._audio.pad_by_clock(now_ms())
        rest = self._audio.batch()
        if rest is not None:
            self._append(engine, rest)
        self._turns.expire(now_ms())

    # Out of the stream (see moves.Mover).

    def next_move(self) -> CallerMove | None:
        """What the session got since the last move."""
        engine = self._engine
        if engine is None:
            return None
        move = self._unmoved.next_move(engine.appended_id, self._keep_from_ms(engine))
        if move is not None:
            self._none_under_way.clear()
        return move

    def move_answered(self, answer: Moved | Refusal) -> None:
        """What Redis said of it."""
        self._unmoved.answered(answer)
        self._none_under_way.set()
        if isinstance(answer, Refusal):
            self._owner.refused(answer)

    # Private.

    def _keep_from_ms(self, engine: Engine) -> int:
        return self._turns.keep_from(_position_ms(engine.proven_id), _position_ms(engine.appended_id))

    def _append(self, engine: Engine, audio: bytes) -> bool:
        last_id = self._audio.last_id
        if last_id:  # Else it is silence of ours, and stands in no stream.
            self._unmoved.give(last_id, audio)
        self._voices.hear(audio)
        return engine.append(audio, last_id)

    def _let_go(self) -> None:
        """The session's part is over: what it was not sent stands in the stream for the next one."""
        self._engine = None
        if self._replaying is not None:
            self._replaying.cancel()
            self._replaying = None
        self._moves.remove(self)
        self._unmoved.forget()
        self._inbox.unwatch(self._key)

    async def _replay(self, engine: Engine) -> None:
        """What the caller said and no session may have received or answered, then on from the stream's first
        entry."""
        for last_id, audio in await self._kept():
            # By the id that it has in `turn`, so that it counts as received. It is not moved again.
            engine.append(audio, last_id)
            self._voices.hear(audio, is_replayed=True)
            self._counters.frames_replayed += 1
        self._replaying = None
        if self._engine is engine:
            self._watch(FIRST)

    async def _kept(self) -> list[tuple[bytes, bytes]]:
        """What `turn` has kept, in larger pieces: last id and audio of each."""
        # If it takes longer Redis is away; what did move is found by the reading below, which tries again.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REPLAY_WAIT_S):
                await self._none_under_way.wait()
        key = self._owner.keys.turn(self._owner.call_sid)
        first = f"{self._turns.keep_from(0, 0)}-0"
        for _ in range(REPLAY_TRIES):
            try:
                found = await self._store.xrange(key, first)
            except STORE_ERRORS:
                await asyncio.sleep(REPLAY_PAUSE_S)
                continue
            return _joined([(entry_id, self._read_turn(fields)) for entry_id, fields in found])
        self._log.warning("turn_not_replayed", reason="Redis is away")
        return []

    def _read_turn(self, fields: dict[bytes, bytes]) -> bytes:
        try:
            return read_turn(fields)
        except EntryError:
            self._counters.caller_entries_bad += 1
            return b""

    def _watch(self, after_id: str) -> None:
        if not self._stopped:
            sink = self._guard.wrap(Where.CALLER, self.call_sid, self._on_entries)
            self._inbox.watch(self._key, after_id, sink)
            self._nudge()

    def _on_entries(self, entries: list[Entry]) -> None:
        engine = self._engine
        if engine is None:
            return
        now = now_ms()
        self._audio.receive(entries, now)
        oldest, audio = self._audio.oldest, self._audio.batch(self._frames_at_least())
        if audio is not None and oldest is not None:
            self._hop.took(oldest[0], self._ingress_host, oldest[1], now)
        if audio is None or self._append(engine, audio):
            return
        # The model's socket does not keep up: what is not read waits in Redis, and XLEN shows it.
        read_to = self._inbox.unwatch(self._key)
        if read_to is not None:
            self.is_paused = True
            self._counters.caller_pauses += 1
            self._log.warning("caller_paused", queued=engine.queued_events)
            go_on = partial(self._go_on, engine, read_to)
            engine.when_drained(self._guard.wrap(Where.TIMER, self.call_sid, go_on))

    def _frames_at_least(self) -> int:
        """A frame of quiet that no turn waits for waits for its neighbour; others do in a late brain only."""
        if self._turns.speaking or self._audio.is_voiced:
            return enough_together(BATCH_FRAMES, self._lag_ms())
        return BATCH_FRAMES

    def _go_on(self, engine: Engine, after_id: str) -> None:
        if self._engine is engine:
            self.is_paused = False
            self._watch(after_id)


def _position_ms(entry_id: bytes) -> int:
    """Where in the caller's voice an entry is; 0 before the first."""
    return written_ms(entry_id) if entry_id else 0


def _joined(pieces: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Neighbours joined: id of the last, audio of all of them."""
    joined: list[tuple[bytes, bytes]] = []
    for entry_id, audio in pieces:
        if joined and len(joined[-1][1]) < REPLAY_BYTES:
            joined[-1] = entry_id, joined[-1][1] + audio
        else:
            joined.append((entry_id, audio))
    return [(entry_id, audio) for entry_id, audio in joined if audio]
