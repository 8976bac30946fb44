"""What all calls of a process share, and a letter of ours to a call's brain.

Why it exists: a call needs some objects of its process, and hands none of them on. Owns: that. Must not know:
any call.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ingress.calls.post import BackPost
from ingress.counters import CallCounters
from ingress.tape.taper import Tapes
from shared.contract import writes
from shared.contract.command import Command
from shared.contract.keys import Keys
from shared.contract.streams.control import Message
from shared.contract.writes import Speaker
from shared.ownership.journal import JournalPen
from shared.store.writing.writer import Writer


@dataclass(slots=True)
class IngressServices:
    """Of one process."""

    keys: Keys
    outbox: Writer
    worker: str
    journal: JournalPen
    post: BackPost
    counters: CallCounters
    sound_of: Callable[[str], bytes]
    """A sound of the user's by its name, in whole frames; empty: it is not here yet."""
    tapes: Tapes
    letters: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    """Numbers of our control messages: one row for all calls, since a call may leave us and come back."""

    def letter(self, call_sid: str, message: Message) -> Command:
        """A control message to the brain of a call. No owner speaks here: only an ended call refuses."""
        return writes.append_control(
            self.keys,
            Speaker(call_sid),
            message,
            sender=self.worker,
            number=str(next(self.letters)),
            wake="brain",
        ).command()
