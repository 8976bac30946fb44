"""One media socket from its upgrade to its end: the gate's verdicts carried out.

Why it exists: it stands between the bytes (`media_protocol`) and the call, and is the only place
where a message of Twilio's has an effect. Owns the gate, the frames held while attaching, the
caller's chunk counter, the deadlines' sweep. Must not know Redis: the switchboard attaches and
detaches.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from ingress.calls.call import Call
from ingress.counters import CallCounters
from ingress.media import wire as twilio
from ingress.media.gate import CloseCode, Do, Gate, State
from ingress.media.wire import Dtmf, Mark, Media, Message, Start, WireError
from shared.clock import now_ms
from shared.logs.log import Log
from shared.ownership.owner import NewStream

HELD_MESSAGES = 150
"""Three seconds of frames while the ATTACH script has not answered; the oldest go first."""

PING_AFTER_MS = 5_000.0
SILENT_AFTER_MS = 10_000.0
"""A connection with no byte for this long, pings included, is dead."""

WATCHDOG_MS = 8_000.0
"""Twilio sends fifty frames a second, silence too: none for this long is a dead stream."""


class Socket(Protocol):
    """What a leg needs of its MediaProtocol."""

    last_data_at_ms: float
    peer: str
    failure: str

    @property
    def is_open(self) -> bool: ...

    @property
    def unsent_bytes(self) -> int: ...

    def take_window(self) -> dict[str, float]: ...

    def write_media(self, cut: int, message: bytes) -> bool: ...

    def write_control(self, message: bytes) -> None: ...

    def drop_media_below(self, cut: int) -> None: ...

    def ping(self) -> None: ...

    def close(self, code: int, reason: str) -> None: ...

    def abort(self) -> None: ...


class Board(Protocol):
    """What a leg asks of the switchboard. Nothing here waits."""

    counters: CallCounters

    def start(self, leg: Leg, start: Start) -> None:
        """Judge the start data, attach the stream; answers through `attached` or `refuse`."""

    def caller_frame(self, call_sid: str, leg: int, chunk: int, audio: bytes) -> None: ...

    def dtmf(self, call_sid: str, leg: int, digit: str) -> None: ...

    def gone(self, leg: Leg, cause: str) -> None:
        """The stream is over: called once, also for a leg that was never attached."""

    def watchdog(self, leg: Leg) -> None:
        """The caller's media stopped."""

    def apologise(self, leg: Leg) -> None:
        """Nobody has spoken for too long: give the call to Twilio's voice."""

    def fault(self, kind: str) -> None:
        """A bad message was counted."""


