"""One media stream from its upgrade to its end: the steps of the gate carried out.

Why it exists: it stands between the bytes (protocol.py) and the call, and is the only place where a message
of the carrier's has an effect. Owns: the gate, the frames held while attaching, the deadlines' sweep, whether
the stream still lives. Must not know: calls, Redis. It tells its host of its start and its end, and a
listener of what the caller does.

The clock is read, the gate asked and its step carried out in one place, `_give`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ingress.counters import CallCounters
from ingress.errors import StartRefused, WireError
from ingress.media.gate import (
    BINARY,
    LOST,
    Close,
    CloseCode,
    Given,
    Input,
    SocketGate,
    SocketState,
    SocketStep,
)
from ingress.media.numbering import Numbering, Place
from ingress.media.round_trip import RoundTrip
from ingress.media.wire import KeyPress, MarkEcho, Media, Message, StreamStart, Wire
from ingress.media.write_times import WriteWindow
from shared.clock import now_ms
from shared.contract.streams.control import STOPPED
from shared.figures.counters import Counts
from shared.logs.log import Log
from shared.process.awake import AwakeSilence

HELD_MESSAGES = 150
"""Three seconds of frames while the ATTACH script has not answered; the oldest go first."""

PING_AFTER_MS = 5_000.0
SILENT_AFTER_MS = 10_000.0
"""A connection with no byte for this long, pings included, is dead."""

SIGN_OF_LIFE = "alive"
"""Name of the mark by which a stream without media is asked whether it lives: no mark of egress is called
so."""


class Socket(Protocol):
    """What a media stream needs of its MediaProtocol."""

    last_data_at_ms: float
    peer: str
    failure: str

    @property
    def is_open(self) -> bool: ...

    @property
    def unsent_bytes(self) -> int: ...

    def take_window(self) -> WriteWindow: ...

    def write_media(self, cut: int, message: bytes, frames: int) -> bool: ...

    def write_control(self, message: bytes) -> None: ...

    def drop_media_below(self, cut: int) -> None: ...

    def ping(self, payload: bytes = b"") -> None: ...

    def close(self, code: int, reason: str) -> None: ...

    def abort(self) -> None: ...

    def let_in(self) -> None: ...


@dataclass(frozen=True, slots=True)
class StreamHost:
    """Who is told of a media stream's start and end. Nothing here waits."""

    on_start: Callable[[MediaStream, StreamStart], None]
    """It wants to be attached: answered by `attached` or `refuse`, sooner or later."""
    on_gone: Callable[[MediaStream], None]
    """It is over: called once, also for one that was never attached."""
    on_bug: Callable[[MediaStream, Exception], None]
    """What its peer sent led to an exception that nothing expected."""


@dataclass(frozen=True, slots=True)
class StreamListener:
    """Who hears what the caller of an attached stream does. Nothing here waits."""

    on_audio: Callable[[int, int, float, bytes], None]
    """Leg, number (a jump is a gap), now, 20 ms of µ-law."""
    on_echo: Callable[[str, float], None]
    """A mark came back: its name, now."""
    on_digit: Callable[[int, str], None]
    """Leg, the key that was pressed."""


