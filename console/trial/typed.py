"""Words that are typed while the call goes on: a line is what the caller says next.

Why it exists: an agent is tried by talking to it before anybody writes a scenario. Owns: the lines, from
wherever they are typed, and the caller who waits for them. Must not know: how a text is spoken, the call.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Final

from console.trial.acting import QUIET_MS, SILENCE_LIMIT_MS
from simulators.twilio.caller import plan as caller
from simulators.twilio.caller.clip import Clip

MAX_WAITING: Final = 100
"""Lines that may be typed ahead; what else is piped in waits in its pipe."""

READ_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Said:
    """A line, ready to be said. `clip` is None where it is to be written."""

    text: str
    clip: Clip | None


@dataclass(slots=True)
class TypedCaller:
    """The caller. `add` what is ready to be said; `end` when nothing more will come. `in_turn`: each line
    waits for the reply to the one before, as where a file is piped in; a person at a keyboard sees for
    themselves when to speak."""

    write: Callable[[str], None]
    in_turn: bool
    begun: Callable[[], object]
    """Told of each line that is being said."""
    _ready: deque[Said] = field(default_factory=deque)
    _is_over: bool = False

    def add(self, said: Said) -> None:
        """Something to be said next."""
        self._ready.append(said)

    def end(self) -> None:
        """Nothing more will be typed."""
        self._is_over = True

    def steps(self) -> Iterator[caller.Step]:
        """Waits, says what there is, and hangs up at the end."""
        while True:
            if self.in_turn:
                yield caller.WaitForSpeech()
                yield caller.WaitForSilence(QUIET_MS, SILENCE_LIMIT_MS)
            yield caller.WaitUntil(self._is_due, "a line that is typed", inf)
            if not self._ready:
                break
            said = self._ready.popleft()
            self.begun()
            if said.clip is not None:
                yield caller.Speak(said.clip)
            else:
                yield self._writing(said.text)
        yield caller.HangUp()

    # Private.

    def _is_due(self) -> bool:
        return bool(self._ready) or self._is_over

    def _writing(self, text: str) -> caller.Step:
        return caller.Do(lambda: self.write(text))


@dataclass(slots=True)
class Lines:
    """The lines of a terminal, a pipe or a file, handed over on the running loop as they come; blank ones are
    passed over. Nobody waits for them."""

    descriptor: int
    take: Callable[[str], object]
    end: Callable[[], object]
    """Told once there will be no more."""
    _rest: bytes = b""
    _waiting: int = 0
    _is_open: bool = False
    _is_file: bool = False

    def open(self) -> None:
        """Begins to read."""
        try:
            self._listen()
        except PermissionError:
            # A file has no moment at which it can be read: it is there.
            self._is_file = True
            while self._read():
                continue

    def close(self) -> None:
        """Reads no more."""
        if self._is_open:
            self._is_open = False
            asyncio.get_running_loop().remove_reader(self.descriptor)

    def one_less(self) -> None:
        """A line that was handed over is done with."""
        self._waiting -= 1
        if not self._is_open and not self._is_file and self._waiting == MAX_WAITING - 1:
            self._listen()

    # Private.

    def _listen(self) -> None:
        asyncio.get_running_loop().add_reader(self.descriptor, self._read)
        self._is_open = True

    def _read(self) -> bool:
        """What is there. False at the end."""
        data = os.read(self.descriptor, READ_BYTES)
        *whole, self._rest = (self._rest + data).split(b"\n") if data else (self._rest, b"")
        for line in whole:
            text = line.decode(errors="replace").strip()
            if text:
                self._waiting += 1
                self.take(text)
        if not data:
            self.close()
            self.end()
            return False
        if self._waiting >= MAX_WAITING:
            self.close()
        return True
