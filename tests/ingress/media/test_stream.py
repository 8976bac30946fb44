"""One media stream: deadlines by the sweep, what is held, what is watched; all around it is fake."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from ingress.errors import StartRefused
from ingress.media import twilio
from ingress.media.gate import CloseCode
from ingress.media.stream import (
    HELD_MESSAGES,
    PING_AFTER_MS,
    SIGN_OF_LIFE,
    SILENT_AFTER_MS,
    MediaStream,
    StreamListener,
)
from shared.logs.log import get_log
from tests.ingress.fakes import MEDIA_TIMEOUT_MS, Desk, message, start_message


class Bench:
    """A media stream that is not attached yet, and what a listener hears of it."""

    def __init__(self) -> None:
        self.desk = Desk(is_attached=False)
        self.stream = self.desk.stream
        self.clock, self.socket, self.counters = self.desk.clock, self.desk.socket, self.desk.counters
        self.causes = self.desk.host.causes
        self.frames: list[tuple[int, int]] = []
        self.echoes: list[str] = []
        self.digits: list[tuple[int, str]] = []
        self.chunk = 0

    def say(self, event: str, **body: Any) -> None:
        self.stream.text(message(event, **body))

    def start(self) -> None:
        self.stream.text(start_message())

    def media(self, **changes: Any) -> None:
        self.chunk += 1
        payload = base64.b64encode(bytes(160)).decode()
        self.say("media", **{"chunk": str(self.chunk), "payload": payload, **changes})

    def attach(self, leg: int = 1) -> bool:
        hears = StreamListener(
            lambda leg, chunk, now, audio: self.frames.append((leg, chunk)),
            lambda name, _now_ms: self.echoes.append(name),
            lambda leg, digit: self.digits.append((leg, digit)),
        )
        return self.stream.attached(leg, hears)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_its_host_is_told_of_the_start(bench: Bench) -> None:
    """Once, with what the carrier said; nothing is heard before the answer."""
    bench.start()
    assert [start.call_sid for start in bench.desk.host.started] == [bench.stream.call_sid]
    assert (bench.stream.has_call, bench.stream.takes_audio) == (True, False)
    assert bench.attach(2)
    assert (bench.stream.leg, bench.stream.takes_audio) == (2, True)


def test_frames_before_the_answer_are_kept_in_order(bench: Bench) -> None:
    """They come out when the script has answered, under the stream's leg."""
    bench.start()
    for _ in range(3):
        bench.media()
    assert bench.frames == []
    assert bench.attach(4)
    bench.media()
    assert bench.frames == [(4, 1), (4, 2), (4, 3), (4, 4)]


def test_three_seconds_are_kept_at_most(bench: Bench) -> None:
    """The oldest go first, and are counted."""
    bench.start()
    for _ in range(HELD_MESSAGES + 10):
        bench.media()
    bench.attach()
    assert bench.frames[0] == (1, 11)
    assert len(bench.frames) == HELD_MESSAGES
    assert bench.counters.held_dropped == 10


def test_keys_and_echoes_are_heard(bench: Bench) -> None:
    """Also those that came before the answer, in their order."""
    bench.start()
    bench.say("dtmf", digit="1")
    bench.say("mark", name="a")
    bench.attach(3)
    bench.say("dtmf", digit="#")
    bench.say("mark", name="b")
    assert bench.digits == [(3, "1"), (3, "#")]
    assert bench.echoes == ["a", "b"]
    assert bench.counters.dtmf == 2


def test_missing_chunk_goes_on_counting(bench: Bench) -> None:
    """A message without `chunk` takes the next number."""
    bench.start()
    bench.attach()
    bench.media()
    bench.media(chunk=None)
    assert bench.frames == [(1, 1), (1, 2)]


def test_chunks_that_repeat_or_jump(bench: Bench) -> None:
    """A repeated one is dropped, a gap is counted; a first chunk above 1 is no gap."""
    bench.start()
    bench.attach()
    for chunk in (4, 5, 5, 4, 8):
        bench.media(chunk=str(chunk))
    assert [chunk for _, chunk in bench.frames] == [4, 5, 8]
    assert (bench.counters.caller_repeats, bench.counters.caller_gap_chunks) == (2, 2)


def test_other_tracks_are_not_the_caller(bench: Bench) -> None:
    """Our own audio, should Twilio ever send it back, is counted and dropped."""
    bench.start()
    bench.attach()
    bench.media(track="outbound")
    assert bench.frames == []
    assert bench.counters.caller_other_track == 1


def test_stop_and_loss_end_once(bench: Bench) -> None:
    """`stop`, a second `stop` and the end of the connection are one end, with the first cause."""
    bench.start()
    bench.attach()
    bench.say("stop")
    bench.say("stop")
    bench.stream.lost()
    assert bench.causes == ["stop"]


