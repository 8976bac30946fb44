"""A process of the bench that is told what to do over a pipe: a word a line each way.

Why it exists: load generator and model must not share a process with each other, with the bridge or with
whoever judges, and what each of them uses must be read at exact moments: after it is up, before it writes its
records. Owns: the pipe, both ends of it. Must not know: what the process does.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from proofs.measure import own_share
from shared.process.host import end_with_parent

READY = "ready"
GO = "go"
OVER = "over"
WRITE = "write"
WRITTEN = "written"

REPOSITORY = Path(__file__).resolve().parents[2]

WORD_TIMEOUT_S = 60.0
KILL_AFTER_S = 5.0


class ProcessFailed(Exception):
    """A process of the bench ended or said something else than was expected of it."""


async def spawn(
    command: Sequence[str], *, stdin: int, stdout: int | IO[bytes], stderr: int | IO[bytes] | None
) -> asyncio.subprocess.Process:
    """Starts a process that ends with us, and that the terminal's Ctrl-C does not reach: we end it. It is let
    in as soon as our own: in this nobody is ahead of a peer.

    Cancelled, it has started nothing.
    """
    parent = os.getpid()

    def begin() -> None:
        end_with_parent(parent)
        own_share.take()

    return await asyncio.create_subprocess_exec(
        *command,
        cwd=REPOSITORY,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        preexec_fn=begin,
    )


async def end(process: asyncio.subprocess.Process) -> None:
    """Ends a process, if it has not ended. Cancelled, it may still be ending."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), KILL_AFTER_S)
    except TimeoutError:
        process.kill()
        await process.wait()


class Child:
    """One process, begun by `begin`."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._process = process

    @classmethod
    async def begin(cls, name: str, command: Sequence[str]) -> Child:
        """Starts `python -m command…` of this environment. Cancelled, it has started nothing."""
        pipe = asyncio.subprocess.PIPE
        process = await spawn([sys.executable, "-m", *command], stdin=pipe, stdout=pipe, stderr=None)
        return cls(name, process)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def say(self, word: str) -> None:
        """Sends a word. Raises ProcessFailed when nobody is there to read it."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(word.encode() + b"\n")
            await self._process.stdin.drain()
        except ConnectionError:
            raise ProcessFailed(f"{self.name}: expected it to take {word!r}, got a closed pipe") from None

    async def hear(self, word: str, timeout_s: float = WORD_TIMEOUT_S) -> None:
        """Waits for a word. Raises ProcessFailed on another one, on its end, or after the time."""
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), timeout_s)
        except TimeoutError:
            raise ProcessFailed(
                f"{self.name}: expected {word!r} within {timeout_s:.0f} s, got nothing; is the machine busy?"
            ) from None
        if line.decode().strip() != word:
            said = line.decode().strip() or f"its end (code {await self._code()})"
            raise ProcessFailed(f"{self.name}: expected {word!r}, got {said!r}; its error stands above")

    async def end(self) -> None:
        """Ends it, if it has not ended. Cancelled, it may still be ending."""
        await end(self._process)

    async def _code(self) -> int | None:
        try:
            return await asyncio.wait_for(self._process.wait(), KILL_AFTER_S)
        except TimeoutError:
            return None


def tell(word: str) -> None:
    """Inside such a process: says a word."""
    print(word, flush=True)


async def told(word: str) -> None:
    """Inside such a process: waits for a word. Raises EOFError when whoever tells is gone.

    Cancelling it ends the wait once the next line is there.
    """
    line = await asyncio.to_thread(sys.stdin.readline)
    if line.strip() != word:
        raise EOFError(f"expected {word!r}, got {line.strip()!r}")
