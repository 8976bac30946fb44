"""The second carrier's wire: what it says, what it is told, and what is not like Twilio's."""

from __future__ import annotations

import base64

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import toy_carrier
from tests.support.toy_carrier import CallerAudio, Cleared, Digit, Message, Played, Started, Stopped

START = {"streamId": "S1", "callId": "C1", "accountId": "A1", "tracks": ["inbound"]}


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (
            {"event": "start", "sequenceNumber": 0, "start": START, "extra_headers": "token=a=b;lane=2"},
            Started(stream_id="S1", call_id="C1", parameters={"token": "a=b", "lane": "2"}),
        ),
        ({"event": "start", "start": START}, Started(stream_id="S1", call_id="C1", parameters={})),
        (
            {
                "event": "media",
                "media": {"track": "inbound", "timestamp": "1700000000020", "payload": "/w=="},
            },
            CallerAudio(audio=b"\xff", at_unix_ms=1_700_000_000_020),
        ),
        ({"event": "dtmf", "dtmf": {"digit": "5"}, "streamId": "S1"}, Digit("5")),
        ({"event": "playedStream", "streamId": "S1", "name": "m1"}, Played("m1")),
        ({"event": "clearedAudio", "streamId": "S1"}, Cleared()),
        ({"event": "stop", "streamId": "S1"}, Stopped()),
        ({"event": "weather", "streamId": "S1"}, None),
    ],
)
def test_what_the_carrier_says(said: dict[str, object], meant: Message | None) -> None:
    """Each message by its own names; an event that nobody has heard of is not an error."""
    assert toy_carrier.parse(orjson.dumps(said)) == meant


@pytest.mark.parametrize(
    "said",
    [
        "",
        "[]",
        '{"streamId":"S1"}',
        '{"event":"start","start":{"streamId":"S1"}}',
        '{"event":"media","media":{"payload":"***","timestamp":"1"}}',
        '{"event":"media","media":{"payload":"/w==","timestamp":"soon"}}',
        '{"event":"dtmf"}',
        '{"event":"playedStream"}',
    ],
)
def test_a_broken_message_is_one_kind_of_error(said: str) -> None:
    """Whatever is wrong with it: ValueError."""
    with pytest.raises(ValueError, match=r"expected|invalid"):
        toy_carrier.parse(said)


@given(st.binary(min_size=1, max_size=400))
def test_audio_survives_both_ways(audio: bytes) -> None:
    """It is base64 either way, under two names; what the caller is played names its format and no stream."""
    said = {"event": "media", "media": {"timestamp": 1, "payload": base64.b64encode(audio).decode()}}
    assert toy_carrier.parse(orjson.dumps(said)) == CallerAudio(audio=audio, at_unix_ms=1)

    told = orjson.loads(toy_carrier.media(audio))
    assert base64.b64decode(told["media"]["payload"]) == audio
    assert (told["event"], told["media"]["contentType"], told["media"]["sampleRate"]) == (
        "playAudio",
        "audio/x-mulaw",
        8000,
    )
    assert "streamId" not in told


def test_clear_and_mark_name_their_stream() -> None:
    """And have their own names; the answers to them have others again."""
    assert orjson.loads(toy_carrier.clear("S1")) == {"event": "clearAudio", "streamId": "S1"}
    assert orjson.loads(toy_carrier.mark("S1", "m1")) == {
        "event": "checkpoint",
        "streamId": "S1",
        "name": "m1",
    }
    assert toy_carrier.parse(toy_carrier.clear("S1")) is None
