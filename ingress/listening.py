"""The public listening socket: our own on PORT, or one that a supervisor holds for us.

Why it exists: several ingress processes of a host share one port. SO_REUSEPORT lets each have a
socket of its own; under supervisord's `[fcgi-program]` all inherit one as descriptor 0, which stays
open while they restart, so that no connection is refused. Must not know HTTP.
"""

from __future__ import annotations

import os
import socket
import stat

BACKLOG = 1024
STDIN = 0


def inherited_listener(descriptor: int = STDIN) -> socket.socket | None:
    """The socket behind `descriptor` if it is a listening one."""
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return None
        # A copy: asyncio closes what it is given, and a closed 0 would be handed out again.
        found = socket.socket(fileno=os.dup(descriptor))
    except OSError:
        return None
    if not _listens(found):
        found.close()
        return None
    found.setblocking(False)
    return found


def _listens(found: socket.socket) -> bool:
    try:
        return bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:
        return False  # A socket that cannot say whether it listens is not the one we mean.


def own_listener(host: str, port: int) -> socket.socket:
    """A listening socket shared by port with the other ingress processes. Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
