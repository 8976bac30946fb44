"""The processes of a simulated host by their pids: signals by pid, and files that tell of an end.

Why it exists: a worker hears of a neighbour's end from the kernel (pidfd), and ends itself by a signal to its
own pid. Neither may reach a real process. Owns: which pid is whose, who waits for whose end. Must not know:
why a process ends, what follows from it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any, Protocol

from proofs.simulate.kernel.machine import Machine, State

FIRST_FILE = 1_000_000
"""Above every file of the real process: one of these that is closed for real must not be one of its own."""

SEEN_AFTER_S = 0.003
"""From the death of a process to who waits for it: the kernel takes its memory back first."""


class Scheduler(Protocol):
    """What is needed of the loop."""

    def call_later(
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Any:
        """As asyncio's."""

    def signal_machine(self, machine: Machine, number: int) -> None:
        """A signal that it handles."""


@dataclass(slots=True)
class _Exit:
    """A file that can be read once a process has ended."""

    machine: Machine
    reader: tuple[Context, Callable[..., object], tuple[object, ...]] | None = None


@dataclass(slots=True)
class Processes:
    """Of one world."""

    loop: Scheduler
    _by_pid: dict[int, Machine] = field(default_factory=dict)
    _unheard: set[int] = field(default_factory=set)
    """Pids of processes that went with their host: nobody's kernel tells of these."""
    _files: dict[int, _Exit] = field(default_factory=dict)
    _next_file: int = FIRST_FILE

    def enter(self, machine: Machine) -> None:
        """It runs from here on."""
        self._by_pid[machine.pid] = machine

    def ended(self, machine: Machine, *, silently: bool = False) -> None:
        """It does not run any more; `silently`: no kernel is left that would tell."""
        if silently:
            self._unheard.add(machine.pid)
            return
        for each in self._files.values():
            if each.machine is machine:
                self._tell(each)

    def signal(self, pid: int, number: int) -> None:
        """As os.kill, among these processes. Raises ProcessLookupError."""
        machine = self._by_pid.get(pid)
        if machine is None or machine.state is State.DEAD:
            raise ProcessLookupError(3, "No such process")
        self.loop.signal_machine(machine, number)

    def open_exit(self, pid: int, started: int) -> int | None:
        """As shared/process/host.py's: a process's start is its pid here, since none comes twice.

        Raises ProcessLookupError.
        """
        machine = self._by_pid.get(pid)
        if started != pid or pid in self._unheard:
            return None
        if machine is None or machine.state is State.DEAD:
            raise ProcessLookupError(3, "No such process")
        self._next_file += 1
        self._files[self._next_file] = _Exit(machine)
        return self._next_file

    def close(self, file: int) -> None:
        """As os.close. Raises OSError for what was not opened here."""
        if self._files.pop(file, None) is None:
            raise OSError(9, "Bad file descriptor")

    def add_reader(self, file: int, callback: Callable[..., object], *args: object) -> None:
        """As the loop's; it is called once. Raises OSError for what was not opened here."""
        found = self._files.get(file)
        if found is None:
            raise OSError(9, "Bad file descriptor")
        found.reader = (copy_context(), callback, args)
        if found.machine.state is State.DEAD:
            self._tell(found)

    def remove_reader(self, file: int) -> bool:
        """As the loop's."""
        found = self._files.get(file)
        had = found is not None and found.reader is not None
        if found is not None:
            found.reader = None
        return had

    # Private.

    def _tell(self, exited: _Exit) -> None:
        if exited.reader is not None:
            self.loop.call_later(SEEN_AFTER_S, self._hand_on, exited, context=exited.reader[0])

    def _hand_on(self, exited: _Exit) -> None:
        if exited.reader is not None:
            _, callback, args = exited.reader
            callback(*args)
