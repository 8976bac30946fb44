"""One media stream against a bridge: what Twilio sends, plays, logs, and each of its faults."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from typing import Any

import pytest

from simulators.twilio import (
    FAST,
    CallPlan,
    CallUpdate,
    Dtmf,
    HangUp,
    Injection,
    Knobs,
    LiveCall,
    Pause,
    Speak,
    WaitForSilence,
    WaitForSpeech,
    WaitUntil,
    Window,
    knobs,
)
from simulators.twilio.media import frames
from simulators.twilio.media.messages import MULAW_8K, MediaFormat
from tests.simulators.twilio.calls import VOICE, call, greet, simulator
from tests.simulators.twilio.reference_bridge import (
    SECOND,
    BridgeSocket,
    Message,
    listen,
    reference_bridge,
    stream_document,
)
from tests.support.waiting import wait_until


def payload(message: Message) -> bytes:
    return base64.b64decode(message["media"]["payload"])


def arrivals(live: LiveCall) -> list[float]:
    return [at_ms for stream in live.record.streams for at_ms in stream.received_at_ms]


# Media to the bridge.


async def test_media_is_20_ms_of_160_bytes_with_string_counters_and_a_wobbling_clock() -> None:
    """First timestamp 50 to 170; then n × 20 ± 2; 0xFF when nobody speaks."""
    fast = knobs.Pace(answer_to_socket_ms=(0, 0))
    _, bridge = await call(Pause(900), HangUp(), talk=listen, knobs={"pace": fast})

    media = bridge.sockets[0].of("media")
    assert len(media) > 20
    assert {payload(message) for message in media} == {b"\xff" * 160}
    assert [m["media"]["chunk"] for m in media] == [str(n + 1) for n in range(len(media))]
    assert [m["sequenceNumber"] for m in media] == [str(n + 2) for n in range(len(media))]
    assert {m["media"]["track"] for m in media} == {"inbound"}
    stamps = [int(m["media"]["timestamp"]) for m in media]
    assert 50 <= stamps[0] <= 170
    off = [stamp - stamps[0] - 20 * n for n, stamp in enumerate(stamps)]
    assert set(off) <= {-2, -1, 0, 1, 2}
    assert len(set(off)) > 1


async def test_the_first_media_comes_as_late_as_its_timestamp_says() -> None:
    """The stream's clock begins with `start`."""
    pace = knobs.Pace(answer_to_socket_ms=(0, 0), first_timestamp_ms=(150, 150))
    record, bridge = await call(Pause(400), HangUp(), talk=listen, knobs={"pace": pace})

    [stream] = record.streams
    assert stream.first_media_at_ms is not None
    assert stream.started_at_ms is not None
    assert stream.first_media_at_ms - stream.started_at_ms >= 149
    assert bridge.sockets[0].of("media")[0]["media"]["timestamp"] == "150"


async def test_what_the_caller_says_arrives_whole_and_in_order() -> None:
    """And stands on the record where it was said."""
    record, bridge = await call(Pause(150), Speak(VOICE), HangUp(), talk=listen)

    heard = b"".join(payload(message) for message in bridge.sockets[0].of("media"))
    assert VOICE.audio in heard
    [said] = record.utterances
    assert said.frames_lost == 0
    position = record.caller_audio.index(VOICE.audio)
    assert abs(position / 8 - said.started_at_ms) < 25


async def test_dtmf_in_the_middle_of_speech() -> None:
    """Media goes on around it."""
    record, bridge = await call(
        Pause(150), Speak(VOICE, wait=False), Pause(200), Dtmf("7"), Pause(500), talk=listen
    )

    events = [message["event"] for message in bridge.sockets[0].messages]
    assert bridge.sockets[0].of("dtmf")[0]["dtmf"] == {"track": "inbound_track", "digit": "7"}
    at = events.index("dtmf")
    assert events[at - 1] == events[at + 1] == "media"
    assert [(key.digit, key.delivered) for key in record.key_presses] == [("7", True)]


async def test_media_keys_can_be_missing() -> None:
    """`omit_media_keys`."""
    _, bridge = await call(
        Pause(200), talk=listen, knobs={"omit_media_keys": frozenset({"chunk", "timestamp"})}
    )

    assert set(bridge.sockets[0].of("media")[0]["media"]) == {"track", "payload"}