class MediaStream:
    """A media socket's session, and its TextSink.

    What goes to the caller is written to `socket` by whoever has the call, as `build_media`, `build_mark`,
    `build_clear` make it, while `takes_audio`.
    """

    __slots__ = (
        "_awake",
        "_clock",
        "_counters",
        "_data_silence",
        "_faults",
        "_held",
        "_host",
        "_listener",
        "_media_silence",
        "_media_timeout_ms",
        "_numbering",
        "_parse",
        "_pinged_after_ms",
        "_probed_after_ms",
        "_sign_at_ms",
        "_swept_asleep_ms",
        "build_clear",
        "build_mark",
        "build_media",
        "call_sid",
        "caller_frames",
        "cause",
        "gate",
        "has_ended",
        "last_media_at_ms",
        "leg",
        "log",
        "socket",
        "stream_sid",
        "trip",
    )

    def __init__(
        self,
        socket: Socket,
        wire: Wire,
        host: StreamHost,
        counters: CallCounters,
        faults: Counts,
        log: Log,
        *,
        media_timeout_ms: float,
        awake: Callable[[], float],
        clock: Callable[[], float] = now_ms,
    ) -> None:
        """`media_timeout_ms`: see `sweep`; 0: for ever. `awake`: time in which this process ran, by which the
        peer's silence is judged (shared/process/awake.py)."""
        now, awake_ms = clock(), awake()
        self.socket = socket
        self.log = log
        self.gate = SocketGate(now)
        self.call_sid = ""
        self.stream_sid = b""
        self.leg = 0
        """The stream's number on the card; 0 until it is attached."""
        self.has_ended = False
        """Its host was told that it is gone."""
        self.cause = ""
        """Why it ended: STOPPED, LOST, what the peer did wrong, or the reason of a close."""
        self.last_media_at_ms = now
        self._sign_at_ms = 0.0
        """When the carrier last answered our question whether the stream lives."""
        self._probed_after_ms = 0.0
        """The last sign of life when that was asked: once for each silence."""
        self._media_timeout_ms = media_timeout_ms
        self._media_silence = AwakeSilence(now, awake_ms)
        self._data_silence = AwakeSilence(socket.last_data_at_ms, awake_ms)
        self._swept_asleep_ms = now - awake_ms
        """How far the awake clock was behind at the last sweep."""
        self.caller_frames = 0
        # Kept, since each is called for each frame.
        self._parse = wire.parse
        self.build_media = wire.build_media
        self.build_mark = wire.build_mark
        self.build_clear = wire.build_clear
        self._host = host
        self._listener = _NOBODY
        self._counters = counters
        self._faults = faults
        self._clock = clock
        self._awake = awake
        self._held: deque[Message] = deque()
        self._numbering = Numbering()
        self._pinged_after_ms = 0.0
        """`last_data_at_ms` when the last ping was sent: one ping for each silence."""
        self.trip = RoundTrip()
        """To the carrier and back."""

    # TextSink.

    def text(self, payload: bytes) -> None:
        """A whole text message."""
        try:
            try:
                given: Given = self._parse(payload)
            except WireError as error:
                given = error
            self._give(given)
        except Exception as bug:  # noqa: BLE001 - of this call alone, whatever it is
            self._host.on_bug(self, bug)

    def binary(self) -> None:
        """A binary message."""
        self._give(BINARY)

    def pong(self, payload: bytes, at_ms: float) -> None:
        """The carrier has answered a ping; the bytes of it came at `at_ms`."""
        self.trip.pong(payload, at_ms)

    def lost(self) -> None:
        """The connection is over."""
        cause = self.gate.close_reason if self.gate.state is SocketState.CLOSING else LOST
        try:
            self._give(Input.LOST)
        except Exception as bug:  # noqa: BLE001 - of this call alone; its end must still be told
            self._host.on_bug(self, bug)
        self._end(self.socket.failure or cause or LOST)

    # For whoever attaches it and has its call.

    @property
    def takes_audio(self) -> bool:
        """Attached and open."""
        return self.gate.state is SocketState.LIVE and self.socket.is_open

    @property
    def has_call(self) -> bool:
        """Whether a call is, or is about to be, served by it."""
        return self.gate.state in (SocketState.ATTACHING, SocketState.LIVE)

    def attached(self, leg: int, listener: StreamListener) -> bool:
        """The ATTACH script said OK. False if the socket has gone meanwhile."""
        self.leg = leg
        self.log = self.log.bind(leg=leg)
        self._listener = listener
        self._measure(self._give(Input.ATTACHED))
        return self.gate.state is SocketState.LIVE

    def refuse(self, refusal: StartRefused) -> None:
        """The start data or the script said no."""
        self._counters.starts_refused.count(refusal.reason)
        self.log.warning("stream_refused", reason=refusal.reason, peer=self.socket.peer)
        self._give(Close(CloseCode.POLICY, refusal.reason, Input.REFUSED))

    def close(self, code: CloseCode, reason: str) -> None:
        """Ends the socket from our side."""
        self._give(Close(code, reason))

    def sweep(self) -> bool:
        """Deadlines, pings, the media watchdog: four times a second. False, once, when the stream is dead.

        A carrier sends fifty frames a second, silence too. A caller on hold may send none; but then a mark
        still comes back. So a stream is dead when neither came for the timeout. Only time in which this
        process ran counts: after a stop, what came meanwhile still waits in the kernel.
        """
        awake_ms = self._awake()
        self._excuse(awake_ms)
        now = self._give(Input.DEADLINE)
        socket = self.socket
        quiet_ms = self._data_silence.look(socket.last_data_at_ms, now, awake_ms)
        if quiet_ms > SILENT_AFTER_MS:
            self._counters.silent_cut += 1
            self.log.warning("socket_silent", quiet_ms=round(quiet_ms))
            socket.abort()
        elif quiet_ms > PING_AFTER_MS and self._pinged_after_ms != socket.last_data_at_ms:
            self._pinged_after_ms = socket.last_data_at_ms
            socket.ping()
        self._measure(now)
        return self._lives(now, awake_ms)

    # Private.

    def _measure(self, now: float) -> None:
        if self.gate.state is SocketState.LIVE:
            payload = self.trip.ping_due(now)
            if payload is not None:
                self.socket.ping(payload)

    def _excuse(self, awake_ms: float) -> None:
        """The gate's deadlines, which are of the monotonic clock, wait while this process stands still."""
        asleep_ms = self._clock() - awake_ms
        if asleep_ms > self._swept_asleep_ms:
            self.gate.excuse(asleep_ms - self._swept_asleep_ms)
        self._swept_asleep_ms = asleep_ms

    def _lives(self, now: float, awake_ms: float) -> bool:
        timeout_ms = self._media_timeout_ms
        if self.gate.state is not SocketState.LIVE or not timeout_ms:
            return True
        sign_at_ms = max(self.last_media_at_ms, self._sign_at_ms)
        quiet_ms = self._media_silence.look(sign_at_ms, now, awake_ms)
        if quiet_ms > timeout_ms:
            self.last_media_at_ms = now
            return False
        if quiet_ms > timeout_ms / 2 and self._probed_after_ms != sign_at_ms:
            self._probed_after_ms = sign_at_ms
            self.socket.write_control(self.build_mark(self.stream_sid, SIGN_OF_LIFE))
        return True

    def _give(self, given: Given) -> float:
        """The one door to the gate: reads the clock, asks, obeys. Returns the time."""
        now = self._clock()
        step = self.gate.receive(given, now)
        if step is SocketStep.FORWARD:
            self._forward(given, now)
        elif step is not SocketStep.IGNORE:
            self._perform(step, given, now)
        return now

    def _perform(self, step: SocketStep, given: Given, now: float) -> None:
        match step, given:
            case SocketStep.ATTACH, StreamStart():
                self.call_sid = given.call_sid
                self.stream_sid = given.stream_sid.encode()
                self.log = self.log.bind(call=given.call_sid, stream=given.stream_sid)
                self._host.on_start(self, given)
                if self.has_call:
                    self.socket.let_in()
            case SocketStep.HOLD, (Media() | MarkEcho() | KeyPress()):
                if len(self._held) == HELD_MESSAGES:
                    self._held.popleft()
                    self._counters.held_dropped += 1
                self._held.append(given)
            case SocketStep.RELEASE, _:
                self.last_media_at_ms = now
                held, self._held = self._held, deque()
                for message in held:
                    self._forward(message, now)
            case SocketStep.STOPPED, _:
                self._counters.stops += 1
                self._end(STOPPED)
            case SocketStep.CLOSE, _:
                self._close()
            case SocketStep.ABORT, _:
                self.socket.abort()
            case SocketStep.COUNT, _:
                if self.gate.last_fault is not None:
                    self._faults[self.gate.last_fault] += 1

    def _close(self) -> None:
        gate = self.gate
        self.socket.close(gate.close_code, gate.close_reason)
        self.log.info(
            "socket_closing", code=int(gate.close_code), reason=gate.close_reason, faults=dict(gate.faults)
        )

    def _forward(self, given: Given, now: float) -> None:
        counters = self._counters
        if not isinstance(given, Media):
            if isinstance(given, MarkEcho):
                if given.name == SIGN_OF_LIFE:
                    self._sign_at_ms = now
                else:
                    self._listener.on_echo(given.name, now)
            elif isinstance(given, KeyPress):
                counters.dtmf += 1
                self._listener.on_digit(self.leg, given.digit)
            return
        self.last_media_at_ms = now
        if not given.is_callers:
            counters.caller_other_track += 1
            return
        numbering, audio = self._numbering, given.audio
        before = numbering.number
        place = numbering.place(given.chunk, given.time_ms, len(audio))
        if place is not Place.NEXT:
            if place is Place.REPEATED:
                counters.caller_repeats += 1
                return
            counters.caller_gap_chunks += numbering.number - before - 1
            counters.caller_renumbered += place is Place.RENUMBERED
        self.caller_frames += 1
        counters.caller_frames += 1
        self._listener.on_audio(self.leg, numbering.number, now, audio)

    def _end(self, cause: str) -> None:
        if not self.has_ended:
            self.has_ended = True
            self.cause = cause
            self._held.clear()
            self._host.on_gone(self)


_NOBODY = StreamListener(lambda *_: None, lambda *_: None, lambda *_: None)
"""Who hears a stream that is not attached: the gate lets nothing through to them."""
