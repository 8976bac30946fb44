"""The gate of one media socket: which message is let through, in which state, until when.

Why it exists: a socket is open to anyone who learns its address, so every message is judged before it can
touch a call. Owns: the state, the deadlines, the budget for bad messages. Pure. It is told
what happened and when, and returns one step. Must not know: the socket, Redis, what a call does with audio.

The transitions are one table, `TABLE`; a pair that is not in it is `OUT_OF_PLACE`: counted, ignored, and
charged to the budget. Tests and docs read the same table.
"""

from __future__ import annotations

import enum
from collections import Counter, deque
from dataclasses import dataclass

from ingress.errors import Fault, WireError
from ingress.media.wire import Connected, KeyPress, MarkEcho, Media, Message, StreamStart, StreamStop, Unknown

START_WITHIN_MS = 3_000.0
"""From the upgrade to `start`; Twilio sends it at once."""

ATTACH_WITHIN_MS = 10_000.0
"""From `start` to the ATTACH script's answer: a call outlives ten seconds without Redis."""

CLOSE_WITHIN_MS = 2_000.0
"""From our close or the carrier's `stop` to the end of the connection; then it is dropped."""

BAD_MESSAGES_MAX = 50
BAD_WINDOW_MS = 10_000.0

LOST = "lost"
"""The cause of a media stream's end when the connection ended without a word."""


class CloseCode(enum.IntEnum):
    """The close codes we send (RFC 6455 section 7.4.1)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    UNSUPPORTED = 1003
    POLICY = 1008
    SERVER_ERROR = 1011
    TRY_AGAIN = 1013


class SocketState(enum.StrEnum):
    """How far a media socket has come."""

    WAITING_CONNECTED = "waiting_connected"
    WAITING_START = "waiting_start"
    ATTACHING = "attaching"
    """`start` was accepted; the ATTACH script has not answered."""
    LIVE = "live"
    CLOSING = "closing"


class Input(enum.StrEnum):
    """What can happen: the carrier's messages, then what the driver learns."""

    CONNECTED = "connected"
    START = "start"
    MEDIA = "media"
    DTMF = "dtmf"
    MARK = "mark"
    STOP = "stop"
    BINARY = "binary"
    """A binary message: no carrier of ours sends one."""
    ATTACHED = "attached"
    """The ATTACH script said OK."""
    REFUSED = "refused"
    """The token, the account, the format or the ATTACH script said no."""
    CLOSE = "close"
    """Ours: the brain's wish, a newer leg, a drain, an ended call."""
    DEADLINE = "deadline"
    """`SocketGate.next_deadline_ms` may have come."""
    LOST = "lost"
    """The connection is over."""


class SocketStep(enum.Enum):
    """What the driver does with the message it holds."""

    IGNORE = enum.auto()
    """Nothing, and nobody is to blame."""
    COUNT = enum.auto()
    """Nothing; it was counted under `SocketGate.last_fault`."""
    ATTACH = enum.auto()
    """Verify the start data, then run the ATTACH script."""
    HOLD = enum.auto()
    """Keep it until the ATTACH script answers."""
    FORWARD = enum.auto()
    RELEASE = enum.auto()
    """The call is attached: forward what was held."""
    STOPPED = enum.auto()
    """The carrier said `stop`."""
    CLOSE = enum.auto()
    """Send a close frame with `SocketGate.close_code` and `SocketGate.close_reason`."""
    ABORT = enum.auto()
    """The peer did not answer our close: drop the connection."""


@dataclass(frozen=True, slots=True)
class Close:
    """The socket is to end, with this code and reason."""

    code: CloseCode
    reason: str
    given: Input = Input.CLOSE


BINARY = Close(CloseCode.UNSUPPORTED, "expected text messages", Input.BINARY)

Given = Message | WireError | Close | Input
"""What the gate is told: a message, one that could not be read, our wish to end, or what happened."""

_S, _I, _D = SocketState, Input, SocketStep

