"""A process's pen for the journals of its calls. Nothing here waits; a line that cannot be written is
lost."""

from __future__ import annotations

from dataclasses import dataclass

from shared.clock import wall_ms
from shared.contract.keys import Keys
from shared.contract.streams.journal import Kind, journal_command
from shared.store.outbox import Outbox


@dataclass(frozen=True, slots=True)
class JournalPen:
    """Writes lines as this worker."""

    outbox: Outbox
    keys: Keys
    worker: bytes

    def note(self, call_sid: str, kind: Kind, **fields: str | int | float) -> None:
        """A line in a call's journal. Transitions only, never frames."""
        self.outbox.send(journal_command(self.keys, call_sid, self.worker, wall_ms(), kind, fields))
