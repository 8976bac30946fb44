"""The user's sounds by their names, as brains have told of them.

Why it exists: a sound is played many times and read once; what is not there yet is asked for, while the
caller waits without it. Owns: what was read, what is being read. Must not know: calls, when anything is
played.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from shared.clock import now_ms
from shared.logs.log import Log
from shared.ownership.steps import read_sound
from shared.store.client import Store
from shared.store.errors import STORE_ERRORS

MOST = 32
"""Sounds that are kept: some 15 MB at most. The one that was wanted longest ago goes."""

AGAIN_MS = 5_000.0
"""What was not there is asked for again after this: the brain may be about to write it."""


@dataclass(slots=True)
class Shelf:
    """One a process. `spawn(coroutine, name)` runs a task of it."""

    store: Store
    log: Log
    spawn: Callable[[Coroutine[Any, Any, None], str], object]
    _sounds: dict[str, bytes] = field(default_factory=dict, repr=False)
    """In the order in which they were wanted last."""
    _asked_at_ms: dict[str, float] = field(default_factory=dict)
    """What is not there: when it was asked for."""

    def find(self, sound_id: str) -> bytes:
        """µ-law in whole frames; empty: it is not here (yet). Never waits."""
        sound = self._sounds.pop(sound_id, b"")
        if sound:
            self._sounds[sound_id] = sound
        elif now_ms() - self._asked_at_ms.get(sound_id, -AGAIN_MS) >= AGAIN_MS:
            self._asked_at_ms[sound_id] = now_ms()
            while len(self._asked_at_ms) > MOST:
                del self._asked_at_ms[next(iter(self._asked_at_ms))]
            self.spawn(self._read(sound_id), f"sound-{sound_id}")
        return sound

    # Private.

    async def _read(self, sound_id: str) -> None:
        """Cancelling it leaves it unread."""
        try:
            sound = await read_sound(self.store, sound_id)
        except STORE_ERRORS as error:
            self.log.debug("redis_away", reason=type(error).__name__)
            return
        if not sound:
            self.log.warning("sound_unknown", sound=sound_id)
            return
        self._sounds[sound_id] = sound
        self._asked_at_ms.pop(sound_id, None)
        while len(self._sounds) > MOST:
            del self._sounds[next(iter(self._sounds))]
