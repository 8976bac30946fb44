"""Twilio's wire: what is read, what is tolerated, what is refused, and that nothing else escapes."""

from __future__ import annotations

import base64
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingress.errors import Fault, WireError
from ingress.media import twilio, wire

CALL = "CA" + "c" * 32
STREAM = "MZ" + "a" * 32
ACCOUNT = "AC" + "b" * 32


def message(event: str, **fields: object) -> str:
    return json.dumps({"event": event, "streamSid": STREAM, **fields})


def start_message(**changes: object) -> str:
    start: dict[str, object] = {
        "accountSid": ACCOUNT,
        "callSid": CALL,
        "streamSid": STREAM,
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"token": "t", "to": "+1"},
    }
    start.update(changes)
    return message("start", sequenceNumber="1", start={k: v for k, v in start.items() if v != ""})


def media_message(payload: object, **changes: object) -> str:
    media = {"track": "inbound", "chunk": "1", "timestamp": "57", "payload": payload}
    media.update(changes)
    return message("media", sequenceNumber="2", media=media)


AUDIO = bytes(range(160))
PAYLOAD = base64.b64encode(AUDIO).decode()


def test_connected() -> None:
    """`connected` has neither sequence number nor streamSid."""
    found = twilio.parse('{"event":"connected","protocol":"Call","version":"1.0.0"}')
    assert found == wire.Connected()


def test_start() -> None:
    """`start` gives the ids, the format and the parameters of our TwiML."""
    found = twilio.parse(start_message())
    assert found == wire.StreamStart(ACCOUNT, CALL, STREAM, wire.MULAW_8K_MONO, {"token": "t", "to": "+1"})


def test_start_without_optional_fields() -> None:
    """Missing mediaFormat and customParameters are tolerated, and so is one streamSid only."""
    found = twilio.parse(start_message(mediaFormat="", customParameters="", streamSid=""))
    assert found == wire.StreamStart(ACCOUNT, CALL, STREAM, None, {})


def test_start_with_strange_format_is_read_not_judged() -> None:
    """Another format is data; refusing it is the gate's part."""
    form = {"encoding": "audio/L16", "sampleRate": "16000", "channels": 2}
    found = twilio.parse(start_message(mediaFormat=form))
    assert isinstance(found, wire.StreamStart)
    assert found.media_format == wire.MediaFormat("audio/L16", 16000, 2)


def test_start_parameters_keep_strings_only() -> None:
    """Parameters are strings; whatever else stands there is left out."""
    found = twilio.parse(start_message(customParameters={"token": 5, "agent": "א", "x": None}))
    assert isinstance(found, wire.StreamStart)
    assert found.parameters == {"agent": "א"}


def test_start_parameters_may_stand_beside_it() -> None:
    """Carriers that imitate Twilio put them there; where both are, those inside count."""
    start = {"streamSid": STREAM, "callSid": CALL}
    beside = twilio.parse(message("start", start=start, customParameters={"token": "t"}))
    both = twilio.parse(
        message("start", start={**start, "customParameters": {"token": "u"}}, customParameters={"token": "t"})
    )
    assert isinstance(beside, wire.StreamStart)
    assert isinstance(both, wire.StreamStart)
    assert (beside.parameters, both.parameters) == ({"token": "t"}, {"token": "u"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("callSid", "CA" + "c" * 31),
        ("callSid", "CA" + "C" * 32),
        ("callSid", "CA" + "c" * 32 + "\n"),
        ("callSid", "CA{0}" + "c" * 29),
        ("callSid", "CA" + "\u0660" * 32),
        ("callSid", None),
        ("callSid", 5),
        ("streamSid", STREAM.replace("MZ", "CA")),
    ],
)
def test_start_with_hostile_ids(field: str, value: object) -> None:
    """Ids become Redis keys: nothing but the two shapes passes."""
    text = message("start", streamSid=value, start={"callSid": CALL, field: value})
    with pytest.raises(WireError) as caught:
        twilio.parse(text)
    assert caught.value.fault is Fault.BAD_SID


def test_start_with_two_stream_sids() -> None:
    """The streamSid inside and outside must agree."""
    with pytest.raises(WireError) as caught:
        twilio.parse(start_message(streamSid="MZ" + "d" * 32))
    assert caught.value.fault is Fault.WRONG_STREAM


