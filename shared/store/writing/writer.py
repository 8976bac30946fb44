"""What roles see of the writer of their process: one outbox, or one a lane.

Why it exists: on one server all lanes share a connection, on a Cluster each has its own, and nobody who
writes need know which it is. Owns: these words alone. Must not know: how anything is sent.
"""

from __future__ import annotations

from typing import Protocol

from shared.contract.command import Command
from shared.store.refusals import RefusedWrites
from shared.store.writing.counters import OutboxCounters
from shared.store.writing.write_queue import OnReply, OnVoid


class Writer(Protocol):
    """See shared/store/writing/outbox.py, whose words these are."""

    counters: OutboxCounters

    def send(self, command: Command, *, on_reply: OnReply | None = None, urgent: bool = False) -> None:
        """A command, in the next commit. `on_reply` gets the reply, a ReplyError, or OutboxFull."""

    def send_packed(
        self, tag: int, packed: bytes, *, max_age_ms: float, on_void: OnVoid | None = None
    ) -> None:
        """A command of the lane `tag` that is packed already and worth nothing after `max_age_ms`."""

    @property
    def backlog_bytes(self) -> int:
        """Bytes queued and under way."""

    @property
    def connected(self) -> bool:
        """Whether there is a connection to each server that is written to."""

    @property
    def refused(self) -> RefusedWrites | None:
        """What a server refuses writes with, and since when; None: all take them, as far as is known."""

    def lane_refused(self, lane: int) -> RefusedWrites | None:
        """The same of the server that has a lane."""

    @property
    def away_since_ms(self) -> float | None:
        """Since when a server cannot be written to, whatever the reason; None: all can."""

    def lane_away_since_ms(self, lane: int) -> float | None:
        """The same of the server that has a lane."""

    @property
    def trouble(self) -> str:
        """Why a server cannot be written to, in words; empty: all can."""

    def slowest_ms(self, now: float) -> float:
        """The slowest commit of the last seconds, ms; one that is not answered included."""

    def lane_slowest_ms(self, lane: int, now: float) -> float:
        """The same of the server that has a lane."""

    async def flushed(self, timeout_s: float) -> bool:
        """Waits until all is written and answered; False after `timeout_s`."""

    async def run(self) -> None:
        """Keeps the connections for as long as it runs."""
