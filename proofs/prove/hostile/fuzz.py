"""A million messages through everything that reads what comes from outside; no exception may escape.

Why it exists: a parser that meets what nobody thought of ends a call, or a process. Owns: the mutations, the
parsers that are tried and what each may answer. Must not know: sockets of the system, Redis, processes.
Everything is drawn from one seed: what was found can be found again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from random import Random
from typing import Final
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import orjson
import uvicorn
from uvicorn.server import ServerState

from brain.model.realtime import translate
from ingress.counters import SocketCounters
from ingress.errors import IngressError, WireError
from ingress.media import twilio
from ingress.media.gate import Given, SocketGate
from ingress.media.parameters import read_parameters
from ingress.media.protocol import MediaProtocol, media_protocol_class
from ingress.media.strangers import Strangers
from ingress.media.wire import StreamStart
from ingress.web import token, twiml
from ingress.web.parties import read_parties
from ingress.web.resume import read_trail
from ingress.web.signature import Params, Signatures
from proofs.prove.hostile import payloads
from shared.contract.errors import ContractError
from shared.contract.streams.pairs import read_name

SHOWN_BYTES: Final = 120
MOST_SHOWN: Final = 20
LONG_BYTES: Final = 4_000
"""Longer ones would use up what a socket may send before its turn is over."""

FRESH_EVERY: Final = 50
"""Messages that one socket and one gate get before there are new ones."""

_AUTH_TOKEN: Final = "fuzz"
_URL: Final = "https://bridge.invalid/voice"
_URLS: Final = twiml.Urls("https://bridge.invalid", "wss://bridge.invalid/media")


@dataclass(slots=True)
class Fuzzed:
    """What came of it."""

    messages: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    """By parser and answer: some of each must have been taken, or nothing is shown."""
    escaped: list[str] = field(default_factory=list)
    """Exceptions that came out, with the beginning of what led to them; the first ones."""
    escapes: int = 0


class Mutator:
    """Makes hostile bytes of good ones."""

    def __init__(self, chance: Random, seeds: Sequence[bytes]) -> None:
        self._chance = chance
        self._seeds = seeds

    def message(self) -> bytes:
        """One, changed in up to four places."""
        chance = self._chance
        data = bytearray(chance.choice(self._seeds))
        if chance.random() < 0.4:
            data = bytearray(self._with_another_value(bytes(data)))
        for _ in range(chance.randint(0, 3)):
            self._change(data)
        return bytes(data)

    # Private.

    def _change(self, data: bytearray) -> None:
        chance = self._chance
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.randint(1, 12))
        match chance.randrange(5):
            case 0 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                del data[at:end]
            case 2:
                data[at:at] = data[at:end]
            case 3:
                data[at:at] = chance.choice(payloads.TOKENS)
            case _:
                del data[at:]

    def _with_another_value(self, data: bytes) -> bytes:
        """A JSON object with one of its fields replaced, wherever it stands; other data as it is."""
        try:
            found = place = orjson.loads(data)
        except orjson.JSONDecodeError:
            return data
        while isinstance(place, dict) and place:
            name = self._chance.choice(list(place))
            inner = place[name]
            if isinstance(inner, dict) and inner and self._chance.random() < 0.7:
                place = inner
                continue
            place[name] = self._chance.choice(payloads.VALUES)
            break
        try:
            return orjson.dumps(found)
        except orjson.JSONEncodeError:  # too deep to be written, not to be read
            return data


@dataclass(slots=True)
class Reader:
    """Something that reads what comes from outside. `read` answers in a word; what it raises has escaped."""

    name: str
    share: float
    seeds: Sequence[bytes]
    read: Callable[[bytes], str]


def readers() -> list[Reader]:
    """All of them; their shares are 1 together."""
    call, sid = payloads.CALL_SID, payloads.STREAM_SID
    started = payloads.start(token=good_token(), account_sid=payloads.ACCOUNT_SID)
    messages = [
        payloads.media(),
        started,
        b'{"event":"connected","protocol":"Call","version":"1.0.0"}',
        b'{"event":"dtmf","streamSid":"%b","dtmf":{"digit":"7"}}' % sid.encode(),
        b'{"event":"mark","streamSid":"%b","mark":{"name":"1.0.item.20"}}' % sid.encode(),
        b'{"event":"stop","streamSid":"%b","stop":{}}' % sid.encode(),
        *payloads.poison().values(),
    ]
    forms = [_FORM.encode(), b"Direction=outbound-api&ForwardedFrom=sip:1@h&agent=a&s=1"]
    names = [f"frame:{call}:1:2:0:17".encode(), f"mark:{call}:1:2:0:0".encode()]
    frames = [frame(text) for text in messages if len(text) < LONG_BYTES]
    return [
        Reader("wire", 0.45, messages, WireReader().read),
        Reader("socket", 0.15, frames, SocketReader().read),
        Reader("webhook", 0.1, forms, webhook),
        Reader("token", 0.1, [good_token().encode()], stream_token),
        Reader("model", 0.15, model_events(), model_event),
        Reader("pairs", 0.05, names, pair_name),
    ]


def fuzz(messages: int, seed: int, said: Callable[[int], None] = lambda done: None) -> Fuzzed:
    """Tries so many. `said` is told ten times how many were tried."""
    chance, found = Random(seed), Fuzzed()
    all_readers = readers()
    mutators = [Mutator(chance, each.seeds) for each in all_readers]
    numbers, shares = range(len(all_readers)), [each.share for each in all_readers]
    every = max(1, messages // 10)
    while found.messages < messages:
        for number in chance.choices(numbers, shares, k=min(every, messages - found.messages)):
            data = mutators[number].message()
            found.messages += 1
            _try(all_readers[number], data, found)
        said(found.messages)
    return found


# What reads. Public, so that each can be tried by itself.


class WireReader:
    """Twilio's messages and the gate behind them."""

    def __init__(self) -> None:
        self._gate = SocketGate(0.0)
        self._read = 0

    def read(self, data: bytes) -> str:
        """`taken`, or the fault."""
        self._read += 1
        if self._read % FRESH_EVERY == 0:
            self._gate = SocketGate(0.0)
        answer = "taken"
        try:
            given: Given = twilio.parse(data)
        except WireError as error:
            given, answer = error, error.fault
        self._gate.receive(given, float(self._read))
        if isinstance(given, StreamStart):
            read_parameters(given.parameters)
        return answer


