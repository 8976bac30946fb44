"""An event loop on virtual time: when nothing is ready, time jumps to the next timer.

Why it exists: minutes of a conversation pass in seconds, and in the same order each time, only if no kernel
and no clock has a say. Owns: the order of callbacks, when time moves, whose callbacks run. What asks for a
thread runs at once, in the loop. Must not know: what the connections are made of (it is given a `Network`).

Callbacks run in the order in which they became ready, timers of one moment in the order in which they were
set. A callback takes no time, a round of the loop `ROUND_S`: a process that spins gets somewhere, too.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import socket
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, Protocol

from proofs.simulate.kernel.machine import MACHINE, Machine, State
from proofs.simulate.kernel.processes import Processes
from proofs.simulate.kernel.virtual import VirtualClock

ROUND_S = 1e-6

MOST_ROUNDS_A_MOMENT = 200_000
"""Rounds without a jump of time: more are a process that spins."""


class NothingLeft(Exception):
    """Nothing is ready, and no timer is set: whoever waits would wait for ever."""


class Connects(Protocol):
    """What the loop asks for connections."""

    async def connect(self, factory: Callable[[], Any], host: str, port: int) -> tuple[Any, Any]:
        """As create_connection."""

    def listen(self, factory: Callable[[], Any], host: str, port: int, listener: Any) -> Any:
        """As create_server."""


class VirtualTask(asyncio.Task[Any]):
    """A task whose place in a set is the same in each run."""

    def __init__(self, coroutine: Any, *, number: int, **options: Any) -> None:
        self.number = number
        self.machine = MACHINE.get() if options.get("context") is None else options["context"].get(MACHINE)
        super().__init__(coroutine, **options)

    def __hash__(self) -> int:
        return self.number


class VirtualLoop(asyncio.BaseEventLoop):
    """Run it with `run_until_complete`; `network` must be set before anybody connects."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self.clock = clock
        self.network: Connects | None = None
        self.processes = Processes(self)
        self.callbacks = 0
        """How many ran: the measure of what a run costs."""
        self._now_ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._order = itertools.count()
        self._rounds = 0
        self._dialled: dict[socket.socket, tuple[str, int]] = {}
        self.set_task_factory(self._make_task)  # type: ignore[arg-type]

    # Time.

    def time(self) -> float:
        """Of the whole world."""
        return self.clock.now_s

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """In the next round."""
        handle = asyncio.Handle(callback, args, self, context)
        self._now_ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """When time has come there."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._order), handle))
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """The same, from now on."""
        return self.call_at(self.clock.now_s + delay, callback, *args, context=context)

    # Threads, signals.

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, function: Callable[..., Any], *args: Any
    ) -> Any:
        """Runs it now: a thread would end whenever the kernel likes."""
        future = self.create_future()
        try:
            future.set_result(function(*args))
        except Exception as error:  # noqa: BLE001 - it is whoever awaits it that gets it
            future.set_exception(error)
        return future

    def add_signal_handler(  # type: ignore[override]
        self, sig: int, callback: Callable[..., Any], *args: Any
    ) -> None:
        """Of the process that runs now."""
        machine = MACHINE.get()
        if machine is None:
            raise RuntimeError("expected a simulated process to ask for signals, got the world")
        machine.signals[int(sig)] = (machine.context(), callback, args)

    def remove_signal_handler(self, sig: int) -> bool:
        """Of the process that runs now."""
        machine = MACHINE.get()
        return machine is not None and machine.signals.pop(int(sig), None) is not None

    # Files: the only ones are those by which a kernel tells of an end.

    def add_reader(self, fd: Any, callback: Callable[..., Any], *args: Any) -> None:  # type: ignore[override]
        """When a process has ended."""
        self.processes.add_reader(fd, callback, *args)

    def remove_reader(self, fd: Any) -> bool:
        """It is not waited for any more."""
        return self.processes.remove_reader(fd)

    # Connections.

    async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> Any:
        """Every name is an address. Cancelling it is safe."""
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, int(port)))]

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """The connection comes with create_connection, which is given the socket. Cancelling it is safe."""
        self._dialled[sock] = (str(address[0]), int(address[1]))

    async def create_connection(  # type: ignore[override]
        self, factory: Any, host: Any = None, port: Any = None, **options: Any
    ) -> Any:
        """Over the network of the world; never over TLS. Cancelling it breaks the attempt off."""
        if options.get("ssl"):
            raise RuntimeError("expected plain connections: the world has no TLS")
        sock = options.get("sock")
        if sock is not None:
            host, port = self._dialled.pop(sock)
            sock.close()
        return await self._connects().connect(factory, str(host), int(port))

    async def create_server(  # type: ignore[override]
        self, factory: Any, host: Any = None, port: Any = None, **options: Any
    ) -> Any:
        """The same for who listens. Cancelling it is safe."""
        listener = options.get("sock")
        if listener is not None:
            host, port = listener.getsockname()[:2]
        return self._connects().listen(factory, str(host), int(port), listener)

    # Processes.

    def stop_machine(self, machine: Machine) -> None:
        """SIGSTOP."""
        if machine.state is State.RUNNING:
            machine.state = State.STOPPED

    def continue_machine(self, machine: Machine) -> None:
        """SIGCONT: what became due meanwhile is ready, in order."""
        if machine.state is State.STOPPED:
            machine.state = State.RUNNING
            self._now_ready.extend(machine.held)
            machine.held.clear()

    def kill_machine(self, machine: Machine, *, silently: bool = False) -> None:
        """SIGKILL: nothing of it ever runs again. Its connections are the network's. `silently`: its kernel
        goes with it, and tells nobody."""
        machine.state = State.DEAD
        self.processes.ended(machine, silently=silently)
        machine.buried += machine.held
        machine.held.clear()
        for task in asyncio.all_tasks(self):
            if isinstance(task, VirtualTask) and task.machine is machine:
                machine.buried.append(task)

    def signal_machine(self, machine: Machine, number: int) -> None:
        """A signal that it handles; it hears of it when it runs."""
        found = machine.signals.get(int(number))
        if found is not None:
            context, callback, args = found
            self.call_soon(callback, *args, context=context)

    # Private.

    def _connects(self) -> Connects:
        if self.network is None:
            raise RuntimeError("expected a network, got a loop without one")
        return self.network

    def _make_task(self, loop: Any, coroutine: Coroutine[Any, Any, Any], **options: Any) -> VirtualTask:
        return VirtualTask(coroutine, number=next(self._order), loop=loop, **options)

    def _run_once(self) -> None:
        """One round, as asyncio.BaseEventLoop's run_forever asks for it."""
        ready = self._now_ready
        clock = self.clock
        clock.now_s += ROUND_S
        if not ready:
            self._jump()
        timers = self._timers
        while timers and timers[0][0] <= clock.now_s:
            timer = heapq.heappop(timers)[2]
            if not timer.cancelled():
                ready.append(timer)
        self._rounds += 1
        if self._rounds > MOST_ROUNDS_A_MOMENT:
            raise RuntimeError(f"expected time to pass, got {self._rounds} rounds of one moment: {ready[0]}")
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle.cancelled():
                continue
            machine = handle._context.get(MACHINE)  # type: ignore[attr-defined]
            if machine is not None:
                if machine.fuse and machine.state is State.RUNNING:
                    machine.burn()
                if machine.state is not State.RUNNING:
                    (machine.held if machine.state is State.STOPPED else machine.buried).append(handle)
                    continue
            self.callbacks += 1
            handle._run()

    def _jump(self) -> None:
        """To the next timer that somebody still waits for."""
        timers = self._timers
        while timers and timers[0][2].cancelled():
            heapq.heappop(timers)
        if not timers:
            raise NothingLeft("nothing is ready and no timer is set")
        if timers[0][0] > self.clock.now_s:
            self.clock.now_s = timers[0][0]
            self._rounds = 0

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers are passed over when their time comes."""

    def _process_events(self, event_list: Any) -> None:
        """There are none: no kernel is asked."""

    def _write_to_self(self) -> None:
        """Nobody sleeps in a system call."""
