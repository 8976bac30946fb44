"""Workers: their names, `role-n@host#boot`, and what each says of itself.

Why it exists: rivals choose by it, operators read it, the watchdog ends by it. Owns: the format of the name,
the record of the beat. `role-n@host` is stable over restarts (the instance), `boot` is new at each start, so
that two lives of one instance are never taken for each other. Pure. Must not know: when a worker counts as
dead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.contract import record
from shared.contract.command import Command
from shared.contract.entry import whole
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
    wall time, for people: nobody is held for dead or alive by it (shared/ownership/liveness.py).
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
    pid_started: int = record.since(3, 0)
    """When the process of that pid started, as /proc/<pid>/stat says it; 0: not known."""
    boot_id: str = record.since(3, "")
    """Of the host's kernel, new at each of its boots; empty: not known."""
    pid_ns: int = record.since(3, 0)
    """The namespace in which its pid means something; 0: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What of a beat its neighbours read, four times a second: that it moves, and which process it is."""

    beat: int
    contract: int
    pid: int
    pid_started: int = record.since(3, 0)
    boot_id: str = record.since(3, "")
    pid_ns: int = record.since(3, 0)


PULSE = record.names(Pulse)
"""What HMGET is asked for."""


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
    return record.read(Beat, found, version=_version(found))


def read_pulse(values: Sequence[bytes | None]) -> Pulse | None:
    """The answer to an HMGET of `PULSE`; None if there is no such hash. Raises ContractError."""
    if not any(value is not None for value in values):
        return None
    found = {
        name: value.decode(errors="replace")
        for name, value in zip(PULSE, values, strict=True)
        if value is not None
    }
    return record.read(Pulse, found, version=_version(found))


# Private.


def _version(found: Mapping[str, str]) -> int:
    """The version of the records that the writer of a beat writes."""
    told = whole(found.get("contract", ""))
    return record.CONTRACT if told is None else told
