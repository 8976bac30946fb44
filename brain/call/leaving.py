"""What the brain asks ingress for: to let a call go, to move it, to know what sound is owed, to fill silence.

Why it exists: ingress alone holds the caller's stream, and Twilio asks what comes next as soon as it closes.
So the plan stands on the card before the stream is closed. Owns: that order, where the stream is, the wait
for the call's end, giving the call back. Must not know: why a call is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from brain.sound.kinds import Loop
from shared.clock import now_ms
from shared.contract.card import Next, Plan
from shared.contract.streams import pairs
from shared.contract.streams.journal import Kind
from shared.contract.streams.pairs import Owes, Pair
from shared.contract.streams.tape import TapeWish, wish_fields
from shared.logs.log import Log
from shared.ownership.counters import OwnershipCounters
from shared.ownership.journal import JournalPen
from shared.ownership.owner import Owner

END_WITHIN_S = 30.0
"""After our part is done the call is ended by ingress. After this it is given back, and has a deadline."""

RELEASE_WITHIN_S = 2.0

REFUSED = "refused"
"""Why a call ends that the user's own system would not have."""


@dataclass(slots=True)
class Leaving:
    """The way out of one call. `leg`, `ingress`: its media stream, and the worker that holds it."""

    owner: Owner
    journal: JournalPen
    leg: int
    ingress: str
    _plan: Plan | None = None
    """What comes after the stream, once the call is on its way out."""
    _closing: Plan | None = None
    """Why the present stream was asked to be closed, as long as it is open."""
    fill: Loop | None = field(default=None, repr=False)
    """What the caller hears while they wait, as ingress was told last."""
    taped: Callable[[], TapeWish | None] = field(default=lambda: None, repr=False)
    """What is to be written of the sound of the call; None: nothing."""
    _timer: asyncio.TimerHandle | None = field(default=None, repr=False)

    def stream_opened(self, leg: int, ingress: str) -> None:
        """The call has a new media stream, perhaps at another ingress.

        A call on its way out is closed there too: our `close` went to the old stream, and attaching
        the new one has emptied the plan on the card. The caller would hear nothing.
        """
        if leg < self.leg or not ingress:
            return
        is_new = leg > self.leg
        self.leg, self.ingress = leg, ingress
        if is_new:
            self._closing = None
            wish = self.taped()
            if wish is not None:
                self.tape(wish)
            if self._plan is not None:
                self._ask(self._plan)

    def stream_closed(self) -> None:
        """The stream is gone, and Twilio asks what comes next."""
        self._closing = None

    def inherit(self, plan: Plan, *, is_way_out: bool) -> None:
        """Another brain has written this plan; its word to close the stream may be lost, and is repeated."""
        self._closing = plan
        if is_way_out:
            self._plan = plan

    def hang_up(self, cause: str) -> None:
        """Everything was said: the call ends."""
        self.journal.note(self.owner.call_sid, Kind.HANG_UP, cause=cause)
        self._plan = Plan(next=Next.HANG_UP, next_arg="", cause=cause)
        self._ask(self._plan)

    def apologise(self, cause: str, apology: str) -> None:
        """There is no conversation any more: an apology by Twilio's voice."""
        self.journal.note(self.owner.call_sid, Kind.ERROR, what="given_up", cause=cause)
        self._plan = Plan(next=Next.APOLOGY, next_arg=apology, cause=cause)
        self._ask(self._plan)

    def refuse(self, words: str, language: str) -> None:
        """The caller is not to be served: Twilio's voice says why. `language`: of the words; empty: the
        agent's."""
        self.journal.note(self.owner.call_sid, Kind.HANG_UP, cause=REFUSED)
        self._plan = Plan(next=Next.APOLOGY, next_arg=words, cause=REFUSED, next_language=language)
        self._ask(self._plan)

    def move(self, kind: Next, argument: str) -> None:
        """The caller leaves for a moment, to dial a number or to hear digits; /voice/resume does it.

        Not a way out: a stream that comes back goes on with the call.
        """
        self.journal.note(self.owner.call_sid, Kind.MOVE, what=kind)
        self._ask(Plan(next=kind, next_arg=argument, cause=f"move_{kind}"))

    def tell_owed(self, words: Owes) -> None:
        """Tells ingress at once what sound is owed: it plays its clip if that takes long."""
        self._send(self.owes(words), urgent=True)

    def owes(self, words: Owes) -> Pair:
        """The same, to be sent with those of other calls."""
        return pairs.owes(self.owner.call_sid, self.leg, self.owner.epoch, words)

    def fill_with(self, loop: Loop | None) -> None:
        """The caller waits, and hears this meanwhile; None: nothing, or they do not wait. Told when it
        changes."""
        if loop != self.fill:
            self.fill = loop
            self._send(self._filling(), urgent=True)

    def tape(self, wish: TapeWish) -> None:
        """What is to be written of the sound of the call, from now on."""
        self._send(self._tape(wish), urgent=True)

    def say_again(self, words: Owes) -> list[Pair]:
        """Every second: what sound is owed; what is heard meanwhile; what is written of the sound; that the
        stream is to be closed, as long as it is not."""
        said = [self.owes(words)]
        if self.fill is not None:
            said.append(self._filling())
        wish = self.taped()
        if wish is not None:
            said.append(self._tape(wish))
        if self._closing is not None:
            said.append(self._close(self._closing))
        return said

    def wait_for_end(self, then: Callable[[], None]) -> None:
        """Calls `then` if nobody ends the call in time."""
        self._timer = asyncio.get_running_loop().call_later(END_WITHIN_S, then)

    def cancel(self) -> None:
        """The call has ended: nothing is waited for."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # Private.

    def _ask(self, plan: Plan) -> None:
        self._closing = plan
        self.owner.card(plan, urgent=True)
        self._send(self._close(plan), urgent=True)

    def _close(self, plan: Plan) -> Pair:
        return pairs.close(self.owner.call_sid, self.leg, self.owner.epoch, plan.cause)

    def _tape(self, wish: TapeWish) -> Pair:
        return pairs.tape(self.owner.call_sid, self.leg, self.owner.epoch, wish_fields(wish))

    def _filling(self) -> Pair:
        sound_id, after_ms = ("", 0) if self.fill is None else (self.fill.id, self.fill.after_ms)
        return pairs.fill(self.owner.call_sid, self.leg, self.owner.epoch, sound_id, after_ms)

    def _send(self, pair: Pair, *, urgent: bool = False) -> None:
        if self.ingress:
            owner = self.owner
            writer = owner.worker.encode()
            for command in pairs.out_commands(owner.keys, self.ingress, writer, now_ms(), [pair]):
                owner.outbox.send(command, urgent=urgent)


async def release(owner: Owner, counters: OwnershipCounters, log: Log) -> None:
    """Gives the ownership back, behind all that was written before; bounded, and harmless if the call is
    another's by now.

    Cancelling it leaves it unknown whether it was given back.
    """
    answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def then(released: bool) -> None:
        if not answered.done():
            answered.set_result(released)

    owner.give_back(then=then)
    try:
        async with asyncio.timeout(RELEASE_WITHIN_S):
            counters.releases += await answered
    except TimeoutError:
        # Redis is away: rivals see our silence instead.
        log.warning("release_failed")
