"""The Lua scripts: files in lua/, each headed by its keys, arguments and answers; loaded by hash.

Why it exists: what must happen in one step happens in Redis. Owns: loading the files, the three answers, what
a call of a script is. Pure but for reading the files once. Must not know: when a script is called, or by
whom. A typed function for each script stands in steps.py (the rare steps of a call) and writes.py (what
owners write).
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from importlib.resources import files

from shared.contract.command import Command


class Answer(enum.StrEnum):
    """What a fenced script says first."""

    OK = "OK"
    FENCED = "FENCED"
    """A newer owner has the call, or the call has ended: let go of it."""
    ABSENT = "ABSENT"
    """There is no such card: Redis came back empty, or the call is long gone."""


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
    """A script with its keys and arguments. `lane`: of all its keys, so that it touches one slot."""

    lane: int
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
    text = files("shared.contract").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")
    return Script(name, text, sha1(text.encode(), usedforsecurity=False).hexdigest(), when_full)


ATTACH = _load("attach")
DETACH = _load("detach")
CLAIM = _load("claim")
RELEASE = _load("release")
APPEND = _load("append")
TRIM = _load("trim", when_full=True)
TURN = _load("turn", when_full=True)
END = _load("end", when_full=True)
RESERVE = _load("reserve")
FIGURES = _load("figures", when_full=True)
RESTORE = _load("restore")
HOOK_AGAIN = _load("hook_again")
RESCUE = _load("rescue")

ALL = (
    ATTACH, DETACH, CLAIM, RELEASE, APPEND, TRIM, TURN, END, RESERVE, FIGURES, RESTORE, HOOK_AGAIN,
    RESCUE,
)  # fmt: skip


def read_answer(reply: object) -> tuple[Answer, Sequence[bytes]]:
    """Splits a fenced script's reply into its answer and the rest. Raises ValueError on any other shape."""
    if not isinstance(reply, list) or not reply or not isinstance(reply[0], bytes):
        raise ValueError(f"expected a list that starts with OK, FENCED or ABSENT, got {reply!r}")
    return Answer(reply[0].decode()), reply[1:]