def test_causes() -> None:
    """A loss names the peer's fault, our reason, or nothing better than lost."""
    plain, refused, broken = Bench(), Bench(), Bench()
    plain.stream.lost()
    refused.start()
    refused.stream.refuse(StartRefused("token_wrong"))
    refused.stream.lost()
    broken.socket.failure = "PayloadTooBig"
    broken.stream.lost()
    assert [each.causes for each in (plain, refused, broken)] == [
        ["lost"],
        ["token_wrong"],
        ["PayloadTooBig"],
    ]
    assert refused.counters.starts_refused["token_wrong"] == 1


def test_answer_after_the_end(bench: Bench) -> None:
    """A stream that was attached while its socket went says so."""
    bench.start()
    bench.stream.lost()
    assert not bench.attach()
    assert bench.causes == ["lost"]


def test_no_start_in_time(bench: Bench) -> None:
    """The sweep closes, and drops a peer that does not answer the close."""
    for step_ms in (2_000, 1_100):
        assert bench.socket.done == []
        bench.clock.now_ms += step_ms
        bench.stream.sweep()
    assert bench.socket.done == ["close 1008 no start in time"]
    bench.clock.now_ms += 2_100
    bench.socket.last_data_at_ms = bench.clock.now_ms
    bench.stream.sweep()
    assert bench.socket.done[1:] == ["abort"]


def test_silence_is_pinged_once_then_cut(bench: Bench) -> None:
    """One ping for each silence; ten seconds without a byte end the connection."""
    bench.start()
    bench.attach()
    at = bench.socket.last_data_at_ms
    bench.stream.last_media_at_ms = at + 60_000
    for step in range(1, 8):
        bench.clock.now_ms = at + PING_AFTER_MS + step * 250
        bench.stream.sweep()
    assert bench.socket.done == ["ping"]
    bench.clock.now_ms = at + SILENT_AFTER_MS + 1
    bench.stream.sweep()
    assert bench.socket.done == ["ping", "abort"]
    assert bench.counters.silent_cut == 1


def test_a_live_stream_measures_its_way(bench: Bench) -> None:
    """One that is not attached asks nothing: its call may be refused."""
    bench.stream.sweep()
    bench.start()
    bench.stream.sweep()
    assert bench.socket.asked == []

    at = bench.clock.now_ms
    bench.attach()
    bench.stream.sweep()
    bench.stream.pong(b"1", at + 90.0)

    assert bench.socket.asked == [b"1"]
    assert bench.stream.trip.ms == 90.0


def swept(bench: Bench, quiet_ms: float) -> bool:
    """The sweep after so long a time without media; the connection itself is well."""
    bench.clock.now_ms = bench.stream.last_media_at_ms + quiet_ms
    bench.socket.last_data_at_ms = bench.clock.now_ms
    return bench.stream.sweep()


def test_media_watchdog(bench: Bench) -> None:
    """A live stream without media and without an answer is dead: told once. Pongs do not count as media."""
    bench.start()
    bench.attach()
    assert [swept(bench, ms) for ms in (MEDIA_TIMEOUT_MS, MEDIA_TIMEOUT_MS + 1, 250)] == [True, False, True]


def test_a_caller_on_hold_sends_nothing_and_stays(bench: Bench) -> None:
    """Half-way the stream is asked, once, by a mark; while it comes back the caller is there. Nobody else
    hears of that mark."""
    bench.start()
    bench.attach()
    asked = bench.stream.build_mark(bench.stream.stream_sid, SIGN_OF_LIFE)
    assert [swept(bench, MEDIA_TIMEOUT_MS / 2 + ms) for ms in (0, 1, 250)] == [True] * 3
    assert bench.socket.written == [asked]
    bench.say("mark", name=SIGN_OF_LIFE)
    assert [swept(bench, MEDIA_TIMEOUT_MS + ms) for ms in (1, 2_000)] == [True] * 2
    assert swept(bench, MEDIA_TIMEOUT_MS + 250 + 1)
    assert bench.socket.written == [asked, asked]
    assert bench.echoes == []
    assert not swept(bench, MEDIA_TIMEOUT_MS * 2)


def stopped(bench: Bench, for_ms: float) -> None:
    """This process stands still: nothing is read, and its timers fire when it goes on."""
    bench.clock.now_ms += for_ms
    bench.desk.asleep_ms += for_ms


