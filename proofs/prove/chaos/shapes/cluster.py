"""A Cluster: three masters with a replica each, all slots assigned, formed without a tool beside the servers.

Why it exists: who outgrows one Redis runs this, and its failover is decided by figures that must be known.
Owns: these figures, the nodes, how they become one, who has which key. Must not know: which fault comes when.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from redis.crc import key_slot

from console.stack.ports import free_port
from proofs.prove.chaos.shapes.fleet import Fleet, InBlock
from proofs.prove.chaos.shapes.node import Node, Tls, until
from proofs.prove.chaos.shapes.programs import Program, ShapeFailed
from proofs.prove.chaos.shapes.shape import WHOLE_WITHIN_S, check_tls
from proofs.prove.chaos.shapes.slots import Line, dealt_out, is_whole, owner_of, read_nodes

MASTERS: Final = 3
NODES: Final = 2 * MASTERS

NODE_TIMEOUT_MS: Final = 1_000
"""A node that is silent for so long is dead, if most masters say so. By default it is 15 s."""

BUS: Final = "cluster-port"


@dataclass(slots=True)
class Cluster(InBlock):
    """Its nodes. A context manager: runs while its block does."""

    fleet: Fleet
    tls: Tls | None = None
    _ids: dict[int, str] = field(default_factory=dict)
    """Port → what the node calls itself."""

    @classmethod
    def of(
        cls, program: Program, folder: Path, *, tls: Tls | None = None, is_let_in_first: bool = False
    ) -> Cluster:
        """One of a program. Raises ShapeFailed for TLS that the program does not have."""
        check_tls(program, tls)
        nodes, buses = [], []
        for number in range(NODES):
            port = free_port()
            buses.append(free_port({port}))
            nodes.append(
                Node(
                    name=f"node {number}",
                    program=program,
                    folder=folder / f"node-{number}",
                    port=port,
                    settings={
                        **_SETTINGS,
                        # By itself it would take the port + 10,000, which may be anybody's.
                        BUS: str(buses[-1]),
                        **({"tls-cluster": "yes"} if tls is not None else {}),
                    },
                    tls=tls,
                    is_let_in_first=is_let_in_first,
                )
            )
        return cls(Fleet(nodes, frozenset(buses)), tls)

    @property
    def url(self) -> str:
        """See Shape: three of the nodes name the others."""
        places = ",".join(
            f"{host}:{port}" for host, port in (each.address for each in self.fleet.nodes[:MASTERS])
        )
        return f"cluster://{places}" if self.tls is None else f"clusters://{places}{self.tls.query}"

    @property
    def ports(self) -> frozenset[int]:
        """See Shape."""
        return self.fleet.ports

    def start(self) -> None:
        """See Shape. The first nodes get the slots, each of the others a master."""
        self.fleet.start()
        nodes = self.fleet.nodes
        masters, replicas = nodes[:MASTERS], nodes[MASTERS:]
        for number, node in enumerate(nodes, 1):
            self._ids[node.port] = str(node.ask("CLUSTER", "MYID"))
            # While it knows nobody: of two who claim the same the higher one is believed.
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number)
        for node, slots in zip(masters, dealt_out(MASTERS), strict=True):
            node.ask("CLUSTER", "ADDSLOTSRANGE", slots.start, slots.stop - 1)
        for node in nodes[1:]:
            host, port = node.address
            nodes[0].ask("CLUSTER", "MEET", host, port, node.settings[BUS])
        until(self._all_have_met, "six nodes that know one another", WHOLE_WITHIN_S)
        for node, master in zip(replicas, masters, strict=True):
            node.ask("CLUSTER", "REPLICATE", self._ids[master.port])
        until(self._is_whole, "three masters with all slots and a replica each", WHOLE_WITHIN_S)

    def stop(self) -> None:
        """See Shape."""
        self.fleet.stop()

    def masters_of(self, keys: Sequence[str]) -> list[Node]:
        """See Shape."""
        return self.masters_of_slots([key_slot(key.encode()) for key in keys])

    def masters_of_slots(self, slots: Sequence[int]) -> list[Node]:
        """The master of each slot. Raises ShapeFailed."""
        lines = self._views()
        owners = [owner_of(lines, slot) for slot in slots]
        if None in owners:
            raise ShapeFailed(f"expected a master of slot {slots[owners.index(None)]}, got none")
        return [self.fleet.at(owner.port) for owner in owners if owner is not None]

    def hand_over(self, master: Node) -> None:
        """See Shape: its replica asks, and the master waits for it to have all."""
        own = self.id_of(master)
        replicas = [line for line in self._views() if line.master_id == own and line.is_well]
        if not replicas:
            raise ShapeFailed(f"expected a replica of {master.name}, got none")
        self.fleet.at(replicas[0].port).ask("CLUSTER", "FAILOVER")

    def others(self, master: Node) -> list[Node]:
        """The other masters, in the order of their slots. Raises ShapeFailed."""
        lines = self._views()
        owners = {each.start: owner_of(lines, each.start) for line in lines for each in line.slots}
        ports = dict.fromkeys(line.port for _, line in sorted(owners.items()) if line is not None)
        return [self.fleet.at(port) for port in ports if port != master.port]

    def id_of(self, node: Node) -> str:
        """What a node calls itself; for good."""
        return self._ids[node.port]

    def heal(self) -> None:
        """See Shape. Whoever is master stays it."""
        self.fleet.mend()
        until(self._is_whole, "three masters with all slots and a replica each", WHOLE_WITHIN_S)

    # Private.

    def _views(self) -> list[Line]:
        """What all who can answer say of all. Raises ShapeFailed where nobody does."""
        found: list[Line] = []
        why: ShapeFailed | None = None
        for node in self.fleet.awake():
            try:
                found += read_nodes(str(node.ask("CLUSTER", "NODES")))
            except ShapeFailed as error:
                why = error
        if not found:
            raise ShapeFailed(f"expected a node that answers, got none: {why}")
        return found

    def _all_have_met(self) -> bool:
        return all(
            len(lines) == NODES and all(line.is_well for line in lines)
            for lines in (read_nodes(str(node.ask("CLUSTER", "NODES"))) for node in self.fleet.nodes)
        )

    def _is_whole(self) -> bool:
        """By the word of each, and each replica has what its master has."""
        for node in self.fleet.nodes:
            lines = read_nodes(str(node.ask("CLUSTER", "NODES")))
            if not is_whole(lines, nodes=NODES, masters=MASTERS):
                return False
            # One that has just come takes no commands yet, whatever it knows of the others.
            if "cluster_state:ok" not in str(node.ask("CLUSTER", "INFO")).splitlines():
                return False
            said = node.info("replication")
            if said["role"] == "slave" and said["master_link_status"] != "up":
                return False
        return True


# Private.

_SETTINGS: Final = {
    "cluster-enabled": "yes",
    "cluster-config-file": "nodes.conf",
    "cluster-node-timeout": str(NODE_TIMEOUT_MS),
    # The slots of a dead master are its calls' trouble, not everybody's.
    "cluster-require-full-coverage": "no",
    # Replicas stay where they are put: the next row finds what it expects.
    "cluster-allow-replica-migration": "no",
}
