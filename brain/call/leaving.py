"""What the brain asks ingress for: to let a call go, to move it, to know that an answer is due.

Owns: the card's `next`, the `close` and `due` for ingress, the wait for the call's end, the release. The
order matters: the plan stands on the card before the stream is closed, since Twilio asks at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.contract.entries import Name, OutKind
from shared.contract.scripts import Answer
from shared.ownership import owner as ownership
from shared.ownership.owner import Card, Owner
from shared.process.role import Process
from shared.store.errors import STORE_ERRORS

END_WITHIN_S = 30.0
"""After our part is done the call is ended by ingress; after this it is somebody else's."""

RELEASE_WITHIN_S = 2.0


@dataclass(slots=True)
class CallExit:
    """The way out of one call."""

    process: Process
    owner: Owner
    card: Card
    _leg: int = 0
    _ingress: str = ""
    _plan: tuple[str, str, str] | None = None
    """`next`, its argument and the cause, once the call is on its way out."""
    _timer: asyncio.TimerHandle | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self._leg = int(self.card.get("leg") or 0)
        self._ingress = self.card.get("ingress", "")

    def moved(self, leg: int, ingress: str) -> None:
        """The call has a new media stream, perhaps at another ingress.

        A call on its way out is closed there too: our `close` went to the old stream, and attaching
        the new one has emptied `next` on the card. The caller would hear nothing.
        """
        if leg < self._leg or not ingress:
            return
        is_new = leg > self._leg
        self._leg, self._ingress = leg, ingress
        if is_new and self._plan is not None:
            self._close(*self._plan)

    def hang_up(self, cause: str) -> None:
        """Everything was said: end the call."""
        self.process.outbox.journal(self.owner.call_sid, "hang_up", cause=cause)
        self._close("hangup", "", cause)

    def apologise(self, cause: str, apology: str) -> None:
        """The model cannot be had: an apology by Twilio's voice."""
        self.process.outbox.journal(self.owner.call_sid, "error", what="given_up", cause=cause)
        self._close("apology", apology, cause)

    def move(self, kind: str, argument: str) -> None:
        """The caller leaves for a moment: `dial` a number, or hear `digits`; /voice/resume does it.

        Not a way out: a stream that comes back goes on with the call.
        """
        self.process.outbox.journal(self.owner.call_sid, "move", what=kind)
        self._ask(kind, argument, f"move_{kind}")

    def due(self, *, is_due: bool) -> None:
        """Tells ingress whether the caller waits for an answer: it plays its clip if that takes long."""
        if self._ingress:
            name = Name(OutKind.DUE.value, self.owner.call_sid, self._leg, self.owner.epoch, 0, 0)
            pair = (name.encode(), b"1" if is_due else b"0")
            self.process.outbox.out(self._ingress, [pair], urgent=False)

    def wait_for_end(self, then: Callable[[], None]) -> None:
        """Calls `then` if nobody ends the call in time."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(END_WITHIN_S, then)

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def release(self) -> None:
        """Gives the ownership back; bounded, and harmless if the call is another's by now."""
        owner = self.owner
        try:
            async with asyncio.timeout(RELEASE_WITHIN_S):
                answer = await ownership.release(
                    self.process.store,
                    owner.keys,
                    owner.call_sid,
                    role="brain",
                    worker=self.process.name,
                    epoch=owner.epoch,
                )
            self.process.ownership.releases += answer is Answer.OK
        except STORE_ERRORS as error:
            # Redis is away: rivals see our silence instead.
            self.process.log.warning("release_failed", call=owner.call_sid, reason=type(error).__name__)

    def _close(self, plan: str, argument: str, cause: str) -> None:
        self._plan = (plan, argument, cause)
        self._ask(plan, argument, cause)

    def _ask(self, plan: str, argument: str, cause: str) -> None:
        owner = self.owner
        owner.card({"next": plan, "next_arg": argument, "cause": cause}, urgent=True)
        if self._ingress:
            name = Name(OutKind.CLOSE.value, owner.call_sid, self._leg, owner.epoch, 0, 0)
            pair = (name.encode(), cause.encode())
            self.process.outbox.out(self._ingress, [pair], urgent=True)
