"""What the caller said, as sound, for as long as there is no text of it.

Why it exists: a new session is told the past as text. A turn without a transcript would be missing in it, and
the model would ask again for what it was told; it can be given the turn's sound instead. Owns: which sound
belongs to which item, and how much of it is kept, in this process's memory only. Pure. Must not know:
sessions, Redis, how a past is told.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from shared.audio import BYTES_PER_MS

BEFORE_BYTES = 1_000 * BYTES_PER_MS
"""The server tells of speech some 300 ms and its own delay after the first sound of it."""

MOST_BYTES = 30_000 * BYTES_PER_MS
"""Of all turns of a call together: the newest. It is told within the time that a seed has."""


@dataclass(slots=True)
class Voices:
    """The turns of one call."""

    _before: deque[bytes] = field(default_factory=deque)
    """The last moments outside a turn; after a replay all of it, until the server tells of speech in it."""
    _before_bytes: int = 0
    _is_replayed: bool = False
    _item_id: str = ""
    """Of the turn that is being said; empty: none."""
    _said: list[bytes] = field(default_factory=list)
    _said_bytes: int = 0
    _kept: dict[str, bytes] = field(default_factory=dict)

    def hear(self, audio: bytes, *, is_replayed: bool = False) -> None:
        """A piece was given to the session. `is_replayed`: it had been said before."""
        if self._item_id:
            if self._said_bytes < MOST_BYTES:
                self._said.append(audio)
                self._said_bytes += len(audio)
            return
        self._is_replayed |= is_replayed
        self._before.append(audio)
        self._before_bytes += len(audio)
        most_bytes = MOST_BYTES if self._is_replayed else BEFORE_BYTES
        while self._before_bytes > most_bytes and len(self._before) > 1:
            self._before_bytes -= len(self._before.popleft())

    def started(self, item_id: str) -> None:
        """The caller speaks."""
        self.stopped()
        self._item_id = item_id
        self._said, self._said_bytes = list(self._before), self._before_bytes
        self._before.clear()
        self._before_bytes = 0
        self._is_replayed = False

    def stopped(self) -> None:
        """The caller is silent, or the session is gone."""
        if not self._item_id:
            return
        self._kept[self._item_id] = b"".join(self._said)
        self._item_id = ""
        self._said = []
        while sum(map(len, self._kept.values())) > MOST_BYTES and len(self._kept) > 1:
            del self._kept[next(iter(self._kept))]

    def keep(self, item_id: str, sound: bytes) -> None:
        """The sound of an item that another brain has heard."""
        self._kept[item_id] = sound[-MOST_BYTES:]

    def forget(self, item_id: str) -> None:
        """There is a text of it."""
        self._kept.pop(item_id, None)

    def of(self, item_id: str) -> bytes:
        """The sound of an item; empty: it is not known."""
        return self._kept.get(item_id, b"")
