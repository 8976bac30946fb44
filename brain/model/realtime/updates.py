"""Which of our `session.update` events a running session has answered, by their order.

Why it exists: `session.updated` does not say whose it is. Owns: what was sent and not answered, who waits for
an answer. Must not know: the socket, what an update says.

Source: the provider's reference: an accepted update is echoed once, without an id, and in order; a refused
one is an `error` with the id of its event.
"""

from __future__ import annotations

import asyncio
from collections import deque

from brain.errors import EngineError
from brain.model.realtime.gate import PASSING_CODES

MOST_UNANSWERED = 16
"""More mean a server that echoes none: the oldest is not waited for any more."""


class Updates:
    """Those of one session, from the moment that it runs."""

    __slots__ = ("_awaited", "_sent")

    def __init__(self) -> None:
        self._sent: deque[str] = deque(maxlen=MOST_UNANSWERED)
        self._awaited: dict[str, asyncio.Future[None]] = {}

    def sent(self, update_id: str) -> None:
        """One that nobody waits for."""
        self._sent.append(update_id)

    def awaited(self, update_id: str) -> asyncio.Future[None]:
        """One that is sent now: resolves when it is accepted, and raises EngineError when it is not, or when
        the session is over. To be given a time limit. Cancelling it is safe."""
        self._sent.append(update_id)
        answered = self._awaited[update_id] = asyncio.get_running_loop().create_future()
        answered.add_done_callback(lambda _: self._awaited.pop(update_id, None))
        return answered

    def accepted(self) -> None:
        """The server echoes one: the oldest that it has not answered. An echo too many is nobody's."""
        answered = self._awaited.get(self._sent.popleft()) if self._sent else None
        if answered is not None and not answered.done():
            answered.set_result(None)

    def refused(self, event_id: str, code: str) -> None:
        """The server refuses what had this id, which may be anything."""
        if event_id not in self._sent:
            return
        self._sent.remove(event_id)
        self._fail(event_id, EngineError("session_refused", code, fatal=code not in PASSING_CODES))

    def over(self, end: EngineError) -> None:
        """No answer comes any more."""
        self._sent.clear()
        for update_id in list(self._awaited):
            self._fail(update_id, end)

    # Private.

    def _fail(self, update_id: str, error: EngineError) -> None:
        answered = self._awaited.get(update_id)
        if answered is not None and not answered.done():
            answered.set_exception(error)