def test_media() -> None:
    """Counters are strings on the wire and numbers with us; the audio is raw."""
    found = twilio.parse(media_message(PAYLOAD))
    assert found == wire.Media(STREAM, 1, True, AUDIO, 57)


@pytest.mark.parametrize("order", [["media", "event", "streamSid"], ["streamSid", "media", "event"]])
def test_media_in_any_key_order(order: list[str]) -> None:
    """Key order varies, and unknown keys come unannounced."""
    fields: dict[str, Any] = json.loads(media_message(PAYLOAD))
    text = json.dumps({"new": [1], **{key: fields[key] for key in order}})
    assert twilio.parse(text) == wire.Media(STREAM, 1, True, AUDIO, 57)


@pytest.mark.parametrize(
    ("track", "is_callers"), [("inbound", True), ("outbound", False), ("", False), (None, True), (5, True)]
)
def test_the_track_tells_whose_audio_it_is(track: object, is_callers: bool) -> None:
    """What names no track is the caller's: it is all that we asked for."""
    found = twilio.parse(media_message(PAYLOAD, track=track))
    assert found == wire.Media(STREAM, 1, is_callers, AUDIO, 57)


def test_media_tolerates_numbers_and_absence() -> None:
    """Counters and times may be numbers or missing, and the track may be missing."""
    text = message("media", media={"chunk": 7, "payload": PAYLOAD})
    assert twilio.parse(text) == wire.Media(STREAM, 7, True, AUDIO, None)
    text = message("media", media={"timestamp": 57, "payload": PAYLOAD})
    assert twilio.parse(text) == wire.Media(STREAM, None, True, AUDIO, 57)


@pytest.mark.parametrize("time", ["", "-1", "1.5", "x", "9" * 17, "²", -1, 1.5, True, 10**16, [], {}])
def test_a_bad_time_is_none(time: object) -> None:
    """The audio is good all the same."""
    assert twilio.parse(media_message(PAYLOAD, timestamp=time)) == wire.Media(STREAM, 1, True, AUDIO, None)


@pytest.mark.parametrize("chunk", ["", "-1", "1.5", "x", "9" * 17, "²", -1, 1.5, True, 10**16, [], {}])
def test_media_with_bad_counter(chunk: object) -> None:
    """A counter is a whole number of bounded length."""
    with pytest.raises(WireError) as caught:
        twilio.parse(media_message(PAYLOAD, chunk=chunk))
    assert caught.value.fault is Fault.BAD_FIELD


@pytest.mark.parametrize("payload", ["!!!!", "AAA", "AAAA\n", "A===", "AAAA====", "אאאא", "=AAA"])
def test_media_with_bad_base64(payload: str) -> None:
    """Base64 is strict: no foreign characters, right padding, nothing after it."""
    with pytest.raises(WireError) as caught:
        twilio.parse(media_message(payload))
    assert caught.value.fault is Fault.BAD_BASE64


def test_media_without_audio() -> None:
    """An empty payload has its own kind."""
    with pytest.raises(WireError) as caught:
        twilio.parse(media_message(""))
    assert caught.value.fault is Fault.EMPTY_PAYLOAD


@pytest.mark.parametrize("digit", list("0123456789*#ABCD"))
def test_dtmf(digit: str) -> None:
    """Every key of a telephone, the military ones too."""
    text = message("dtmf", dtmf={"track": "inbound_track", "digit": digit})
    assert twilio.parse(text) == wire.KeyPress(STREAM, digit)


@pytest.mark.parametrize("digit", ["", "12", "E", "٣", 5, None])
def test_dtmf_with_bad_digit(digit: object) -> None:
    """One key at a time, in ASCII, as a string."""
    with pytest.raises(WireError) as caught:
        twilio.parse(message("dtmf", dtmf={"digit": digit}))
    assert caught.value.fault is Fault.BAD_DIGIT


def test_mark_and_stop_and_unknown() -> None:
    """The small messages; an unknown event is no error."""
    assert twilio.parse(message("mark", mark={"name": "1.0.x.20"})) == wire.MarkEcho(STREAM, "1.0.x.20")
    assert twilio.parse(message("stop", stop={"callSid": CALL})) == wire.StreamStop(STREAM)
    assert twilio.parse(message("stop")) == wire.StreamStop(STREAM)
    assert twilio.parse(message("hold")) == wire.Unknown("hold")


