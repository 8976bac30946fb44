"""Two servers that are asked the same: the simulated one and a real one."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import hiredis
import pytest

from proofs.simulate.redis.keyspace import Keyspace
from proofs.simulate.redis.server import RedisServer
from shared import resp

Ask = Callable[..., Any]


class Simulated:
    """The simulated one, without a network: a transport that keeps what was answered."""

    def __init__(self, server: RedisServer | None = None) -> None:
        self.now_us = 1_800_000_000_000_000
        self.server = server or RedisServer(Keyspace(lambda: self.now_us))
        self._client = self.server.connection()
        self._reader = hiredis.Reader()
        self._client.connection_made(self)  # type: ignore[arg-type]

    def write(self, data: bytes) -> None:
        """As a transport."""
        self._reader.feed(data)

    def ask(self, *words: bytes | str | int) -> Any:
        """One command, its reply; an error as its text."""
        self.send(*words)
        (reply,) = self.heard()
        return reply

    def send(self, *words: bytes | str | int) -> None:
        """One command."""
        self._client.data_received(resp.pack([_bytes(word) for word in words]))

    def heard(self) -> list[Any]:
        """What it was answered since somebody asked."""
        found = []
        while (reply := self._reader.gets()) is not False:
            found.append(_plain(reply))
        return found


class Real:
    """A real one, over one plain connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 6379), timeout=5)
        self._reader = hiredis.Reader()

    def ask(self, *words: bytes | str | int) -> Any:
        """As the simulated one's."""
        self._socket.sendall(resp.pack([_bytes(word) for word in words]))
        while (reply := self._reader.gets()) is False:
            self._reader.feed(self._socket.recv(65536))
        return _plain(reply)

    def close(self) -> None:
        """It is asked no more."""
        self._socket.close()


def _bytes(word: bytes | str | int) -> bytes:
    return word if isinstance(word, bytes) else str(word).encode()


def _plain(reply: Any) -> Any:
    """Errors by their first word and the first words of their text."""
    if isinstance(reply, hiredis.ReplyError):
        return f"error {str(reply).split(' ', 1)[0]}"
    if isinstance(reply, list):
        return [_plain(each) for each in reply]
    return reply


@pytest.fixture
def both(redis_url: str) -> Iterator[Ask]:
    """Asks both, and compares what they say."""
    simulated, real = Simulated(), Real(redis_url)

    def ask(*words: bytes | str | int) -> Any:
        ours, theirs = simulated.ask(*words), real.ask(*words)
        assert ours == theirs, f"{words}: expected {theirs!r} as a real one says, got {ours!r}"
        return ours

    yield ask
    real.close()


@pytest.fixture
def simulated() -> Simulated:
    """The simulated one alone."""
    return Simulated()