async def test_a_gap_jumps_the_timestamp_and_not_the_chunk() -> None:
    """Audio lost before Twilio."""
    _, bridge = await call(Pause(600), talk=listen, knobs={"gaps": (Window(100, 100),)})

    media = bridge.sockets[0].of("media")
    jumps = [
        int(b["media"]["timestamp"]) - int(a["media"]["timestamp"]) for a, b in itertools.pairwise(media)
    ]
    assert sorted(jumps)[-1] > 110
    assert sorted(jumps)[-2] < 30
    assert [m["media"]["chunk"] for m in media] == [str(n + 1) for n in range(len(media))]


async def test_a_burst_holds_media_back_and_sends_it_together() -> None:
    """The network stalls; nothing is lost or reordered."""
    sizes: list[int] = []

    async def talk(socket: BridgeSocket) -> None:
        while True:
            before = len(socket.of("media"))
            socket.news.clear()
            await socket.news.wait()
            sizes.append(len(socket.of("media")) - before)

    _, bridge = await call(Pause(700), talk=talk, knobs={"bursts": (Window(100, 200),)})

    media = bridge.sockets[0].of("media")
    assert max(sizes) >= 8
    assert [m["media"]["chunk"] for m in media] == [str(n + 1) for n in range(len(media))]


async def test_jitter_keeps_the_order_and_stop_stays_last() -> None:
    """What is on its way when the call ends still comes."""
    _, bridge = await call(Pause(400), talk=listen, knobs={"jitter_ms": 60.0})

    socket = bridge.sockets[0]
    assert [m["media"]["chunk"] for m in socket.of("media")] == [
        str(n + 1) for n in range(len(socket.of("media")))
    ]
    assert socket.messages[-1]["event"] == "stop"


# Opening.


@pytest.mark.parametrize(
    ("fault", "events"),
    [
        ({}, ["connected", "start", "media"]),
        ({"send_connected": False}, ["start", "media"]),
        ({"send_start": False}, ["connected", "media"]),
        ({"second_start": True}, ["connected", "start", "start", "media"]),
        ({"media_before_start": 2}, ["connected", "media", "media", "start", "media"]),
    ],
)
async def test_openings_in_and_out_of_order(fault: dict[str, Any], events: list[str]) -> None:
    """connected, start, media; and the ways in which that can be wrong."""
    _, bridge = await call(Pause(300), talk=listen, knobs=fault)

    got = [message["event"] for message in bridge.sockets[0].messages]
    assert got[: len(events)] == events


@pytest.mark.parametrize(
    "media_format",
    [None, {"encoding": "audio/x-l16", "sampleRate": 16000, "channels": 1}],
)
async def test_start_can_name_another_format_or_none(media_format: MediaFormat | None) -> None:
    """`media_format`."""
    _, bridge = await call(Pause(100), talk=listen, knobs={"media_format": media_format})

    assert bridge.sockets[0].of("start")[0]["start"].get("mediaFormat") == media_format
    assert media_format != MULAW_8K


@pytest.mark.parametrize(
    ("fault", "parameters"),
    [
        ({}, {"token": "t1"}),
        ({"parameters": {"token": "forged"}}, {"token": "forged"}),
        ({"drop_parameters": ("token",)}, {}),
    ],
)
async def test_parameters_as_written_wrong_or_missing(
    fault: dict[str, Any], parameters: dict[str, str]
) -> None:
    """customParameters carry the token."""
    _, bridge = await call(Pause(100), talk=listen, knobs=fault)

    assert bridge.sockets[0].of("start")[0]["start"]["customParameters"] == parameters


@pytest.mark.parametrize(
    ("injection", "binary", "text"),
    [
        (knobs.binary_frame(50), True, "\x00"),
        (knobs.oversize_frame(50), False, "xxxx"),
        (knobs.not_json(50), False, '{"event": media'),
        (knobs.unknown_event(50), False, "weather"),
        (knobs.wrong_stream_sid(50), False, "MZffff"),
        (knobs.empty_payload(50), False, '"payload":""'),
        (knobs.not_base64(50), False, '"payload":"***"'),
    ],
)
async def test_odd_messages_can_be_injected(injection: Injection, binary: bool, text: str) -> None:
    """As text or binary, so many times in a row, with this stream's sid where it is asked for."""
    injection = Injection(injection.at_ms, injection.payload, times=3)
    _, bridge = await call(Pause(300), talk=listen, knobs={"injections": (injection,)})

    socket = bridge.sockets[0]
    bodies = [bytes(frame.data).decode("latin-1") for frame in socket.others]
    bodies += [json.dumps(m, separators=(",", ":")) for m in socket.messages]
    found = [body for body in bodies if text in body and '"connected"' not in body]
    assert len(found) == 3
    assert bool([f for f in socket.others if f.opcode == 2]) is binary
    assert not any("{stream_sid}" in body for body in bodies)
    assert len(knobs.oversize_frame(0).payload) > 64 * 1024