@pytest.mark.parametrize("for_ms", [9_000.0, 60_000.0])
def test_a_process_that_was_stopped_ends_nobody(bench: Bench, for_ms: float) -> None:
    """The caller's media waits in the kernel, and is read after the sweep that comes first: no stream is
    dead, no connection cut, none pinged."""
    bench.start()
    bench.attach()
    bench.media()
    bench.clock.now_ms += 250
    assert bench.stream.sweep()
    stopped(bench, for_ms)
    assert bench.stream.sweep()
    assert bench.socket.done == []
    bench.media()
    bench.socket.last_data_at_ms = bench.clock.now_ms
    assert bench.stream.sweep()
    bench.clock.now_ms += MEDIA_TIMEOUT_MS - 1
    bench.socket.last_data_at_ms = bench.clock.now_ms
    assert bench.stream.sweep()
    bench.clock.now_ms += 2
    assert not bench.stream.sweep()


def test_a_stop_is_no_time_to_start_in(bench: Bench) -> None:
    """The start waits in the kernel: the gate's deadline waits for it."""
    bench.clock.now_ms += 2_000
    bench.stream.sweep()
    stopped(bench, 9_000)
    bench.stream.sweep()
    assert bench.socket.done == []
    bench.start()
    assert bench.attach()


def test_the_watchdog_may_be_off() -> None:
    """Then the stream is never asked."""
    desk = Desk(is_attached=False)
    stream = MediaStream(
        desk.socket, twilio, desk.host.ports(), desk.counters, desk.sockets.faults, get_log(),
        media_timeout_ms=0.0, awake=desk.clock, clock=desk.clock,
    )  # fmt: skip
    stream.text(start_message())
    stream.attached(1, desk.call.listener)
    desk.clock.now_ms += 3_600_000
    desk.socket.last_data_at_ms = desk.clock.now_ms
    assert stream.sweep()
    assert desk.socket.written == []


def test_what_the_carriers_numbers_say_is_counted(bench: Bench) -> None:
    """A wild counter is followed; what only its time tells of is a gap for the brain."""
    bench.start()
    bench.attach()
    for chunk, timestamp in (("1", "100"), ("2", "140"), ("1000002", "160"), ("4", "180")):
        bench.media(chunk=chunk, timestamp=timestamp)
    bench.media(chunk="5", timestamp="no number")
    assert bench.frames == [(1, 1), (1, 3), (1, 4), (1, 5), (1, 6)]
    assert (bench.counters.caller_gap_chunks, bench.counters.caller_renumbered) == (1, 2)


def test_watchdog_waits_for_the_attach(bench: Bench) -> None:
    """While Redis is away it is not the caller who is silent."""
    bench.start()
    assert swept(bench, 9_000)


def test_close_from_our_side(bench: Bench) -> None:
    """Once; nothing is taken any more."""
    bench.start()
    bench.attach()
    bench.stream.close(CloseCode.NORMAL, "brain: farewell")
    bench.stream.close(CloseCode.POLICY, "later")
    assert bench.socket.done == ["close 1000 brain: farewell"]
    assert not bench.stream.takes_audio


def test_faults_are_counted_for_the_process(bench: Bench) -> None:
    """Each refused message has its kind."""
    bench.stream.text(b"hello")
    bench.media()
    bench.start()
    bench.say("dtmf", digit="x")
    counted = {fault: count for fault, count in bench.desk.sockets.faults.items() if count}
    assert counted == {"not_json": 1, "media_before_start": 1, "bad_digit": 1}


def test_a_binary_message_ends_it(bench: Bench) -> None:
    """No carrier of ours sends one."""
    bench.stream.binary()
    assert bench.socket.done == ["close 1003 expected text messages"]


def test_the_clock_is_read_once_a_message(bench: Bench) -> None:
    """The gate, the counters and the listener are given one time."""
    times: list[float] = []
    reads = 0

    def clock() -> float:
        nonlocal reads
        reads += 1
        return 1_000.0 + reads

    stream = MediaStream(
        bench.socket, twilio, bench.desk.host.ports(), bench.counters, bench.desk.sockets.faults,
        bench.stream.log, media_timeout_ms=MEDIA_TIMEOUT_MS, awake=bench.clock, clock=clock,
    )  # fmt: skip
    stream.text(start_message())
    stream.attached(1, StreamListener(lambda leg, chunk, now, audio: times.append(now), print, print))
    before = reads
    stream.text(message("media", payload="AAAA"))
    assert (times, reads) == ([1_000.0 + reads], before + 1)


def test_who_was_believed_is_no_stranger(bench: Bench) -> None:
    """From the moment that its `start` may be attached, before Redis has answered."""
    assert not bench.socket.is_let_in
    bench.start()
    assert bench.socket.is_let_in


def test_who_was_refused_stays_one() -> None:
    """A token that opens nothing."""
    desk = Desk(is_attached=False)
    desk.host.refuses = StartRefused("token_wrong")
    desk.stream.text(start_message())
    assert desk.socket.done == ["close 1008 token_wrong"]
    assert not desk.socket.is_let_in