class SocketReader:
    """A media socket: frames of any kind in pieces of any size. It is its own Front and sink."""

    send_buffer_bytes = 32_768

    def __init__(self) -> None:
        self.counters = SocketCounters()
        self._config = uvicorn.Config(app="")
        self._kind = media_protocol_class(self, Strangers())
        self._read = 0
        self._texts = 0
        self._protocol = self._fresh()

    def read(self, data: bytes) -> str:
        """`text`, or `other` for what was no whole text."""
        self._read += 1
        if self._read % FRESH_EVERY == 0:
            self._protocol.connection_lost(None)
            self._protocol = self._fresh()
        before, middle = self._texts, max(1, len(data) // 3)
        for piece in (data[:1], data[1:middle], data[middle:]):
            if piece:
                self._protocol.data_received(piece)
        return "text" if self._texts > before else "other"

    def refuse_upgrade(self, path: str, signature: str | None) -> HTTPStatus | None:
        """Nobody."""
        return None

    def opened(self, media: MediaProtocol) -> SocketReader:
        """It listens itself."""
        return self

    def text(self, payload: bytes) -> None:
        """A whole message."""
        self._texts += 1

    def binary(self) -> None:
        """Dropped."""

    def pong(self, payload: bytes, at_ms: float) -> None:
        """Nobody has asked."""

    def lost(self) -> None:
        """There will be another."""

    # Private.

    def _fresh(self) -> MediaProtocol:
        protocol = self._kind(self._config, ServerState(), {}, None)
        protocol.connection_made(_Nowhere())
        protocol.data_received(
            b"GET /media HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        return protocol


def webhook(data: bytes) -> str:
    """A form: its fields, its signature, and the document that it is answered with."""
    text = data.decode("utf-8", "replace")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=500)
    except ValueError:
        return "refused"
    form = dict(pairs)
    # Good for the form as it was: whatever is changed is not signed.
    checked = _SIGNATURES.check_webhook(_URL, Params(pairs), _SIGNED)
    parties, trail = read_parties(form), read_trail(form)
    parties.comes_back(form.get("To", ""))
    document = twiml.connect(_URLS, {"from": parties.person, "to": parties.line, "agent": trail.agent}, trail)
    ElementTree.fromstring(document)
    shown = parties.caller_id(payloads.CALLED)
    ElementTree.fromstring(twiml.dial(_URLS, parties.person, trail, caller_id=shown))
    return checked


def stream_token(data: bytes) -> str:
    """What should open a stream."""
    try:
        token.verify(_KEYS, data.decode("latin-1"), payloads.CALL_SID, 0.0)
    except IngressError as error:
        return str(error).rpartition(" ")[2]
    return "taken"


def model_event(data: bytes) -> str:
    """An event of the model's, or of whoever answers in its name."""
    try:
        event = orjson.loads(data)
    except orjson.JSONDecodeError:
        return "no JSON"
    if not isinstance(event, dict):
        return "no object"
    translate.read_said(event)
    translate.read_server_tool(event)
    translate.fatal_code(event)
    return "taken" if translate.read_event(event) else "passed over"


def pair_name(data: bytes) -> str:
    """The name of a pair in Redis, where another process may have written anything."""
    try:
        read_name(data)
    except ContractError:
        return "refused"
    return "taken"


def good_token() -> str:
    """One that opens the stream of our call."""
    return token.mint(_KEYS[0], payloads.CALL_SID, bytes(token.NONCE_BYTES), 60)


def frame(text: bytes) -> bytes:
    """A whole, masked text frame: the mask is zeros."""
    if len(text) < 126:
        return b"\x81" + bytes([0x80 | len(text)]) + bytes(4) + text
    if len(text) < 65_536:
        return b"\x81\xfe" + len(text).to_bytes(2, "big") + bytes(4) + text
    return b"\x81\xff" + len(text).to_bytes(8, "big") + bytes(4) + text


def model_events() -> list[bytes]:
    """One of each kind that is read."""
    failed = {"code": "rate_limit_exceeded", "message": "Please try again in 1.2s."}
    item = {"id": "i", "type": "function_call", "status": "completed", "call_id": "c", "name": "n",
            "arguments": "{}"}  # fmt: skip
    events: list[dict[str, object]] = [
        {"type": "response.created", "response": {"id": "r", "conversation_id": "c", "metadata": {}}},
        {"type": "response.done", "response": {"id": "r", "status": "failed",
                                               "status_details": {"error": failed}}},
        {"type": "response.output_item.added", "response_id": "r", "item": {"id": "i", "type": "message"}},
        {"type": "response.output_item.done", "response_id": "r", "item": item},
        {"type": "conversation.item.added", "item": {"id": "i", "content": [{"type": "input_text"}]}},
        {"type": "conversation.item.done", "item": {"id": "i", "type": "mcp_call", "error": failed}},
        {"type": "input_audio_buffer.speech_started", "item_id": "i"},
        {"type": translate.TRANSCRIPTION_FAILED, "item_id": "i", "error": failed},
        {"type": "response.output_audio_transcript.done", "item_id": "i", "transcript": payloads.WORDS},
        {"type": "error", "error": {"event_id": "e", **failed}},
    ]  # fmt: skip
    return [orjson.dumps(event) for event in events]


# Private.

_KEYS: Final = (token.derive_key(_AUTH_TOKEN),)
_SIGNATURES: Final = Signatures([_AUTH_TOKEN])
_FORM: Final = (
    f"CallSid={payloads.CALL_SID}&AccountSid={payloads.ACCOUNT_SID}"
    "&From=%2B15550001111&To=%2B15550002222&n=2&l=1"
)
_SIGNED: Final = _SIGNATURES.sign(_URL, dict(parse_qsl(_FORM)))


class _Nowhere(asyncio.Transport):
    """Takes what is written."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        pass

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        pass

    def abort(self) -> None:
        pass


def _try(reader: Reader, data: bytes, found: Fuzzed) -> None:
    try:
        found.answers[f"{reader.name}: {reader.read(data)}"] += 1
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        found.escapes += 1
        if len(found.escaped) < MOST_SHOWN:
            found.escaped.append(f"{reader.name}: {type(error).__name__} from {data[:SHOWN_BYTES]!r}")
