"""What Twilio accepts from a bridge, and the code of everything else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.twilio.media.validation import Clear, Mark, Media, Violation, check_binary, check_text

SID = "MZ" + "a" * 32


def check(**message: object) -> object:
    return check_text(json.dumps(message).encode(), SID)


def test_the_three_messages_are_taken() -> None:
    """media, mark and clear, exactly shaped."""
    assert check(event="media", streamSid=SID, media={"payload": "//8="}) == Media(b"\xff\xff")
    assert check(event="mark", streamSid=SID, mark={"name": "1.2.x.3"}) == Mark("1.2.x.3")
    assert check(event="clear", streamSid=SID) == Clear()


@pytest.mark.parametrize(
    ("message", "word"),
    [
        ({"event": "media", "streamSid": "MZ" + "b" * 32, "media": {"payload": "/w=="}}, "streamSid"),
        ({"event": "media", "media": {"payload": "/w=="}}, "streamSid"),
        ({"event": "media", "stream_sid": SID, "media": {"payload": "/w=="}}, "streamSid"),
        ({"event": "media", "streamSid": SID}, "keys"),
        ({"event": "media", "streamSid": SID, "media": {"payload": "/w==", "track": "x"}}, "alone"),
        ({"event": "media", "streamSid": SID, "x": 1, "media": {"payload": "/w=="}}, "keys"),
        ({"event": "media", "streamSid": SID, "media": {}}, "payload"),
        ({"event": "media", "streamSid": SID, "media": {"payload": 5}}, "text"),
        ({"event": "media", "streamSid": SID, "media": {"payload": ""}}, "empty payload"),
        ({"event": "media", "streamSid": SID, "media": {"payload": "***"}}, "base64"),
        ({"event": "media", "streamSid": SID, "media": {"payload": "/w"}}, "base64"),
        ({"event": "media", "streamSid": SID, "media": {"payload": "ÿÿÿÿ"}}, "base64"),
        ({"event": "mark", "streamSid": SID}, "keys"),
        ({"event": "mark", "streamSid": SID, "mark": {}}, "name"),
        ({"event": "mark", "streamSid": SID, "mark": {"name": ""}}, "empty"),
        ({"event": "clear", "streamSid": SID, "clear": {}}, "keys"),
        ({"event": "stop", "streamSid": SID}, "event"),
        ({"streamSid": SID}, "event"),
        ({"event": ["media"], "streamSid": SID}, "event"),
    ],
)
def test_any_other_shape_is_31951(message: dict[str, object], word: str) -> None:
    """Wrong sid, missing and extra keys, empty and broken payloads; the text names what was wrong."""
    found = check(**message)

    assert isinstance(found, Violation)
    assert found.code == 31951
    assert word in found.text


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"5", b"\xff\xfe", b'"media"'])
def test_what_is_no_json_object_is_31951(text: bytes) -> None:
    """Twilio logs an invalid message, no more."""
    found = check_text(text, SID)

    assert isinstance(found, Violation)
    assert found.code == 31951


def test_a_binary_message_is_31950() -> None:
    """Whatever is in it."""
    assert check_binary(b"{}").code == 31950


def test_a_violation_never_quotes_a_whole_payload() -> None:
    """Audio stays out of the record's texts."""
    found = check(event="media", streamSid=SID, media={"payload": "!" * 5000})

    assert isinstance(found, Violation)
    assert len(found.text) < 250


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(text: bytes) -> None:
    """A judgement for everything."""
    assert isinstance(check_text(text, SID), Media | Mark | Clear | Violation)
