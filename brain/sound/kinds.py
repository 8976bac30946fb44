"""What a sound of the user's own is for: said word for word, or played while the caller waits.

Why it exists: a notice is part of the conversation, with words that are remembered; what plays in a silence
is none. Owns: both records. Pure. Must not know: where they come from, who plays them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from shared.audio import BYTES_PER_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Words that must be exact: a recording, which is played before the greeting."""

    file: str
    """As the user named it."""
    text: str
    """What it says: for transcript, history and the model."""
    interruptible: bool = True
    """Whether the caller may cut it short."""
    audio: bytes = field(repr=False)
    """µ-law."""

    @property
    def ms(self) -> int:
        """How long it is."""
        return len(self.audio) // BYTES_PER_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """What is played again and again while nothing else is heard."""

    file: str
    after_ms: int = 0
    """Of waiting, before it begins."""
    level_db: float
    """How much louder than a voice it is; below 0: softer."""
    audio: bytes = field(repr=False)
    """µ-law, at that level."""
    id: str = field(init=False)
    """Names this sound to other processes, and no other sound."""

    def __post_init__(self) -> None:
        # Once: it is told every second while the sound is heard, and there may be a minute of it.
        object.__setattr__(self, "id", hashlib.sha256(self.audio).hexdigest()[:16])
