"""Sentinel: a master, two replicas, three Sentinels who name another master when it is gone.

Why it exists: who cannot lose their Redis runs this, and what it costs is decided by figures that must be
known: after how long a master is held for dead, how late a replica may be. Owns: these figures, the servers,
how they find one another. Must not know: which fault comes when.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from console.stack.ports import free_port
from proofs.prove.chaos.shapes.fleet import Fleet, InBlock
from proofs.prove.chaos.shapes.node import NEAR, Node, Site, Tls, until
from proofs.prove.chaos.shapes.programs import Program, ShapeFailed
from proofs.prove.chaos.shapes.shape import WHOLE_WITHIN_S, check_tls

NAME: Final = "trunkline"
"""What the Sentinels call the master."""

REPLICAS: Final = 2
SENTINELS: Final = 3
QUORUM: Final = 2

DOWN_AFTER_MS: Final = 1_000
"""A master that is silent for so long is dead, by one Sentinel's word. By default it is 30 s."""

FAILOVER_TIMEOUT_MS: Final = 5_000
"""A Sentinel tries no second failover before twice this: the next row may want one."""

MAX_LAG_S: Final = 2
"""A master whose replicas have confirmed nothing for longer takes no writes, so that one that is cut off
cannot take what will be lost. They confirm once a second, and the server counts in whole seconds: with 1 a
replica that is a millisecond late stops a healthy master for a second."""


@dataclass(slots=True)
class Watched(InBlock):
    """The servers, and the Sentinels that watch them. A context manager: runs while its block does."""

    servers: Fleet
    sentinels: Fleet
    tls: Tls | None = None
    _first: Node = field(init=False)

    def __post_init__(self) -> None:
        self._first = self.servers.nodes[0]

    @classmethod
    def of(
        cls,
        program: Program,
        folder: Path,
        *,
        tls: Tls | None = None,
        near: Site = NEAR,
        far: Site | None = None,
        is_let_in_first: bool = False,
    ) -> Watched:
        """One of a program. `far`: where both replicas and all Sentinels but one run; None: with the master.
        Raises ShapeFailed for TLS that the program does not have."""
        check_tls(program, tls)
        there = far or near
        nodes: list[Node] = []
        for number in range(1 + REPLICAS):
            nodes.append(
                Node(
                    name=f"server {number}",
                    program=program,
                    folder=folder / f"server-{number}",
                    port=free_port(),
                    site=near if number == 0 else there,
                    settings={**_SETTINGS, **(_replica_of(nodes[0]) if number else {})},
                    tls=tls,
                    is_let_in_first=is_let_in_first,
                )
            )
        sentinels = [
            Node(
                name=f"Sentinel {number}",
                program=program,
                folder=folder / f"sentinel-{number}",
                port=free_port(),
                site=near if number == 0 else there,
                tls=tls,
                config_file=folder / f"sentinel-{number}" / "sentinel.conf",
                is_let_in_first=is_let_in_first,
            )
            for number in range(SENTINELS)
        ]
        return cls(Fleet(nodes), Fleet(sentinels), tls)

    @property
    def url(self) -> str:
        """See Shape."""
        places = ",".join(f"{host}:{port}" for host, port in (each.address for each in self.sentinels.nodes))
        if self.tls is None:
            return f"sentinel://{places}/{NAME}"
        return f"sentinels://{places}/{NAME}{self.tls.query}"

    @property
    def ports(self) -> frozenset[int]:
        """See Shape."""
        return self.servers.ports | self.sentinels.ports

    def start(self) -> None:
        """See Shape. The Sentinels come when there is something to watch."""
        self.servers.start()
        until(lambda: _has_replicas(self._first, REPLICAS), "two replicas of the master", WHOLE_WITHIN_S)
        for node in self.servers.nodes:
            # From here on Sentinels say who is whose replica, as where none of it stands in a file.
            node.settings = _SETTINGS
        for sentinel in self.sentinels.nodes:
            assert sentinel.config_file is not None, "a Sentinel has a file"
            sentinel.config_file.parent.mkdir(parents=True, exist_ok=True)
            sentinel.config_file.write_text(sentinel_file(sentinel, self._first), "utf-8")
        self.sentinels.start()
        until(self._is_whole, "three Sentinels who know all", WHOLE_WITHIN_S)

    def stop(self) -> None:
        """See Shape. Sentinels first: they would name another master."""
        self.sentinels.stop()
        self.servers.stop()

    def masters_of(self, keys: Sequence[str]) -> list[Node]:
        """See Shape: one has all keys."""
        return [self.master()] * len(keys)

    def master(self) -> Node:
        """Whom a Sentinel names. Raises ShapeFailed."""
        why: ShapeFailed | None = None
        for sentinel in self.sentinels.awake():
            try:
                _, port = sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)
                return self.servers.at(int(port))
            except ShapeFailed as error:
                why = error
        raise ShapeFailed(f"expected a Sentinel that names a master, got none: {why}")

    def hand_over(self, master: Node) -> None:
        """See Shape."""
        self.sentinels.awake()[0].ask("SENTINEL", "FAILOVER", NAME)

    def let_lag(self, master: Node) -> None:
        """From here on the replicas get nothing new, and the master does not mind. Sentinels let them be for
        some seconds, and make one of them the next master all the same. Raises ShapeFailed."""
        master.ask("CONFIG", "SET", "min-replicas-to-write", "0")
        for node in self.servers.awake():
            if node is not master:
                # A port where nobody is: it keeps what it has.
                node.ask("REPLICAOF", node.site.host, "1")

    def heal(self) -> None:
        """See Shape."""
        self.sentinels.mend()
        self.servers.mend()
        until(self._do_agree, "Sentinels who all name the same master", WHOLE_WITHIN_S)
        master = self.master()
        for node in self.servers.nodes:
            if node is not master and node.info("replication")["role"] == "master":
                # As the Sentinels will, after eight seconds.
                host, port = master.address
                node.ask("REPLICAOF", host, port)
        # What was left out of a master's settings by a fault is there again, whoever is master.
        for node in self.servers.nodes:
            node.ask("CONFIG", "SET", "min-replicas-to-write", _SETTINGS["min-replicas-to-write"])
        until(self._is_whole, "one master with two replicas, by the word of all Sentinels", WHOLE_WITHIN_S)

    # Private.

    def _do_agree(self) -> bool:
        """One that was cut off names a former master for a while."""
        named = [each.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME) for each in self.sentinels.nodes]
        return all(each == named[0] for each in named)

    def _is_whole(self) -> bool:
        if not _has_replicas(self.master(), REPLICAS):
            return False
        said = [_pairs(each.ask("SENTINEL", "MASTER", NAME)) for each in self.sentinels.nodes]
        return (
            all(
                each["flags"] == "master"
                and each["num-slaves"] == str(REPLICAS)
                and each["num-other-sentinels"] == str(SENTINELS - 1)
                for each in said
            )
            and len({each["port"] for each in said}) == 1
        )


