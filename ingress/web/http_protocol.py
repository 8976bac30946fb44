"""uvicorn's HTTP protocol with a bound on how long a request may take to arrive, and on how many may come.

Why it exists: uvicorn waits for ever for the rest of a request whose first bytes have come, and the WebSocket
handshake is such a request; it takes as many connections as come, keeps each for the next request, and logs
each that speaks no HTTP. And at its end it closes each connection on which no request has come yet: a
connection that was accepted a moment before would get no answer, though it was not refused either, and Twilio
would call that an error. Owns: these deadlines; one request a connection. Must not know: what is requested,
why the server ends, how many are too many (ingress/media/strangers.py).
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, ClassVar, Final

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from ingress.counters import SocketCounters
from ingress.media.strangers import Strangers

REQUEST_WITHIN_S = 3.0
"""From a connection's, or a request's, first moment to the last byte of the request."""

LAST_REQUEST_WITHIN_S = 0.5
"""The same when the server ends. Below uvicorn's `timeout_graceful_shutdown`, which cuts everything off."""

CLOSE: Final = (b"connection", b"close")

# Its warnings are about strangers, a line for each of them; its errors are about us.
_LIBRARY_LOG = logging.getLogger("ingress.uvicorn")
_LIBRARY_LOG.setLevel(logging.ERROR)


class BoundedHttpProtocol(H11Protocol):
    """Closes a connection whose request does not arrive in time. Bind it with `http_protocol_class`.

    A connection ends with its answer: the next request comes to whoever takes calls then, and who asks for
    nothing of ours holds no connection by asking again and again.
    """

    counters: ClassVar[SocketCounters]
    strangers: ClassVar[Strangers]
    request_within_s: ClassVar[float] = REQUEST_WITHIN_S

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = _LIBRARY_LOG
        self._deadline: asyncio.TimerHandle | None = None
        self._is_upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.strangers.may_connect():
            self._arm()
        else:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and CLOSE not in self.headers:
            self.headers.append(CLOSE)  # As if it had been asked for: so it is answered.
        if self._request_is_under_way():
            if self._deadline is None:
                self._arm()
            return
        self._disarm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._is_upgraded = True  # The media protocol has deadlines of its own.
        super().handle_websocket_upgrade(event)

    def send_400_response(self, msg: str) -> None:
        """uvicorn's: what came is no request."""
        self.strangers.counters.no_requests += 1
        super().send_400_response(msg)

    def shutdown(self) -> None:
        """uvicorn's: the server ends."""
        if self._deadline is None:
            super().shutdown()  # Between two requests, or in mid-answer: uvicorn does what is right.
            return
        self._deadline.cancel()
        self._deadline = self.loop.call_later(LAST_REQUEST_WITHIN_S, super().shutdown)

    def make_room(self) -> None:
        """Too many others wait, and this one has waited for longest."""
        self._disarm()
        self.transport.abort()

    # Private.

    def _request_is_under_way(self) -> bool:
        if self._is_upgraded:
            return False
        state = self.conn.their_state
        return state is h11.SEND_BODY or (state is h11.IDLE and bool(self.conn.trailing_data[0]))

    def _arm(self) -> None:
        self._deadline = self.loop.call_later(self.request_within_s, self._too_slow)
        self.strangers.asks(self)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
            self.strangers.has_asked(self)

    def _too_slow(self) -> None:
        self._disarm()
        self.counters.handshake_too_slow += 1
        self.transport.abort()


def http_protocol_class(
    counters_of_role: SocketCounters,
    strangers_of_role: Strangers | None = None,
    *,
    request_within_s: float = REQUEST_WITHIN_S,
) -> type[BoundedHttpProtocol]:
    """A class for uvicorn's `http=`, bound to a role's counters and to its account of strangers."""
    within_s = request_within_s
    met = Strangers() if strangers_of_role is None else strangers_of_role

    class BoundBoundedHttpProtocol(BoundedHttpProtocol):
        counters = counters_of_role
        strangers = met
        request_within_s = within_s

    return BoundBoundedHttpProtocol