# Marks and clear.


async def test_a_mark_comes_back_when_its_audio_has_played() -> None:
    """Not before: half a second of audio takes half a second."""
    record, bridge = await call(WaitForSpeech(), WaitForSilence(100))

    [mark] = record.marks
    assert mark.echoed_at_ms is not None
    assert mark.echoed_at_ms - mark.received_at_ms >= 490
    assert not mark.cleared
    assert bridge.sockets[0].of("mark")[0]["mark"] == {"name": "m1"}


async def test_clear_returns_the_marks_and_what_was_not_heard_is_gone() -> None:
    """The trap: an echo is no proof of playback."""

    async def talk(socket: BridgeSocket) -> None:
        await socket.until("start")
        socket.play(SECOND)
        socket.mark("one")
        socket.play(SECOND)
        socket.mark("two")
        await socket.until("media", 12)
        socket.clear()

    record, bridge = await call(WaitForSpeech(), WaitForSilence(100), talk=talk)

    [clear] = record.clears
    assert clear.marks_returned == 2
    assert 1000 < clear.dropped_ms < 2000
    assert [mark.cleared for mark in record.marks] == [True, True]
    assert [m["mark"]["name"] for m in bridge.sockets[0].of("mark")] == ["one", "two"]
    assert record.playbacks[-1].end == "cleared"
    assert abs(len(record.heard_bytes) / 8 + clear.dropped_ms - 2000) < 1


@pytest.mark.parametrize(
    ("fault", "count"),
    [({"echo_marks": False}, 0), ({"duplicate_marks": True}, 2)],
)
async def test_marks_can_stay_away_or_come_twice(fault: dict[str, Any], count: int) -> None:
    """`echo_marks`, `duplicate_marks`."""
    record, bridge = await call(WaitForSpeech(), WaitForSilence(200), knobs=fault)

    assert len(bridge.sockets[0].of("mark")) == count
    assert (record.marks[0].echoed_at_ms is None) is (count == 0)


async def test_marks_can_be_late() -> None:
    """`mark_delay_ms`."""
    record, _ = await call(WaitForSpeech(), WaitForSilence(500), knobs={"mark_delay_ms": 200.0})

    [mark] = record.marks
    assert mark.echoed_at_ms is not None
    assert mark.echoed_at_ms - mark.received_at_ms >= 690


async def test_more_than_ten_minutes_queued_is_discarded_with_one_warning() -> None:
    """31931, once a stream."""

    async def talk(socket: BridgeSocket) -> None:
        await socket.until("start")
        for _ in range(12):
            socket.play(SECOND * 60)

    async with reference_bridge(talk) as bridge, simulator(bridge) as twilio:
        full = WaitUntil(lambda: len(arrivals(live)) == 12, "all of it has come", 30_000)
        live = twilio.start_call(CallPlan([full, HangUp()]), Knobs(pace=FAST))
        record = await live.finished()

    assert record.codes == [31931]
    assert record.playout.discarded_bytes == 2 * 60 * 8000


# Judgement.


async def wrong(socket: BridgeSocket) -> None:
    """Two binary messages, two of the wrong shape, one right."""
    await socket.until("start")
    for _ in range(2):
        socket.send_binary(b"\x00")
        socket.send(event="mark", streamSid=socket.stream_sid)
    socket.play(SECOND[:800])


async def test_violations_are_all_recorded_and_logged_once_a_stream() -> None:
    """31950 and 31951; the stream lives on and good audio plays."""
    record, _ = await call(WaitForSpeech(), WaitForSilence(50), talk=wrong)

    assert [violation.code for violation in record.violations] == [31950, 31951, 31950, 31951]
    assert record.codes == [31950, 31951]
    assert record.heard_bytes == SECOND[:800]


async def test_a_strict_twilio_tears_the_stream_down() -> None:
    """31924 at the first violation, and the call goes on in TwiML."""
    record, bridge = await call(
        WaitUntil(lambda: False, "x", 5000),
        talk=wrong,
        knobs={"strict": True},
        plan={"stop_at_failure": False},
    )

    assert record.codes == [31950, 31924]
    assert record.streams[0].end == "torn_down"
    assert len(bridge.posts_to("/voice/resume")) == 1


