"""TwiML as Twilio reads it: a document into a list of verbs, with warnings for what is wrong.

Why it exists: a bridge steers the call by TwiML, and Twilio forgives little: ws:// is refused, the query of a
Stream's url never arrives, a long Parameter is lost. Owns: those rules. Pure. Must not know: how a verb is
carried out (`phone_call`). Relative URLs are resolved against the document's URL. Source: Twilio, TwiML
`<Connect>`, `<Stream>`, `<Redirect>`, `<Dial>`; error pages 11750 to 31941.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urljoin, urlsplit, urlunsplit
from xml.etree import ElementTree

from simulators.twilio import codes

MAX_DOCUMENT_BYTES: Final = 64 * 1024
MAX_PARAMETER_CHARACTERS: Final = 500
"""Name plus value must stay under this."""


class TwimlError(Exception):
    """The document cannot be carried out at all; Twilio ends the call with this code."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Notice:
    """One line of Twilio's debugger: a code and what happened."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class ConnectStream:
    """`<Connect><Stream>`: blocks until the stream ends."""

    url: str
    """As written, without its query."""
    parameters: dict[str, str] = field(default_factory=dict)
    name: str = ""
    status_callback: str = ""
    status_callback_method: str = "POST"
    action: str | None = None
    method: str = "POST"
    refusal: Notice | None = None
    """Why Twilio will not even try to connect (31922, 31923, 31941)."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """Fetches another document; this one is forgotten."""

    url: str
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Dial:
    """Connects the caller to another number."""

    number: str
    action: str | None = None
    method: str = "POST"
    caller_id: str = ""
    """What the number is shown; empty: the caller's own number, if they have one."""


@dataclass(frozen=True, slots=True)
class Hangup:
    """Ends the call."""


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuses the call before it is answered."""

    reason: str = "rejected"


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence."""

    seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Say:
    """Twilio's own voice."""

    text: str
    language: str = ""
    voice: str = ""


@dataclass(frozen=True, slots=True)
class Play:
    """An audio file, or digits as tones (`w` waits 0.5 s, `W` 1 s)."""

    url: str = ""
    digits: str = ""


Verb = ConnectStream | Redirect | Dial | Hangup | Reject | Pause | Say | Play


@dataclass(frozen=True, slots=True)
class Document:
    """The verbs in order, and what Twilio's debugger would say about the rest."""

    verbs: tuple[Verb, ...]
    notices: tuple[Notice, ...] = ()


def parse_twiml(body: bytes, url: str, *, allow_ws: bool = False) -> Document:
    """Reads a document fetched from `url`. Raises `TwimlError` (11750, 12100).

    `allow_ws` is the test switch that lets a Stream use plain `ws://`.
    """
    if len(body) > MAX_DOCUMENT_BYTES:
        raise TwimlError(codes.TWIML_TOO_LARGE, f"expected at most 65536 bytes of TwiML, got {len(body)}")
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise TwimlError(codes.TWIML_UNPARSABLE, f"expected XML, got {error}") from error
    if root.tag != "Response":
        raise TwimlError(codes.TWIML_UNPARSABLE, f"expected <Response>, got <{root.tag}>")
    reader = _Reader(url, allow_ws)
    verbs = [verb for child in root if (verb := reader.read(child)) is not None]
    return Document(tuple(verbs), tuple(reader.notices))


def detail_of(verb: Verb) -> str:
    """What of a verb stands in a record: its URL, number or text."""
    match verb:
        case ConnectStream() | Redirect():
            return verb.url
        case Dial():
            return verb.number
        case Say():
            return verb.text
        case Play():
            return verb.digits or verb.url
        case Pause():
            return f"{verb.seconds:g}"
        case _:
            return ""


# Private.


