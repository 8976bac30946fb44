"""Which calls and media streams are in this process, and when it is empty.

Why it exists: streams come and go, calls outlive them, and a process may end only when the last detach is
done. Owns: the two tables, ingress's own plans, the count of detaches under way. Must not know: what a call
or a stream does.
"""

from __future__ import annotations

import asyncio

from ingress.calls.call import IngressCall
from ingress.calls.services import IngressServices
from ingress.media.stream import MediaStream
from shared.contract.card import Plan
from shared.contract.steps import Leg


def leg_of(stream: MediaStream) -> Leg:
    """The stream in the contract's words, once it is attached."""
    return Leg(stream.call_sid, stream.leg, stream.stream_sid.decode(errors="replace"))


class CallTable:
    """Calls by call_sid; every open media socket, attached or not."""

    __slots__ = ("_detaching", "_idle", "_plans", "_services", "calls", "streams")

    def __init__(self, services: IngressServices) -> None:
        self.calls: dict[str, IngressCall] = {}
        self.streams: dict[MediaStream, None] = {}
        self._services = services
        self._plans: dict[str, Plan] = {}
        self._detaching = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def stream_opened(self, stream: MediaStream) -> None:
        """A socket was let in."""
        self.streams[stream] = None
        self._idle.clear()

    def stream_gone(self, stream: MediaStream, *, detaching: bool) -> None:
        """Its socket is over. With `detaching`, `detached` follows."""
        self.streams.pop(stream, None)
        self._detaching += detaching
        self._settle()

    def detached(self) -> None:
        """Redis knows that a stream is gone, or will not be told any more."""
        self._detaching -= 1
        self._settle()

    def plan(self, call_sid: str, plan: Plan) -> None:
        """What comes after the stream that ingress itself is about to close: kept until Redis knows it."""
        self._plans[call_sid] = plan

    def take_plan(self, call_sid: str) -> Plan | None:
        """The same; None: ingress has planned nothing."""
        return self._plans.pop(call_sid, None)

    def call_of(self, call_sid: str, now_ms: float) -> IngressCall:
        """The call, made if it is not here yet."""
        call = self.calls.get(call_sid)
        if call is None:
            call = self.calls[call_sid] = IngressCall(call_sid, self._services, now_ms)
        return call

    def forget(self, call_sid: str) -> None:
        """The call has ended or moved away, unless another stream of it has come here."""
        call = self.calls.get(call_sid)
        if call is not None and call.stream is None:
            del self.calls[call_sid]
            self._services.post.forget(call)

    def drop(self, call_sid: str) -> MediaStream | None:
        """The call met a bug: nothing of it is kept. Its stream, if it has one that is open."""
        call = self.calls.pop(call_sid, None)
        if call is not None:
            self._services.post.forget(call)
            if call.stream is not None:
                return call.stream
        return next((stream for stream in self.streams if stream.call_sid == call_sid), None)

    def has(self, call_sid: str) -> bool:
        """Whether the call is here, is about to be, or has gone so lately that Redis may not know."""
        return call_sid in self.calls or any(stream.call_sid == call_sid for stream in self.streams)

    def live_calls(self) -> int:
        """Calls whose stream is attached here, or about to be."""
        return sum(1 for stream in self.streams if stream.has_call)

    async def emptied(self) -> None:
        """Returns when no socket is open and no detach under way. Cancelling is safe."""
        await self._idle.wait()

    # Private.

    def _settle(self) -> None:
        if not self.streams and not self._detaching:
            self._idle.set()
