"""Reads a call's control messages: when the doorbell rings, and once a second for what nobody rang for.

Owns: the position in `control` and its place on the card. Must not know: what a message leads to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from shared.ownership.control import ControlMessage, ControlReader
from shared.ownership.owner import Card, Owner
from shared.process.role import Process
from shared.store.errors import STORE_ERRORS

READ_AGAIN_S = 0.2
POSITION = "control_pos_brain"
SAVE_EVERY_SWEEPS = 10
"""The position is written so often even if it stands: a fenced write is how a quiet call whose end was
missed, or whose card is gone, is let go of."""


class ControlFeed:
    """One call's reader; `run` it as a task."""

    def __init__(
        self,
        process: Process,
        owner: Owner,
        card: Card,
        on_message: Callable[[ControlMessage], None],
    ) -> None:
        self._process = process
        self._owner = owner
        self._on_message = on_message
        self._key = process.keys.control(owner.call_sid)
        self._reader = ControlReader(process.store, self._key, card.get(POSITION) or "0")
        self._saved = self._reader.position
        self._sweeps = 0
        self._rung = asyncio.Event()
        self._stopped = False

    def ring(self) -> None:
        """There is something to read."""
        self._rung.set()

    def sweep(self) -> None:
        """Looks, by the outbox, whether somebody typed a message by hand; saves the position."""

        def found(reply: object) -> None:
            if isinstance(reply, list) and reply:
                self._rung.set()

        position = self._reader.position
        start = b"-" if position == "0" else b"(" + position.encode()
        command = [b"XRANGE", self._key.encode(), start, b"+", b"COUNT", b"1"]
        lane = self._process.keys.lane(self._owner.call_sid)
        self._process.outbox.command(lane, command, on_reply=found)
        self._sweeps += 1
        if position != self._saved or self._sweeps % SAVE_EVERY_SWEEPS == 0:
            self._saved = position
            self._owner.card({POSITION: position})

    def stop(self) -> None:
        """Ends `run`. Cancelling alone is not enough: a cancelled redis-py command may swallow it."""
        self._stopped = True
        self._rung.set()

    async def run(self) -> None:
        """Reads on each ring until stopped, first what is there already."""
        self._rung.set()
        while not self._stopped:
            await self._rung.wait()
            self._rung.clear()
            try:
                messages = await self._reader.read()
            except STORE_ERRORS:
                await asyncio.sleep(READ_AGAIN_S)
                self._rung.set()
                continue
            for message in messages:
                self._on_message(message)
