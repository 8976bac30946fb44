"""One media stream from Twilio's side: a WebSocket, its counters, its playout, its faults.

Why it exists: everything between `connected` and the end of the socket happens here, synchronously. Owns: the
messages both ways and what Twilio would log about them. Must not know: TwiML, webhooks or the caller's plan:
`line` hands it frames, and `phone_call` waits for `ended`. Times are ms since the call began.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from simulators.twilio import codes
from simulators.twilio.caller.clip import FRAME_MS, SILENT_PAYLOAD
from simulators.twilio.knobs import Injection, Knobs, Window
from simulators.twilio.media import frames
from simulators.twilio.media.connection import Endpoint, MediaSocket
from simulators.twilio.media.messages import CONNECTED, MessageWriter
from simulators.twilio.media.playout import Playout
from simulators.twilio.media.validation import Clear, Mark, Media, check_binary, check_text
from simulators.twilio.media.weather import Weather
from simulators.twilio.record import (
    CallRecord,
    ClearSeen,
    Logged,
    MarkSeen,
    MediaStream,
    StreamEndCause,
)

_KEPT_TEXT_BYTES = 4096
_BURST_WINDOW_MS = 1000.0


@dataclass(slots=True, eq=False)
class LiveStream:
    """The running half of a `MediaStream` record."""

    call: CallRecord
    record: MediaStream
    knobs: Knobs
    writer: MessageWriter
    clock: Callable[[], float]
    """Milliseconds since the call began."""
    lingering: set[MediaSocket]
    """Sockets that outlive their stream: half-open ones. Whoever owns the set aborts them."""
    hang_up: Callable[[], None]
    update: Callable[[str], None]
    ended: asyncio.Future[StreamEndCause]
    _chance: random.Random = field(init=False)
    _playout: Playout = field(init=False)
    _weather: Weather | None = None
    _socket: MediaSocket | None = None
    _first_timestamp_ms: int = 0
    _flows_from_ms: float = 0.0
    _periods: int = 0
    """20 ms periods since the first media, those of lost frames included."""
    _wobble: tuple[int, ...] = ()
    _pending_marks: deque[MarkSeen] = field(default_factory=deque)
    _mark_timer: asyncio.TimerHandle | None = None
    _weather_timer: asyncio.TimerHandle | None = None
    _timers: list[asyncio.TimerHandle] = field(default_factory=list)
    _logged_once: set[int] = field(default_factory=set)
    _recent: deque[tuple[float, int]] = field(default_factory=deque)
    _recent_bytes: int = 0

    def __post_init__(self) -> None:
        self._chance = random.Random(self.knobs.seed)
        self._playout = self.call.playout
        # Spacing wobbles by up to 2 ms either way; the first timestamp is the drawn one itself.
        self._wobble = (0, *(self._chance.randint(-2, 2) for _ in range(63)))

    async def open(self, endpoint: Endpoint, headers: dict[str, str]) -> None:
        """Connects, then says `connected` and `start`. Raises `StreamFailed`.

        Cancelling it drops the connection.
        """
        self._socket = await MediaSocket.open(
            self.record.url,
            endpoint,
            self,
            headers,
            receive_buffer_bytes=self.knobs.receive_buffer_bytes,
            send_buffer_bytes=self.knobs.send_buffer_bytes,
        )
        now_ms = self.record.open_at_ms = self.clock()
        self._first_timestamp_ms = self._chance.randint(*self.knobs.pace.first_timestamp_ms)
        self._flows_from_ms = now_ms + self._first_timestamp_ms
        if self.knobs.jitter_ms or self.knobs.bursts:
            from_ms = self._flows_from_ms
            bursts = [Window(from_ms + burst.at_ms, burst.ms) for burst in self.knobs.bursts]
            self._weather = Weather(self._chance, self.knobs.jitter_ms, bursts)
        self._say_hello(now_ms)
        self._schedule_faults()

    # Towards the bridge.

    def give_frame(self, payload: bytes, now_ms: float) -> bool:
        """Sends 20 ms of the caller (base64); False when nobody gets them."""
        record, socket = self.record, self._socket
        if socket is None or record.ended_at_ms is not None or now_ms < self._flows_from_ms:
            return False
        if record.first_media_at_ms is None:
            record.first_media_at_ms = now_ms
        offset_ms = self._periods * FRAME_MS
        timestamp_ms = self._first_timestamp_ms + offset_ms + self._wobble[self._periods & 63]
        self._periods += 1
        for gap in self.knobs.gaps:
            if gap.at_ms <= offset_ms < gap.at_ms + gap.ms:
                return False
        if socket.unsent_bytes > self.knobs.send_limit_bytes:
            record.frames_dropped += 1
            self._log(
                codes.UPSTREAM_OVERFLOW, "expected the bridge to read, got no progress; caller audio dropped"
            )
            return False
        record.frames_sent += 1
        self._send(self.writer.media(payload, timestamp_ms))
        return True

    def press(self, digit: str) -> bool:
        """Sends a digit; False when no stream runs."""
        if self._socket is None or self.record.ended_at_ms is not None:
            return False
        self._send(self.writer.dtmf(digit))
        return True

    def finish(self, cause: StreamEndCause) -> None:
        """Ends from Twilio's side: `stop`, then the socket closes."""
        socket = self._socket
        if socket is not None and self.record.ended_at_ms is None:
            if self._weather is not None:
                for message in self._weather.release_all():
                    socket.send_text(message)
            if not self.knobs.end_without_stop:
                socket.send_text(self.writer.stop())
            if self.knobs.abrupt_end:
                socket.abort()
            else:
                socket.close()
        self._end(cause)

    def echo_due_marks(self, now_ms: float) -> None:
        """Sends back the marks that playback has reached."""
        self._playout.advance(now_ms)
        for _ in self._playout.take_due_marks():
            self._echo(self._pending_marks.popleft(), now_ms, cleared=False)

    # From the bridge (connection.Listener).

    def message_received(self, opcode: int, data: bytes) -> None:
        """Judges one message of the bridge and carries it out."""
        record = self.record
        if record.ended_at_ms is not None:
            return
        now_ms = self.clock()
        checked = check_text(data, record.stream_sid) if opcode == frames.TEXT else check_binary(data)
        if isinstance(checked, Media):
            self._play(checked.payload, now_ms)
            return
        record.texts.append((now_ms, data[:_KEPT_TEXT_BYTES].decode("utf-8", "replace")))
        if isinstance(checked, Mark):
            mark = MarkSeen(checked.name, now_ms)
            record.marks.append(mark)
            self._pending_marks.append(mark)
            self._playout.push_mark(checked.name, now_ms)
            self.echo_due_marks(now_ms)
            self._arm_mark_timer(now_ms)
        elif isinstance(checked, Clear):
            self.echo_due_marks(now_ms)
            dropped_ms, names = self._playout.clear(now_ms)
            record.clears.append(ClearSeen(now_ms, dropped_ms, len(names)))
            for _ in names:
                self._echo(self._pending_marks.popleft(), now_ms, cleared=True)
        else:
            record.violations.append(Logged(checked.code, checked.text, now_ms))
            self._log(checked.code, checked.text)
            if self.knobs.strict:
                self._tear_down(checked.text)

    def socket_closed(self, close_code: int | None) -> None:
        """The bridge ended the socket."""
        self.record.close_code = close_code
        if close_code is None:
            self._log(codes.BROKEN_PIPE, "the connection broke without a close frame")
            self._end("bridge_lost")
        else:
            self._log(codes.CLOSED_BY_SERVER, f"the bridge closed the socket ({close_code})")
            self._end("bridge_closed")

    def protocol_broken(self, text: str) -> None:
        """The bridge broke the WebSocket protocol."""
        self._log(codes.PROTOCOL_ERROR, text)
        self._end("torn_down")

    def disappear(self, cause: StreamEndCause) -> None:
        """Drops the connection without a word."""
        if self._socket is not None:
            self._socket.abort()
        self._end(cause)

    # Private.

    # Opening and faults.

    def _say_hello(self, now_ms: float) -> None:
        knobs, record = self.knobs, self.record
        if knobs.send_connected:
            self._send(CONNECTED)
        for n in range(knobs.media_before_start):
            self._send(self.writer.media(SILENT_PAYLOAD, n * FRAME_MS))
        if knobs.send_start:
            record.started_at_ms = now_ms
            self._send(self.writer.start(record.parameters, knobs.media_format))
            if knobs.second_start:
                self._send(self.writer.start(record.parameters, knobs.media_format))

    def _schedule_faults(self) -> None:
        knobs = self.knobs
        for stall in knobs.stalls:
            self._at(stall.at_ms, self._pause_reading)
            self._at(stall.at_ms + stall.ms, self._resume_reading)
        for injection in knobs.injections:
            self._at(injection.at_ms, partial(self._inject, injection))
        if knobs.hang_up_at_ms is not None:
            self._at(knobs.hang_up_at_ms, self.hang_up)
        if knobs.update is not None:
            twiml = knobs.update.twiml
            self._at(knobs.update.at_ms, lambda: self.update(twiml))
        if knobs.kill_at_ms is not None:
            self._at(knobs.kill_at_ms, self._kill)
        if knobs.half_open is not None:
            self._at(knobs.half_open.at_ms, self._freeze)
        if knobs.vanish_at_ms is not None:
            self._at(knobs.vanish_at_ms, self._vanish)

    def _at(self, offset_ms: float, action: Callable[[], None]) -> None:
        delay_ms = self._flows_from_ms + offset_ms - self.clock()
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(max(0.0, delay_ms) / 1000, action))

    def _pause_reading(self) -> None:
        if self._socket is not None:
            self._socket.pause_reading()

    def _resume_reading(self) -> None:
        if self._socket is not None:
            self._socket.resume_reading()

    def _inject(self, injection: Injection) -> None:
        if self._socket is None:
            return
        for _ in range(injection.times):
            if isinstance(injection.payload, bytes):
                self._socket.send(frames.BINARY, injection.payload)
            else:
                text = injection.payload.replace("{stream_sid}", self.record.stream_sid)
                self._socket.send_text(text.encode())

    def _kill(self) -> None:
        self._log(codes.BROKEN_PIPE, "the connection broke")
        self.disappear("killed")

    def _freeze(self) -> None:
        window, socket = self.knobs.half_open, self._socket
        if window is None or socket is None:
            return
        socket.freeze()
        self.lingering.add(socket)

        def let_go() -> None:
            socket.abort()
            self.lingering.discard(socket)

        asyncio.get_running_loop().call_later(window.ms / 1000, let_go)
        self._log(codes.PROTOCOL_ERROR, "the stream stopped; the socket stays open for a while")
        self._end("killed")

    def _vanish(self) -> None:
        if self._socket is not None:
            self._socket.freeze()
            self.lingering.add(self._socket)

    def _tear_down(self, text: str) -> None:
        self._log(codes.PROTOCOL_ERROR, text)
        self.disappear("torn_down")

    # Media and marks.

    def _send(self, message: bytes) -> None:
        if self._socket is None:
            return
        if self._weather is None:
            self._socket.send_text(message)
            return
        self._weather.hold(message, self.clock())
        self._release()

    def _release(self) -> None:
        if self._weather is None or self._socket is None:
            return
        now_ms = self.clock()
        for message in self._weather.release(now_ms):
            self._socket.send_text(message)
        if self._weather_timer is not None:
            self._weather_timer.cancel()
        next_at_ms = self._weather.next_at_ms
        if next_at_ms is not None:
            delay_ms = max(1.0, next_at_ms - now_ms)
            loop = asyncio.get_running_loop()
            self._weather_timer = loop.call_later(delay_ms / 1000, self._release)

    def _play(self, payload: bytes, now_ms: float) -> None:
        self.record.received_at_ms.append(now_ms)
        self.record.received_bytes.append(len(payload))
        if self._playout.keep_audio:
            self.record.received_audio += payload
        if not self._playout.push_audio(payload, now_ms):
            self._log(codes.MEDIA_DISCARDED, "more than 10 minutes are queued; media discarded")
        limit_bytes = self.knobs.kill_after_burst_bytes
        if limit_bytes is None:
            return
        self._recent.append((now_ms, len(payload)))
        self._recent_bytes += len(payload)
        while self._recent[0][0] < now_ms - _BURST_WINDOW_MS:
            self._recent_bytes -= self._recent.popleft()[1]
        if self._recent_bytes > limit_bytes:
            self._tear_down(f"more than {limit_bytes} bytes of audio within one second")

    def _arm_mark_timer(self, now_ms: float) -> None:
        if self._mark_timer is not None:
            self._mark_timer.cancel()
            self._mark_timer = None
        at_ms = self._playout.next_mark_at_ms()
        if at_ms is not None:
            # Half a ms late, so that the timer never finds the mark a hair ahead of its time.
            delay_ms = max(0.0, at_ms - now_ms) + 0.5
            loop = asyncio.get_running_loop()
            self._mark_timer = loop.call_later(delay_ms / 1000, self._mark_due)

    def _mark_due(self) -> None:
        self._mark_timer = None
        now_ms = self.clock()
        self.echo_due_marks(now_ms)
        self._arm_mark_timer(now_ms)

    def _echo(self, mark: MarkSeen, now_ms: float, *, cleared: bool) -> None:
        mark.cleared = cleared
        if not self.knobs.echo_marks:
            return
        if self.knobs.mark_delay_ms:
            loop = asyncio.get_running_loop()
            delay_s = self.knobs.mark_delay_ms / 1000
            self._timers.append(loop.call_later(delay_s, self._send_echo, mark))
        else:
            self._send_echo(mark)

    def _send_echo(self, mark: MarkSeen) -> None:
        mark.echoed_at_ms = self.clock()
        for _ in range(2 if self.knobs.duplicate_marks else 1):
            self._send(self.writer.mark(mark.name))

    # What Twilio logs, and the end.

    def _log(self, code: int, text: str) -> None:
        if code in codes.ONCE_PER_STREAM:
            if code in self._logged_once:
                return
            self._logged_once.add(code)
        self.call.logged.append(Logged(code, text, self.clock()))

    def _end(self, cause: StreamEndCause) -> None:
        if self.record.ended_at_ms is not None:
            return
        now_ms = self.record.ended_at_ms = self.clock()
        self.record.end = cause
        for timer in (self._mark_timer, self._weather_timer, *self._timers):
            if timer is not None:
                timer.cancel()
        self._playout.end_stream(now_ms)
        self._playout.take_due_marks()  # the socket is gone: nobody is left to be told
        if not self.ended.done():
            self.ended.set_result(cause)