@pytest.mark.parametrize("raw", [b"\xc1\x00", b"\x09\x00", b"\x83\x00"])
async def test_what_is_no_websocket_is_31924(raw: bytes) -> None:
    """Reserved bits, fragmented control frames, unknown opcodes."""

    async def talk(socket: BridgeSocket) -> None:
        await socket.until("start")
        socket.send_raw(raw)

    record, _ = await call(Pause(5000), talk=talk, plan={"stop_at_failure": False})

    assert record.codes == [31924]
    assert record.streams[0].end == "torn_down"


async def test_pings_are_answered() -> None:
    """As Twilio answers them."""

    async def talk(socket: BridgeSocket) -> None:
        await socket.until("start")
        socket.ping(b"are you there")

    _, bridge = await call(Pause(300), talk=talk)

    pongs = [bytes(f.data) for f in bridge.sockets[0].others if f.opcode == frames.PONG]
    assert pongs == [b"are you there"]


async def test_a_bridge_that_does_not_read_loses_caller_audio_with_one_warning() -> None:
    """31930; the call goes on."""

    def dropped() -> int:
        return sum(stream.frames_dropped for stream in live.record.streams)

    async def talk(socket: BridgeSocket) -> None:
        await socket.until("start")
        socket.reading.clear()
        await wait_until(lambda: dropped() > 3, "frames are dropped")
        socket.reading.set()

    async with reference_bridge(talk) as bridge, simulator(bridge) as twilio:
        plan = CallPlan([WaitUntil(lambda: dropped() > 5, "dropped frames", 30_000)])
        # A flood fills the kernel's and the reader's buffers, which media would take minutes to do.
        flood = Injection(50, "x" * 65_000, times=100)
        small = Knobs(pace=FAST, injections=(flood,), send_buffer_bytes=4096, send_limit_bytes=2048)
        live = twilio.start_call(plan, small)
        record = await live.finished()

        assert record.codes.count(31930) == 1
        assert record.streams[0].frames_dropped > 5


async def test_a_stalled_twilio_stops_reading_and_the_bridge_feels_it() -> None:
    """With a small receive buffer the bridge's writes pile up; afterwards all arrives."""
    unsent: list[int] = []

    async def talk(socket: BridgeSocket) -> None:
        await socket.until("media", 5)
        for _ in range(100):
            socket.play(SECOND * 3)
        await asyncio.sleep(0)
        unsent.append(socket.writer.transport.get_write_buffer_size())

    record, _ = await call(
        WaitUntil(lambda: bool(unsent), "the bridge has written"),
        Pause(700),
        talk=talk,
        knobs={"stalls": (Window(0, 400),), "receive_buffer_bytes": 4096},
    )

    assert unsent[0] > 0
    arrivals = record.streams[0].received_at_ms
    assert len(arrivals) == 100
    first_media_at_ms = record.streams[0].first_media_at_ms
    assert first_media_at_ms is not None
    assert arrivals[0] > first_media_at_ms + 350


# Endings.


@pytest.mark.parametrize(
    ("fault", "stops", "code"),
    [
        ({}, 1, 1000),
        ({"end_without_stop": True}, 0, 1000),
        ({"abrupt_end": True, "end_without_stop": True}, 0, 1006),
    ],
)
async def test_the_caller_hangs_up(fault: dict[str, Any], stops: int, code: int) -> None:
    """`stop`, then the socket closes; or less than that."""
    record, bridge = await call(WaitForSpeech(), Pause(50), HangUp(), knobs=fault)

    socket = bridge.sockets[0]
    assert len(socket.of("stop")) == stops
    assert socket.close_code == code
    assert record.end_reason == "caller_hung_up"
    assert record.streams[0].end == "caller_hung_up"
    assert bridge.posts_to("/voice/resume") == []


async def test_a_hang_up_during_playback_ends_the_sound_there() -> None:
    """What was not yet played was not heard."""

    async def talk(socket: BridgeSocket) -> None:
        await socket.until("start")
        socket.play(SECOND * 5)

    record, _ = await call(WaitForSpeech(), Pause(200), HangUp(), talk=talk)

    assert record.playbacks[-1].end == "stream_ended"
    assert 150 < len(record.heard_bytes) / 8 < 2000


async def test_a_timed_hang_up() -> None:
    """`hang_up_at_ms`, whatever the plan says; the plan is not blamed on the bridge."""
    record, _ = await call(Pause(60_000), knobs={"hang_up_at_ms": 100.0})

    assert record.end_reason == "caller_hung_up"
    assert record.failures == []


async def test_a_killed_socket_goes_without_stop_and_the_call_moves_on() -> None:
    """31903, then the next verb."""
    record, bridge = await call(Pause(9999), plan={"stop_at_failure": False}, knobs={"kill_at_ms": 100.0})

    assert bridge.sockets[0].of("stop") == []
    assert bridge.sockets[0].close_code == 1006
    assert record.codes == [31903]
    assert len(bridge.posts_to("/voice/resume")) == 1