def sentinel_file(sentinel: Node, master: Node) -> str:
    """The settings of a Sentinel that watches `master`."""
    host, port = master.address
    tls = {} if sentinel.tls is None else {"tls-port": str(sentinel.port), **sentinel.tls.words}
    lines = [
        f"port {0 if tls else sentinel.port}",
        f"bind {sentinel.site.host}",
        "protected-mode no",
        f"dir {sentinel.folder}",
        *(f"{name} {value}" for name, value in tls.items()),
        f"sentinel announce-ip {sentinel.site.host}",
        f"sentinel monitor {NAME} {host} {port} {QUORUM}",
        f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}",
        f"sentinel failover-timeout {NAME} {FAILOVER_TIMEOUT_MS}",
        f"sentinel parallel-syncs {NAME} {REPLICAS}",
    ]
    return "\n".join(lines) + "\n"


# Private.

_SETTINGS: Final = {"min-replicas-to-write": "1", "min-replicas-max-lag": str(MAX_LAG_S)}


def _replica_of(master: Node) -> dict[str, str]:
    host, port = master.address
    return {"replicaof": f"{host} {port}"}


def _has_replicas(node: Node, count: int) -> bool:
    """Whether so many have all that it has, and say so."""
    said = node.info("replication")
    lines = [said.get(f"slave{number}", "") for number in range(count)]
    return said["role"] == "master" and all(",state=online," in line for line in lines)


def _pairs(words: Sequence[str]) -> dict[str, str]:
    return dict(zip(words[::2], words[1::2], strict=True))
