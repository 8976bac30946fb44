"""The Lua scripts: files in lua/, each headed by its keys, arguments and answers; loaded by hash.

Why it exists: what must happen in one step happens in Redis. Owns: loading the files, the three answers, what
a refusal says, what a call of a script is. Pure but for reading the files once. Must not know: when a script
is called, or by whom. A typed function for each script stands in steps.py (the rare steps of a call),
writes.py (what owners write), shared/contract/admission/ (the count of all calls) and
shared/ownership/tidying.py (the janitor).
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from importlib.resources import files

from shared.contract.command import Command
from shared.contract.entry import whole


class Answer(enum.StrEnum):
    """What a fenced script says first."""

    OK = "OK"
    FENCED = "FENCED"
    """The card names another owner or another epoch, or the call has ended."""
    ABSENT = "ABSENT"
    """There is no such card: Redis came back empty, or the call is long gone."""


NO_EPOCH = 2**53
"""In place of an epoch that cannot be read: above all others."""

ENDED = "ended"
"""What a refused writer is told in place of an owner when the call is over."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an owner's write was refused: what the card says now."""

    answer: Answer
    owner: str = ""
    """Who has the role; empty: nobody; `ended`: the call is over. Empty too where there is no card."""
    epoch: int = 0

    @property
    def is_end(self) -> bool:
        """Whether the call is over: nobody has lost it, it is done."""
        return self.answer is Answer.FENCED and self.owner == ENDED

    def is_behind(self, epoch: int) -> bool:
        """Whether Redis has lost the claim of the owner who writes under `epoch`: it is to claim again."""
        return self.answer is Answer.FENCED and self.owner != ENDED and self.epoch < epoch


@dataclass(frozen=True, slots=True)
class Script:
    """One script. `sha` is what EVALSHA takes."""

    name: str
    text: str
    sha: str
    when_full: bool = False
    """A Redis without memory takes it: its first write is one that needs none (XTRIM, ZREM, HDEL), and all
    that follow in the same script pass then."""


Args = tuple[str | int | bytes, ...]


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """A script with its keys and arguments. `lane`: of all its keys, so that it touches one slot; where they
    are outside the lanes, in a slot of their own, the name of the first."""

    lane: int | bytes
    script: Script
    keys: tuple[str, ...]
    args: Args

    def command(self) -> Command:
        """For the outbox: each connection loads all scripts when it opens."""
        keys = [key.encode() for key in self.keys]
        args = [arg if isinstance(arg, bytes) else str(arg).encode(errors="replace") for arg in self.args]
        words = (b"EVALSHA", self.script.sha.encode(), b"%d" % len(keys), *keys, *args)
        return Command(self.lane, words, when_full=self.script.when_full)


def _load(name: str, *, when_full: bool = False) -> Script:
    text = files("shared.contract.lua").joinpath(f"{name}.lua").read_text(encoding="utf-8")
    return Script(name, text, sha1(text.encode(), usedforsecurity=False).hexdigest(), when_full)


ATTACH = _load("attach")
DETACH = _load("detach")
CLAIM = _load("claim")
RELEASE = _load("release")
DISOWN = _load("disown")
DEFER = _load("defer", when_full=True)
DUE = _load("due", when_full=True)
APPEND = _load("append")
TRIM = _load("trim", when_full=True)
TURN = _load("turn", when_full=True)
END = _load("end", when_full=True)
RESERVE = _load("reserve")
FIGURES = _load("figures", when_full=True)
RESTORE = _load("restore")
HOOK_AGAIN = _load("hook_again")
LEASE = _load("lease")
CONDEMN = _load("condemn")
OFFER = _load("offer")
RELIST = _load("relist")
FREE = _load("free")
EXPECT = _load("expect", when_full=True)
DISMISS = _load("dismiss")
RESCUE = _load("rescue")
ADMIT = _load("admit")
HOLD = _load("hold")
VACATE = _load("vacate")
DIALS = _load("dials")

ALL = (
    ATTACH, DETACH, CLAIM, RELEASE, DISOWN, APPEND, TRIM, TURN, DEFER, DUE, END, RESERVE, FIGURES, RESTORE,
    HOOK_AGAIN, LEASE, CONDEMN, OFFER, RELIST, FREE, DISMISS, RESCUE,
    EXPECT, ADMIT, HOLD, VACATE, DIALS,
)  # fmt: skip


def read_answer(reply: object) -> tuple[Answer, Sequence[bytes]]:
    """Splits a fenced script's reply into its answer and the rest. Raises ValueError on any other shape."""
    if not isinstance(reply, list) or not reply or not isinstance(reply[0], bytes):
        raise ValueError(f"expected a list that starts with OK, FENCED or ABSENT, got {reply!r}")
    return Answer(reply[0].decode()), reply[1:]


def read_refusal(reply: object) -> Refusal | None:
    """Why an owner's write was refused; None: it was not. Raises ValueError for what is no answer."""
    answer, rest = read_answer(reply)
    if answer is Answer.OK:
        return None
    if answer is Answer.ABSENT:
        return Refusal(answer)
    owner, epoch = rest
    told = whole(epoch)
    # A card whose epoch cannot be read is nobody's to claim back.
    return Refusal(answer, owner.decode(errors="replace"), NO_EPOCH if told is None else told)
