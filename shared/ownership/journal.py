"""A process's pen for the journals of its calls. Nothing here waits; a line that cannot be written is
lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.clock import wall_ms
from shared.contract.keys import Keys
from shared.contract.streams.journal import Kind, journal_command
from shared.store.writing.writer import Writer

Fields = Mapping[str, str | int | float]

Told = Callable[[str, Kind, Fields, int], object]
"""Call, kind, fields, and when, by the clock on the wall."""


@dataclass(slots=True)
class JournalPen:
    """Writes lines as this worker."""

    outbox: Writer
    keys: Keys
    worker: bytes
    told: Told | None = None
    """Who hears of each line that is written here, before it is."""

    def note(self, call_sid: str, kind: Kind, **fields: str | int | float) -> None:
        """A line in a call's journal. Transitions only, never frames."""
        at_ms = wall_ms()
        if self.told is not None:
            self.told(call_sid, kind, fields, at_ms)
        self.outbox.send(journal_command(self.keys, call_sid, self.worker, at_ms, kind, fields))
