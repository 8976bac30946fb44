"""The TwiML documents say what Twilio documents, whatever text is put into them."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingress.web import twiml
from ingress.web.twiml import Urls

URLS = Urls("https://bridge.example.com", "wss://bridge.example.com/media")


def verbs(document: str) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(document)
    assert root.tag == "Response"
    return list(root)


def test_connect() -> None:
    """A stream with its parameters, then the way back, which retries for a dying process."""
    connect, redirect = verbs(twiml.connect(URLS, {"token": "t", "from": "+1", "agent": ""}))
    (stream,) = connect
    assert (connect.tag, stream.tag) == ("Connect", "Stream")
    assert stream.attrib == {
        "url": "wss://bridge.example.com/media",
        "statusCallback": "https://bridge.example.com/stream-status",
    }
    assert [(p.tag, p.attrib["name"], p.attrib["value"]) for p in stream] == [
        ("Parameter", "token", "t"),
        ("Parameter", "from", "+1"),
    ]
    assert redirect.attrib == {"method": "POST"}
    assert redirect.text == "https://bridge.example.com/voice/resume#ct=1000&rc=5&rp=all"


def test_resumes_are_counted_in_the_url() -> None:
    """The way back carries its own count, so that a loop ends without Redis too."""
    _, redirect = verbs(twiml.connect(URLS, {}, tries=3))
    assert redirect.text == "https://bridge.example.com/voice/resume?n=3#ct=1000&rc=5&rp=all"


def test_connect_after_digits() -> None:
    """Tones are played before the stream opens again."""
    play, connect, _ = verbs(twiml.connect(URLS, {"token": "t"}, digits="ww12#"))
    assert (play.tag, play.attrib) == ("Play", {"digits": "ww12#"})
    assert connect.tag == "Connect"
    with pytest.raises(ValueError, match="digits"):
        twiml.connect(URLS, {}, digits="12</Play>")


def test_say_and_hang_up() -> None:
    """Spoken, then over; nothing to say leaves the hang-up."""
    say, hangup = verbs(twiml.say_and_hang_up("שלום & bye"))
    assert (say.tag, say.text, hangup.tag) == ("Say", "שלום & bye", "Hangup")
    assert [verb.tag for verb in verbs(twiml.hang_up())] == ["Hangup"]


def test_dial_comes_back() -> None:
    """Busy or no answer returns to the conversation by the action."""
    say, dial = verbs(twiml.dial(URLS, "+15550001111", text="One moment"))
    (whom,) = dial
    assert (say.tag, dial.tag, whom.tag, whom.text) == ("Say", "Dial", "Number", "+15550001111")
    assert dial.attrib == {"action": URLS.resume(), "method": "POST", "timeout": "25"}


def test_a_sip_address_is_named_as_one() -> None:
    """As plain text of `<Dial>` Twilio would take it for a number."""
    (dial,) = verbs(twiml.dial(URLS, "sip:desk@pbx.example.com"))
    _, fallback, _ = verbs(twiml.apologise("Sorry", "sip:desk@pbx.example.com"))
    assert [(verb.tag, verb.text) for verb in (dial[0], fallback[0])] == [
        ("Sip", "sip:desk@pbx.example.com")
    ] * 2


def test_apology() -> None:
    """With a fallback number the caller is connected, without one the call ends."""
    assert [verb.tag for verb in verbs(twiml.apologise("Sorry", ""))] == ["Say", "Hangup"]
    tags = [verb.tag for verb in verbs(twiml.apologise("Sorry", "+15550001111"))]
    assert tags == ["Say", "Dial", "Hangup"]


@given(text=st.text(), value=st.text())
def test_any_text_gives_a_readable_document(text: str, value: str) -> None:
    """Control characters and lone surrogates do not spoil a document; parameters stay in bounds."""
    verbs(twiml.say_and_hang_up(text))
    connect, _ = verbs(twiml.connect(URLS, {"from": value}))
    for parameter in connect[0]:
        assert len(parameter.attrib["name"] + parameter.attrib["value"]) < 500


def test_long_parameter_is_cut() -> None:
    """Twilio refuses 500 characters."""
    connect, _ = verbs(twiml.connect(URLS, {"from": "x" * 1000}))
    assert len(connect[0][0].attrib["value"]) + len("from") == 499
