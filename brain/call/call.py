"""One call in the brain: the driver that joins sessions, sequencer, streams, tools and history.

Why it exists: the parts of a call know one another as little as they can; somebody must hand on. Owns: the
order of a call's life here, and the one door to the sequencer (`_step`): nobody else carries out its actions,
reads the clock for it or arms its timer. Must not know: any rule. What may be said is the sequencer's,
what is told of it `owing`'s, where the caller is `away`'s, what is forgotten `turns`',
what an event means the engine's, when a session is replaced `lifeline`'s, how long a call may last `limits`'.

The audio path is synchronous from the socket's frame to the outbox, and from the inbox's entry to the
socket's queue: nothing is awaited for a frame or a delta.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Sequence

from brain.call import leaving, parts
from brain.call.acting import Acting
from brain.call.parts import BrainServices, Waiting
from brain.memory.past import Past
from brain.model.engine import Engine, Opened, SeedItem
from brain.model.lifeline import Rollover
from brain.sequencer import inputs
from brain.sequencer.actions import Action, AudioVerdict
from brain.sequencer.inputs import Input
from shared.clock import now_ms, wall_ms
from shared.contract import window
from shared.contract.card import BrainTold, SessionOpened
from shared.contract.lua.scripts import Refusal
from shared.contract.owed import DebtCause
from shared.contract.streams.calls import Orphaned
from shared.contract.streams.pairs import Pair
from shared.contract.views import BrainView
from shared.figures.rolling import Telling
from shared.ownership.counters import Where
from shared.ownership.owner import Owner
from shared.process.role import Process
from shared.process.tasks import Alarm

SEED_MAX_CHARS = 24_000  # Some hours of talk, a quarter of the smallest context.
ROLL_AGAIN_S = 0.2  # A rollover waits for the caller's turn to be in history.


class BrainCall:
    """One claimed call, from `run` to its end. All methods but `run` and `stop` return at once."""

    def __init__(
        self,
        process: Process,
        services: BrainServices,
        call_sid: str,
        epoch: int,
        card: BrainView,
        past: Past | None = None,
        *,
        caller_number: str = "",
        claim_again: Callable[[int], None] | None = None,
        waiting: Waiting | None = None,
    ) -> None:
        """`past`: what this process knows of the call from before Redis lost it. `claim_again`: see Owner."""
        self.call_sid = call_sid
        self.epoch = epoch
        self._is_first = card.claims == 1  # Nobody had the call before.
        self._has_begun = False  # It is known who answers, and what others had left.
        self._claims, self._restored_at_ms = card.claims, card.restored_at_ms
        self._recovered = card.restored_at_ms is not None  # Redis had lost it; ingress has written it again.
        self.lost_at_ms: float | None = None  # A write was refused: another's call, or one that Redis lost.
        self._past, self._was_heard = past, card.claims > 1 and card.frame_n > 0
        self._process, self._services = process, services
        self._counters = services.counters
        self._log = process.log.bind(call=call_sid, epoch=epoch)
        self._owner = Owner(
            process.outbox, process.keys, call_sid, process.worker.role, epoch, self._on_refused,
            process.name, claim_again, process.guard,
        )  # fmt: skip
        self._parts = parts.make(
            process, services, self._owner, card, self._log, self, past, caller_number=caller_number,
            waiting=waiting,
        )  # fmt: skip
        self.agent_of = self._parts.record.conversation.agent_of  # Of no item: who answers now.
        self._acting = Acting(self._parts, self._owner, services, self)
        self._telling = Telling(now_ms())
        self._over = asyncio.Event()  # The call is left: nothing is begun any more.
        self.is_ending = False  # The last word was said: nothing is said any more.
        self._left_for = Orphaned.RELEASED  # Why it is given back, in the end.
        self._has_ended = False  # For everybody; only what the caller said last may still be on its way.
        self._children: set[asyncio.Task[None]] = set()
        self._group: asyncio.TaskGroup | None = None
        self._alarm = Alarm(process.guard.wrap(Where.TIMER, call_sid, lambda: self.give(inputs.Tick())))

    # Life.

    async def run(self) -> None:
        """Serves the call until it ended, was lost, or is given up; after a bug it is another brain's, or
        ours again. Never raises but CancelledError."""
        self._counters.calls += 1
        self._log.info("call_taken", agent=self._parts.agent.name)
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self.spawn(self._talk(), "talk")
                try:
                    await self._over.wait()
                finally:
                    # Also when a child failed: the reader's cancellation may be lost inside redis-py.
                    self._parts.control.reader.stop()
                    for child in list(self._children):
                        child.cancel()
        except* Exception as bugs:  # noqa: BLE001 - a bug met in one call must not end the others
            self._group = None
            self._counters.calls_failed += 1
            self._process.guard.note(Where.TASK, self.call_sid, bugs.exceptions[0])
            self.is_ending, self._left_for = True, Orphaned.BUG
        finally:
            self._group = None
            self._over.set()
            self._alarm.cancel()
            self._parts.lines.session_over()
            self._parts.feed.stop()
            self._parts.leaving.cancel()
            await self._parts.sessions.close()
            if not self._has_ended:  # Nobody else would end it, or take it.
                self._owner.give_back(why=self._left_for)
            self._log.info("call_left", slot=self._parts.sequencer.slot)

    async def stop(self) -> None:
        """The process ends: releases the call for whoever comes first. Cancelled, rivals see our silence
        instead."""
        self._parts.feed.stop()
        await leaving.release(self._owner, self._process.ownership, self._log)
        self.abandon()

    # To another brain (brain.takeover.giving.GivenCall).

    def may_be_given(self) -> bool:
        """Whether anything is left to give: it is not on its way out."""
        return self._has_begun and not self.is_ending and not self._over.is_set()

    def is_quiet(self, *, may_play: bool) -> bool:
        """Whether nobody would notice if it changed hands now; with `may_play` while audio plays."""
        is_between = self._parts.feed.may_be_cut(math.inf) and not self._parts.watch.keys_wait
        return is_between and self._parts.sequencer.is_quiet(now_ms(), may_play=may_play)

    def hand_over(self, heir: str) -> None:
        """Releases it to `heir`, behind all that was written; empty: to whoever comes first."""
        self._parts.feed.stop()
        self._parts.control.save()
        self._owner.give_back(heir=heir)
        self._process.ownership.releases += 1
        self.abandon()

    def past(self) -> Past:
        """What is kept of it, should it come back."""
        at_ms = now_ms() if self.lost_at_ms is None else self.lost_at_ms
        return self._parts.past(at_ms, self._claims, self._restored_at_ms)

    def goes_on(self, epoch: int, card: BrainView) -> bool:
        """It was claimed again: goes on in place under the new epoch, if nobody had the call between, and
        Redis has not lost what stood in its streams."""
        is_kept = card.restored_at_ms == self._restored_at_ms and self.lost_at_ms is None
        if self._over.is_set() or not is_kept or card.claims > self._claims + 1:
            return False
        self.epoch, self._claims = epoch, card.claims
        self._owner.claimed_again(epoch)
        self._parts.feed.claimed_again(epoch)
        self._log.info("call_claimed_again", above=epoch)
        return True

    def abandon(self) -> None:
        """The call is another owner's by now: lets go of it without a word."""
        self.is_ending = True
        self._parts.feed.stop()
        self._over.set()

    async def _talk(self) -> None:
        """All sessions of the call, from the first to the last."""
        if self._is_first:
            self._services.hooks.started(self.call_sid)
        elif self._past is not None:
            if self._recovered:
                self._parts.record.history.again(self._parts.record.conversation.entries())
        else:
            await self._inherit()
        if self._parts.casting.is_open and self._parts.is_fresh and not self.is_ending:
            self.spawn(self._find_out(), "find-out")  # While a session opens.
        else:
            self._begin(was_greeted=self._was_heard)
        if self.is_ending:
            return
        end = await self._parts.sessions.run()
        if not self.is_ending:
            self._log.error("call_given_up", cause=end.cause, detail=end.detail)
            self._give_up(end.cause)

    async def _find_out(self) -> None:
        words = await self._parts.casting.find_out()
        if words and not self.is_ending:
            self._parts.leaving.refuse(words, self._parts.casting.language)
            self._leave()
        self._begin(was_greeted=self._was_heard and self._recovered)

    def _begin(self, *, was_greeted: bool) -> None:
        """It is known who answers. `was_greeted`: though nobody may remember what was said."""
        if self._parts.casting.is_open:
            self._parts.casting.settle()
        self._has_begun = True
        self._parts.control.reader.ring()  # For what is there already.
        first = () if self.is_ending else self._parts.first_words(self._past, was_greeted=was_greeted)
        for each in first:
            self.give(each)

    async def _inherit(self) -> None:
        """Goes on where another brain stood."""
        begin = self._parts.begin
        found = await begin.recall()
        begin.take_up(found, self._step)
        begin.follow(found, self.give)
        if found.is_on_way_out:
            self._leave()

    # The sessions (brain.model.sessions.SessionHost).

    def seed(self) -> tuple[SeedItem, ...]:
        """What was said so far, for the session that begins now."""
        past, core = self._parts.record.conversation, self._parts.sequencer
        return past.seed(SEED_MAX_CHARS, core.open_tool_calls, self._parts.feed.voice_of)

    async def cast(self, engine: Engine) -> bool:
        """Waits until it is known who answers, and brings the session to them."""
        return await self._parts.casting.bring(engine)

    def session_begins(self, engine: Engine, opened: Opened) -> None:
        """The model may be spoken to from now on, through this engine."""
        if self.is_ending:
            return
        self._log.info("session_confirmed", session=opened.session_id, life_ms=round(opened.life_ms))
        expires_at_ms = wall_ms() + round(opened.life_ms) if opened.life_ms else 0
        self._owner.card(SessionOpened(session_id=opened.session_id, session_expires_at_ms=expires_at_ms))
        self.give(inputs.SessionConfirmed())
        self._parts.feed.connect(engine)
        self._parts.casting.session_begins()

    def session_ends(self, cause: str) -> None:
        """No event of that session comes any more."""
        self._parts.lines.session_over()
        replayed = self._parts.feed.disconnect()
        self.give(inputs.SessionLost(cause=cause, turn_replayed=replayed))
        self._parts.record.session_lost()

    def rollover_due(self, rollover: Rollover) -> None:
        """The session must be replaced, at a quiet moment or at the last one."""
        self.give(inputs.RolloverDue(settle_at_ms=rollover.settle_at_ms, force_at_ms=rollover.force_at_ms))

    def roll_over(self) -> None:
        """This is a quiet moment, or the last one: the session is replaced, unless a turn would be cut."""
        rollover = self._parts.sessions.rollover
        if rollover is None or self._parts.feed.may_be_cut(rollover.force_at_ms):
            self._parts.sessions.roll()
        else:
            self.spawn(self._roll_again(rollover), "roll-again")

    async def _roll_again(self, rollover: Rollover) -> None:
        """Of a session that is gone by now it is nobody's."""
        await asyncio.sleep(ROLL_AGAIN_S)
        if self._parts.sessions.rollover is rollover:
            self.rollover_due(rollover)

    # The sequencer: one door.

    def give(self, input_: Input) -> None:
        """Hands the sequencer an input and carries out what it asks for."""
        now = now_ms()
        self._step(self._parts.sequencer.handle(input_, now), now)

    def admit(self, response_id: str, item_id: str, n_bytes: int, *, audible: bool) -> AudioVerdict:
        """Has the sequencer judge a delta and carries out what it asks for."""
        now = now_ms()
        verdict = self._parts.sequencer.admit_audio(response_id, item_id, n_bytes, now, audible=audible)
        self._step(verdict.actions, now)
        return verdict

    def _step(self, asked: Sequence[Action], now: float) -> None:
        """The end of each step: its actions are carried out, and its waits are heard of again."""
        for action in asked:
            self._acting.do(action, now)
        words = self._parts.words(now)
        if self._parts.owing.changed(words):
            self._parts.leaving.tell_owed(words)
        self._parts.leaving.fill_with(self._parts.filling(now))
        pending = self._parts.pending.changed(self._parts.sequencer.state, self._parts.leaving.leg)
        if pending is not None:
            self._owner.card(pending, urgent=True)
        self._arm(now)

    def _arm(self, now: float) -> None:
        due_ms = self._parts.sequencer.next_deadline_ms()
        if due_ms is not None and not self._over.is_set():
            self._alarm.set(due_ms, now)

    # Others look, ring, and ask for tasks.

    def ring(self) -> None:
        """The doorbell rang for this call."""
        if self._has_begun:
            self._parts.control.reader.ring()

    def upkeep(self, *, sweep: bool) -> None:
        """Twice a second: does what is due, and tells every three seconds how the model keeps up. With
        `sweep` looks for messages that nobody rang for."""
        if self._over.is_set() or self._has_ended:
            return
        now, mine = now_ms(), self._parts
        if not self.is_ending:
            mine.feed.upkeep()
        mine.watch.check(now, mine.standing(is_ending=self.is_ending))
        if self._telling.is_due(now, late=self._process.is_late):
            process = self._process.window(now, self._process.keys.lane(self.call_sid))
            told = mine.window.take(now, process, mine.sessions.queued_events)
            self._owner.card(BrainTold(w_brain=window.dump(told)))
        if self._has_begun:
            mine.control.upkeep(sweep=sweep)

    def still_owes(self) -> tuple[str, list[Pair]] | None:
        """Every second: the ingress worker of the call, and what it is told; None if there is nobody."""
        ingress = self._parts.leaving.ingress
        if self._over.is_set() or self._has_ended or not ingress or not self._has_begun:
            return None
        self._parts.leaving.fill_with(self._parts.filling(now_ms()))
        return ingress, self._parts.leaving.say_again(self._parts.words(now_ms()))

    def ended(self) -> None:
        """The call has ended. What the caller said last is waited for: it belongs to what is told of it."""
        if not self._has_ended:
            self._wind_up()

    def spawn(self, coroutine: Coroutine[object, object, None], name: str) -> None:
        """Runs a task of the call, which ends with it; drops it if the call is over."""
        if self._group is None or self._over.is_set():
            coroutine.close()
            return
        task = self._group.create_task(coroutine, name=f"{self.call_sid}-{name}")
        self._children.add(task)
        task.add_done_callback(self._children.discard)

    def _wind_up(self) -> None:
        self._has_ended = self.is_ending = True
        if self._parts.last_words.are_awaited:
            active = self._parts.sequencer.state.active
            self._parts.sessions.hush("" if active is None else active.response_id)
            self._parts.feed.stop()
            self.spawn(self._parts.last_words.wait(self._over.set), "last-words")
        else:
            self._over.set()

    # Ends.

    def hang_up(self, cause: str, *, unheard: bool) -> None:
        """The call ends. `unheard`: a farewell was owed and never heard. Twilio's voice speaks instead: no
        bare click."""
        if self.is_ending:
            return
        self._counters.hang_ups += 1
        if unheard:
            self._parts.leaving.apologise(cause, self._parts.agent.apology)
        else:
            self._parts.leaving.hang_up(cause)
        self._leave()

    def _give_up(self, cause: str) -> None:
        """There is no conversation any more: Twilio's voice apologises. Never dead air."""
        if self.is_ending:
            return
        core = self._parts.sequencer.state
        if core.hang_up is not None:
            self.hang_up(cause, unheard=DebtCause.FAREWELL in core.debts.standing.values())
            return
        self._counters.given_up += 1
        self._parts.leaving.apologise(cause, self._parts.agent.apology)
        self._leave()
        self.give(inputs.SessionLost(cause=cause))

    def _leave(self) -> None:
        self.is_ending = True
        self._parts.leaving.wait_for_end(self._over.set)
        self._parts.feed.stop()
        if self._group is not None:
            self.spawn(self._parts.sessions.close(), "close")

    def _on_refused(self, refusal: Refusal) -> None:
        """A fenced write was refused: the call ended, or another brain has it."""
        if self._over.is_set() or self._has_ended:
            return
        if not refusal.is_end:
            self._counters.fenced += 1
            self._process.ownership.lost(refusal)
            self._log.warning("call_fenced", answer=refusal.answer, owner=refusal.owner)
            self.lost_at_ms = now_ms()
        self._wind_up()
