"""Every kind of attack, one round of each, and how an attempt of it may end.

Why it exists: "floods do no harm" is a promise about each kind of flood. Owns: what each kind does, how
often, what may come of it. Must not know: who makes the rounds (attackers.py), what a clean call is.

An attempt ends as what the other side did: `403` and its like, `closed 1008` and its like, `cut` for a
connection that ended without a word, `stream` for TwiML that opens a stream, `no stream` for other TwiML.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from proofs.prove.hostile import payloads
from proofs.prove.hostile.scene import LET_IN, Overheard, Scene
from simulators.twilio.bad_client import BadClient
from simulators.twilio.media import frames
from simulators.twilio.webhooks.signing import HandshakeSignature, sign_webhook

CUT: Final = "cut"
ENDS_WITHIN_S: Final = 12.0
"""A connection that was not ended by then is told of as `held`: nothing of ours waits for so long."""

IDLE_AT_ONCE: Final = 1_000
DRIPPING: Final = 100
SILENT_AT_ONCE: Final = 200
"""More than all processes of a host let wait."""

FLOOD_PINGS: Final = 2_000
FLOOD_BYTES: Final = 4 * 1024 * 1024

ODD_FRAMES: Final = ((frames.BINARY, True, 0), (frames.TEXT, False, 0), (frames.TEXT, True, 0x70))
"""Opcode, masked, reserved bits: binary, unmasked, with bits that nobody has agreed on."""

PATHS: Final = ("/voice", "/voice/resume", "/voice/fallback", "/stream-status", "/call-status")

Round = Callable[[Scene], Awaitable[None]]
Attempt = Callable[[], Awaitable[str]]
"""Carried out, it says how it ended."""


@dataclass(frozen=True, slots=True)
class Attack:
    """One kind. `pause_s`: between two rounds."""

    name: str
    text: str
    round: Round
    pause_s: float
    may_end: frozenset[str]


# One round of each.


async def idle(scene: Scene) -> None:
    """Connections that say nothing."""
    await _at_once(_note(scene, "idle", partial(_said, scene, b"")) for _ in range(IDLE_AT_ONCE))


async def slow(scene: Scene) -> None:
    """Requests that drip: a byte a fifth of a second."""
    drip = partial(_said, scene, b"POST /voice HTTP/1.1\r\nHost: x\r\nX-Pad: ", drips=True)
    await _at_once(_note(scene, "slow", drip) for _ in range(DRIPPING))


async def garbage(scene: Scene) -> None:
    """What is no HTTP, and paths that are not ours."""
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200)
    path = scene.chance.choice(payloads.TEXTS).replace("\n", "").encode()
    said = [hello, bytes(400), b"GET\r\n\r\n", b"GET /" + path + b" HTTP/1.1\r\nHost: x\r\n\r\n"]
    long = b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20_000 + b"\r\n\r\n"
    await _at_once(_note(scene, "garbage", partial(_said, scene, each)) for each in [*said, long])


async def unsigned_webhooks(scene: Scene) -> None:
    """Of every route, with a forged host; too large a body among them."""
    form = {"CallSid": payloads.CALL_SID, "AccountSid": scene.target.account_sid, "From": payloads.CALLER}
    bodies = [urlencode(form), urlencode({**form, "x": "y" * 70_000}), urlencode({"x": payloads.WORDS})]
    for signature in ("", "AAAA", "ש" * 28):
        await _at_once(
            _note(scene, "unsigned webhooks", partial(_posted, scene, path, body, signature))
            for path in PATHS
            for body in bodies
        )


async def unsigned_handshakes(scene: Scene) -> None:
    """Without a signature, with one by another token, with one over another URL."""
    kinds: list[HandshakeSignature] = ["absent", "wrong", "https"]
    await _at_once(
        _note(scene, "unsigned handshakes", partial(_handshake, scene, kind))
        for kind in kinds
        for _ in range(10)
    )


async def silent_sockets(scene: Scene) -> None:
    """Signed, and no `start`: more of them than may wait at once."""
    silent = partial(_socket, scene, [])
    await _at_once(_note(scene, "silent sockets", silent) for _ in range(SILENT_AT_ONCE))


async def bad_starts(scene: Scene) -> None:
    """Signed, with ids, accounts, formats and tokens that are wrong."""
    account = scene.target.account_sid
    tokens = ["", "x", f"1.9999999999.{'0' * 32}.{'A' * 43}", "\x00", "9" * 5_000]
    starts = [payloads.start(token=each, account_sid=account) for each in tokens]
    starts += [payloads.start(token="", call_sid=each, account_sid=account) for each in payloads.TEXTS]
    starts += [payloads.start(token="", stream_sid=each, account_sid=account) for each in payloads.TEXTS]
    starts.append(payloads.start(token="", account_sid=payloads.ACCOUNT_SID))
    starts.append(payloads.start(token="", account_sid=account, mediaFormat={"encoding": "audio/x-l16"}))
    starts.append(payloads.start(token="", account_sid=account, customParameters=[payloads.WORDS]))
    await _at_once(
        _note(scene, "bad starts", partial(_socket, scene, [each]))
        for each in scene.chance.sample(starts, 12)
    )


async def stolen_tokens(scene: Scene) -> None:
    """The token of a live call for another call, and, though it is spent, for its own."""
    found = scene.heard(is_over=False)
    if found is None:
        return
    account = scene.target.account_sid
    swapped = payloads.start(token=found.token, account_sid=account)
    replayed = payloads.start(token=found.token, call_sid=found.call_sid, account_sid=account)
    for start in (swapped, replayed):
        await _note(scene, "stolen tokens", partial(_socket, scene, [start, payloads.media()]))


async def poison(scene: Scene) -> None:
    """Messages that have broken others, on signed sockets; binary, unmasked and unfinished ones."""
    texts = scene.chance.sample(sorted(payloads.poison().items()), 6)
    await _at_once(_note(scene, "poison", partial(_socket, scene, [text] * 60)) for _, text in texts)
    for opcode, masked, bits in ODD_FRAMES:
        odd = partial(_odd_frame, scene, opcode, masked=masked, reserved_bits=bits)
        await _note(scene, "poison", odd)
    await _note(scene, "poison", partial(_socket, scene, [b"x" * 65_537]))


async def pings(scene: Scene) -> None:
    """As many as go out, from a client that reads nothing."""
    ping = frames.build_frame(frames.PING, b"x" * 125, bytes(4))
    await _note(scene, "ping floods", partial(_flood, scene, ping, FLOOD_PINGS))


async def floods(scene: Scene) -> None:
    """A call's audio at the speed of the line, without a call."""
    text = frames.build_frame(frames.TEXT, payloads.media(), bytes(4))
    await _note(scene, "byte floods", partial(_flood, scene, text, FLOOD_BYTES // len(text)))


async def replayed_webhooks(scene: Scene) -> None:
    """A signed webhook of a call that is over, thirty times at once; and of one that is live."""
    over, live = scene.heard(is_over=True), scene.heard(is_over=False)
    if over is not None:
        again = partial(_again, scene, over)
        await _at_once(_note(scene, "replayed webhooks", again) for _ in range(30))
    if live is not None:
        await _note(scene, "replayed webhooks of live calls", partial(_again, scene, live))


async def hostile_forms(scene: Scene) -> None:
    """Webhooks that are signed, as by a stolen auth token, and wrong."""
    for form in scene.chance.sample(payloads.forms(scene.target.account_sid), 5):
        path = scene.chance.choice(PATHS)
        await _note(scene, "hostile forms", partial(_signed, scene, path, form))


_REFUSED: Final = frozenset({CUT, "503"})
_CLOSED: Final = _REFUSED | {"closed 1008"}
_BROKEN: Final = _CLOSED | {f"closed {code}" for code in (1000, 1002, 1003, 1007, 1009)}

ATTACKS: Final = (
    Attack("idle", "1,000 connections that say nothing", idle, 1.0, frozenset({CUT})),
    Attack("slow", "100 requests that drip", slow, 1.0, frozenset({CUT, "408"})),
    Attack("garbage", "no HTTP, paths that are not ours", garbage, 0.1, frozenset({CUT, "400", "404"})),
    Attack(
        "unsigned webhooks", "all routes, forged, too large",
        unsigned_webhooks, 0.3, frozenset({CUT, "403", "413"}),
    ),
    Attack(
        "unsigned handshakes", "no signature, a wrong one, of another URL",
        unsigned_handshakes, 0.3, frozenset({CUT, "403"}),
    ),
    Attack("silent sockets", "200 signed sockets without a start", silent_sockets, 5.0, _CLOSED),
    Attack("bad starts", "hostile ids, accounts, formats, tokens", bad_starts, 1.0, _CLOSED),
    Attack("stolen tokens", "of a live call: for another, and again", stolen_tokens, 1.0, _CLOSED),
    Attack("poison", "nesting, surrogates, NUL, binary, oversize, broken frames", poison, 1.0, _BROKEN),
    Attack("ping floods", "2,000 pings, nothing read", pings, 0.5, _CLOSED),
    Attack("byte floods", "4 MiB of audio without a call", floods, 0.5, _CLOSED),
    Attack(
        "replayed webhooks", "of calls that are over, 30 at once",
        replayed_webhooks, 2.0, frozenset({CUT, "no stream"}),
    ),
    Attack(
        "hostile forms", "signed webhooks with hostile ids",
        hostile_forms, 0.5, frozenset({CUT, "400", "403", "204", "no stream"}),
    ),
)  # fmt: skip

OTHER_ENDS: Final = {"replayed webhooks of live calls": frozenset({CUT, "stream", "no stream"})}
"""Kinds that an attack makes beside its own. The same answer again is what Twilio is owed; it opens nothing
that is not that call's."""


# Private.


async def _at_once(attempts: Iterable[Coroutine[Any, Any, None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for each in attempts:
            group.create_task(each)


async def _note(scene: Scene, kind: str, attempt: Attempt) -> None:
    """Carries an attempt out and notes its end."""
    try:
        async with asyncio.timeout(ENDS_WITHIN_S):
            end = await attempt()
    except TimeoutError:
        end = "held"
    except OSError:
        end = CUT
    scene.tally.note(kind, end)


async def _said(scene: Scene, data: bytes, *, drips: bool = False) -> str:
    """What a connection on which this is said ends with."""
    reader, writer = await asyncio.open_connection(*scene.target.dial)
    try:
        writer.write(data)
        while drips and not reader.at_eof():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.2)
        return _http_end(await reader.read())  # Each connection ends with its answer.
    finally:
        writer.transport.abort()


def _http_end(answer: bytes) -> str:
    """The status of an answer, or what its TwiML says."""
    if not answer.startswith(b"HTTP/1.1 "):
        return CUT
    status = answer[9:12].decode("latin-1")
    if status == "200":
        return "stream" if b"<Stream" in answer else "no stream"
    return status


async def _posted(scene: Scene, path: str, body: str, signature: str) -> str:
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: evil.example.com",
        f"X-Forwarded-Host: {urlsplit(scene.target.public_url).netloc}",
        "X-Forwarded-Proto: https",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        *([f"X-Twilio-Signature: {signature}"] if signature else []),
    ]
    return await _said(scene, "\r\n".join([*lines, "", body]).encode())


async def _signed(scene: Scene, path: str, form: dict[str, str]) -> str:
    signature = sign_webhook(scene.target.auth_token, scene.target.public_url + path, form)
    return await _posted(scene, path, urlencode(form), signature)


async def _again(scene: Scene, heard: Overheard) -> str:
    parts = urlsplit(heard.url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return await _signed(scene, path, dict(heard.params))


def _client(scene: Scene) -> BadClient:
    return BadClient(scene.target.dial, scene.target.stream_url, scene.target.auth_token)


async def _handshake(scene: Scene, signature: HandshakeSignature) -> str:
    async with _client(scene) as client:
        answer = await client.upgrade(signature)
        return LET_IN if answer.status == 101 else str(answer.status or CUT)


async def _socket(scene: Scene, texts: list[bytes]) -> str:
    """A signed socket that says this and waits for its end."""
    async with _client(scene) as client:
        answer = await client.upgrade()
        if answer.status != 101:
            return str(answer.status or CUT)
        try:
            for text in texts:
                await client.send_frame(frames.TEXT, text)
        except ConnectionError:
            return CUT  # While we spoke: what was said to us is lost with it.
        return await _end_of(client)


async def _odd_frame(scene: Scene, opcode: int, *, masked: bool, reserved_bits: int) -> str:
    async with _client(scene) as client:
        answer = await client.upgrade()
        if answer.status != 101:
            return str(answer.status or CUT)
        await client.send_frame(opcode, b"{}", masked=masked, reserved_bits=reserved_bits)
        return await _end_of(client)


async def _end_of(client: BadClient) -> str:
    goodbye = await client.read_until_closed(ENDS_WITHIN_S)
    if any(message.opcode == frames.TEXT for message in client.messages):
        return LET_IN
    return CUT if goodbye.code is None else f"closed {goodbye.code}"


async def _flood(scene: Scene, frame: bytes, times: int) -> str:
    """Sends it again and again, up to so often, until the other side has had enough."""
    async with _client(scene) as client:
        answer = await client.upgrade()
        if answer.status != 101:
            return str(answer.status or CUT)
        try:
            for _ in range(max(1, times // 50)):
                await client.send_raw(frame * 50)
        except ConnectionError:
            return CUT
        return await _end_of(client)
