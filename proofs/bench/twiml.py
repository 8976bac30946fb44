"""The webhook of a server that has none: it answers with TwiML that names the server's socket.

Why it exists: a Media Streams server need not be the one that Twilio asks first, and the peers are nothing
but sockets. Owns: that answer, over plain HTTP on a port of its own. Must not know: calls.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from xml.sax.saxutils import quoteattr

TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response><Connect><Stream url={url}/></Connect></Response>'


def answer(stream_url: str, path: str) -> bytes:
    """The whole answer to a request for this path: TwiML, or nothing for a status."""
    if path.startswith("/voice"):
        body = TWIML.format(url=quoteattr(stream_url)).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n"
    else:
        body, head = b"", "HTTP/1.1 204 No Content\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body


@contextlib.asynccontextmanager
async def webhook(stream_url: str) -> AsyncIterator[str]:
    """Serves it inside the block; yields the voice URL. Cancelling it closes the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            await reader.readexactly(_length(head))
            writer.write(answer(stream_url, head.split(" ")[1]))
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/voice"


# Private.


def _length(head: str) -> int:
    for line in head.split("\r\n")[1:]:
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            return int(value)
    return 0