class Leg:
    """A media socket's session. It is the socket's TextSink and the call's Line."""

    def __init__(self, board: Board, socket: Socket, log: Log) -> None:
        now = now_ms()
        self._board = board
        self._socket = socket
        self.log = log
        self.gate = Gate(now)
        self.call: Call | None = None
        self.stream: NewStream | None = None
        """What was told to ATTACH; kept for a Redis that comes back empty."""
        self.call_sid = ""
        self.stream_sid_bytes = b""
        self.number = 0
        """The leg's number on the card; 0 until it is attached."""
        self.has_ended = False
        """`board.gone` was called."""
        self.cause = ""
        """Why it ended: stop, lost, or the reason of a close."""
        self._held: deque[Message] = deque()
        self._last_chunk = 0
        self._pinged_after_ms = 0.0
        """`last_data_at_ms` when the last ping was sent: one ping for each silence."""
        self.last_media_at_ms = now
        self.caller_frames = 0

    # ------------------------------------------------------------------------------ TextSink

    def text(self, payload: bytes) -> None:
        now = now_ms()
        try:
            message = twilio.parse(payload)
        except WireError as error:
            self._obey(self.gate.refuse_message(error, now), None)
            return
        do = self.gate.receive(message, now)
        if do is Do.FORWARD:
            self._forward(message, now)
        else:
            self._obey(do, message)

    def binary(self) -> None:
        self._obey(self.gate.receive_binary(now_ms()), None)

    def lost(self) -> None:
        cause = self.gate.close_reason if self.gate.state is State.CLOSING else "lost"
        self.gate.lost(now_ms())
        self._end(self._socket.failure or cause or "lost")

    # ------------------------------------------------------------------- from the switchboard

    def attached(self, call: Call, number: int) -> bool:
        """The ATTACH script said OK. False if the socket has gone meanwhile."""
        self.call, self.number = call, number
        self.last_media_at_ms = now_ms()
        if self.gate.attached(self.last_media_at_ms) is not Do.RELEASE:
            return False
        held, self._held = self._held, deque()
        for message in held:
            self._forward(message, self.last_media_at_ms)
        return True

    def refuse(self, reason: str) -> None:
        """The start data or the script said no."""
        self._board.counters.starts_refused.count(reason)
        self.log.warning("stream_refused", reason=reason, peer=self._socket.peer)
        self._obey(self.gate.refused(reason, now_ms()), None)

    def close(self, code: CloseCode, reason: str) -> None:
        """Ends the socket from our side."""
        self._obey(self.gate.close(code, reason, now_ms()), None)

    def cut(self) -> None:
        """Drops the connection without a close frame."""
        self._socket.abort()

    def sweep(self, now: float, store_away_at_ms: float | None = None) -> None:
        """Deadlines, pings, the media watchdog, dead air: four times a second for each socket."""
        self._obey(self.gate.deadline(now), None)
        quiet_ms = now - self._socket.last_data_at_ms
        if quiet_ms > SILENT_AFTER_MS:
            self._board.counters.silent_cut += 1
            self.log.warning("socket_silent", quiet_ms=round(quiet_ms))
            self._socket.abort()
        elif quiet_ms > PING_AFTER_MS and self._pinged_after_ms != self._socket.last_data_at_ms:
            self._pinged_after_ms = self._socket.last_data_at_ms
            self._socket.ping()
        if self.gate.state is not State.LIVE:
            return
        if now - self.last_media_at_ms > WATCHDOG_MS:
            self.last_media_at_ms = now
            self._board.watchdog(self)
        elif self.call is not None and not self.call.listen(now, store_away_at_ms):
            self._board.apologise(self)

    # ------------------------------------------------------------------------------------ Line

    @property
    def takes_audio(self) -> bool:
        return self.gate.state is State.LIVE and self._socket.is_open

    @property
    def unsent_bytes(self) -> int:
        return self._socket.unsent_bytes

    def take_window(self) -> dict[str, float]:
        """See `WriteTimes.take`: once a window."""
        return self._socket.take_window()

    def write_media(self, cut: int, message: bytes) -> bool:
        return self._socket.write_media(cut, message)

    def write_control(self, message: bytes) -> None:
        self._socket.write_control(message)

    def drop_media_below(self, cut: int) -> None:
        self._socket.drop_media_below(cut)

    def hang_up(self, reason: str) -> None:
        self.close(CloseCode.NORMAL, f"brain: {reason}" if reason else "brain")

    # ------------------------------------------------------------------------------------ inside

    def _obey(self, do: Do, message: Message | None) -> None:
        match do:
            case Do.ATTACH:
                assert isinstance(message, Start)
                self.call_sid = message.call_sid
                self.stream_sid_bytes = message.stream_sid.encode()
                self.log = self.log.bind(call=message.call_sid, stream=message.stream_sid)
                self._board.start(self, message)
            case Do.HOLD:
                assert message is not None
                if len(self._held) == HELD_MESSAGES:
                    self._held.popleft()
                    self._board.counters.held_dropped += 1
                self._held.append(message)
            case Do.STOPPED:
                self._board.counters.stops += 1
                self._end("stop")
            case Do.CLOSE:
                self._socket.close(self.gate.close_code, self.gate.close_reason)
                self.log.info(
                    "socket_closing",
                    code=int(self.gate.close_code),
                    reason=self.gate.close_reason,
                    faults=dict(self.gate.faults),
                )
            case Do.CUT:
                self._socket.abort()
            case Do.COUNT:
                if self.gate.last_fault is not None:
                    self._board.fault(self.gate.last_fault)
            case Do.IGNORE | Do.FORWARD | Do.RELEASE:
                pass

    def _forward(self, message: Message, now: float) -> None:
        if isinstance(message, Media):
            self._caller(message, now)
        elif isinstance(message, Mark):
            if self.call is not None:
                self.call.echo(message.name)
        elif isinstance(message, Dtmf):
            self._board.counters.dtmf += 1
            self._board.dtmf(self.call_sid, self.number, message.digit)

    def _caller(self, media: Media, now: float) -> None:
        counters = self._board.counters
        self.last_media_at_ms = now
        if media.track != "inbound":
            counters.caller_other_track += 1
            return
        chunk = self._last_chunk + 1 if media.chunk is None else media.chunk
        if chunk != self._last_chunk + 1:
            if chunk <= self._last_chunk:
                counters.caller_repeats += 1
                return
            if self._last_chunk:
                counters.caller_gap_chunks += chunk - self._last_chunk - 1
        self._last_chunk = chunk
        self.caller_frames += 1
        counters.caller_frames += 1
        self._board.caller_frame(self.call_sid, self.number, chunk, media.audio)

    def _end(self, cause: str) -> None:
        if not self.has_ended:
            self.has_ended = True
            self.cause = cause
            self._held.clear()
            self._board.gone(self, cause)
