"""The fence in front of a call's media socket: what of `tl:out:<self>` may still be heard.

Why it exists: owners change and replies are interrupted while entries are under way. Redis cannot fence a
stream that serves many calls, so ingress does: for each call it keeps the highest leg, epoch, cut and frame
number, and drops what is lower. Owns: these numbers. Pure. Must not know: sockets, Redis.

Marks are not judged by their frame number: a late mark proves playback of what it names all the same.
"""

from __future__ import annotations

import enum

from shared.contract.streams.pairs import Name, OutKind


class Admit(enum.StrEnum):
    """The fence's answer: pass, or the reason of the drop (a counter's label)."""

    PASS = "pass"
    OLD_LEG = "old_leg"
    OLD_EPOCH = "old_epoch"
    OLD_CUT = "old_cut"
    REPEATED = "repeated"
    UNKNOWN_KIND = "unknown_kind"


class Fence:
    """The highest numbers of one call that this process has seen."""

    __slots__ = ("_cut_has_frames", "brain_epoch", "cut", "egress_epoch", "last_frame", "leg")

    def __init__(self, leg: int = 0) -> None:
        self.leg = leg
        """Of the call's newest socket here. Only `raise_leg` raises it."""
        self.egress_epoch = 0
        self.brain_epoch = 0
        self.cut = 0
        self.last_frame = 0
        """Number of the last frame passed; frames are numbered from 1 over the whole call."""
        self._cut_has_frames = False

    def raise_leg(self, leg: int) -> None:
        """The call has a new socket. Raises ValueError if `leg` is no higher."""
        if leg <= self.leg:
            raise ValueError(f"expected a leg above {self.leg}, got {leg}")
        self.leg = leg

    def take_back(self, last_frame: int) -> None:
        """The frame just passed was not written after all: its sender may send it again."""
        self.last_frame = last_frame

    def admit(self, name: Name) -> Admit:
        """Judges one pair of an `out` entry, and raises what it raises if it passes.

        A leg above ours belongs to a socket in another process: dropped like an old one.
        """
        kind = name.kind
        if kind == OutKind.FRAME:
            return self.admit_frame(name.leg, name.epoch, name.cut, name.n)
        if name.leg != self.leg:
            return Admit.OLD_LEG
        if kind in (OutKind.CLOSE, OutKind.OWES, OutKind.FILL, OutKind.TAPE):
            return self._admit_brain(name)
        if kind == OutKind.CLEAR:
            return self._admit_clear(name)
        if kind in (OutKind.MARK, OutKind.SOUND, OutKind.SOUND_END):
            return self._admit_mark(name)
        if kind == OutKind.PAUSE:
            return self._admit_pause(name)
        if kind == OutKind.ATTACH:
            return self._admit_attach(name)
        return Admit.UNKNOWN_KIND

    def admit_frame(self, leg: int, epoch: int, cut: int, n: int) -> Admit:
        """`admit` for frames, without a Name: twenty a second a call. `n` is the number of the last one: of a
        group that passes, only what is above `last_frame` before it is new."""
        if leg != self.leg:
            return Admit.OLD_LEG
        if epoch < self.egress_epoch:
            return Admit.OLD_EPOCH
        if cut < self.cut:
            return Admit.OLD_CUT
        if n <= self.last_frame:
            return Admit.REPEATED
        self.egress_epoch = epoch
        self.cut = cut
        self.last_frame = n
        self._cut_has_frames = True
        return Admit.PASS

    # Private.

    def _admit_clear(self, name: Name) -> Admit:
        """`cut` is the new one. A repeated clear would wipe the audio that came after the first."""
        if name.epoch < self.egress_epoch:
            return Admit.OLD_EPOCH
        if name.cut < self.cut:
            return Admit.OLD_CUT
        if name.cut == self.cut and self._cut_has_frames:
            return Admit.REPEATED
        self.egress_epoch = name.epoch
        self.cut = name.cut
        self._cut_has_frames = False
        return Admit.PASS

    def _admit_pause(self, name: Name) -> Admit:
        """`n` is the last number before it. A repeated one would wipe the audio that came after the first."""
        if name.epoch < self.egress_epoch:
            return Admit.OLD_EPOCH
        if name.cut < self.cut:
            return Admit.OLD_CUT
        if name.n < self.last_frame:
            return Admit.REPEATED
        self.egress_epoch = name.epoch
        return Admit.PASS

    def _admit_mark(self, name: Name) -> Admit:
        if name.epoch < self.egress_epoch:
            return Admit.OLD_EPOCH
        if name.cut < self.cut:
            return Admit.OLD_CUT
        self.egress_epoch = name.epoch
        return Admit.PASS

    def _admit_attach(self, name: Name) -> Admit:
        if name.epoch < self.egress_epoch:
            return Admit.OLD_EPOCH
        self.egress_epoch = name.epoch
        return Admit.PASS

    def _admit_brain(self, name: Name) -> Admit:
        if name.epoch < self.brain_epoch:
            return Admit.OLD_EPOCH
        self.brain_epoch = name.epoch
        return Admit.PASS
