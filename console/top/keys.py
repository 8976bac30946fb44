"""Bytes of a terminal → names of keys. Pure.

Owns: the escape sequences that the keys of `trunkline top` send. Must not know: what a key does, a terminal.

An Escape by itself and the beginning of a sequence are the same byte. What tells them apart is time, so that
the driver says when nothing has followed (`quiet`).
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field

ESCAPE = "\x1b"

NAMED = {
    "\r": "enter",
    "\n": "enter",
    "\t": "tab",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x03": "interrupt",  # Ctrl-C in raw mode.
}

SEQUENCES = {
    "[A": "up",
    "[B": "down",
    "[C": "right",
    "[D": "left",
    "[5~": "pageup",
    "[6~": "pagedown",
    "[H": "home",
    "[F": "end",
    "[1~": "home",
    "[4~": "end",
    "[Z": "tab",
    # Application mode, which some terminals are left in.
    "OA": "up",
    "OB": "down",
    "OC": "right",
    "OD": "left",
    "OH": "home",
    "OF": "end",
}

MAX_SEQUENCE = 16
"""Characters; a longer one is no key."""


@dataclass(slots=True)
class KeyReader:
    """Bytes in, as they arrive; keys out: a name of the tables above, `escape`, or one character."""

    _pending: str = ""
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace")
    )

    @property
    def is_pending(self) -> bool:
        """Whether an Escape, or the beginning of a sequence, waits for what follows."""
        return bool(self._pending)

    def feed(self, data: bytes) -> list[str]:
        """Keys that are complete now."""
        keys = []
        for character in self._decoder.decode(data):
            key = self._receive(character)
            if key:
                keys.append(key)
        return keys

    def quiet(self) -> list[str]:
        """Nothing has followed for a while: a pending Escape was the key."""
        pending, self._pending = self._pending, ""
        return ["escape"] if pending == ESCAPE else []

    # Private.

    def _receive(self, character: str) -> str:
        if not self._pending:
            if character == ESCAPE:
                self._pending = ESCAPE
                return ""
            return NAMED.get(character, character if character.isprintable() else "")
        if character == ESCAPE:  # Twice: the first was the key.
            return "escape"
        self._pending += character
        rest = self._pending[1:]
        if rest in SEQUENCES:
            self._pending = ""
            return SEQUENCES[rest]
        if rest[0] not in "[O" or _is_final(rest) or len(rest) > MAX_SEQUENCE:
            self._pending = ""
        return ""


def _is_final(rest: str) -> bool:
    """Whether a sequence is complete: a letter or ~ after its introducer (ECMA-48)."""
    return len(rest) > 1 and "@" <= rest[-1] <= "~"
