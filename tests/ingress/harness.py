"""An ingress process in the test's own loop, with a Twilio of a few lines before it and a Redis behind it.

What it fakes: the TLS-terminating proxy (requests are signed for the public URL and sent to the local
port), the egress and brain (they are entries in `tl:out:…`). What is real: sockets, uvicorn, Redis.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

import httpx
import orjson
import redis.asyncio as redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from ingress.role import IngressRole
from ingress.web.signature import Signatures
from shared import settings
from shared.contract.speech import Announcement
from shared.contract.streams.caller import CallerFrame, read_caller
from shared.contract.streams.pairs import Name, Pair, pairs_fields, read_name, read_pairs
from shared.process.beat import keep_own_keys
from shared.process.life import make_process
from shared.process.role import Process
from shared.settings import Settings
from tests.support.servers import free_port
from tests.support.waiting import running, wait_until

PUBLIC_URL = "https://demo.trunkline.test"
STREAM_URL = "wss://demo.trunkline.test/media"
AUTH_TOKEN = "12345"
ACCOUNT = "AC" + "b" * 32
SIGNATURES = Signatures([AUTH_TOKEN])
FRAME = bytes(range(100)) + bytes(60)
EGRESS = "egress-0@far#aaaaaa"
HEBREW = Announcement(
    language="he-IL",
    voice="Google.he-IL-Standard-A",
    apology="מצטערים.",
    busy="תפוס.",
    fallback="+15550003333",
)
"""What an agent has Twilio's own voice say."""


def call_sid(number: int = 0) -> str:
    return f"CA{number:032x}"


def stream_sid(number: int = 0) -> str:
    return f"MZ{number:032x}"


def make_settings(url: str, **changes: Any) -> Settings:
    values: dict[str, Any] = {
        "redis_url": url,
        "public_url": PUBLIC_URL,
        "twilio_auth_token": AUTH_TOKEN,
        "twilio_account_sid": ACCOUNT,
        "host": "127.0.0.1",
        "port": free_port(),
        "apology": "Sorry.",
        "busy_message": "Busy.",
    }
    return settings.load("ingress", env_file=None, **{**values, **changes})


@dataclass
class Ingress:
    """The process under test and what stands around it."""

    process: Process
    role: IngressRole
    store: redis.Redis
    http: httpx.AsyncClient
    callers: list[Caller] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.role.port

    async def close_callers(self) -> None:
        for caller in self.callers:
            caller.socket.transport.abort()
            await caller.socket.wait_closed()

    # Webhooks.

    async def post(
        self, path: str, fields: dict[str, str], *, signature: str | None = None, **headers: str
    ) -> httpx.Response:
        """A signed webhook. `path` may have a query."""
        signed = SIGNATURES.sign(PUBLIC_URL + path, fields) if signature is None else signature
        sent = {"X-Twilio-Signature": signed, **headers} if signed else headers
        return await self.http.post(path, data=fields, headers=sent)

    async def get(self, path: str) -> httpx.Response:
        signed = SIGNATURES.sign(PUBLIC_URL + path, {})
        return await self.http.get(path, headers={"X-Twilio-Signature": signed})

    async def token(self, number: int = 0) -> str:
        """A fresh stream token, from the webhook."""
        response = await self.post("/voice", voice_form(number))
        return parameters(response.text)["token"]

    # Sockets.

    def connect(self, signature: str | None = None, path: str = "/media", **options: Any) -> connect:
        signed = SIGNATURES.sign(STREAM_URL, {}) if signature is None else signature
        return connect(
            f"ws://127.0.0.1:{self.port}{path}",
            additional_headers={"X-Twilio-Signature": signed} if signed else {},
            compression=None,
            ping_interval=None,
            **options,
        )

    async def dial(
        self, number: int = 0, *, stream: int | None = None, token: str | None = None, **options: Any
    ) -> Caller:
        """A call that has streamed: webhook, socket, connected, start."""
        given = await self.token(number) if token is None else token
        socket = await self.connect(**options)
        caller = Caller(socket, call_sid(number), stream_sid(number if stream is None else stream))
        self.callers.append(caller)
        await caller.send(connected())
        await caller.send(caller.start(token=given))
        return caller

    async def live(self, number: int = 0, **options: Any) -> Caller:
        """`dial`, and the ATTACH has been answered."""
        before = self.role.switchboard.counters.attached + self.role.switchboard.counters.resumed
        caller = await self.dial(number, **options)
        counters = self.role.switchboard.counters
        await wait_until(lambda: counters.attached + counters.resumed > before, "the stream is attached")
        return caller

    # Redis.

    async def out(self, *pairs: Pair, worker: str = EGRESS) -> None:
        """What an egress (or a brain) would write."""
        fields = pairs_fields(worker.encode(), 1.0, list(pairs))
        words: list[Any] = list(fields)
        await self.store.execute_command(
            "XADD", self.process.keys.out(self.process.name), "NOMKSTREAM", "*", *words
        )

    async def back(self, worker: str = EGRESS) -> list[tuple[Name, bytes]]:
        """All pairs that ingress told an egress worker."""
        found = await self.store.xrange(self.process.keys.back(worker))
        told = []
        for _, pairs in found:
            flat = [word for pair in pairs.items() for word in pair]
            told += [(read_name(n), v) for n, v in read_pairs(flat)]
        return told

    async def make_back(self, worker: str = EGRESS) -> None:
        key = self.process.keys.back(worker)
        await self.store.xdel(key, await self.store.xadd(key, {"v": "1"}))
        await self.store.pexpire(key, 60_000)

    async def card(self, number: int = 0) -> dict[str, str]:
        found = await self.store.hgetall(self.process.keys.card(call_sid(number)))  # type: ignore[misc]
        return {name.decode(): value.decode() for name, value in found.items()}

    async def is_in_state(self, state: str, number: int = 0) -> bool:
        return (await self.card(number)).get("state") == state

    async def caller_entries(self, number: int = 0) -> list[CallerFrame]:
        found = await self.store.xrange(self.process.keys.caller(call_sid(number)))
        return [read_caller([word for pair in fields.items() for word in pair]) for _, fields in found]


