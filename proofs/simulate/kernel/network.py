"""The network of a simulated world: who listens, who is connected, how long a byte takes, what is cut.

Why it exists: no kernel may have a say in when a byte arrives. Owns: listeners, the connections of each
process, latency and jitter (from the seed), cuts that hold bytes back, what the death of a process does to
its peers. Must not know: what the bytes mean.

Two processes are connected by port number: every address of the world is one host's. A byte is never lost on
a connection that stands (TCP repeats it); while two processes are cut off from each other it waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from proofs.simulate.kernel.history import History
from proofs.simulate.kernel.loop import VirtualLoop
from proofs.simulate.kernel.machine import MACHINE, Machine
from proofs.simulate.kernel.transport import End, FakeSocket

EPHEMERAL_PORT = 40_000
RETRANSMIT_S = 0.2
"""After a cut is mended, until what waited is sent again."""


@dataclass(frozen=True, slots=True)
class Delay:
    """How long a byte takes, one way."""

    least_s: float = 0.000_05
    jitter_s: float = 0.000_1


@dataclass(slots=True, eq=False)
class Listening:
    """A port that is listened on, with what asyncio.Server offers."""

    network: Network
    factory: Callable[[], Any]
    machine: Machine
    host: str
    port: int
    is_open: bool = True

    @property
    def sockets(self) -> tuple[FakeSocket, ...]:
        """As asyncio.Server's."""
        return (FakeSocket((self.host, self.port)),) if self.is_open else ()

    def is_serving(self) -> bool:
        """As asyncio.Server's."""
        return self.is_open

    def close(self) -> None:
        """As asyncio.Server's: connections go on."""
        if self.is_open:
            self.is_open = False
            self.network.listeners[self.port].remove(self)

    async def start_serving(self) -> None:
        """It does already. Cancelling it is safe."""

    async def wait_closed(self) -> None:
        """As asyncio.Server's. Cancelling it is safe."""

    def get_loop(self) -> VirtualLoop:
        """As asyncio.Server's."""
        return self.network.loop


@dataclass(slots=True, eq=False)
class Network:
    """Of one world."""

    loop: VirtualLoop
    history: History
    chance: Random
    listeners: dict[int, list[Listening]] = field(default_factory=dict)
    ends: list[End] = field(default_factory=list)
    """One of each side of each connection that stands."""
    delays: dict[str, Delay] = field(default_factory=dict)
    """By the name of either process; without one, that of one host."""
    cuts: set[tuple[str, str]] = field(default_factory=set)
    """Pairs of processes, by name: nothing of the first one reaches the second."""
    vanished: list[End] = field(default_factory=list)
    """Sides of processes whose host went with them: nobody answers for them."""
    _port: int = EPHEMERAL_PORT

    # For the loop.

    async def connect(self, factory: Callable[[], Any], host: str, port: int) -> tuple[End, Any]:
        """Raises ConnectionRefusedError. Cancelling it breaks the attempt off."""
        client = _machine()
        await asyncio.sleep(self.delay_s(client.name, ""))
        listening = self._who_answers(port)
        # One that is stopped is connected to all the same: its kernel takes connections.
        while listening is not None and self._is_cut_off(client.name, listening.machine.name):
            await asyncio.sleep(RETRANSMIT_S)
            listening = self._who_answers(port)
        if listening is None:
            raise ConnectionRefusedError(111, f"Connect call failed ('{host}', {port})")
        await asyncio.sleep(self.delay_s(client.name, listening.machine.name))
        if not listening.is_open:
            raise ConnectionRefusedError(111, f"Connect call failed ('{host}', {port})")
        self._port += 1
        near = End(self, client, (host, self._port), (host, port))
        far = End(self, listening.machine, (host, port), (host, self._port))
        near.peer, far.peer = far, near
        self.ends += [near, far]
        protocol = factory()
        near.begin(protocol)
        far.context.run(far.begin, listening.factory)
        return near, protocol

    def listen(
        self, factory: Callable[[], Any], host: str, port: int, listener: FakeSocket | None
    ) -> Listening:
        """Several may listen on one port."""
        found = Listening(self, factory, _machine(), host, port)
        if listener is not None:
            listener.on_close = found.close
        self.listeners.setdefault(port, []).append(found)
        return found

    # For connections.

    def delay_s(self, one: str, other: str) -> float:
        """How long the next byte takes."""
        delay = self.delays.get(one) or self.delays.get(other) or _ONE_HOST
        return delay.least_s + self.chance.random() * delay.jitter_s

    def is_cut(self, one: str, other: str) -> bool:
        """Whether nothing of the one reaches the other."""
        return bool(self.cuts) and (one, other) in self.cuts

    def forget(self, end: End) -> None:
        """A side that is over."""
        if end in self.ends:
            self.ends.remove(end)

    # Faults.

    def cut(self, one: str, other: str) -> None:
        """From here on nothing passes between two processes; new connections wait."""
        self.cuts |= {(one, other), (other, one)}

    def mute(self, one: str, other: str) -> None:
        """From here on the other hears nothing of the one, which goes on hearing it."""
        self.cuts.add((one, other))

    def mend(self, one: str, other: str) -> None:
        """What waited is sent again, in order."""
        self.cuts -= {(one, other), (other, one)}
        for end in list(self.ends):
            if end.peer is not None and {end.machine.name, end.peer.machine.name} == {one, other}:
                end.resend(RETRANSMIT_S)

    def reset(self, one: str, other: str) -> int:
        """Breaks every connection between two processes; returns how many there were."""
        found = [
            end
            for end in self.ends
            if end.machine.name == one and end.peer is not None and end.peer.machine.name == other
        ]
        for end in found:
            end.break_off()
        return len(found)

    def bury(self, machine: Machine, *, silently: bool = False) -> None:
        """A process has died. Its kernel resets its connections; with its host (`silently`) nobody hears,
        until the host is back."""
        for listening in [each for many in self.listeners.values() for each in many]:
            if listening.machine is machine:
                listening.close()
        for end in [each for each in self.ends if each.machine is machine]:
            end.die(silently=silently)
            if silently:
                self.vanished.append(end)

    def come_back(self, name: str) -> None:
        """The host of a process is back: it knows none of its old connections, and says so to whoever
        writes."""
        for end in [each for each in self.vanished if each.machine.name == name]:
            end.has_vanished = False
            self.vanished.remove(end)
            if end.peer is not None and end.peer.waits_for_an_answer:
                end.peer.hear_of_the_end()

    # Private.

    def _is_cut_off(self, one: str, other: str) -> bool:
        return self.is_cut(one, other) or self.is_cut(other, one)

    def _who_answers(self, port: int) -> Listening | None:
        found = self.listeners.get(port)
        return self.chance.choice(found) if found else None


_ONE_HOST = Delay()


def _machine() -> Machine:
    machine = MACHINE.get()
    if machine is None:
        raise RuntimeError("expected a simulated process to use the network, got the world")
    return machine
