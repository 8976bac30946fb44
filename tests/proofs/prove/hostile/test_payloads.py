"""What is said by attackers is what it claims to be: most of it refused, each in its way."""

from __future__ import annotations

import orjson
import pytest

from ingress.errors import Fault, WireError
from ingress.media import twilio
from ingress.media.wire import Media, StreamStart
from proofs.prove.hostile import payloads
from shared.contract.keys import CALL_SID


def test_its_audio_and_its_start_are_well_formed() -> None:
    """What makes them hostile is when they come, and the token."""
    audio = twilio.parse(payloads.media(n=3))
    assert isinstance(audio, Media)
    assert (audio.chunk, len(audio.audio)) == (3, 160)
    start = twilio.parse(payloads.start(token="t", account_sid=payloads.ACCOUNT_SID))
    assert isinstance(start, StreamStart)
    assert (start.call_sid, start.parameters["token"]) == (payloads.CALL_SID, "t")


@pytest.mark.parametrize("text", payloads.TEXTS)
def test_no_hostile_text_is_an_id(text: str) -> None:
    """So none becomes a key."""
    assert CALL_SID.fullmatch(text) is None
    with pytest.raises(WireError) as refused:
        twilio.parse(payloads.start(token="", call_sid=text, account_sid=payloads.ACCOUNT_SID))
    assert refused.value.fault is Fault.BAD_SID


@pytest.mark.parametrize("name", payloads.poison())
def test_poison_is_small_enough_to_be_read(name: str) -> None:
    """But for what is too deep to be short; and it is no audio."""
    text = payloads.poison()[name]
    assert len(text) <= 64 * 1024 or name == "deep object"
    try:
        found = twilio.parse(text)
    except WireError:
        return
    assert not isinstance(found, Media | StreamStart)


def test_no_form_names_a_call() -> None:
    """A signed webhook that did would open a session."""
    found = payloads.forms(payloads.ACCOUNT_SID)
    assert found
    assert [form for form in found if CALL_SID.fullmatch(form["CallSid"])] == []


def test_values_can_be_written() -> None:
    """Each is put into fields of JSON."""
    assert orjson.loads(orjson.dumps(list(payloads.VALUES))) is not None
