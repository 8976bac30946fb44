"""Ids in the shapes that recorded Realtime sessions show.

Why it exists: clients store and compare ids, so their length and prefix must be the real ones. Owns: the
minting of ids: a prefix such as `event_`, `sess_`, `conv_`, `resp_`, `item_` and 21 characters; `call_` and
16. Must not know: what they name.
"""

from __future__ import annotations

from random import Random
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LENGTH: Final = 21
_CALL_LENGTH: Final = 16


class IdMinter:
    """Mints ids that are unique in one session and, by their random stem, between sessions."""

    __slots__ = ("_count", "_stem")

    def __init__(self, rng: Random) -> None:
        self._stem = "".join(rng.choices(_ALPHABET, k=11))
        self._count = 0

    def mint(self, prefix: str) -> str:
        """The next id, for example `mint("item")` → `item_` and 21 characters."""
        length = _CALL_LENGTH if prefix == "call" else _LENGTH
        return f"{prefix}_{self._stem}{self._next(length - len(self._stem))}"

    def _next(self, width: int) -> str:
        """The running number in base 62, `width` characters."""
        self._count += 1
        rest = self._count
        digits = ""
        while rest:
            rest, digit = divmod(rest, 62)
            digits = _ALPHABET[digit] + digits
        return digits.rjust(width, "0")
