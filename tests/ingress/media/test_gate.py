"""The gate of a media socket: the table, the deadlines, the budget, and that nothing opens it twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingress.errors import Fault, WireError
from ingress.media import gate as socket_gate
from ingress.media.gate import (
    BINARY,
    TABLE,
    Close,
    CloseCode,
    Given,
    Input,
    SocketGate,
    SocketState,
    SocketStep,
)
from ingress.media.wire import (
    MULAW_8K_MONO,
    Connected,
    KeyPress,
    MarkEcho,
    Media,
    Message,
    StreamStart,
    StreamStop,
    Unknown,
)

STREAM = "MZ" + "a" * 32
CONNECTED = Connected()
START = StreamStart("AC" + "b" * 32, "CA" + "c" * 32, STREAM, MULAW_8K_MONO, {})
MEDIA = Media(STREAM, 1, True, bytes(160))
DTMF = KeyPress(STREAM, "5")
MARK = MarkEcho(STREAM, "1.0.x.20")
STOP = StreamStop(STREAM)


def live_gate(now_ms: float = 0.0) -> SocketGate:
    gate = SocketGate(now_ms)
    assert gate.receive(CONNECTED, now_ms) is SocketStep.IGNORE
    assert gate.receive(START, now_ms) is SocketStep.ATTACH
    assert gate.receive(Input.ATTACHED, now_ms) is SocketStep.RELEASE
    return gate


def test_a_call() -> None:
    """connected, start, media while attaching, attached, media, stop."""
    gate = SocketGate(0)
    assert gate.receive(CONNECTED, 1) is SocketStep.IGNORE
    assert gate.receive(START, 2) is SocketStep.ATTACH
    assert gate.receive(MEDIA, 3) is SocketStep.HOLD
    assert gate.receive(Input.ATTACHED, 4) is SocketStep.RELEASE
    assert gate.next_deadline_ms is None
    for message in (MEDIA, DTMF, MARK):
        assert gate.receive(message, 5) is SocketStep.FORWARD
    assert gate.receive(STOP, 6) is SocketStep.STOPPED
    assert gate.state is SocketState.CLOSING
    assert not gate.faults


def test_start_without_connected() -> None:
    """A missing `connected` is tolerated."""
    assert SocketGate(0).receive(START, 1) is SocketStep.ATTACH


@pytest.mark.parametrize("messages", [[], [CONNECTED]])
def test_no_start_in_time(messages: list[Message]) -> None:
    """3 s after the upgrade the socket is closed, not a moment before."""
    gate = SocketGate(100)
    for message in messages:
        gate.receive(message, 200)
    assert gate.next_deadline_ms == 3100
    assert gate.receive(Input.DEADLINE, 3099.9) is SocketStep.IGNORE
    assert gate.receive(Input.DEADLINE, 3100) is SocketStep.CLOSE
    assert (gate.close_code, gate.close_reason) == (CloseCode.POLICY, "no start in time")


def test_peer_that_does_not_close_is_cut() -> None:
    """2 s after our close the connection is dropped."""
    gate = SocketGate(0)
    gate.receive(Input.DEADLINE, 3000)
    assert gate.next_deadline_ms == 5000
    assert gate.receive(Input.DEADLINE, 5000) is SocketStep.ABORT
    assert gate.next_deadline_ms is None


def test_no_answer_from_attach() -> None:
    """Without Redis for 10 s, Twilio is told to come back by the resume webhook."""
    gate = SocketGate(0)
    gate.receive(START, 1000)
    assert gate.receive(Input.DEADLINE, 10_999) is SocketStep.IGNORE
    assert gate.receive(Input.DEADLINE, 11_000) is SocketStep.CLOSE
    assert gate.close_code is CloseCode.TRY_AGAIN


def test_refused_start() -> None:
    """A token or format that does not stand closes with 1008 and its reason."""
    gate = SocketGate(0)
    gate.receive(START, 1)
    assert gate.receive(Close(CloseCode.POLICY, "token_expired", Input.REFUSED), 2) is SocketStep.CLOSE
    assert (gate.close_code, gate.close_reason) == (CloseCode.POLICY, "token_expired")


@pytest.mark.parametrize("attached", [True, False])
def test_second_start(attached: bool) -> None:
    """A second start closes, attached or not."""
    gate = SocketGate(0)
    gate.receive(START, 1)
    if attached:
        gate.receive(Input.ATTACHED, 2)
    assert gate.receive(START, 3) is SocketStep.CLOSE
    assert (gate.close_code, gate.close_reason) == (CloseCode.POLICY, "second start")


def test_late_attach_answer_changes_nothing() -> None:
    """The answer to a socket that is closing is ignored."""
    gate = SocketGate(0)
    gate.receive(START, 1)
    gate.receive(STOP, 2)
    assert gate.receive(Input.ATTACHED, 3) is SocketStep.IGNORE
    assert gate.state is SocketState.CLOSING


def test_lost_connection_lets_nothing_in() -> None:
    """An ATTACH that is answered after the loss does not make the gate live."""
    gate = SocketGate(0)
    gate.receive(START, 1)
    gate.receive(Input.LOST, 2)
    assert gate.receive(Input.ATTACHED, 3) is SocketStep.IGNORE
    assert gate.state is SocketState.CLOSING


def test_media_before_start() -> None:
    """Ignored and counted under its own kind."""
    gate = SocketGate(0)
    assert gate.receive(MEDIA, 1) is SocketStep.COUNT
    assert gate.last_fault is Fault.MEDIA_BEFORE_START
    assert gate.receive(START, 2) is SocketStep.ATTACH


def test_other_streams_messages() -> None:
    """A message of another stream is counted, never forwarded."""
    gate = live_gate()
    assert gate.receive(Media("MZ" + "f" * 32, 1, True, b"x"), 1) is SocketStep.COUNT
    assert gate.receive(StreamStop("MZ" + "f" * 32), 1) is SocketStep.COUNT
    assert gate.faults == {Fault.WRONG_STREAM: 2}
    assert gate.state is SocketState.LIVE


def test_binary() -> None:
    """1003, in any open state."""
    for gate in (SocketGate(0), live_gate()):
        assert gate.receive(BINARY, 1) is SocketStep.CLOSE
        assert gate.close_code is CloseCode.UNSUPPORTED


def test_budget() -> None:
    """50 bad messages in 10 s are borne, the 51st closes with 1008; each kind is counted."""
    gate = live_gate()
    error = WireError(Fault.NOT_JSON, "x")
    assert {gate.receive(error, i) for i in range(25)} == {SocketStep.COUNT}
    assert {gate.receive(Unknown("hold"), 25 + i) for i in range(25)} == {SocketStep.COUNT}
    assert gate.receive(error, 10_000) is SocketStep.CLOSE
    assert gate.close_reason == "too many bad messages"
    assert gate.faults == {Fault.NOT_JSON: 26, Fault.UNKNOWN_EVENT: 25}


def test_budget_forgets() -> None:
    """Bad messages spread over more than 10 s never close."""
    gate = live_gate()
    error = WireError(Fault.BAD_BASE64, "x")
    assert {gate.receive(error, i * 201.0) for i in range(500)} == {SocketStep.COUNT}


def test_close_keeps_its_first_reason() -> None:
    """A second close changes nothing."""
    gate = live_gate()
    assert gate.receive(Close(CloseCode.NORMAL, "hangup"), 1) is SocketStep.CLOSE
    assert gate.receive(Close(CloseCode.POLICY, "later"), 2) is SocketStep.IGNORE
    assert gate.receive(BINARY, 3) is SocketStep.IGNORE
    assert (gate.close_code, gate.close_reason) == (CloseCode.NORMAL, "hangup")


def test_only_attached_leads_to_live() -> None:
    """In the whole table one row enters LIVE, and one state lets audio through."""
    entering = [key for key, (_, to) in TABLE.items() if to is SocketState.LIVE and key[0] is not to]
    assert entering == [(SocketState.ATTACHING, Input.ATTACHED)]
    assert {state for (state, _), (step, _) in TABLE.items() if step is SocketStep.FORWARD} == {
        SocketState.LIVE
    }


def test_closing_has_an_answer_to_everything() -> None:
    """The last state is never left, and no input surprises it."""
    assert {TABLE[(SocketState.CLOSING, given)][1] for given in Input} == {SocketState.CLOSING}


GIVEN = st.sampled_from(
    [CONNECTED, START, MEDIA, DTMF, MARK, STOP, Unknown("x"), WireError(Fault.NOT_JSON, "x"), BINARY,
     Close(CloseCode.NORMAL, "x"), Close(CloseCode.POLICY, "no", Input.REFUSED), Input.ATTACHED,
     Input.DEADLINE]
)  # fmt: skip


@given(st.lists(st.tuples(GIVEN, st.floats(0, 4000)), max_size=80))
def test_any_order_of_inputs(happens: list[tuple[Given, float]]) -> None:
    """Audio is forwarded only between an accepted start and the close; one CLOSE at most."""
    now_ms = 0.0
    gate = SocketGate(now_ms)
    done: list[SocketStep] = []
    for what, pause_ms in happens:
        now_ms += pause_ms
        done.append(gate.receive(what, now_ms))
    attached_at = done.index(SocketStep.RELEASE) if SocketStep.RELEASE in done else len(done)
    assert SocketStep.FORWARD not in done[:attached_at]
    ends = [i for i, step in enumerate(done) if step in (SocketStep.CLOSE, SocketStep.STOPPED)]
    assert len(ends) <= 1
    if ends:
        assert set(done[ends[0] + 1 :]) <= {SocketStep.IGNORE, SocketStep.ABORT}


def test_constants() -> None:
    """The figures that were agreed on (docs/design.md, A call's life)."""
    assert socket_gate.START_WITHIN_MS == 3000
    assert (socket_gate.BAD_MESSAGES_MAX, socket_gate.BAD_WINDOW_MS) == (50, 10_000)
