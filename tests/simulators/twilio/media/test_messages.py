"""Twilio's messages: shapes, string counters, odd variants."""

from __future__ import annotations

import json

from simulators.twilio.media.messages import CONNECTED, MULAW_8K, MessageWriter


def writer(**fields: frozenset[str]) -> MessageWriter:
    return MessageWriter("AC1", "CA1", "MZ1", **fields)


def test_connected_has_no_sequence_number_and_no_stream_sid() -> None:
    """The one message without them."""
    assert json.loads(CONNECTED) == {"event": "connected", "protocol": "Call", "version": "1.0.0"}


def test_start_carries_format_parameters_and_the_sid_twice() -> None:
    """`sampleRate` and `channels` are numbers; customParameters `{}` when there are none."""
    start = json.loads(writer().start({}, MULAW_8K))

    assert start["sequenceNumber"] == "1"
    assert start["streamSid"] == start["start"]["streamSid"] == "MZ1"
    assert start["start"]["tracks"] == ["inbound"]
    assert start["start"]["customParameters"] == {}
    assert start["start"]["mediaFormat"] == {
        "encoding": "audio/x-mulaw",
        "sampleRate": 8000,
        "channels": 1,
    }
    assert (start["start"]["accountSid"], start["start"]["callSid"]) == ("AC1", "CA1")


def test_counters_are_strings_and_count_what_they_should() -> None:
    """`chunk` counts media from 1, `sequenceNumber` everything after `connected`."""
    build = writer()
    build.start({}, MULAW_8K)

    messages = [
        json.loads(text) for text in (build.media(b"AAAA", 57), build.dtmf("5"), build.media(b"BBBB", 77))
    ]

    assert [m["sequenceNumber"] for m in messages] == ["2", "3", "4"]
    assert messages[2]["media"] == {
        "track": "inbound",
        "chunk": "2",
        "timestamp": "77",
        "payload": "BBBB",
    }
    assert messages[1]["dtmf"] == {"track": "inbound_track", "digit": "5"}


def test_marks_and_stop() -> None:
    """A mark comes back under its own name, any characters included."""
    build = writer()

    assert json.loads(build.mark('a"é'))["mark"] == {"name": 'a"é'}
    assert json.loads(build.stop())["stop"] == {"accountSid": "AC1", "callSid": "CA1"}


def test_keys_of_media_can_be_left_out() -> None:
    """A fault, and only that: counters go on as ever."""
    build = writer(omit=frozenset({"chunk", "timestamp"}))
    build.media(b"AAAA", 57)

    second = json.loads(build.media(b"AAAA", 77))

    assert second["media"] == {"track": "inbound", "payload": "AAAA"}
    assert (second["sequenceNumber"], build.chunk) == ("2", 2)


def test_start_without_media_format() -> None:
    """A fault."""
    assert "mediaFormat" not in json.loads(writer().start({}, None))["start"]
