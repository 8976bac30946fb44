"""uvicorn's HTTP protocol with a bound on how long a request may take to arrive, and a moment for the last.

Why it exists: uvicorn waits for ever for the rest of a request whose first bytes have come, and the WebSocket
handshake is such a request. And at its end it closes each connection on which no request has come yet: a
connection that was accepted a moment before would get no answer, though it was not refused either, and Twilio
would call that an error. Owns: these two deadlines. Must not know: what is requested, why the server ends.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from ingress.counters import SocketCounters

REQUEST_WITHIN_S = 3.0
"""From a connection's, or a request's, first moment to the last byte of the request."""

LAST_REQUEST_WITHIN_S = 0.5
"""The same when the server ends. Below uvicorn's `timeout_graceful_shutdown`, which cuts everything off."""


class BoundedHttpProtocol(H11Protocol):
    """Closes a connection whose request does not arrive in time. Bind it with `http_protocol_class`."""

    counters: ClassVar[SocketCounters]
    request_within_s: ClassVar[float] = REQUEST_WITHIN_S

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._deadline: asyncio.TimerHandle | None = None
        self._is_upgraded = False
        self._is_last = False
        """The server ends: this connection is closed behind its answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arm()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._request_is_under_way():
            if self._deadline is None:
                self._arm()
            return
        self._disarm()
        if self._is_last and not self._is_upgraded and self.conn.their_state is h11.DONE:
            self.cycle.keep_alive = False

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._is_upgraded = True  # The media protocol has deadlines of its own.
        super().handle_websocket_upgrade(event)

    def shutdown(self) -> None:
        """uvicorn's: the server ends."""
        if self._deadline is None:
            super().shutdown()  # Between two requests, or in mid-answer: uvicorn does what is right.
            return
        self._is_last = True
        self._deadline.cancel()
        self._deadline = self.loop.call_later(LAST_REQUEST_WITHIN_S, super().shutdown)

    # Private.

    def _request_is_under_way(self) -> bool:
        if self._is_upgraded:
            return False
        state = self.conn.their_state
        return state is h11.SEND_BODY or (state is h11.IDLE and bool(self.conn.trailing_data[0]))

    def _arm(self) -> None:
        self._deadline = self.loop.call_later(self.request_within_s, self._too_slow)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        self.counters.handshake_too_slow += 1
        self.transport.abort()


def http_protocol_class(
    counters_of_role: SocketCounters, *, request_within_s: float = REQUEST_WITHIN_S
) -> type[BoundedHttpProtocol]:
    """A class for uvicorn's `http=`, bound to a role's counters."""
    within_s = request_within_s

    class BoundBoundedHttpProtocol(BoundedHttpProtocol):
        counters = counters_of_role
        request_within_s = within_s

    return BoundBoundedHttpProtocol