@pytest.mark.parametrize("name", ["", "x" * 201, None, 5])
def test_mark_with_bad_name(name: object) -> None:
    """A mark's name is bounded text."""
    with pytest.raises(WireError) as caught:
        twilio.parse(message("mark", mark={"name": name}))
    assert caught.value.fault is Fault.BAD_FIELD


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", Fault.NOT_JSON),
        ("hello", Fault.NOT_JSON),
        ("[" * 16_000, Fault.NOT_JSON),
        ('{"a":' * 16_000, Fault.NOT_JSON),
        ("[" * 900 + "]" * 900, Fault.NOT_OBJECT),
        ("NaN", Fault.NOT_JSON),
        ('{"event":"media","x":NaN}', Fault.NOT_JSON),
        ('{"event":"mark","streamSid":"a","mark":{"name":"\\ud800"}}', Fault.NOT_JSON),
        ("\ud800", Fault.NOT_JSON),
        (b'{"event":"\xff"}', Fault.NOT_JSON),
        ("[]", Fault.NOT_OBJECT),
        ("null", Fault.NOT_OBJECT),
        ('"media"', Fault.NOT_OBJECT),
        ("{}", Fault.BAD_FIELD),
        ('{"event":5}', Fault.BAD_FIELD),
        ('{"event":["media"]}', Fault.BAD_FIELD),
        ('{"event":"media"}', Fault.BAD_FIELD),
        ('{"event":"media","media":[]}', Fault.BAD_FIELD),
        ('{"event":"media","media":{"payload":5}}', Fault.BAD_FIELD),
        ('{"event":"media","media":{"payload":"AAAA"}}', Fault.BAD_FIELD),
        ('{"event":"start"}', Fault.BAD_FIELD),
        ('{"event":"stop"}', Fault.BAD_FIELD),
        ('{"event":"mark","streamSid":5,"mark":{"name":"a"}}', Fault.BAD_FIELD),
        ('{"event":"start","start":{"mediaFormat":5,"callSid":"CA0"}}', Fault.BAD_SID),
        ('{"event":"media","media":{"chunk":' + "9" * 5000 + "}}", Fault.NOT_JSON),
    ],
)
def test_poison(text: str | bytes, kind: Fault) -> None:
    """Each known poison gets its own kind, and no other exception."""
    with pytest.raises(WireError) as caught:
        twilio.parse(text)
    assert caught.value.fault is kind


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["media", "start", "mark", "dtmf", "stop", "streamSid", "payload", "chunk", "name", "digit",
     "callSid", "mediaFormat", "customParameters", "timestamp", "sampleRate", "track"]
)  # fmt: skip
EVENTS = st.sampled_from(["connected", "start", "media", "dtmf", "mark", "stop", "hold"])
BODY = st.dictionaries(FIELDS, st.just(STREAM) | st.just(CALL) | st.just("AAAA") | JSON)


def outcome(text: str | bytes) -> wire.Message | Fault:
    try:
        return twilio.parse(text)
    except WireError as error:
        return error.fault


@given(event=EVENTS, body=BODY, inner=BODY)
def test_any_object_gives_a_message_or_a_wire_error(
    event: str, body: dict[str, Any], inner: dict[str, Any]
) -> None:
    """Whatever JSON object comes under a known event, only WireError can escape."""
    text = json.dumps({**body, event: inner, "event": event})
    assert isinstance(outcome(text), wire.Message | Fault)


@given(st.binary() | st.text())
def test_any_text_gives_a_message_or_a_wire_error(text: str | bytes) -> None:
    """Bytes and text from anywhere, not JSON at all."""
    assert isinstance(outcome(text), wire.Message | Fault)


@given(audio=st.binary(min_size=1, max_size=2000))
def test_built_media_is_what_twilio_documents(audio: bytes) -> None:
    """Our media message has three keys and no more, and gives the audio back."""
    found = orjson.loads(twilio.build_media(STREAM.encode(), audio))
    payload = found["media"].pop("payload")
    assert found == {"event": "media", "streamSid": STREAM, "media": {}}
    assert base64.b64decode(payload, validate=True) == audio


def test_built_mark_and_clear() -> None:
    """Mark names are escaped; a clear has nothing but its stream."""
    mark = orjson.loads(twilio.build_mark(STREAM.encode(), 'a"ב\\'))
    assert mark == {"event": "mark", "streamSid": STREAM, "mark": {"name": 'a"ב\\'}}
    clear = orjson.loads(twilio.build_clear(STREAM.encode()))
    assert clear == {"event": "clear", "streamSid": STREAM}
