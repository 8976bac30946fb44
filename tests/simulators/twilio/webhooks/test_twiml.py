"""TwiML: verbs, rules of Stream, warnings."""

from __future__ import annotations

import pytest

from simulators.twilio.webhooks import twiml
from simulators.twilio.webhooks.twiml import ConnectStream, Document, TwimlError, parse_twiml

BASE = "https://bridge.example.com/voice"


def parse(body: str, *, allow_ws: bool = False) -> Document:
    return parse_twiml(f"<Response>{body}</Response>".encode(), BASE, allow_ws=allow_ws)


def stream(attributes: str = 'url="wss://h/media"', inside: str = "") -> tuple[ConnectStream, Document]:
    document = parse(f"<Connect><Stream {attributes}>{inside}</Stream></Connect>")
    [verb] = document.verbs
    assert isinstance(verb, ConnectStream)
    return verb, document


def test_a_whole_document_in_order() -> None:
    """Every verb, relative URLs resolved against the document's."""
    document = parse(
        '<Connect action="/done" method="GET"><Stream url="wss://h/media" name="n" '
        'statusCallback="/status"><Parameter name="token" value="t"/></Stream></Connect>'
        "<Say>Good <b>bye</b></Say><Pause/><Pause length='3'/><Play digits='ww12'/>"
        "<Play>https://h/a.wav</Play><Dial action='/dialled'>+1555</Dial><Reject reason='busy'/>"
        "<Redirect method='GET'>/resume?x=1#ct=1000</Redirect><Hangup/>"
    )

    assert document.notices == ()
    assert document.verbs == (
        ConnectStream(
            url="wss://h/media",
            parameters={"token": "t"},
            name="n",
            status_callback="https://bridge.example.com/status",
            action="https://bridge.example.com/done",
            method="GET",
        ),
        twiml.Say("Good bye"),
        twiml.Pause(1.0),
        twiml.Pause(3.0),
        twiml.Play(digits="ww12"),
        twiml.Play(url="https://h/a.wav"),
        twiml.Dial("+1555", "https://bridge.example.com/dialled"),
        twiml.Reject("busy"),
        twiml.Redirect("https://bridge.example.com/resume?x=1#ct=1000", "GET"),
        twiml.Hangup(),
    )


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ('url="ws://h/media"', 31922),
        ('url="https://h/media"', 31922),
        ('url="wss:///media"', 31923),
        ('url="wss://h:port/media"', 31923),
        ("", 31923),
        ('url="wss://h/media" track="both_tracks"', 31941),
        ('url="wss://h/media" track="outbound_track"', 31941),
    ],
)
def test_a_stream_that_twilio_will_not_open(attributes: str, code: int) -> None:
    """Scheme, malformed URL, track."""
    verb, _ = stream(attributes)

    assert verb.refusal is not None
    assert verb.refusal.code == code


def test_plain_ws_needs_the_switch() -> None:
    """For tests without TLS."""
    [verb] = parse('<Connect><Stream url="ws://h/m"/></Connect>', allow_ws=True).verbs

    assert isinstance(verb, ConnectStream)
    assert verb.refusal is None


def test_the_query_of_a_stream_url_is_lost() -> None:
    """With a warning; a token there never arrives."""
    verb, document = stream('url="wss://h/media?token=t"')

    assert verb.url == "wss://h/media"
    assert [notice.code for notice in document.notices] == [12200]


def test_a_parameter_must_stay_under_500_characters() -> None:
    """Name plus value: 499 pass, 500 are lost."""
    just = f'<Parameter name="a" value="{"x" * 498}"/>'
    over = f'<Parameter name="b" value="{"x" * 499}"/>'

    verb, document = stream(inside=just + over)

    assert list(verb.parameters) == ["a"]
    assert [notice.code for notice in document.notices] == [12200]


@pytest.mark.parametrize(
    "body",
    [
        "<Dance/>",
        "<Connect/>",
        "<Pause length='soon'/>",
        "<Dial/>",
        "<Dial>sip:desk@pbx.example.com</Dial>",
        "<Redirect method='PUT'>/x</Redirect>",
        '<Redirect verb="x">/x</Redirect>',
        '<Connect colour="red"><Stream url="wss://h/m"/></Connect>',
        '<Connect><Stream url="wss://h/m"><Parameter name="x"/></Stream></Connect>',
        '<Connect><Stream url="wss://h/m" codec="x"/></Connect>',
    ],
)
def test_what_the_schema_does_not_know_is_a_warning(body: str) -> None:
    """12200, and the document is carried out all the same."""
    assert [notice.code for notice in parse(body).notices] == [12200]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<Response>", 12100),
        (b"", 12100),
        (b"<html/>", 12100),
        (b"<Response><Say>" + b"x" * 65536 + b"</Say></Response>", 11750),
    ],
)
def test_a_document_that_is_none_ends_the_call(body: bytes, code: int) -> None:
    """Unparsable, or over 64 kB."""
    with pytest.raises(TwimlError) as raised:
        parse_twiml(body, BASE)

    assert raised.value.code == code
