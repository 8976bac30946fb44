"""A small bridge to call: webhooks and media WebSockets on one port, scripted by each test.

It keeps what it got (forms, headers, messages) and checks every signature with Twilio's library; its
WebSocket side is the `websockets` package's own server protocol, so that the simulator's framing is judged by
somebody else's. It does no more than the test's `documents` and `talk` say.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from twilio.request_validator import RequestValidator
from websockets.datastructures import Headers
from websockets.exceptions import InvalidState
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

AUTH_TOKEN = "12345"
HOST = "demo.trunkline.test"
VOICE_URL = f"https://{HOST}/voice"
STREAM_URL = f"wss://{HOST}/media"
STATUS_URL = f"https://{HOST}/stream-status"
SECOND = bytes([0x20]) * 8000

Message = dict[str, Any]


def stream_document(after: str = "<Redirect>/voice/resume</Redirect>", inside: str = "") -> str:
    """TwiML of one stream, then `after`."""
    return (
        f'<Response><Connect><Stream url="{STREAM_URL}" statusCallback="{STATUS_URL}">'
        f'<Parameter name="token" value="t1"/>{inside}</Stream></Connect>{after}</Response>'
    )


@dataclass
class Post:
    """One webhook as it came."""

    method: str
    path: str
    form: dict[str, str]
    headers: dict[str, str]
    signed: bool


@dataclass
class BridgeSocket:
    """One media WebSocket, seen from the bridge."""

    path: str
    headers: Headers
    signed: bool
    protocol: ServerProtocol
    writer: asyncio.StreamWriter
    messages: list[Message] = field(default_factory=list)
    others: list[Frame] = field(default_factory=list)
    stream_sid: str = ""
    reading: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    close_code: int | None = None

    def of(self, event: str) -> list[Message]:
        return [message for message in self.messages if message["event"] == event]

    async def until(self, event: str, count: int = 1) -> list[Message]:
        """Messages of this event, once there are so many."""
        while len(self.of(event)) < count:
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 10)
        return self.of(event)

    def send(self, **message: Any) -> None:
        self.send_text(json.dumps(message))

    def send_text(self, text: str) -> None:
        self.protocol.send_text(text.encode())
        self.flush()

    def send_binary(self, data: bytes) -> None:
        self.protocol.send_binary(data)
        self.flush()

    def play(self, audio: bytes, **extra: Any) -> None:
        payload = base64.b64encode(audio).decode()
        media = {"payload": payload, **extra}
        self.send(event="media", streamSid=self.stream_sid, media=media)

    def mark(self, name: str) -> None:
        self.send(event="mark", streamSid=self.stream_sid, mark={"name": name})

    def clear(self) -> None:
        self.send(event="clear", streamSid=self.stream_sid)

    def close(self, code: int = 1000) -> None:
        self.protocol.send_close(code)
        self.flush()

    def ping(self, data: bytes) -> None:
        self.protocol.send_ping(data)
        self.flush()

    def send_raw(self, data: bytes) -> None:
        self.writer.write(data)

    def abort(self) -> None:
        self.writer.transport.abort()

    def flush(self) -> None:
        for data in self.protocol.data_to_send():
            if data:
                self.writer.write(data)

    def take(self, frame: Frame) -> None:
        if frame.opcode is not Opcode.TEXT:
            self.others.append(frame)
            return
        try:
            message = json.loads(bytes(frame.data))
        except ValueError:
            self.others.append(frame)
            return
        self.messages.append(message)
        if message["event"] == "start":
            self.stream_sid = message["streamSid"]


Talk = Callable[[BridgeSocket], Awaitable[None]]
Documents = Callable[[str, dict[str, str]], str | tuple[int, str]]


async def listen(socket: BridgeSocket) -> None:
    """The talk of a bridge that says nothing."""


def default_documents(path: str, form: dict[str, str]) -> str | tuple[int, str]:
    """One stream, then the end."""
    return stream_document() if path == "/voice" else "<Response><Hangup/></Response>"


@dataclass
class ReferenceBridge:
    """The server. `address` is what to dial."""

    talk: Talk = listen
    documents: Documents = default_documents
    refuse: int | None = None
    """Answers every upgrade with this status."""
    content_type: str = "text/xml"
    eager: bytes = b""
    """Sent in one packet with the answer to an upgrade."""
    posts: list[Post] = field(default_factory=list)
    sockets: list[BridgeSocket] = field(default_factory=list)
    address: str = ""
    errors: list[BaseException] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def posts_to(self, path: str) -> list[Post]:
        return [post for post in self.posts if post.path == path]

    async def idle(self) -> None:
        """Once every connection has ended on this side too."""
        if self.tasks:
            await asyncio.wait(tuple(self.tasks), timeout=10)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if b"upgrade: websocket" in head.lower():
                await self.serve_socket(head, reader, writer)
            else:
                await self.serve_webhook(head, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return  # the simulator dropped the connection, or the test is over
        except AssertionError as error:
            self.errors.append(error)
        finally:
            self.tasks.discard(task)
            writer.close()

    async def serve_webhook(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        method, target, headers = read_head(head)
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        path, _, query = target.partition("?")
        text = body.decode() if method == "POST" else query
        form = {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}
        url = f"https://{headers['host']}{target}"
        signed = RequestValidator(AUTH_TOKEN).validate(
            url, form if method == "POST" else {}, headers.get("x-twilio-signature", "")
        )
        self.posts.append(Post(method, path, form, headers, signed))
        answer = self.documents(path, form)
        status, text = (200, answer) if isinstance(answer, str) else answer
        data = text.encode()
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Type: {self.content_type}\r\n"
            f"Content-Length: {len(data)}\r\nConnection: close\r\n\r\n".encode()
            + data
        )
        await writer.drain()

    async def serve_socket(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        protocol = ServerProtocol(max_size=None)
        protocol.receive_data(head)
        request = protocol.events_received()[0]
        assert isinstance(request, Request), request
        headers = request.headers
        signed = RequestValidator(AUTH_TOKEN).validate(
            f"wss://{headers['host']}{request.path}", {}, headers.get("x-twilio-signature", "")
        )
        socket = BridgeSocket(request.path, headers, signed, protocol, writer)
        socket.reading.set()
        if self.refuse is not None:
            protocol.send_response(protocol.reject(self.refuse, "no"))
            socket.flush()
            return
        protocol.send_response(protocol.accept(request))
        writer.write(b"".join(protocol.data_to_send()) + self.eager)
        self.sockets.append(socket)
        talk = asyncio.create_task(self.run_talk(socket))
        try:
            await read_socket(socket, reader)
        finally:
            received = protocol.close_rcvd
            socket.close_code = 1006 if received is None else received.code
            socket.closed.set()
            talk.cancel()
            await asyncio.gather(talk, return_exceptions=True)

    async def run_talk(self, socket: BridgeSocket) -> None:
        try:
            await self.talk(socket)
        except InvalidState:
            return  # the call ended while the talk was about to speak
        except AssertionError as error:
            self.errors.append(error)


async def read_socket(socket: BridgeSocket, reader: asyncio.StreamReader) -> None:
    while True:
        await socket.reading.wait()
        data = await reader.read(65536)
        if not data:
            return
        await socket.reading.wait()
        socket.protocol.receive_data(data)
        for frame in socket.protocol.events_received():
            assert isinstance(frame, Frame), frame
            socket.take(frame)
        socket.news.set()
        socket.flush()
        if socket.protocol.close_expected():
            return


def read_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    return method, target, {name.lower(): value.strip() for name, _, value in pairs}


@asynccontextmanager
async def reference_bridge(
    talk: Talk = listen, documents: Documents = default_documents, **fields: Any
) -> AsyncIterator[ReferenceBridge]:
    """A running bridge; what its talk asserted is raised at the end."""
    bridge = ReferenceBridge(talk, documents, **fields)
    # A small read-ahead, so that a bridge that stops reading is felt through the socket.
    server = await asyncio.start_server(bridge.handle, "127.0.0.1", 0, limit=64 * 1024)
    host, port = server.sockets[0].getsockname()[:2]
    bridge.address = f"{host}:{port}"
    try:
        yield bridge
    finally:
        server.close()
        for task in tuple(bridge.tasks):
            task.cancel()
        await asyncio.gather(*bridge.tasks, return_exceptions=True)
        await server.wait_closed()
    for error in bridge.errors:
        raise error
