"""Structured logs: one line an event, JSON or coloured text, never blocking the event loop.

Owns: structlog's configuration and the thread that writes. Must not know: who logs what.

Standard output is a pipe to supervisord, and a pipe that nobody reads blocks the writer: a paused
supervisord would stop the audio of every call in the process. So lines go through a bounded queue to a
thread; when the queue is full they are dropped and counted, and the count is logged when there is room.
"""

from __future__ import annotations

import io
import queue
import sys
import threading
import time
from typing import Any, TextIO, cast

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

Log = FilteringBoundLogger
"""What everything that logs takes: bind ids once, then `log.info("event_name", field=value)`."""

QUEUE_LINES = 4096
"""Lines waiting for the writer; more are dropped and counted."""

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class LineWriter:
    """Takes finished lines from the loop and writes them from its own thread."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(QUEUE_LINES)
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self.dropped = 0
        self._thread.start()

    def write(self, line: str) -> None:
        """Never blocks."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self.dropped += 1

    def close(self, timeout_s: float = 1.0) -> None:
        """Writes what waits, within `timeout_s`."""
        try:
            self._lines.put(None, timeout=timeout_s)
        except queue.Full:
            return
        self._thread.join(timeout_s)

    def _run(self) -> None:
        reported = 0
        while True:
            line = self._lines.get()
            try:
                if line is None:
                    self._stream.flush()
                    return
                if self.dropped > reported and self._lines.qsize() < QUEUE_LINES // 2:
                    lost, reported = self.dropped - reported, self.dropped
                    self._stream.write(f'{{"event":"log_lines_dropped","lines":{lost}}}\n')
                self._stream.write(line + "\n")
                if self._lines.empty():
                    self._stream.flush()
            except OSError:
                self.dropped += 1  # A full disk or a closed pipe: logging must not end the process.


class _Lines:
    """The last link of structlog's chain: a logger whose methods take a finished line."""

    def __init__(self, writer: LineWriter) -> None:
        self._writer = writer

    def msg(self, line: str) -> None:
        self._writer.write(line)

    log = debug = info = warning = error = critical = exception = msg


def _add_clocks(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event["ts"] = (
        time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{time.time_ns() // 1_000_000 % 1000:03d}Z"
    )
    event["mono_ms"] = round(time.monotonic() * 1000, 1)
    return event


def _to_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    ordered = {name: event.pop(name) for name in ("ts", "level", "event") if name in event}
    return orjson.dumps({**ordered, **event}, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def configure(level: str, style: str, stream: TextIO | None = None) -> LineWriter:
    """Sets up logging for this process; call it once, and `close` what it gives at the end."""
    target = stream if stream is not None else sys.stdout
    if isinstance(target, io.TextIOWrapper):
        # Under an ASCII locale a line of Hebrew, or a masked number, would end the writing thread.
        target.reconfigure(errors="backslashreplace")
    console = style == "console" or (style == "auto" and target.isatty())
    writer = LineWriter(target)
    render: Any = structlog.dev.ConsoleRenderer(colors=target.isatty()) if console else _to_json
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _add_clocks,
            structlog.processors.format_exc_info,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: _Lines(writer),
        cache_logger_on_first_use=False,
    )
    return writer


def get_log(**bound: str | int) -> Log:
    """A logger with ids bound to it."""
    return cast(Log, structlog.get_logger(**bound))


def mask_number(number: str) -> str:
    """A telephone number as it may stand in cards and logs: its last two digits."""
    return f"…{number[-2:]}" if len(number) > 4 else ("…" if number else "")
