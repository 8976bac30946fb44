"""The thread that writes log lines, so that nobody else ever waits for a pipe.

Why it exists: standard output is a pipe to supervisord, and a pipe that nobody reads blocks the writer: a
paused supervisord would stop the audio of every call in the process.

Owns: the queue of lines, its bound, what is counted when it is full. Must not know: what stands in a line.

It writes to the file descriptor itself: a batch of lines is one system call, and nobody who uses Python's own
stream (a print, the flush at the end of the process) has to wait for a lock that this thread holds.
"""

from __future__ import annotations

import io
import queue
import select
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

QUEUE_LINES = 4096
"""Lines waiting for the writer; more are dropped and counted."""

BATCH_LINES = 64
"""Most lines of one write: a batch is one system call."""

CLOSE_WITHIN_S = 1.0


@dataclass(slots=True)
class LogCounters:
    """What became of this process's log lines."""

    lines_dropped: int = 0
    """Log lines dropped because nobody read the ones before them."""
    writes_failed: int = 0
    """Writes of log lines that the system refused: a full disk, a closed pipe."""


class LineWriter:
    """Takes finished lines from anybody, and writes them from its own thread.

    `tell_lost` makes the line that says how many were lost.
    """

    def __init__(self, stream: TextIO, counters: LogCounters, tell_lost: Callable[[int], str]) -> None:
        self.counters = counters
        self._put = _writing_to(stream)
        self._tell_lost = tell_lost
        self._lines: queue.Queue[str | None] = queue.Queue(QUEUE_LINES)
        self._counting = threading.Lock()
        self._told = 0
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Never blocks."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            with self._counting:
                self.counters.lines_dropped += 1

    def close(self, timeout_s: float = CLOSE_WITHIN_S) -> None:
        """Writes what waits, within `timeout_s`; what is left is lost with the process."""
        try:
            self._lines.put(None, timeout=timeout_s)
        except queue.Full:
            return
        self._thread.join(timeout_s)

    def _run(self) -> None:
        is_open = True
        while is_open:
            batch = [self._lines.get()]
            while len(batch) < BATCH_LINES and not self._lines.empty():
                batch.append(self._lines.get())
            lines = [line for line in batch if line is not None]
            is_open = len(lines) == len(batch)
            lost = self.counters.lines_dropped - self._told
            if lost and (self._lines.qsize() < QUEUE_LINES // 2 or not is_open):
                self._told += lost
                lines.append(self._tell_lost(lost))
            try:
                self._put("".join(f"{line}\n" for line in lines))
            except (OSError, ValueError):  # ValueError: the stream was closed under us.
                self.counters.writes_failed += 1  # Logging must not end the process.


def _writing_to(stream: TextIO) -> Callable[[str], None]:
    """How to write to a stream: past Python's buffers and their lock, if it is a file."""
    try:
        descriptor = stream.fileno()
    except io.UnsupportedOperation:
        return _through(stream)
    stream.flush()
    raw = io.FileIO(descriptor, "w", closefd=False)
    encoding = stream.encoding or "utf-8"

    def put(text: str) -> None:
        left = memoryview(text.encode(encoding, "backslashreplace"))
        while left:
            taken = raw.write(left)
            if taken is None:  # Somebody who shares the pipe has made it non-blocking.
                select.select([], [descriptor], [])
            else:
                left = left[taken:]

    return put


def _through(stream: TextIO) -> Callable[[str], None]:
    def put(text: str) -> None:
        stream.write(text)
        stream.flush()

    return put
