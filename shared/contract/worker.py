"""Workers: their names, `role-n@host#boot`, and what each says of itself.

Why it exists: rivals choose by it, operators read it, the watchdog ends by it. Owns: the format of the name,
the record of the beat. `role-n@host` is stable over restarts (the instance), `boot` is new at each start, so
that two lives of one instance are never taken for each other. Pure. Must not know: when a worker counts as
dead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from shared.contract import record
from shared.contract.command import Command
from shared.contract.keys import WORKER_TTL_MS, WORKERS, Keys

ROLES = ("ingress", "brain", "egress")

_WORKER = re.compile(r"(?P<role>[a-z]+)-(?P<number>\d+)@(?P<host>[A-Za-z0-9._-]+)#(?P<boot>[0-9a-z]+)")


@dataclass(frozen=True, slots=True)
class WorkerId:
    """A parsed worker name; `str()` gives it back."""

    role: str
    number: int
    host: str
    boot: str

    def __str__(self) -> str:
        return f"{self.instance}#{self.boot}"

    @property
    def instance(self) -> str:
        """`role-n@host`: the part that survives a restart."""
        return f"{self.role}-{self.number}@{self.host}"

    @classmethod
    def parse(cls, text: str) -> WorkerId:
        """Raises ValueError for what is no worker's name."""
        match = _WORKER.fullmatch(text)
        if match is None:
            raise ValueError(f"expected a worker as role-n@host#boot, got {text!r}")
        return cls(match["role"], int(match["number"]), match["host"], match["boot"])

    @classmethod
    def of_process(cls, role: str, number: int, host: str, boot: str) -> WorkerId:
        """The name of this process. Characters that Redis keys or our formats use are replaced in `host`."""
        return cls(role, number, re.sub(r"[^A-Za-z0-9._-]", "-", host) or "host", boot)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """What a worker says of itself every half second: the hash `tl:worker:<worker>`.

    Writer: shared/process/beat.py. Readers: rivals, the watchdog, `trunkline top` and `doctor`. `at_ms` is
    wall time: for people, and for whom a draining egress offers its calls to; nobody is held for dead by it.
    """

    beat: int
    at_ms: int
    host: str
    pid: int
    role: str
    calls: int
    capacity: int
    loop_lag_ms: float
    draining: bool
    version: str
    contract: int
    """The version of the records that it writes (shared/contract/record.py)."""
    admin_port: int = record.since(2, 0)
    """Where it answers /readyz and /metrics, on its own 127.0.0.1; 0: not told."""


def write_beat(keys: Keys, worker: str, beat: Beat) -> tuple[Command, ...]:
    """The worker's hash, its TTL, its name in the list of workers."""
    key = keys.worker(worker).encode()
    return (
        Command(key, (b"HSET", key, *record.flat(beat))),
        Command(key, (b"PEXPIRE", key, b"%d" % WORKER_TTL_MS)),
        Command(b"workers", (b"SADD", WORKERS.encode(), worker.encode())),
    )


def read_beat(found: Mapping[str, str]) -> Beat:
    """A worker's hash as text. Raises ContractError."""
    told = found.get("contract", "")
    return record.read(Beat, found, version=int(told) if told.isdecimal() else record.CONTRACT)