TABLE: dict[tuple[SocketState, Input], tuple[SocketStep, SocketState]] = {
    (_S.WAITING_CONNECTED, _I.CONNECTED): (_D.IGNORE, _S.WAITING_START),
    (_S.WAITING_CONNECTED, _I.START): (_D.ATTACH, _S.ATTACHING),
    (_S.WAITING_START, _I.START): (_D.ATTACH, _S.ATTACHING),
    (_S.WAITING_CONNECTED, _I.STOP): (_D.CLOSE, _S.CLOSING),
    (_S.WAITING_START, _I.STOP): (_D.CLOSE, _S.CLOSING),
    (_S.ATTACHING, _I.MEDIA): (_D.HOLD, _S.ATTACHING),
    (_S.ATTACHING, _I.DTMF): (_D.HOLD, _S.ATTACHING),
    (_S.ATTACHING, _I.MARK): (_D.HOLD, _S.ATTACHING),
    (_S.ATTACHING, _I.STOP): (_D.STOPPED, _S.CLOSING),
    (_S.ATTACHING, _I.START): (_D.CLOSE, _S.CLOSING),
    (_S.ATTACHING, _I.ATTACHED): (_D.RELEASE, _S.LIVE),
    (_S.ATTACHING, _I.REFUSED): (_D.CLOSE, _S.CLOSING),
    (_S.LIVE, _I.MEDIA): (_D.FORWARD, _S.LIVE),
    (_S.LIVE, _I.DTMF): (_D.FORWARD, _S.LIVE),
    (_S.LIVE, _I.MARK): (_D.FORWARD, _S.LIVE),
    (_S.LIVE, _I.STOP): (_D.STOPPED, _S.CLOSING),
    (_S.LIVE, _I.START): (_D.CLOSE, _S.CLOSING),
    (_S.CLOSING, _I.DEADLINE): (_D.ABORT, _S.CLOSING),
    # An open socket ends on any of these, wherever it stands.
    **{
        (state, given): (_D.CLOSE, _S.CLOSING)
        for state in _S
        if state is not _S.CLOSING
        for given in (_I.BINARY, _I.CLOSE, _I.DEADLINE)
    },
    **{(state, _I.LOST): (_D.IGNORE, _S.CLOSING) for state in _S},
    # What still arrives while we close is nobody's fault.
    **{(_S.CLOSING, given): (_D.IGNORE, _S.CLOSING) for given in _I if given is not _I.DEADLINE},
}

_CLOSES: dict[tuple[SocketState, Input], tuple[CloseCode, str]] = {
    (_S.WAITING_CONNECTED, _I.DEADLINE): (CloseCode.POLICY, "no start in time"),
    (_S.WAITING_START, _I.DEADLINE): (CloseCode.POLICY, "no start in time"),
    (_S.ATTACHING, _I.DEADLINE): (CloseCode.TRY_AGAIN, "not attached in time"),
    (_S.ATTACHING, _I.START): (CloseCode.POLICY, "second start"),
    (_S.LIVE, _I.START): (CloseCode.POLICY, "second start"),
    (_S.WAITING_CONNECTED, _I.STOP): (CloseCode.NORMAL, "stopped before start"),
    (_S.WAITING_START, _I.STOP): (CloseCode.NORMAL, "stopped before start"),
}
"""Code and reason of the closes that the pair alone decides; the driver says those of the rest."""

_OF_A_STREAM = (Media, MarkEcho, KeyPress, StreamStop)
"""A constant, since a union written in place would be built for each frame."""

_INPUT_OF: dict[type[Message], Input] = {
    Media: Input.MEDIA,
    MarkEcho: Input.MARK,
    KeyPress: Input.DTMF,
    StreamStop: Input.STOP,
}


