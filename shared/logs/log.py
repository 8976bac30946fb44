"""Structured logs: one line an event, JSON or coloured text, never blocking the event loop.

Owns: structlog's configuration, and what libraries say by Python's own logging: it goes the same way. Must
not know: who logs what, how lines are written (shared/logs/writer.py).

Each line has its UTC time (`ts`), CLOCK_MONOTONIC of the host (`mono_ms`), level, event and worker. What
people say, audio and whole numbers are in no line: nobody gives them to a logger.
"""

from __future__ import annotations

import io
import json
import logging
import socket
import sys
import time
from collections.abc import Callable
from typing import TextIO, cast

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from shared.logs import text as log_text
from shared.logs.writer import LineWriter, LogCounters

Log = FilteringBoundLogger
"""What everything that logs takes: bind ids once, then `log.info("event_name", field=value)`."""

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

COUNTERS = LogCounters()
"""Of this process, which has one log."""

_ids: dict[str, str] = {}
"""Who this process is: in lines of libraries and threads too, which have no bound logger of ours."""

Render = Callable[[WrappedLogger, str, EventDict], str]


class _Lines:
    """The last link of structlog's chain: a logger whose methods take a finished line."""

    def __init__(self, writer: LineWriter) -> None:
        self._writer = writer

    def msg(self, line: str) -> None:
        self._writer.write(line)

    log = debug = info = warning = error = critical = exception = msg


class _Library(logging.Handler):
    """What libraries log. Without it Python would write to stderr from the loop, and wait for its reader."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and isinstance(record.exc_info[1], socket.gaierror) and record.name == "asyncio":
            # uvloop's own future, of a connection that was given up while its name was looked up: whoever
            # gave it up knows, and whoever waits for one is told the same error.
            return
        log = get_log(library=record.name)
        try:
            text = record.getMessage()
        except (TypeError, ValueError):  # Their arguments do not fit their text.
            text = str(record.msg)
        level = min((known for known in LEVELS.values() if known >= record.levelno), default=40)
        log.log(level, "library_log", text=text, exc_info=record.exc_info)


_library = _Library(logging.WARNING)


def _add_clocks(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    now_ns = time.time_ns()
    seconds, rest_ns = divmod(now_ns, 1_000_000_000)
    utc = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    event["ts"] = f"{utc}.{rest_ns // 1_000_000:03d}Z"
    event["mono_ms"] = round(time.monotonic() * 1000, 1)
    return event


def _add_ids(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for name, value in _ids.items():
        event.setdefault(name, value)
    return event


def _shortened(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for name, value in event.items():
        if isinstance(value, str) and len(value) > log_text.VALUE_MOST_CHARS:
            event[name] = log_text.shortened(value)
    return event


def _to_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    ordered = {name: event.pop(name) for name in ("ts", "level", "event") if name in event}
    fields = {**ordered, **event}
    try:
        line = orjson.dumps(fields, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        # A number beyond 64 bits, half of a surrogate pair: a line must never raise where it is written.
        line = json.dumps(fields, default=str, skipkeys=True)
    return log_text.safe_json(line)


def _to_console(*, colors: bool) -> Render:
    """Text for people. Tracebacks are plain: prettier ones would show the values of variables."""
    renderer = structlog.dev.ConsoleRenderer(
        colors=colors, timestamp_key="ts", exception_formatter=structlog.dev.plain_traceback
    )

    def render(logger: WrappedLogger, method: str, event: EventDict) -> str:
        return str(renderer(logger, method, {name: _shown(name, value) for name, value in event.items()}))

    return render


def _shown(name: str, value: object) -> object:
    """A value as it may stand in a line of text; a traceback has many."""
    if name == "exception":
        lines = log_text.safe_console(str(value), keeps_lines=True).split("\n")
        return "\n".join(log_text.isolated(line) for line in lines)
    if name == "event":
        return log_text.isolated(log_text.safe_console(str(value)))
    found = log_text.quoted(value)
    return log_text.safe_console(found) if isinstance(found, str) else found


def configure(level: str, style: str, stream: TextIO | None = None) -> LineWriter:
    """Sets up logging for this process; call it once, and `close` what it returns at the end."""
    target = stream if stream is not None else sys.stdout
    if isinstance(target, io.TextIOWrapper):
        # Under an ASCII locale a line of Hebrew, or a masked number, would end the writing thread.
        target.reconfigure(errors="backslashreplace")
    is_console = style == "console" or (style == "auto" and target.isatty())
    render: Render = _to_console(colors=target.isatty()) if is_console else _to_json

    def tell_lost(lines: int) -> str:
        event: EventDict = {"level": "warning", "event": "log_lines_dropped", "lines": lines}
        return render(None, "warning", _add_ids(None, "", _add_clocks(None, "", event)))

    writer = LineWriter(target, COUNTERS, tell_lost)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _add_clocks,
            _add_ids,
            structlog.processors.ExceptionRenderer(),
            _shortened,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: _Lines(writer),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    if _library not in root.handlers:
        root.addHandler(_library)
    return writer


def identify(**ids: str) -> None:
    """Says who this process is, for all its lines from here on."""
    _ids.update(ids)


def get_log(**bound: str | int) -> Log:
    """A logger with ids bound to it."""
    return cast(Log, structlog.get_logger(**bound))


def mask_number(number: str) -> str:
    """A telephone number as it may stand in cards and logs: its last two digits."""
    return f"…{number[-2:]}" if len(number) > 4 else ("…" if number else "")
