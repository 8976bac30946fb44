"""The Lua scripts, by name, with their hashes: files in lua/, each headed by its keys and arguments.

Owns: loading the files and the three answers. Must not know: when a script is called, or by whom.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from hashlib import sha1
from importlib.resources import files


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


def _load(name: str) -> Script:
    text = files("shared.contract").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")
    return Script(name, text, sha1(text.encode(), usedforsecurity=False).hexdigest())


ATTACH = _load("attach")
DETACH = _load("detach")
CLAIM = _load("claim")
RELEASE = _load("release")
APPEND = _load("append")
TRIM = _load("trim")
TURN = _load("turn")
END = _load("end")
RESERVE = _load("reserve")
HOOK_AGAIN = _load("hook_again")

ALL = (ATTACH, DETACH, CLAIM, RELEASE, APPEND, TRIM, TURN, END, RESERVE, HOOK_AGAIN)


def read_answer(reply: object) -> tuple[Answer, list[bytes]]:
    """Splits a script's reply into its answer and the rest. Raises ValueError on any other shape."""
    if not isinstance(reply, list) or not reply or not isinstance(reply[0], bytes):
        raise ValueError(f"expected a list that starts with OK, FENCED or ABSENT, came {reply!r}")
    return Answer(reply[0].decode()), reply[1:]