async def test_a_burst_of_audio_can_get_the_stream_killed() -> None:
    """31924 seconds after a burst, as reports from the field have it."""

    async def talk(socket: BridgeSocket) -> None:
        await socket.until("start")
        for _ in range(10):
            socket.play(SECOND)

    record, _ = await call(
        Pause(9999),
        talk=talk,
        plan={"stop_at_failure": False},
        knobs={"kill_after_burst_bytes": 50_000},
    )

    assert record.codes == [31924]
    assert len(record.streams[0].received_at_ms) == 7


async def test_a_half_open_socket_stays_silent_while_the_call_moves_on() -> None:
    """The bridge sees neither data nor end for a while; a new stream may open meanwhile."""

    def documents(path: str, form: dict[str, str]) -> str:
        return stream_document()

    seen: list[bool] = []

    async def talk(socket: BridgeSocket) -> None:
        await socket.until("media", 3)
        if len(bridge.sockets) == 2:
            first = bridge.sockets[0]
            seen.append(first.closed.is_set())
            count = len(first.messages)
            await socket.until("media", 8)
            seen.append(len(first.messages) == count)

    async with reference_bridge(talk, documents) as bridge, simulator(bridge) as twilio:
        plan = CallPlan([WaitUntil(lambda: len(seen) == 2, "the second stream"), HangUp()])
        record = await twilio.call(plan, Knobs(pace=FAST, half_open=Window(100, 1000)))
        first = bridge.sockets[0]
        assert not first.closed.is_set()
        await asyncio.wait_for(first.closed.wait(), 5)

        assert seen == [False, True]
        assert record.codes == [31924]
        assert first.of("stop") == []
        assert first.close_code == 1006


async def test_an_update_of_the_call_stops_the_stream_and_runs_the_new_document() -> None:
    """`stop` does not mean hang-up."""
    record, bridge = await call(
        Pause(9999),
        plan={"stop_at_failure": False},
        knobs={"update": CallUpdate(100, "<Response><Say>x</Say><Hangup/></Response>")},
    )

    assert len(bridge.sockets[0].of("stop")) == 1
    assert record.streams[0].end == "call_updated"
    assert [run.name for run in record.verbs] == ["ConnectStream", "Say", "Hangup"]
    assert bridge.posts_to("/voice/resume") == []


async def test_a_bridge_that_closes_is_logged_as_31921() -> None:
    """Expected noise: the code and what follows are on the record."""

    async def talk(socket: BridgeSocket) -> None:
        await socket.until("start")
        socket.close(1001)

    record, _ = await call(Pause(9999), talk=talk, plan={"stop_at_failure": False})

    assert record.codes == [31921]
    assert (record.streams[0].end, record.streams[0].close_code) == ("bridge_closed", 1001)
    assert record.end_reason == "bridge_hung_up"


async def test_a_bridge_that_dies_is_logged_as_31903() -> None:
    """No close frame: the connection broke."""

    async def talk(socket: BridgeSocket) -> None:
        await socket.until("start")
        socket.abort()

    record, bridge = await call(Pause(9999), talk=talk, plan={"stop_at_failure": False})

    assert record.codes == [31903]
    assert record.streams[0].end == "bridge_lost"
    assert len(bridge.posts_to("/voice/resume")) == 1


@pytest.mark.parametrize(
    ("stream", "expected"),
    [(1, ["forged", "t1"]), (2, ["t1", "forged"]), (0, ["forged", "forged"])],
)
async def test_faults_are_of_the_chosen_stream_alone(stream: int, expected: list[str]) -> None:
    """The first by default, so that a resumed stream is a healthy one; 0 is every stream."""

    def documents(path: str, form: dict[str, str]) -> str:
        return stream_document()

    async def talk(socket: BridgeSocket) -> None:
        if len(bridge.sockets) == 1:
            await socket.until("start")
            socket.close()
        else:
            await greet(socket)

    async with reference_bridge(talk, documents) as bridge, simulator(bridge) as twilio:
        plan = CallPlan([WaitForSpeech(), WaitForSilence(50)])
        forged = {"token": "forged"}
        await twilio.call(plan, Knobs(pace=FAST, faults_on_stream=stream, parameters=forged))

        tokens = [s.of("start")[0]["start"]["customParameters"]["token"] for s in bridge.sockets]
        assert tokens == expected
        assert Knobs().faults_on_stream == 1
