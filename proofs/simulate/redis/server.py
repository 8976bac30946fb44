"""A Redis on the network of a simulated world.

Why it exists: our own link and redis-py speak to it as to any other, byte by byte. Owns: connections, the
order of commands, MULTI, who blocks and who is woken; that it is full. Must not know: what a command does.
Crash, freeze and failover are done to it from outside (world.py).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import hiredis

from proofs.simulate.redis import stream_commands
from proofs.simulate.redis.keyspace import OK, Keyspace, Refused, Status
from proofs.simulate.redis.plain_commands import COMMANDS, Args
from proofs.simulate.redis.scripts import Scripts
from proofs.simulate.redis.stream_commands import Reading

OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'."
NO_DISK = "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk."
NO_REPLICAS = "NOREPLICAS Not enough good replicas to write."
READ_ONLY = "READONLY You can't write against a read only replica."
BUSY = "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
LOADING = "LOADING Redis is loading the dataset in memory"
ABORTED = "EXECABORT Transaction discarded because of: "

READS = (b"XREAD", b"XREADGROUP")

NEEDS_MEMORY = frozenset(
    {b"SET", b"HSET", b"HSETNX", b"HINCRBY", b"SADD", b"ZADD", b"XADD", b"XGROUP", b"XCLAIM", b"XAUTOCLAIM"}
)
"""Commands that a Redis without memory refuses; in a script, if they come first among its writes."""

ALWAYS = frozenset({b"AUTH", b"HELLO", b"SELECT", b"MULTI", b"DISCARD"})
"""What a server answers that carries nothing out."""

_QUEUED = Status(b"QUEUED")
_NIL_ARRAY = object()
_LATER = object()
"""The reply comes when there is one."""


@dataclass(slots=True)
class RedisServer:
    """One server. Its connections are made by the loop that listens with `connection`."""

    keys: Keyspace
    is_full: bool = False
    """It takes no write that needs memory."""
    refusal: str = ""
    """It answers each write with this; empty: it takes them."""
    closed: str = ""
    """It answers all with this, and carries nothing out; empty: it serves."""
    commands: int = 0
    blocked: list[Client] = field(default_factory=list)
    """Who waits for news, longest first."""
    scripts: Scripts = field(init=False)
    _in_script: bool = False
    _script_wrote: bool = False

    def __post_init__(self) -> None:
        self.scripts = Scripts(self._call_of_script)

    def connection(self) -> Client:
        """The protocol of a new connection."""
        return Client(self)

    def run(self, args: Args) -> object:
        """One command. Raises Refused."""
        self.commands += 1
        name = args[0].upper()
        match name:
            case b"EVALSHA" | b"EVAL":
                return self._eval(name, args)
            case b"SCRIPT":
                return self._script(args)
            case b"FLUSHALL" | b"FLUSHDB":
                self.keys.clear()
                return OK
            case b"XREAD" | b"XREADGROUP":
                self.check(name)
                return stream_commands.reading(self.keys, name, args[1:]).read(self.keys)
        command = COMMANDS.get(name)
        if command is None:
            raise Refused(f"ERR unknown command '{args[0].decode(errors='replace')}'")
        if len(args) - 1 < command.least:
            raise Refused(f"ERR wrong number of arguments for '{name.decode().lower()}' command")
        self.check(name)
        if command.writes:
            if self.is_full and name in NEEDS_MEMORY and not self._script_wrote:
                raise Refused(OUT_OF_MEMORY)
            self._script_wrote = self._in_script
        return command.run(self.keys, args[1:])

    def check(self, name: bytes) -> None:
        """Raises Refused for a write that it does not take now. Of a script only the first is asked about; a
        PING fails with the disk."""
        is_ping = name == b"PING" and self.refusal == NO_DISK
        if self.refusal and not self._script_wrote and (is_ping or writes(name)):
            raise Refused(self.refusal)

    def wake(self) -> None:
        """Asks again for those whose streams were touched."""
        while self.keys.touched:
            touched, self.keys.touched = set(self.keys.touched), []
            for client in list(self.blocked):
                if client.reading is not None and touched.intersection(client.reading.keys):
                    client.try_again()

    # Private.

    def _eval(self, name: bytes, args: Args) -> object:
        script = args[1] if name == b"EVALSHA" else self.scripts.load(args[1])
        count = int(args[2])
        self._in_script, self._script_wrote = True, False
        try:
            return self.scripts.run(script, args[3 : 3 + count], args[3 + count :])
        finally:
            self._in_script = self._script_wrote = False

    def _script(self, args: Args) -> object:
        match args[1].upper():
            case b"LOAD":
                return self.scripts.load(args[2])
            case b"EXISTS":
                return [int(self.scripts.knows(name)) for name in args[2:]]
            case b"FLUSH":
                self.scripts.forget()
                return OK
        raise Refused("ERR unknown subcommand of SCRIPT")

    def _call_of_script(self, args: Args) -> object:
        return self.run(args)


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._reader = hiredis.Reader()
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[Args] = deque()
        self._multi: list[Args] | None = None
        self._spoilt = False
        self.reading: Reading | None = None
        """What it blocks on."""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (args := self._reader.gets()) is not False:
            self._waiting.append(args)
        self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unblock()
        self._transport = None
        self._waiting.clear()

    def try_again(self) -> None:
        """Something that it waits for was touched."""
        assert self.reading is not None
        try:
            found = self.reading.read(self._server.keys)
        except Refused as error:
            self._unblock()
            self._answer(error)
            self._go_on()
            return
        if found is not None:
            self._unblock()
            self._answer(found)
            self._go_on()

    # Private.

    def _go_on(self) -> None:
        answers: list[bytes] = []
        while self._waiting and self.reading is None:
            try:
                reply = self._do(self._waiting.popleft())
            except Refused as error:
                self._spoilt = self._multi is not None
                reply = error
            if reply is not _LATER:
                _pack(answers, reply)
        if answers and self._transport is not None:
            self._transport.write(b"".join(answers))
        self._server.wake()

    def _do(self, args: Args) -> object:
        server, name = self._server, args[0].upper()
        if server.closed and name not in ALWAYS:
            if name != b"EXEC":
                raise Refused(server.closed)
            self._multi = None
            raise Refused(f"{ABORTED}{server.closed}")
        match name:
            case b"MULTI":
                self._multi, self._spoilt = [], False
                return OK
            case b"DISCARD":
                self._multi = None
                return OK
            case b"EXEC":
                return self._exec()
            case b"SELECT" | b"AUTH":
                return OK
            case b"HELLO":
                raise Refused("ERR unknown command 'HELLO'")
        if self._multi is not None:
            if name not in COMMANDS and name not in (b"EVALSHA", b"EVAL", b"SCRIPT", *READS):
                raise Refused(f"ERR unknown command '{args[0].decode(errors='replace')}'")
            server.check(name)
            self._multi.append(args)
            return _QUEUED
        if name in READS:
            return self._read(name, args)
        return server.run(args)

    def _exec(self) -> object:
        queued, self._multi = self._multi or [], None
        if self._spoilt:
            raise Refused("EXECABORT Transaction discarded because of previous errors.")
        if self._server.refusal and any(writes(args[0].upper()) for args in queued):
            raise Refused(f"{ABORTED}{self._server.refusal}")
        replies: list[object] = []
        for args in queued:
            try:
                replies.append(self._server.run(args))
            except Refused as error:
                replies.append(error)
        return replies

    def _read(self, name: bytes, args: Args) -> object:
        self._server.commands += 1
        self._server.check(name)
        reading = stream_commands.reading(self._server.keys, name, args[1:])
        found = reading.read(self._server.keys)
        if found is not None:
            return found
        if reading.block_ms is None:
            return _NIL_ARRAY
        self.reading = reading
        self._server.blocked.append(self)
        if reading.block_ms:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(reading.block_ms / 1000, self._time_out)
        return _LATER

    def _time_out(self) -> None:
        self._unblock()
        self._answer(_NIL_ARRAY)
        self._go_on()

    def _unblock(self) -> None:
        if self.reading is not None:
            self.reading = None
            self._server.blocked.remove(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _answer(self, reply: object) -> None:
        if self._transport is not None:
            answers: list[bytes] = []
            _pack(answers, reply)
            self._transport.write(b"".join(answers))


def writes(name: bytes) -> bool:
    """Whether a command writes. A read of a group notes what it hands out; a script by itself does not."""
    command = COMMANDS.get(name)
    return name == b"XREADGROUP" or (command is not None and command.writes)


# Private.


def _pack(into: list[bytes], reply: Any) -> None:
    match reply:
        case Status():
            into.append(b"+%b\r\n" % bytes(reply))
        case bytes():
            into.append(b"$%d\r\n%b\r\n" % (len(reply), reply))
        case int():
            into.append(b":%d\r\n" % reply)
        case None:
            into.append(b"$-1\r\n")
        case list() | tuple():
            into.append(b"*%d\r\n" % len(reply))
            for each in reply:
                _pack(into, each)
        case Refused():
            into.append(b"-%b\r\n" % str(reply).encode())
        case _ if reply is _NIL_ARRAY:
            into.append(b"*-1\r\n")
        case _:
            raise TypeError(f"expected a reply, got {reply!r}")


Connect = Callable[[], Client]