class SocketGate:
    """One media socket. Tell it what happened, do the step it returns, ask the next deadline."""

    __slots__ = (
        "_bad_at_ms",
        "close_code",
        "close_reason",
        "faults",
        "last_fault",
        "next_deadline_ms",
        "state",
        "stream_sid",
    )

    def __init__(self, now_ms: float) -> None:
        """`now_ms`: of the upgrade."""
        self.state = SocketState.WAITING_CONNECTED
        self.next_deadline_ms: float | None = now_ms + START_WITHIN_MS
        self.stream_sid = ""
        self.close_code = CloseCode.NORMAL
        self.close_reason = ""
        self.last_fault: Fault | None = None
        self.faults: Counter[Fault] = Counter()
        """Bad messages of this socket, by kind."""
        self._bad_at_ms: deque[float] = deque(maxlen=BAD_MESSAGES_MAX)

    def excuse(self, asleep_ms: float) -> None:
        """This process stood still for so long: what the peer said meanwhile is still to be read."""
        if self.next_deadline_ms is not None:
            self.next_deadline_ms += asleep_ms

    def receive(self, given: Given, now_ms: float) -> SocketStep:
        """Judges what happened."""
        if isinstance(given, _OF_A_STREAM):
            if self.stream_sid and given.stream_sid != self.stream_sid:
                return self._charge(Fault.WRONG_STREAM, now_ms)
            return self._step(_INPUT_OF[type(given)], now_ms)
        match given:
            case StreamStart():
                self.stream_sid = self.stream_sid or given.stream_sid
                return self._step(Input.START, now_ms)
            case Connected():
                return self._step(Input.CONNECTED, now_ms)
            case Unknown():
                return self._charge(Fault.UNKNOWN_EVENT, now_ms)
            case WireError():
                return self._charge(given.fault, now_ms)
            case Close():
                return self._close(given, now_ms)
            case Input.DEADLINE:
                return self._expire(now_ms)
            case Input():
                return self._step(given, now_ms)

    # Private.

    def _close(self, close: Close, now_ms: float) -> SocketStep:
        """Of two closes the first one's reason stands."""
        if self.state is not SocketState.CLOSING:
            self.close_code, self.close_reason = close.code, close.reason
        return self._step(close.given, now_ms)

    def _expire(self, now_ms: float) -> SocketStep:
        if self.next_deadline_ms is None or now_ms < self.next_deadline_ms:
            return SocketStep.IGNORE
        self.next_deadline_ms = None
        return self._step(Input.DEADLINE, now_ms)

    def _step(self, given: Input, now_ms: float) -> SocketStep:
        row = TABLE.get((self.state, given))
        if row is None:
            before_start = self.state in (SocketState.WAITING_CONNECTED, SocketState.WAITING_START)
            media_early = given is Input.MEDIA and before_start
            return self._charge(Fault.MEDIA_BEFORE_START if media_early else Fault.OUT_OF_PLACE, now_ms)
        step, state = row
        if state is not self.state:
            self._enter(state, given, now_ms)
        return step

    def _enter(self, state: SocketState, given: Input, now_ms: float) -> None:
        code_and_reason = _CLOSES.get((self.state, given))
        if code_and_reason is not None:
            self.close_code, self.close_reason = code_and_reason
        self.state = state
        if state is SocketState.ATTACHING:
            self.next_deadline_ms = now_ms + ATTACH_WITHIN_MS
        elif state is SocketState.LIVE:
            self.next_deadline_ms = None
        elif state is SocketState.CLOSING:
            self.next_deadline_ms = now_ms + CLOSE_WITHIN_MS

    def _charge(self, fault: Fault, now_ms: float) -> SocketStep:
        """Counts a bad message; more than the budget within the window ends the socket."""
        if self.state is SocketState.CLOSING:
            return SocketStep.IGNORE
        self.last_fault = fault
        self.faults[fault] += 1
        times = self._bad_at_ms
        spent = len(times) == BAD_MESSAGES_MAX and now_ms - times[0] <= BAD_WINDOW_MS
        times.append(now_ms)
        return (
            self._close(Close(CloseCode.POLICY, "too many bad messages"), now_ms)
            if spent
            else SocketStep.COUNT
        )