@dataclass
class Caller:
    """Twilio's side of one media socket."""

    socket: ClientConnection
    call_sid: str
    stream_sid: str
    chunk: int = 0
    sent: list[bytes] = field(default_factory=list)

    def start(self, *, token: str = "", **changes: Any) -> dict[str, Any]:
        start = {
            "accountSid": ACCOUNT,
            "callSid": self.call_sid,
            "streamSid": self.stream_sid,
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"token": token, "from": "+15550001111", "to": "+15550002222"},
        }
        start.update(changes)
        return {"event": "start", "streamSid": start["streamSid"], "start": start}

    async def send(self, message: dict[str, Any] | str | bytes) -> None:
        await self.socket.send(orjson.dumps(message).decode() if isinstance(message, dict) else message)

    async def event(self, kind: str, /, **body: Any) -> None:
        await self.send({"event": kind, "streamSid": self.stream_sid, kind: body})

    async def media(self, audio: bytes = FRAME) -> None:
        self.chunk += 1
        self.sent.append(audio)
        payload = base64.b64encode(audio).decode()
        await self.event("media", chunk=str(self.chunk), timestamp="57", payload=payload)

    async def receive(self, count: int = 1) -> list[dict[str, Any]]:
        """The next messages of ours."""
        async with asyncio.timeout(10):
            return [orjson.loads(await self.socket.recv()) for _ in range(count)]

    async def closed(self) -> tuple[int, str]:
        """Code and reason of our close; 1006 when the connection was cut."""
        with contextlib.suppress(ConnectionClosed):
            async with asyncio.timeout(15):
                while True:
                    await self.socket.recv()
        await self.socket.wait_closed()
        return self.socket.close_code or 1006, self.socket.close_reason or ""


def connected() -> dict[str, Any]:
    return {"event": "connected", "protocol": "Call", "version": "1.0.0"}


def voice_form(number: int = 0, **changes: str) -> dict[str, str]:
    return {
        "CallSid": call_sid(number),
        "AccountSid": ACCOUNT,
        "From": "+15550001111",
        "To": "+15550002222",
        "FromCity": "",
        "CallStatus": "ringing",
        **changes,
    }


def parameters(document: str) -> dict[str, str]:
    """The `<Parameter>`s of a TwiML document."""
    return {
        element.attrib["name"]: element.attrib["value"]
        for element in ElementTree.fromstring(document).iter("Parameter")
    }


def tags(document: str) -> list[str]:
    """The verbs of a TwiML document."""
    return [verb.tag for verb in ElementTree.fromstring(document)]


def frame(number: int, n: int, *, leg: int = 1, epoch: int = 1, cut: int = 0, audio: bytes = FRAME) -> Pair:
    return Name("frame", call_sid(number), leg, epoch, cut, n).encode(), audio


def other(
    kind: str, number: int, value: bytes = b"", *, leg: int = 1, epoch: int = 1, cut: int = 0, n: int = 0
) -> Pair:
    return Name(kind, call_sid(number), leg, epoch, cut, n).encode(), value


async def raw_answer(port: int, request: bytes) -> bytes:
    """What a raw request is answered, up to the end of the headers or the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    async with asyncio.timeout(10):
        answer = await reader.read(4096)
    writer.close()
    return answer


@contextlib.asynccontextmanager
async def ingress(url: str, **changes: Any) -> AsyncIterator[Ingress]:
    """An ingress process on a free port, ready."""
    process = make_process("ingress", 0, make_settings(url, **changes))
    process.lag.start()
    is_redis_there = False
    role = IngressRole(process)
    with contextlib.suppress(redis.RedisError):
        await keep_own_keys(process, role.own_streams)
        is_redis_there = True
    store = redis.Redis.from_url(url, decode_responses=False, protocol=2)
    async with running(process.outbox.run(), process.inboxes[0].run()):
        await role.start()
        if is_redis_there:
            await wait_until(lambda: process.outbox.connected, "the outbox is connected")
        base = f"http://127.0.0.1:{role.port}"
        async with httpx.AsyncClient(base_url=base, trust_env=False, verify=False) as http:
            made = Ingress(process, role, store, http)
            try:
                yield made
            finally:
                await role.stop()
                await made.close_callers()
                await process.outbox.flushed(2.0)
                process.lag.stop()
                for task in list(process.tasks):
                    task.cancel()
                await asyncio.gather(*process.tasks, return_exceptions=True)
                await store.aclose()
                await process.store.aclose()
    assert process.fatal is None, process.fatal
