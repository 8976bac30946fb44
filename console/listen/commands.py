"""The command `trunkline listen`: both sides of a live call, on a loudspeaker, in a file, or down a pipe.

Owns: its options, where the sound goes. Must not know: how it comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from console import leave
from console.calls import audit, live
from console.interrupts import SIGNAL_EXIT_BASE
from console.interrupts import run as run_interruptible
from console.listen import speaker
from console.listen.sound import Heard, NotToBeHeard, pieces
from console.listen.speaker import NoSpeaker
from console.options import RedisUrl, Sid
from shared import mulaw
from shared.contract.streams.audit import Deed
from shared.exit_codes import Exit
from shared.sound.wav import MULAW_HEADER_BYTES, mulaw_header
from shared.store.client import make_store

TIMEOUT_S = 5.0
CHANNELS = 2

Play = Callable[[Heard], None]
"""Takes a piece; may block for as long as it is."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="listen")(listen)


def listen(
    sid: Sid,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="A WAV file.", show_default="loudspeaker, or a pipe")
    ] = None,
    redis_url: RedisUrl = "",
) -> None:
    """Listens to a live call, the caller left, what they hear right, until it ends or Ctrl-C.

    Down a pipe it is 16-bit samples of two channels: `trunkline listen SID | aplay -f S16_LE -r 8000 -c 2`.
    It is noted who listened.
    """
    url = leave.redis_url(redis_url)
    with leave.instead_of_traceback():
        try:
            with _sink(out) as play:
                code = run_interruptible(_listen(url, sid, play))
        except (NoSpeaker, OSError) as error:
            leave.fail(str(error))
    raise typer.Exit(Exit.OK if code > SIGNAL_EXIT_BASE else code)


# Private.


async def _listen(url: str, text: str, play: Play) -> int:
    store = make_store(url, name="listen", timeout_s=TIMEOUT_S)
    try:
        keys = await live.make_keys(store)
        call = await live.find_call(store, keys, text)
        await audit.note(store, Deed.LISTEN, by=audit.whoever(), of=call.call_sid)
        try:
            async for piece in pieces(store, keys, call.call_sid):
                await asyncio.to_thread(play, piece)
        except NotToBeHeard as error:
            leave.fail(f"{call.call_sid}: {error}")
    finally:
        await store.aclose()
    return Exit.OK


@contextlib.contextmanager
def _sink(out: Path | None) -> Iterator[Play]:
    """Where the sound goes. Raises OSError, NoSpeaker."""
    if out is not None:
        handle = os.open(out, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            yield _File(file).play
    elif sys.stdout.isatty():
        with speaker.playing() as write:
            yield lambda piece: _speak(write, piece)
    else:
        yield _pipe


def _speak(write: Callable[[bytes], object], piece: Heard) -> None:
    write(_linear(piece))


def _pipe(piece: Heard) -> None:
    sys.stdout.buffer.write(_linear(piece))
    sys.stdout.buffer.flush()


class _File:
    """A WAV file that is whole after each piece."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._samples = file, 0

    def play(self, piece: Heard) -> None:
        """Behind what is there."""
        both = bytearray(CHANNELS * len(piece.caller))
        both[::CHANNELS], both[1::CHANNELS] = piece.caller, piece.heard
        self._file.seek(MULAW_HEADER_BYTES + CHANNELS * self._samples)
        self._file.write(both)
        self._samples += len(piece.caller)
        self._file.seek(0)
        self._file.write(mulaw_header(CHANNELS, self._samples))
        self._file.flush()


def _linear(piece: Heard) -> bytes:
    """16-bit samples of both channels in turn."""
    caller, heard = mulaw.decode(piece.caller), mulaw.decode(piece.heard)
    caller_and_heard = caller[:0]
    for pair in zip(caller, heard, strict=True):
        caller_and_heard.extend(pair)
    return caller_and_heard.tobytes()
