"""The gate of one media socket: which message is let through, in which state, until when.

Why it exists: a socket is open to anyone who learns its address, so every message is judged before
it can touch a call. Pure: inputs and the time in, one verb out. Owns the state, the deadlines and
the budget for bad messages. Must not know the socket, Redis, or what a call does with audio.

The transitions are one table, `TABLE`; a pair that is not in it is `OUT_OF_PLACE`: counted,
ignored, and charged to the budget. Tests and docs read the same table.
"""

from __future__ import annotations

import enum
from collections import Counter, deque

from ingress.media.wire import (
    Connected,
    Dtmf,
    Fault,
    Mark,
    Media,
    Message,
    Start,
    Stop,
    Unknown,
    WireError,
)

START_WITHIN_MS = 3_000.0
"""From the upgrade to `start`; Twilio sends it at once."""

ATTACH_WITHIN_MS = 10_000.0
"""From `start` to the ATTACH script's answer: a call outlives ten seconds without Redis."""

CLOSE_WITHIN_MS = 2_000.0
"""From our close or Twilio's `stop` to the end of the connection; then it is cut."""

BAD_MESSAGES_MAX = 50
BAD_WINDOW_MS = 10_000.0


class CloseCode(enum.IntEnum):
    """The close codes we send (RFC 6455 section 7.4.1)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    UNSUPPORTED = 1003
    POLICY = 1008
    TOO_BIG = 1009
    SERVER_ERROR = 1011
    TRY_AGAIN = 1013


class State(enum.StrEnum):
    WAITING_CONNECTED = "waiting_connected"
    WAITING_START = "waiting_start"
    ATTACHING = "attaching"
    """`start` was accepted; the ATTACH script has not answered."""
    LIVE = "live"
    CLOSING = "closing"


class Input(enum.StrEnum):
    """What can come: Twilio's messages, then what the driver learns."""

    CONNECTED = "connected"
    START = "start"
    MEDIA = "media"
    DTMF = "dtmf"
    MARK = "mark"
    STOP = "stop"
    UNKNOWN = "unknown"
    BAD = "bad"
    BINARY = "binary"
    ATTACHED = "attached"
    REFUSED = "refused"
    """The token, the account, the format or the ATTACH script said no."""
    CLOSE = "close"
    """Ours: the brain's wish, a newer leg, a drain, an ended call."""
    DEADLINE = "deadline"
    LOST = "lost"
    """The connection is over."""


class Do(enum.StrEnum):
    """What the driver does with the message it holds."""

    IGNORE = "ignore"
    """Nothing, and nobody is to blame."""
    COUNT = "count"
    """Nothing; it was counted under `Gate.last_fault`."""
    ATTACH = "attach"
    """Verify the start data, then run the ATTACH script."""
    HOLD = "hold"
    """Keep it until the ATTACH script answers."""
    FORWARD = "forward"
    RELEASE = "release"
    """The call is attached: forward what was held."""
    STOPPED = "stopped"
    """Twilio said `stop`."""
    CLOSE = "close"
    """Send a close frame with `Gate.close_code` and `Gate.close_reason`."""
    CUT = "cut"
    """The peer did not answer our close: drop the connection."""


_S, _I, _D = State, Input, Do

TABLE: dict[tuple[State, Input], tuple[Do, State]] = {
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
    (_S.CLOSING, _I.DEADLINE): (_D.CUT, _S.CLOSING),
    # An open socket ends on any of these, wherever it stands.
    **{
        (state, given): (_D.CLOSE, _S.CLOSING)
        for state in State
        if state is not State.CLOSING
        for given in (Input.BINARY, Input.CLOSE, Input.DEADLINE)
    },
    **{(state, Input.LOST): (Do.IGNORE, State.CLOSING) for state in State},
    # What still arrives while we close is nobody's fault.
    **{(State.CLOSING, given): (Do.IGNORE, State.CLOSING) for given in Input if given is not Input.DEADLINE},
}

_CLOSES: dict[tuple[State, Input], tuple[CloseCode, str]] = {
    (_S.WAITING_CONNECTED, _I.DEADLINE): (CloseCode.POLICY, "no start in time"),
    (_S.WAITING_START, _I.DEADLINE): (CloseCode.POLICY, "no start in time"),
    (_S.ATTACHING, _I.DEADLINE): (CloseCode.TRY_AGAIN, "not attached in time"),
    (_S.ATTACHING, _I.START): (CloseCode.POLICY, "second start"),
    (_S.LIVE, _I.START): (CloseCode.POLICY, "second start"),
    (_S.WAITING_CONNECTED, _I.STOP): (CloseCode.NORMAL, "stopped before start"),
    (_S.WAITING_START, _I.STOP): (CloseCode.NORMAL, "stopped before start"),
}
"""Code and reason of the closes that the pair alone decides; the rest is given by the driver."""

