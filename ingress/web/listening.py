"""The public listening socket: our own on PORT, or one that a supervisor holds for us.

Why it exists: several ingress processes of a host share one port. SO_REUSEPORT lets each have a socket of its
own; under supervisord all get one that another process has open too (shared/public_port.py), so that no
connection is refused while they restart; who starts ingress otherwise may give one as descriptor 0. Owns:
which of the two it is. Must not know: HTTP.
"""

from __future__ import annotations

import errno
import os
import socket
import stat

from ingress.errors import WrongSocketError
from shared import public_port
from shared.settings import Settings, environment_name

BACKLOG = 1024
STDIN = 0


def public_listener(settings: Settings, held: str = "") -> socket.socket:
    """The one that the process `port` holds for `held`, as tcp://host:port; without a word of it the
    inherited one if there is one, else our own on HOST and PORT. Blocks while the holder is waited for.

    Raises OSError; WrongSocketError if HOST or PORT is set and the inherited socket is another one: an
    operator who set a loopback host must not find the port open to the world.
    """
    found = public_port.fetch(held) if held else inherited_listener()
    if found is None:
        return own_listener(settings.host, settings.port)
    problem = _why_another(found, settings)
    if problem:
        found.close()
        raise WrongSocketError(problem)
    return found


def _why_another(found: socket.socket, settings: Settings) -> str:
    name = found.getsockname()
    if not isinstance(name, tuple):
        return ""  # A Unix socket: whoever made it knows why.
    host, number = name[:2]
    given = settings.model_fields_set
    problems = []
    if "port" in given and number != settings.port:
        problems.append(f"{environment_name('port')}={settings.port}")
    if "host" in given and host not in _addresses(settings.host):
        problems.append(f"{environment_name('host')}={settings.host}")
    if not problems:
        return ""
    return (
        f"expected the inherited socket to listen as {' and '.join(problems)} says, got one on"
        f" {host}:{number}. Set INGRESS_SOCKET in deploy/trunkline.conf to the same, or unset"
        f" {' and '.join(problem.partition('=')[0] for problem in problems)}."
    )


def _addresses(host: str) -> set[str]:
    """Raises OSError for a name that does not resolve."""
    return {str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}


def is_about_host(error: OSError) -> bool:
    """Whether it is HOST that cannot be listened on: a name that nobody knows, an address of another host."""
    return isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL


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


def own_listener(host: str, number: int) -> socket.socket:
    """A listening socket shared by port with the other ingress processes. Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, number, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
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
