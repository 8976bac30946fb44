"""What brain and ingress say of a call: their windows on its card, and how old these are.

Why it exists: whose fault a slow call is depends on what only others know, and they may have said nothing
yet, or something that cannot be read, or what stands there is of an owner before them. Owns: what is known of
each, and whether it is new. Pure. Must not know: when the card is read, what is made of the figures.

What nobody said is None, never 0: a figure that was lost would otherwise look like a caller who is served
well. What cannot be read does not grow old either: it says nothing about whether its writer is late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from shared.contract import record
from shared.contract.card import CallState
from shared.contract.errors import ContractError
from shared.contract.views import WindowsView
from shared.contract.window import BrainWindow, IngressWindow, load, writer_of
from shared.figures.diagnosis import RoleFigures

W = TypeVar("W", BrainWindow, IngressWindow)


class Unreadable(NamedTuple):
    """Something on the card that cannot be read, and who wrote it; '' if that is not known."""

    error: ContractError
    worker: str


@dataclass(slots=True)
class OthersSaid(Generic[W]):
    """What the present owner of a role said, and when that last changed, on our clock.

    What another owner said is not its word, and it has until its first window to speak.
    """

    role: str
    kind: type[W]
    changed_ms: float
    owner: str = ""
    """Empty while the call has nobody in this role."""
    leg: int = 0
    window: W | None = None
    age_ms: float = 0.0
    is_new: bool = False
    """It came within the window that is open: what it counts belongs to that one only."""

    def follow(self, owner: str, leg: int, now_ms: float) -> None:
        """Who has the role now, and for which leg."""
        if (owner, leg) != (self.owner, self.leg):
            self.owner, self.leg = owner, leg
            self.changed_ms, self.window, self.age_ms, self.is_new = now_ms, None, 0.0, False

    def hear(self, text: str | None, now_ms: float) -> Unreadable | None:
        """What stands on the card; returns it if it is of the owner and cannot be read."""
        unreadable: Unreadable | None = None
        if self.owner and text is not None:
            try:
                window = load(self.kind, text)
            except ContractError as error:
                worker = writer_of(text) or self.owner
                if worker == self.owner:
                    unreadable = Unreadable(error, worker)
                    self.changed_ms, self.window, self.is_new = now_ms, None, False
            else:
                is_other = self.window is None or window.at_ms != self.window.at_ms
                if window.worker == self.owner and is_other:
                    self.changed_ms, self.window, self.is_new = now_ms, window, True
        self.age_ms = now_ms - self.changed_ms
        return unreadable

    def figures(self) -> RoleFigures:
        """How its process fares, by its own word."""
        window = self.window
        return RoleFigures(
            role=self.role,
            lag_ms=None if window is None else window.lag_ms,
            redis_ms=None if window is None else window.redis_ms,
            redis_refusal="" if window is None else window.redis_refusal,
            age_ms=self.age_ms,
        )


@dataclass(slots=True)
class Others:
    """The other roles of one call. `began_ms`: when we began to listen."""

    began_ms: float
    brain: OthersSaid[BrainWindow] = field(init=False)
    ingress: OthersSaid[IngressWindow] = field(init=False)

    def __post_init__(self) -> None:
        self.brain = OthersSaid("brain", BrainWindow, self.began_ms)
        self.ingress = OthersSaid("ingress", IngressWindow, self.began_ms)

    def read(
        self, values: Sequence[bytes | None], leg: int, now_ms: float, *, is_detached: bool, is_blind: bool
    ) -> list[Unreadable]:
        """What the card says, by `names(WindowsView)`; returns what cannot be read. Without a stream nobody
        in ingress has the call.

        `is_blind`: Redis did not answer before. That nothing was heard meanwhile says nothing about others.
        """
        card: WindowsView | None = None
        found: list[Unreadable | None] = []
        if any(value is not None for value in values):  # Else there is no card: the next fenced write tells.
            try:
                card = record.read_values(WindowsView, values)
            except ContractError as error:
                found.append(Unreadable(error, ""))
        is_attached = card is not None and card.state is CallState.ATTACHED and not is_detached
        self.brain.follow("" if card is None else card.brain, 0, now_ms)
        self.ingress.follow(card.ingress if card is not None and is_attached else "", leg, now_ms)
        if is_blind:
            self.brain.changed_ms = self.ingress.changed_ms = now_ms
        if card is not None:
            found += (self.brain.hear(card.w_brain, now_ms), self.ingress.hear(card.w_ingress, now_ms))
        return [each for each in found if each is not None]

    def figures(self, *, is_detached: bool) -> list[RoleFigures]:
        """Of those that have the call at present: a stream may be gone since the card was read."""
        found = [self.ingress.figures()] if self.ingress.owner and not is_detached else []
        return [*found, self.brain.figures()] if self.brain.owner else found

    def close_window(self) -> None:
        """What was counted until now is told: it is not new any more."""
        self.brain.is_new = self.ingress.is_new = False
