"""Servers that start and end together.

Why it exists: whatever the shape, its servers are there before it and gone after it, also where their start
fails or is broken off half-way. Owns: their common life, which of them has which port. Must not know: what
they are to one another.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from proofs.prove.chaos.shapes.node import Node
from proofs.prove.chaos.shapes.programs import ShapeFailed


class InBlock(ABC):
    """What runs while its block does: a context manager of a start and an end."""

    __slots__ = ()

    @abstractmethod
    def start(self) -> None:
        """Returns when it runs."""

    @abstractmethod
    def stop(self) -> None:
        """Ends what was started, also where `start` came half-way."""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:  # Ctrl-C too: what was started ends.
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@dataclass(slots=True)
class Fleet:
    """Some servers. All of it blocks; `stop` may come from another thread while `start` is under way."""

    nodes: Sequence[Node]
    other_ports: frozenset[int] = frozenset()
    """Beside those where they are asked: the buses of a Cluster."""
    _is_over: bool = False
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def start(self) -> None:
        """Starts them, all at once, and waits until each answers. Raises ShapeFailed, OSError."""
        for node in self.nodes:
            self._launch(node)
        for node in self.nodes:
            node.until_up()

    def stop(self) -> None:
        """Ends them, at once; nothing is started any more."""
        with self._turn:
            self._is_over = True
        for node in self.nodes:
            node.end()

    def mend(self) -> None:
        """Each runs: what stood still goes on, what has ended is started again, with what is in its folder.
        Raises ShapeFailed, OSError."""
        gone = [node for node in self.nodes if not node.is_running]
        for node in self.nodes:
            if node.is_paused:
                node.go_on()
        for node in gone:
            self._launch(node)
        for node in self.nodes:
            node.until_up()

    @property
    def ports(self) -> frozenset[int]:
        """All on which one of them listens."""
        return frozenset(node.port for node in self.nodes) | self.other_ports

    def at(self, port: int) -> Node:
        """Who is asked there. Raises ShapeFailed."""
        for node in self.nodes:
            if node.port == port:
                return node
        raise ShapeFailed(f"expected one of our own servers, got port {port}")

    def awake(self) -> list[Node]:
        """Those that can answer."""
        return [node for node in self.nodes if node.is_running and not node.is_paused]

    # Private.

    def _launch(self, node: Node) -> None:
        with self._turn:
            if self._is_over:
                raise ShapeFailed(f"expected {node.name} to be started before the end, got the end")
            node.launch()
