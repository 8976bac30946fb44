"""The TwiML documents say what Twilio documents, whatever text is put into them."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingress.web import twiml
from ingress.web.resume import Trail
from ingress.web.twiml import Urls
from shared.tongue import Tongue

URLS = Urls("https://bridge.example.com", "wss://bridge.example.com/media")
PLAIN, HEBREW = Tongue(language="", voice=""), Tongue(language="he-IL", voice="Google.he-IL-Standard-A")


def verbs(document: str) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(document)
    assert root.tag == "Response"
    return list(root)


def test_connect() -> None:
    """A stream with its parameters, then the way back, which retries for a dying process."""
    connect, redirect = verbs(twiml.connect(URLS, {"token": "t", "from": "+1", "agent": ""}, Trail()))
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
    assert redirect.text == "https://bridge.example.com/voice/resume#ct=1000&rt=4000&rc=5&rp=all"


def test_resumes_are_counted_in_the_url() -> None:
    """The way back carries its own count, so that a loop ends without Redis too."""
    _, redirect = verbs(twiml.connect(URLS, {}, Trail(tries=3, legs=2)))
    assert redirect.text == "https://bridge.example.com/voice/resume?n=3&l=2#ct=1000&rt=4000&rc=5&rp=all"


def test_connect_after_digits() -> None:
    """Tones are played before the stream opens again."""
    play, connect, _ = verbs(twiml.connect(URLS, {"token": "t"}, Trail(), digits="ww12#"))
    assert (play.tag, play.attrib) == ("Play", {"digits": "ww12#"})
    assert connect.tag == "Connect"
    with pytest.raises(ValueError, match="digits"):
        twiml.connect(URLS, {}, Trail(), digits="12</Play>")


def test_an_apology_is_read_in_its_language() -> None:
    """By a voice that speaks it, and then the call is over; nothing to say leaves the hang-up."""
    say, hangup = verbs(twiml.apologise("שלום & bye", HEBREW))
    assert (say.tag, say.text, hangup.tag) == ("Say", "שלום & bye", "Hangup")
    assert say.attrib == {"language": "he-IL", "voice": "Google.he-IL-Standard-A"}
    assert verbs(twiml.apologise("Sorry", PLAIN))[0].attrib == {}
    assert [verb.tag for verb in verbs(twiml.hang_up())] == ["Hangup"]


def test_dial_comes_back() -> None:
    """Busy or no answer returns to the conversation by the action."""
    (dial,) = verbs(twiml.dial(URLS, "+15550001111", Trail(tries=2).dials(), caller_id=""))
    (whom,) = dial
    assert (dial.tag, whom.tag, whom.text) == ("Dial", "Number", "+15550001111")
    action = "https://bridge.example.com/voice/resume?n=3#ct=1000&rt=4000&rc=5&rp=all"
    assert dial.attrib == {"action": action, "method": "POST", "timeout": "25"}


def test_whoever_is_dialled_is_shown_a_number_that_may_be_shown() -> None:
    """By a transfer and by the fallback after an apology."""
    (dial,) = verbs(twiml.dial(URLS, "+15550001111", Trail(), caller_id="+15550002222"))
    _, fallback, _ = verbs(twiml.apologise("Sorry", PLAIN, number="+15550001111", caller_id="+15550002222"))
    assert [verb.attrib["callerId"] for verb in (dial, fallback)] == ["+15550002222"] * 2


def test_a_sip_address_is_named_as_one() -> None:
    """As plain text of `<Dial>` Twilio would take it for a number."""
    (dial,) = verbs(twiml.dial(URLS, "sip:desk@pbx.example.com", Trail(), caller_id=""))
    _, fallback, _ = verbs(twiml.apologise("Sorry", PLAIN, number="sip:desk@pbx.example.com"))
    assert [(verb.tag, verb.text) for verb in (dial[0], fallback[0])] == [
        ("Sip", "sip:desk@pbx.example.com")
    ] * 2


def test_apology() -> None:
    """With a fallback number the caller is connected, without one the call ends."""
    assert [verb.tag for verb in verbs(twiml.apologise("Sorry", PLAIN))] == ["Say", "Hangup"]
    tags = [verb.tag for verb in verbs(twiml.apologise("Sorry", PLAIN, number="+15550001111"))]
    assert tags == ["Say", "Dial", "Hangup"]


def test_a_call_that_is_not_answered_is_busy() -> None:
    """Whoever dialled it goes on."""
    (reject,) = verbs(twiml.reject())
    assert (reject.tag, reject.attrib) == ("Reject", {"reason": "busy"})


@given(text=st.text(), value=st.text())
def test_any_text_gives_a_readable_document(text: str, value: str) -> None:
    """Control characters and lone surrogates do not spoil a document; parameters stay in bounds."""
    verbs(twiml.apologise(text, PLAIN))
    connect, _ = verbs(twiml.connect(URLS, {"from": value}, Trail()))
    for parameter in connect[0]:
        assert len(parameter.attrib["name"] + parameter.attrib["value"]) < 500


def test_long_parameter_is_cut() -> None:
    """Twilio refuses 500 characters."""
    connect, _ = verbs(twiml.connect(URLS, {"from": "x" * 1000}, Trail()))
    assert len(connect[0][0].attrib["value"]) + len("from") == 499
