"""`python -m console.operate.port tcp://0.0.0.0:8080`: has the public port open while ingress comes and goes.

Why it exists: supervisord closes a socket of its own with the last process of the group that has it, and
every connection is refused until one is back. This process accepts nothing and reads nothing; it is never
restarted with a group, and what it does fits on a page. Owns: the life of the listening socket. Must not
know: who listens, what for.

It binds when the first ingress asks: on a host without one the port stays closed. If the address is taken, an
ingress of an earlier holder's may have it, and offers it: it is waited for a moment. Two holders of one
address do not run at once. When no ingress has had the port for longer than any restart takes, it is closed:
whoever comes then is refused at once, and goes elsewhere, instead of waiting for nobody.

`restart all` ends this process too. What it leaves behind for that time is keeper.py's.
"""

from __future__ import annotations

import errno
import selectors
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from types import FrameType

from console.operate import keeper
from shared import public_port
from shared.exit_codes import Exit
from shared.process.host import end_with_supervisord, lock_instance, who_listens

BACKLOG = 1024
OFFERED_WITHIN_S = 2.0
"""Ingress processes that have the port offer it as soon as this one listens."""

STEP_S = 0.1
UNUSED_AFTER_S = 30.0
"""Without an ingress for so long, none is coming back: a boot takes a second or two."""


class Stopped(Exception):
    """A signal has asked for the end."""


@dataclass(slots=True)
class Holder:
    """One a process. `serve` runs until a signal comes."""

    address: str
    listener: socket.socket | None = None
    _meeting: socket.socket = field(init=False)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _waiting: list[socket.socket] = field(default_factory=list)
    """Who has asked and has no answer yet."""
    _since_s: float = 0.0
    """When the first of them asked."""
    _users: set[socket.socket] = field(default_factory=set)
    """Who listens on the port: each keeps its connection for as long as it lives."""
    _used_at_s: float = 0.0
    """When the last of them left, or somebody got the port."""

    def __post_init__(self) -> None:
        path = public_port.meeting_place(self.address)
        path.unlink(missing_ok=True)  # Of one that was killed; nobody else has the lock.
        self._meeting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._meeting.bind(str(path))
        self._meeting.listen(BACKLOG)
        self._meeting.setblocking(False)
        self._selector.register(self._meeting, selectors.EVENT_READ)

    def serve(self) -> None:
        """Answers for ever; ends by what a signal handler raises."""
        while True:
            for key, _ in self._selector.select(self._patience_s()):
                if key.fileobj is self._meeting:
                    self._accept()
                else:
                    self._hear(key.fileobj)  # type: ignore[arg-type]  # only sockets are
            self._answer()
            self._close_unused()

    def turn_away(self) -> None:
        """Nobody meets us any more: what is offered from here on is the next holder's."""
        self._meeting.close()

    # Private.

    def _patience_s(self) -> float | None:
        """How long nothing has to be looked at."""
        if self._waiting:
            return STEP_S
        if self.listener is None or self._users:
            return None
        return max(STEP_S, self._used_at_s + UNUSED_AFTER_S - time.monotonic())

    def _close_unused(self) -> None:
        is_over = time.monotonic() >= self._used_at_s + UNUSED_AFTER_S
        if self.listener is not None and not self._users and is_over:
            self.listener.close()
            self.listener = None
            _say(f"closes the port: nobody has listened on it for {UNUSED_AFTER_S:.0f} s")

    def _accept(self) -> None:
        link, _ = self._meeting.accept()
        if not public_port.is_ours(link):
            link.close()
            return
        link.setblocking(False)
        self._selector.register(link, selectors.EVENT_READ)

    def _hear(self, link: socket.socket) -> None:
        try:
            said, found = public_port.receive(link)
        except OSError:
            said, found = b"", None
        if found is not None:
            self._offered(found)
            self._users.add(link)
        elif said == public_port.WANT:
            self._since_s = self._since_s if self._waiting else time.monotonic()
            self._waiting.append(link)
        else:
            if link in self._waiting:
                self._waiting.remove(link)
            self._leave(link)

    def _offered(self, found: socket.socket) -> None:
        if self.listener is None:
            self.listener = found
            _say("has the port from an ingress that listens on it")
        else:
            found.close()

    def _answer(self) -> None:
        if not self._waiting:
            return
        problem = "" if self.listener is not None else self._bind()
        if problem and time.monotonic() - self._since_s < OFFERED_WITHIN_S:
            return
        for link in self._waiting:
            try:
                if self.listener is None:
                    link.sendall(problem.encode()[: public_port.MESSAGE_MAX_BYTES])
                else:
                    public_port.send(link, self.listener)
                    self._used_at_s = time.monotonic()
            except OSError as error:
                _say(f"one that asked has gone: {error}")
            self._leave(link)
        self._waiting.clear()

    def _bind(self) -> str:
        """Why the address cannot be listened on; empty: it is."""
        host, number = public_port.parse_address(self.address)
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, number))
            listener.listen(BACKLOG)
        except OSError as error:
            listener.close()
            by = who_listens(number) if error.errno == errno.EADDRINUSE else ""
            return f"{error}{f' ({by} has it)' if by else ''}"
        self.listener = listener
        _say("listens")
        return ""

    def _leave(self, link: socket.socket) -> None:
        if link in self._users:
            self._users.remove(link)
            self._used_at_s = time.monotonic()
        self._selector.unregister(link)
        link.close()


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        (address,) = words
        public_port.parse_address(address)
    except ValueError as error:
        print(f"usage: python -m console.operate.port tcp://host:port ({error})", file=sys.stderr)
        return Exit.USAGE
    lock = lock_instance("port", deployment=address)
    if lock is None:
        print(f"port: another process holds {address} for this user", file=sys.stderr)
        return Exit.SECOND_COPY
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    end_with_supervisord()
    holder = Holder(address)
    try:
        holder.serve()
    except Stopped:
        holder.turn_away()
        if holder.listener is not None and keeper.is_needed():
            _leave_to_keeper(address, holder.listener)
    finally:
        lock.close()
    return Exit.OK


# Private.


def _leave_to_keeper(address: str, listener: socket.socket) -> None:
    """Has it from here on: a process that nobody waits for, not even a stop of this one's group."""
    subprocess.Popen(
        [sys.executable, "-m", "console.operate.keeper", address, str(listener.fileno())],
        pass_fds=[listener.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _stop(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, _once_is_enough)
    raise Stopped


def _once_is_enough(_number: int, _frame: FrameType | None) -> None:
    """SIG_IGN would be inherited by what is started here."""


def _say(text: str) -> None:
    print(f"port: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