_INPUT_OF: dict[type[object], Input] = {
    Connected: Input.CONNECTED,
    Start: Input.START,
    Media: Input.MEDIA,
    Dtmf: Input.DTMF,
    Mark: Input.MARK,
    Stop: Input.STOP,
    Unknown: Input.UNKNOWN,
}

_OF_A_STREAM = (Media, Dtmf, Mark, Stop)
"""A constant, since a union written in place would be built for each frame."""


class Gate:
    """One media socket. Feed it, do what it says, ask the next deadline."""

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
        self.state = State.WAITING_CONNECTED
        self.next_deadline_ms: float | None = now_ms + START_WITHIN_MS
        self.stream_sid = ""
        self.close_code = CloseCode.NORMAL
        self.close_reason = ""
        self.last_fault: Fault | None = None
        self.faults: Counter[Fault] = Counter()
        """Bad messages of this socket, by kind."""
        self._bad_at_ms: deque[float] = deque(maxlen=BAD_MESSAGES_MAX)

    def receive(self, message: Message, now_ms: float) -> Do:
        """Judges a message that could be read."""
        given = _INPUT_OF[type(message)]
        if isinstance(message, _OF_A_STREAM):
            if self.stream_sid and message.stream_sid != self.stream_sid:
                return self._bad(Fault.WRONG_STREAM, now_ms)
        elif isinstance(message, Unknown):
            return self._bad(Fault.UNKNOWN_EVENT, now_ms)
        elif isinstance(message, Start) and not self.stream_sid:
            self.stream_sid = message.stream_sid
        return self._step(given, now_ms)

    def refuse_message(self, error: WireError, now_ms: float) -> Do:
        """A text message that could not be read."""
        return self._bad(error.kind, now_ms)

    def receive_binary(self, now_ms: float) -> Do:
        """A binary message: Twilio never sends one."""
        return self.close(CloseCode.UNSUPPORTED, "expected text messages", now_ms, given=Input.BINARY)

    def attached(self, now_ms: float) -> Do:
        """The ATTACH script said OK."""
        return self._step(Input.ATTACHED, now_ms)

    def refused(self, reason: str, now_ms: float) -> Do:
        """The start data or the ATTACH script's answer does not let this socket in."""
        return self.close(CloseCode.POLICY, reason, now_ms, given=Input.REFUSED)

    def close(self, code: CloseCode, reason: str, now_ms: float, *, given: Input = Input.CLOSE) -> Do:
        """We end the socket."""
        if self.state is not State.CLOSING:
            self.close_code, self.close_reason = code, reason
        return self._step(given, now_ms)

    def lost(self, now_ms: float) -> None:
        """The connection is over: an answer that is still to come finds the gate closing."""
        self._step(Input.LOST, now_ms)

    def deadline(self, now_ms: float) -> Do:
        """To be called at `next_deadline_ms`; IGNORE before it."""
        if self.next_deadline_ms is None or now_ms < self.next_deadline_ms:
            return Do.IGNORE
        self.next_deadline_ms = None
        return self._step(Input.DEADLINE, now_ms)

    def _step(self, given: Input, now_ms: float) -> Do:
        row = TABLE.get((self.state, given))
        if row is None:
            before_start = self.state in (State.WAITING_CONNECTED, State.WAITING_START)
            media_early = given is Input.MEDIA and before_start
            fault = Fault.MEDIA_BEFORE_START if media_early else Fault.OUT_OF_PLACE
            return self._bad(fault, now_ms)
        do, state = row
        if state is not self.state:
            self._enter(state, given, now_ms)
        return do

    def _enter(self, state: State, given: Input, now_ms: float) -> None:
        code_and_reason = _CLOSES.get((self.state, given))
        if code_and_reason is not None:
            self.close_code, self.close_reason = code_and_reason
        self.state = state
        if state is State.ATTACHING:
            self.next_deadline_ms = now_ms + ATTACH_WITHIN_MS
        elif state is State.LIVE:
            self.next_deadline_ms = None
        elif state is State.CLOSING:
            self.next_deadline_ms = now_ms + CLOSE_WITHIN_MS

    def _bad(self, fault: Fault, now_ms: float) -> Do:
        """Counts a bad message; more than the budget within the window ends the socket."""
        if self.state is State.CLOSING:
            return Do.IGNORE
        self.last_fault = fault
        self.faults[fault] += 1
        times = self._bad_at_ms
        spent = len(times) == BAD_MESSAGES_MAX and now_ms - times[0] <= BAD_WINDOW_MS
        times.append(now_ms)
        if spent:
            return self.close(CloseCode.POLICY, "too many bad messages", now_ms)
        return Do.COUNT
