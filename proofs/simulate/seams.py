"""Where a process touches its kernel by other ways than asyncio: what stands there in a simulation.

Why it exists: listening sockets, threads, the garbage collector and the log's pipe belong to the one real
process that all simulated ones share. Owns: what replaces each of them, for as long as a world exists. Must
not know: what a role does. All that is not here runs as in production.
"""

from __future__ import annotations

import gc
import logging
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog

import ingress.role
from brain.tools import http, threads
from ingress.rescue import api
from proofs.simulate.kernel.history import History
from proofs.simulate.kernel.machine import MACHINE
from proofs.simulate.kernel.processes import Processes
from proofs.simulate.kernel.transport import FakeSocket
from shared.process import life, neighbours
from shared.process.admin import HOST
from shared.process.garbage import GarbageWatch
from shared.process.host import ProcessOrigin
from shared.process.role import Process
from shared.settings import Settings


class _NoWatch:
    """Instead of the thread that finds the line which blocks the loop: here none can."""

    def __init__(self, *_: object) -> None:
        pass

    def start(self) -> None:
        pass

    stop = start

    def begin_to_give_up(self, *_: object) -> None:
        pass


class _Inline:
    """Instead of a thread: what it would do is done at once."""

    def __init__(self, *, target: Callable[[], None], **_: object) -> None:
        self.start = target


class _Threading:
    """What brain/tools/threads.py takes from `threading` while it runs."""

    Thread = _Inline
    BoundedSemaphore = threading.BoundedSemaphore


@dataclass(frozen=True, slots=True)
class _Files:
    """What shared/process/neighbours.py takes from `os`."""

    close: Callable[[int], None]


class _Tls:
    """What ingress/rescue/api.py takes from `ssl`: reading the trust store takes a tenth of a second, and
    the world has no TLS."""

    @staticmethod
    def create_default_context() -> ssl.SSLContext:
        """One that trusts nobody."""
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class _Lines(logging.Handler):
    """What libraries log, into the history."""

    def __init__(self, history: History) -> None:
        super().__init__(logging.WARNING)
        self._history = history

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text += f" {record.exc_info[1]!r}"
        self._history.note(_who(), f"library {record.name}: {text}")


def _origin() -> ProcessOrigin:
    """Of the process that runs now. No pid comes twice: it is the time of the start, too."""
    machine = MACHINE.get()
    if machine is None:
        raise RuntimeError("expected a simulated process to ask who it is, got the world")
    return ProcessOrigin(machine.pid, machine.pid, "simulated", machine.pid_namespace)


@contextmanager
def seams(history: History, processes: Processes) -> Iterator[list[Process]]:
    """Within the block processes can be started in this one: yields those that were, dead ones too. Logs go
    into `history`."""
    made: list[Process] = []

    def make_process(*what: Any) -> Process:
        made.append(life_make_process(*what))
        return made[-1]

    life_make_process = life.make_process

    def nothing(*_: object) -> None:
        pass

    def public_listener(settings: Settings, _held: str) -> FakeSocket:
        return FakeSocket((settings.host, settings.port))

    def admin_listener(port: int) -> FakeSocket:
        return FakeSocket((HOST, port))

    replaced: list[tuple[Any, str, Any]] = [
        (life, "StallWatch", _NoWatch),
        (life, "admin_listener", admin_listener),
        (life, "doubts", lambda *_: []),
        (life, "own_origin", _origin),
        (life, "make_process", make_process),
        (neighbours, "open_exit", processes.open_exit),
        (neighbours, "os", _Files(processes.close)),
        (api, "ssl", _Tls),
        (http, "for_requests", _Tls.create_default_context),
        (ingress.role, "public_listener", public_listener),
        (threads, "threading", _Threading),
        (GarbageWatch, "start", nothing),
        (GarbageWatch, "stop", nothing),
        (GarbageWatch, "keep_for_good", nothing),
    ]
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in replaced]
    log_before = structlog.get_config()
    root, handler = logging.getLogger(), _Lines(history)
    others, root.handlers = root.handlers, [handler]
    for owner, name, stand_in in replaced:
        setattr(owner, name, stand_in)
    structlog.configure(
        processors=[structlog.processors.add_log_level, _to_history(history)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: _Sink(),
        cache_logger_on_first_use=False,
    )
    had_gc = gc.isenabled()
    gc.disable()  # Collections run finalizers at moments that no seed decides.
    try:
        yield made
    finally:
        if had_gc:
            gc.enable()
        for owner, name, original in before:
            setattr(owner, name, original)
        root.handlers = others
        structlog.configure(**log_before)


# Private.


class _Sink:
    """The last link of structlog's chain."""

    def msg(self, _line: str) -> None:
        pass

    log = debug = info = warning = error = critical = exception = msg


def _to_history(history: History) -> Callable[[Any, str, Any], str]:
    def write(_logger: Any, _method: str, event: Any) -> str:
        name, level = event.pop("event"), event.pop("level")
        event.pop("role", None)
        event.pop("worker", None)
        failed = event.pop("exc_info", None)
        words = " ".join(f"{key}={value}" for key, value in sorted(event.items()))
        what = f"{level} {name} {words}"
        error = sys.exc_info()[1] if failed is True else failed
        if isinstance(error, BaseException):
            what += f" {error!r}"
        history.note(_who(), what.rstrip())
        return ""

    return write


def _who() -> str:
    machine = MACHINE.get()
    return "world" if machine is None else machine.name
