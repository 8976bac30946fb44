"""The public port, held by a process that is no ingress: how an ingress gets it, and gives it back.

Why it exists: a listening socket lives as long as somebody has it open. Ingress processes come and go, all at
once too; connections that come meanwhile must wait in its queue, not be refused. So a tiny process has it
open as well (console/operate/port.py), and passes it on over a Unix socket. Should that one die, those who
listen have the port still, and give it to its successor.

Owns: the place where they meet, the messages, both ends' calls to the kernel. Must not know: HTTP, who
supervises.

    ingress → holder  `want`             answered by the socket, or by the reason why there is none
    ingress → holder  `have` + socket    unasked, and again after each loss of the connection
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit
from zlib import crc32

WANT, HAVE = b"want", b"have"
MESSAGE_MAX_BYTES = 512
ANSWER_WITHIN_S = 10.0
ASK_AGAIN_S = 0.2


class NoPort(OSError):
    """The holder has no socket for us, or there is no holder."""


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of `tcp://host:port`. Raises ValueError."""
    parts = urlsplit(text)
    if parts.scheme != "tcp" or not parts.hostname or not parts.port:
        raise ValueError(f"expected tcp://host:port, got {text!r}")
    return parts.hostname, parts.port


def meeting_place(address: str) -> Path:
    """The Unix socket of the holder of an address: in a folder that is this user's alone. Raises OSError."""
    folder = Path(tempfile.gettempdir()) / f"trunkline-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"expected {folder} to be ours, got one of user {folder.stat().st_uid}")
    return folder / f"port-{crc32(address.encode()):08x}.sock"


def fetch(address: str, within_s: float = ANSWER_WITHIN_S) -> socket.socket:
    """The listening socket, from whoever holds it; asked again while there is no holder. Blocks.

    Raises NoPort.
    """
    deadline = time.monotonic() + within_s
    while True:
        try:
            with _connected(address, max(0.1, deadline - time.monotonic())) as link:
                link.sendall(WANT)
                said, found = receive(link)
        except OSError as error:  # No holder at this moment, or it has gone.
            if time.monotonic() >= deadline:
                raise NoPort(f"expected the program `port` to answer for {address}, got: {error}") from None
        else:
            if found is not None:
                found.setblocking(False)
                return found
            if said or time.monotonic() >= deadline:
                raise NoPort(said.decode(errors="replace") or "the program `port` has gone")
        time.sleep(ASK_AGAIN_S)


async def offer(address: str, listener: socket.socket, given: asyncio.Event | None = None) -> None:
    """Gives the socket to each holder that there is, for ever: a new one has no other way to it. Sets `given`
    when one has got it. Cancelling it is safe."""
    loop = asyncio.get_running_loop()
    while True:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.setblocking(False)
            with contextlib.suppress(OSError):  # No holder at this moment.
                await loop.sock_connect(link, str(meeting_place(address)))
                send(link, listener)
                if given is not None:
                    given.set()
                await loop.sock_recv(link, 1)  # Ends with the holder.
        await asyncio.sleep(ASK_AGAIN_S)


def receive(link: socket.socket) -> tuple[bytes, socket.socket | None]:
    """A message and the socket that came with it. Raises OSError."""
    said, descriptors, _, _ = socket.recv_fds(link, MESSAGE_MAX_BYTES, 1)
    found = [socket.socket(fileno=descriptor) for descriptor in descriptors]
    return said, found[0] if found else None


def send(link: socket.socket, listener: socket.socket) -> None:
    """Passes the socket on. Raises OSError."""
    socket.send_fds(link, [HAVE], [listener.fileno()])


def is_ours(link: socket.socket) -> bool:
    """Whether the other end is a process of the same user."""
    if sys.platform != "linux":
        return True  # The folder of the meeting place is ours alone.
    credentials = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return bool(struct.unpack("3i", credentials)[1] == os.getuid())


# Private.


def _connected(address: str, within_s: float) -> socket.socket:
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        link.settimeout(within_s)
        link.connect(str(meeting_place(address)))
    except OSError:
        link.close()
        raise
    return link
