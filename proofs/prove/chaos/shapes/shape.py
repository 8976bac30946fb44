"""What may be asked of a Redis, whatever its shape; and the simplest one: a single server.

Why it exists: most faults are done to "the server that has this call", and which one that is, is all that
differs. Owns: the interface of a shape. Must not know: which faults there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from console.stack.ports import free_port
from proofs.prove.chaos.shapes.fleet import Fleet, InBlock
from proofs.prove.chaos.shapes.node import NEAR, Node, Site, Tls, until
from proofs.prove.chaos.shapes.programs import Program, ShapeFailed

WHOLE_WITHIN_S = 40.0
"""Sentinels leave a former master that is back what it is for eight seconds at least."""


class Shape(Protocol):
    """A Redis. All of it blocks for a bounded time, and raises ShapeFailed with what was expected."""

    @property
    def url(self) -> str:
        """What stands in REDIS_URL."""

    @property
    def ports(self) -> frozenset[int]:
        """All ports of its servers."""

    def start(self) -> None:
        """Starts its servers and makes them one Redis; returns when they are."""

    def stop(self) -> None:
        """Ends all of it, at once; `start` may be under way in another thread."""

    def masters_of(self, keys: Sequence[str]) -> list[Node]:
        """The server that takes writes of each key now."""

    def hand_over(self, master: Node) -> None:
        """Asks for a failover as an operator does."""

    def heal(self) -> None:
        """Makes it whole again, whatever was done to it; returns when it is."""


@dataclass(slots=True)
class One(InBlock):
    """A single server. A context manager: runs while its block does."""

    node: Node
    fleet: Fleet = field(init=False)

    def __post_init__(self) -> None:
        self.fleet = Fleet([self.node])

    @classmethod
    def of(
        cls,
        program: Program,
        folder: Path,
        *,
        settings: Mapping[str, str] | None = None,
        tls: Tls | None = None,
        site: Site = NEAR,
        environment: Mapping[str, str] | None = None,
        is_let_in_first: bool = False,
    ) -> One:
        """One of a program, which keeps nothing unless `settings` say so. Raises ShapeFailed for TLS that the
        program does not have."""
        check_tls(program, tls)
        return cls(
            Node(
                name=program.name,
                program=program,
                folder=folder,
                port=free_port(),
                site=site,
                settings=settings or {},
                tls=tls,
                environment=environment or {},
                is_let_in_first=is_let_in_first,
            )
        )

    @property
    def url(self) -> str:
        """See Shape."""
        host, port = self.node.address
        tls = self.node.tls
        return f"redis://{host}:{port}/0" if tls is None else f"rediss://{host}:{port}/0{tls.query}"

    @property
    def ports(self) -> frozenset[int]:
        """See Shape."""
        return self.fleet.ports

    def start(self) -> None:
        """See Shape."""
        self.fleet.start()

    def stop(self) -> None:
        """See Shape."""
        self.fleet.stop()

    def masters_of(self, keys: Sequence[str]) -> list[Node]:
        """See Shape."""
        return [self.node] * len(keys)

    def hand_over(self, master: Node) -> None:
        """There is nobody. Raises ShapeFailed."""
        raise ShapeFailed(f"expected another server beside {master.name}, got none")

    def heal(self) -> None:
        """See Shape."""
        self.fleet.mend()
        until(lambda: self.node.info("replication")["role"] == "master", "a master", WHOLE_WITHIN_S)


def check_tls(program: Program, tls: Tls | None) -> None:
    """Raises ShapeFailed for TLS that the program does not have."""
    if tls is not None and not program.has_tls:
        raise ShapeFailed(f"expected a program with TLS, got {program.name}, which was built without it")
