"""What happened, line by line, and one figure for all of it.

Why it exists: "replays exactly" is a comparison of every byte that passed and every line that was logged, and
a history that failed must be read by people. Owns: the lines, the running digest. Pure. Must not know: what a
line means.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any


@dataclass(slots=True)
class History:
    """Of one run."""

    passed_s: Callable[[], float]
    lines: list[str] = field(default_factory=list)
    bytes_seen: int = 0
    _digest: Any = field(default_factory=lambda: blake2b(digest_size=16))

    def note(self, who: str, what: str) -> None:
        """A line for people, which counts like a byte that passed."""
        line = f"{self.passed_s():11.6f} {who:<10} {what}"
        self.lines.append(line)
        self._digest.update(line.encode("utf-8", "backslashreplace"))

    def passed(self, sender: str, receiver: str, data: bytes) -> None:
        """Bytes that arrived: only their digest is kept."""
        self.bytes_seen += len(data)
        self._digest.update(f"{self.passed_s():.9f}{sender}>{receiver}".encode())
        self._digest.update(data)

    @property
    def digest(self) -> str:
        """Equal digests are equal histories."""
        return str(self._digest.hexdigest())
