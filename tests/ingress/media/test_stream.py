"""One socket's session: deadlines by the sweep, what is held, what is watched. With a fake socket."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from ingress.calls.call import Call
from ingress.calls.post import BackPost
from ingress.counters import CallCounters
from ingress.media.stream import HELD_MESSAGES, PING_AFTER_MS, SILENT_AFTER_MS, WATCHDOG_MS, Leg
from ingress.media.wire import Start
from shared.clock import now_ms
from shared.contract.entries import Name
from shared.logs.log import get_log

CALL = "CA" + "1" * 32
STREAM = "MZ" + "2" * 32


class FakeSocket:
    """Records what a leg does to its connection."""

    def __init__(self) -> None:
        self.last_data_at_ms = now_ms()
        self.peer = "127.0.0.1"
        self.failure = ""
        self.is_open = True
        self.unsent_bytes = 0
        self.done: list[tuple[Any, ...]] = []

    def write_media(self, cut: int, message: bytes) -> bool:
        self.done.append(("media", cut))
        return True

    def write_control(self, message: bytes) -> None:
        self.done.append(("control", message))

    def drop_media_below(self, cut: int) -> None:
        self.done.append(("drop", cut))

    def ping(self) -> None:
        self.done.append(("ping",))

    def take_window(self) -> dict[str, float]:
        return {}

    def close(self, code: int, reason: str) -> None:
        self.done.append(("close", int(code), reason))

    def abort(self) -> None:
        self.done.append(("abort",))


class FakeBoard:
    """Records what a leg asks for; never answers by itself."""

    def __init__(self) -> None:
        self.counters = CallCounters()
        self.started: list[Start] = []
        self.frames: list[tuple[int, int]] = []
        self.gone_causes: list[str] = []
        self.watchdogs = 0
        self.apologies = 0
        self.faults: list[str] = []
        self.digits: list[str] = []

    def start(self, leg: Leg, start: Start) -> None:
        self.started.append(start)

    def caller_frame(self, call_sid: str, leg: int, chunk: int, audio: bytes) -> None:
        self.frames.append((leg, chunk))

    def dtmf(self, call_sid: str, leg: int, digit: str) -> None:
        self.digits.append(digit)

    def gone(self, leg: Leg, cause: str) -> None:
        self.gone_causes.append(cause)

    def watchdog(self, leg: Leg) -> None:
        self.watchdogs += 1

    def apologise(self, leg: Leg) -> None:
        self.apologies += 1

    def fault(self, kind: str) -> None:
        self.faults.append(kind)


class Bench:
    """A leg between two fakes."""

    def __init__(self) -> None:
        self.board, self.socket = FakeBoard(), FakeSocket()
        self.leg = Leg(self.board, self.socket, get_log())
        self.chunk = 0

    def say(self, event: str, **body: Any) -> None:
        self.leg.text(orjson.dumps({"event": event, "streamSid": STREAM, event: body}))

    def start(self) -> None:
        self.say("start", callSid=CALL, streamSid=STREAM)

    def media(self, **changes: Any) -> None:
        self.chunk += 1
        payload = base64.b64encode(bytes(160)).decode()
        self.say("media", **{"chunk": str(self.chunk), "payload": payload, **changes})

    def attach(self, number: int = 1) -> bool:
        call = Call(CALL, BackPost(lambda worker, pairs: None, self.board.counters), self.board.counters)
        call.connect(self.leg, number)
        return self.leg.attached(call, number)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_frames_before_the_answer_are_kept_in_order(bench: Bench) -> None:
    """They come out when the script has answered, under the leg's number."""
    bench.start()
    for _ in range(3):
        bench.media()
    assert bench.board.frames == []
    assert bench.attach(4)
    bench.media()
    assert bench.board.frames == [(4, 1), (4, 2), (4, 3), (4, 4)]


def test_three_seconds_are_kept_at_most(bench: Bench) -> None:
    """The oldest go first, and are counted."""
    bench.start()
    for _ in range(HELD_MESSAGES + 10):
        bench.media()
    bench.attach()
    assert bench.board.frames[0] == (1, 11)
    assert len(bench.board.frames) == HELD_MESSAGES
    assert bench.board.counters.held_dropped == 10


def test_missing_chunk_goes_on_counting(bench: Bench) -> None:
    """A message without `chunk` takes the next number."""
    bench.start()
    bench.attach()
    bench.media()
    bench.media(chunk=None)
    assert bench.board.frames == [(1, 1), (1, 2)]


