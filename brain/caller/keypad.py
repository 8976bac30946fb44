"""Keys that the caller presses, put together to what they typed.

Why it exists: a card number is sixteen keys; sixteen texts to the model would be sixteen answers. Owns:
when a group of keys is complete. Pure. Must not know: the model. The keys stand in no log and no journal:
they may be a card number's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

GROUP_MS = 1_500.0
"""A pause this long ends a group; people take about 300 ms a key."""

MAX_KEYS = 64
END_KEY = "#"
KEYS = frozenset("0123456789*#ABCD")


@dataclass(frozen=True, slots=True)
class Typed:
    """A complete group. `text` is what the model is told."""

    text: str


@dataclass(slots=True)
class Keypad:
    """The keypad of one call."""

    _keys: list[str] = field(default_factory=list)
    _last_at_ms: float = 0.0

    def press(self, key: str, now_ms: float) -> Typed | None:
        """A key; `#` and the last of too many end the group. What is not a key is ignored."""
        if key not in KEYS:
            return None
        self._keys.append(key)
        self._last_at_ms = now_ms
        return self._group() if key == END_KEY or len(self._keys) >= MAX_KEYS else None

    def due(self, now_ms: float) -> Typed | None:
        """The group that a pause has ended, if there is one."""
        due_ms = self.next_deadline_ms
        return self._group() if due_ms is not None and now_ms >= due_ms else None

    @property
    def next_deadline_ms(self) -> float | None:
        """When what was pressed is due, if nothing follows."""
        return self._last_at_ms + GROUP_MS if self._keys else None

    # Private.

    def _group(self) -> Typed:
        keys, self._keys = " ".join(self._keys), []
        return Typed(f"[The caller pressed on the telephone keypad: {keys}]")
