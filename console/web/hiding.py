"""What of numbers and words a page shows: neither, unless a setting allows it. Pure.

Why it exists: a page is looked at over shoulders and in meetings. Owns: what stands in the place of what is
hidden. Must not know: pages. Cards have masked numbers already, unless a setting says otherwise; here they
are masked again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from console.archive.kept import SECRET_FIELDS
from shared.setting.forms import listed

MASK = "…"
KEPT_DIGITS = 2
DOTS = "•••"
"""In the place of words."""

TEXT, NUMBERS = "text", "numbers"
"""Words of TRUNKLINE_WEB_SHOWS."""

OF_WORDS = frozenset({"profile", "context"})
"""Fields of a card that have what an agent was told, and what is known of the caller."""

OF_NUMBERS = (SECRET_FIELDS | {"called"}) - OF_WORDS
"""Fields that have numbers in them, or keys."""

MASKED_FIELDS = frozenset({"from", "to"})


@dataclass(frozen=True, slots=True)
class Shows:
    """What may be seen."""

    text: bool
    numbers: bool

    @classmethod
    def of(cls, web_shows: str) -> Shows:
        """By the setting."""
        words = listed(web_shows)
        return cls(text=TEXT in words, numbers=NUMBERS in words)

    def number(self, shown: str) -> str:
        """A number as it is shown: its end, or as it stands on the card."""
        if self.numbers or not shown or shown.startswith(MASK):
            return shown
        digits = "".join(each for each in shown if each.isdigit())
        return f"{MASK}{digits[-KEPT_DIGITS:]}" if len(digits) > KEPT_DIGITS else MASK

    def words(self, said: str) -> str:
        """What somebody said; dots where it is hidden, and how long it was."""
        return said if self.text or not said else DOTS

    def card(self, fields: Mapping[str, str]) -> dict[str, str]:
        """A card for programs: without what is hidden."""
        hidden = (frozenset() if self.numbers else OF_NUMBERS) | (
            frozenset() if self.text and self.numbers else OF_WORDS  # There may be numbers in these words.
        )
        return {
            name: self.number(value) if name in MASKED_FIELDS else value
            for name, value in fields.items()
            if name not in hidden
        }