@dataclass(slots=True)
class _Reader:
    base: str
    allow_ws: bool
    notices: list[Notice] = field(default_factory=list)

    def read(self, element: ElementTree.Element) -> Verb | None:
        readers: dict[str, Callable[[ElementTree.Element], Verb | None]] = {
            "Connect": self._connect,
            "Redirect": self._redirect,
            "Dial": self._dial,
            "Hangup": lambda _: Hangup(),
            "Reject": lambda e: Reject(e.get("reason", "rejected")),
            "Pause": self._pause,
            "Say": self._say,
            "Play": lambda e: Play(self._text(e), e.get("digits", "")),
        }
        if element.tag not in readers:
            self._warn(f"<{element.tag}> is not a verb this simulator knows; it is skipped")
            return None
        return readers[element.tag](element)

    def _connect(self, element: ElementTree.Element) -> Verb | None:
        streams = element.findall("Stream")
        if len(streams) != 1 or len(element) != 1:
            self._warn(f"<Connect>: expected one <Stream>, got {[e.tag for e in element]}")
            if not streams:
                return None
        stream = streams[0]
        self._check_attributes(element, {"action", "method"})
        self._check_attributes(
            stream,
            {"url", "track", "name", "statusCallback", "statusCallbackMethod"}
            | {"connectorName", "audioFormat", "sampleRate"},
        )
        url, refusal = self._stream_url(stream.get("url", ""))
        track = stream.get("track", "inbound_track")
        if track != "inbound_track":
            refusal = Notice(codes.TRACK_INVALID, f"expected track inbound_track in <Connect>, got {track!r}")
        action = element.get("action")
        status_callback = stream.get("statusCallback", "")
        return ConnectStream(
            url=url,
            parameters=self._parameters(stream),
            name=stream.get("name", ""),
            status_callback=urljoin(self.base, status_callback) if status_callback else "",
            status_callback_method=self._method(stream, "statusCallbackMethod"),
            action=None if action is None else urljoin(self.base, action),
            method=self._method(element),
            refusal=refusal,
        )

    def _stream_url(self, written: str) -> tuple[str, Notice | None]:
        try:
            parts = urlsplit(written)
            _ = parts.port  # raises when it is not a number
        except ValueError as error:
            return written, Notice(codes.MALFORMED_URL, f"Stream url: {error}")
        if parts.query:
            self._warn("Stream url: the query is not supported and was dropped; use <Parameter>")
        bare = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
        if not parts.hostname:
            return bare, Notice(codes.MALFORMED_URL, f"Stream url: expected wss://host/path, got {written!r}")
        if parts.scheme != "wss" and not (self.allow_ws and parts.scheme == "ws"):
            return bare, Notice(codes.SCHEME_UNSUPPORTED, f"Stream url: expected wss, got {parts.scheme!r}")
        return bare, None

    def _parameters(self, stream: ElementTree.Element) -> dict[str, str]:
        parameters: dict[str, str] = {}
        for child in stream:
            name, value = child.get("name"), child.get("value")
            if child.tag != "Parameter" or name is None or value is None:
                self._warn(f"<Stream>: expected <Parameter name value>, got <{child.tag}>")
            elif len(name) + len(value) >= MAX_PARAMETER_CHARACTERS:
                self._warn(
                    f"<Parameter> {name!r}: expected name and value under 500 characters, got "
                    f"{len(name) + len(value)}; it is dropped"
                )
            else:
                parameters[name] = value
        return parameters

    def _redirect(self, element: ElementTree.Element) -> Redirect:
        self._check_attributes(element, {"method"})
        return Redirect(urljoin(self.base, self._text(element)), self._method(element))

    def _dial(self, element: ElementTree.Element) -> Dial:
        number = "".join(element.itertext()).strip()
        if not number:
            self._warn("<Dial>: expected a number, got none")
        if (element.text or "").strip().startswith("sip:"):
            self._warn("<Dial>: expected a number as its text; a SIP address stands in <Sip>")
        action = element.get("action")
        return Dial(
            number,
            None if action is None else urljoin(self.base, action),
            self._method(element),
            element.get("callerId", ""),
        )

    def _say(self, element: ElementTree.Element) -> Say:
        self._check_attributes(element, {"language", "loop", "voice"})
        text = "".join(element.itertext()).strip()
        return Say(text, element.get("language", ""), element.get("voice", ""))

    def _pause(self, element: ElementTree.Element) -> Pause:
        written = element.get("length", "1")
        if not written.isdigit():
            self._warn(f"<Pause>: expected a whole number of seconds, got {written!r}")
            return Pause()
        return Pause(float(written))

    def _method(self, element: ElementTree.Element, attribute: str = "method") -> str:
        method = element.get(attribute, "POST").upper()
        if method not in ("GET", "POST"):
            self._warn(f"<{element.tag}> {attribute}: expected GET or POST, got {method!r}")
            return "POST"
        return method

    def _check_attributes(self, element: ElementTree.Element, known: set[str]) -> None:
        for name in sorted(set(element.keys()) - known):
            self._warn(f"<{element.tag}>: attribute {name!r} is not allowed")

    def _warn(self, text: str) -> None:
        self.notices.append(Notice(codes.TWIML_SCHEMA_WARNING, text))

    @staticmethod
    def _text(element: ElementTree.Element) -> str:
        return (element.text or "").strip()
