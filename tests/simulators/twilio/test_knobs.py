"""Messages that Twilio would never send: each is wrong in just the way that its name says."""

from __future__ import annotations

import base64
import binascii

import orjson
import pytest

from simulators.twilio import knobs
from simulators.twilio.knobs import Injection


def message(injection: Injection) -> dict[str, dict[str, str]]:
    assert isinstance(injection.payload, str)
    parsed: dict[str, dict[str, str]] = orjson.loads(injection.payload)
    return parsed


def test_each_message_has_the_one_fault_of_its_name() -> None:
    """So that a bridge that survives it has survived that."""
    assert isinstance(knobs.binary_frame(0).payload, bytes)
    assert len(knobs.oversize_frame(0).payload) > 64 * 1024
    assert message(knobs.oversize_frame(0))["event"] == "media"
    assert message(knobs.unknown_event(0))["event"] == "weather"
    assert message(knobs.empty_payload(0))["media"]["payload"] == ""
    with pytest.raises(orjson.JSONDecodeError):
        message(knobs.not_json(0))
    with pytest.raises(binascii.Error):
        base64.b64decode(message(knobs.not_base64(0))["media"]["payload"], validate=True)


def test_only_the_foreign_message_names_a_stream_of_its_own() -> None:
    """The others are given the stream's own id when they are sent."""
    assert message(knobs.wrong_stream_sid(0))["streamSid"] == "MZ" + "f" * 32
    assert len(base64.b64decode(message(knobs.wrong_stream_sid(0))["media"]["payload"])) > 160
    for made in (knobs.unknown_event(0), knobs.empty_payload(0), knobs.not_base64(0)):
        assert message(made)["streamSid"] == "{stream_sid}"


def test_a_message_comes_when_and_as_often_as_told() -> None:
    """From the first media on, so many in a row."""
    assert knobs.not_json(120, times=3) == Injection(120, knobs.not_json(0).payload, 3)