def test_other_tracks_are_not_the_caller(bench: Bench) -> None:
    """Our own audio, should Twilio ever send it back, is counted and dropped."""
    bench.start()
    bench.attach()
    bench.media(track="outbound")
    assert bench.board.frames == []
    assert bench.board.counters.caller_other_track == 1


def test_stop_and_loss_end_once(bench: Bench) -> None:
    """`stop`, a second `stop` and the end of the connection are one end, with the first cause."""
    bench.start()
    bench.attach()
    bench.say("stop")
    bench.say("stop")
    bench.leg.lost()
    assert bench.board.gone_causes == ["stop"]


def test_causes(bench: Bench) -> None:
    """A loss names the peer's fault, our reason, or nothing better than lost."""
    bench.leg.lost()
    other = Bench()
    other.start()
    other.leg.refuse("token_wrong")
    other.leg.lost()
    third = Bench()
    third.socket.failure = "PayloadTooBig"
    third.leg.lost()
    assert bench.board.gone_causes == ["lost"]
    assert other.board.gone_causes == ["token_wrong"]
    assert third.board.gone_causes == ["PayloadTooBig"]


def test_answer_after_the_end(bench: Bench) -> None:
    """A stream that was attached while its socket went is reported as gone by the switchboard."""
    bench.start()
    bench.leg.lost()
    assert not bench.attach()


def test_no_start_in_time(bench: Bench) -> None:
    """The sweep closes, and cuts a peer that does not answer the close."""
    now = now_ms()
    bench.leg.sweep(now + 2_000)
    assert bench.socket.done == []
    bench.leg.sweep(now + 3_100)
    bench.leg.sweep(now + 4_000)
    bench.leg.sweep(now + 5_200)
    assert bench.socket.done[0] == ("close", 1008, "no start in time")
    assert ("abort",) in bench.socket.done


async def test_silence_is_pinged_once_then_cut(bench: Bench) -> None:
    """One ping for each silence; ten seconds without a byte end the connection."""
    bench.start()
    bench.attach()
    at = bench.socket.last_data_at_ms
    bench.leg.last_media_at_ms = at + 60_000
    assert bench.leg.call is not None
    bench.leg.call.take("egress-0@h#a", Name("attach", CALL, 1, 1, 0, 0), b"")
    for step in range(1, 8):
        bench.leg.sweep(at + PING_AFTER_MS + step * 250)
    assert bench.socket.done == [("ping",)]
    bench.leg.sweep(at + SILENT_AFTER_MS + 1)
    assert bench.socket.done == [("ping",), ("abort",)]
    assert bench.board.counters.silent_cut == 1


def test_media_watchdog(bench: Bench) -> None:
    """A live stream without media for eight seconds is told once; pongs do not count as media."""
    bench.start()
    bench.attach()
    at = bench.leg.last_media_at_ms
    bench.socket.last_data_at_ms = at + WATCHDOG_MS
    bench.leg.sweep(at + WATCHDOG_MS)
    assert bench.board.watchdogs == 0
    bench.leg.sweep(at + WATCHDOG_MS + 1)
    bench.leg.sweep(at + WATCHDOG_MS + 250)
    assert bench.board.watchdogs == 1


def test_watchdog_waits_for_the_attach(bench: Bench) -> None:
    """While Redis is away it is not the caller who is silent."""
    bench.start()
    at = now_ms()
    bench.socket.last_data_at_ms = at + 9_000
    bench.leg.sweep(at + 9_000)
    assert bench.board.watchdogs == 0


def test_dead_air_plays_then_apologises(bench: Bench) -> None:
    """Nobody has shown up: a clip after four seconds, the apology after twelve."""
    bench.start()
    bench.attach()
    at = now_ms()
    for step in range(1, 60):
        now = at + step * 250
        bench.socket.last_data_at_ms = bench.leg.last_media_at_ms = now
        bench.leg.sweep(now)
        if bench.board.apologies:
            break
    assert [do for do in bench.socket.done if do[0] == "media"] == [("media", -1)] * 3
    assert 12_000 <= now - at <= 12_500


def test_brains_close(bench: Bench) -> None:
    """1000 with the brain's reason."""
    bench.start()
    bench.attach()
    bench.leg.hang_up("farewell")
    assert bench.socket.done == [("close", 1000, "brain: farewell")]
    assert not bench.leg.takes_audio


def test_faults_are_counted_for_the_process(bench: Bench) -> None:
    """Each refused message has its kind."""
    bench.leg.text(b"hello")
    bench.media()
    bench.start()
    bench.say("dtmf", digit="x")
    assert bench.board.faults == ["not_json", "media_before_start", "bad_digit"]
