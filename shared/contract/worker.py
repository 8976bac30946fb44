"""Names of worker processes: `role-n@host#boot`.

Owns the format only. `role-n@host` is stable over restarts (the instance), `boot` is new at each start,
so that two lives of one instance are never taken for each other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

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
        match = _WORKER.fullmatch(text)
        if match is None:
            raise ValueError(f"expected a worker as role-n@host#boot, got {text!r}")
        return cls(match["role"], int(match["number"]), match["host"], match["boot"])

    @classmethod
    def of_process(cls, role: str, number: int, host: str, boot: str) -> WorkerId:
        """The name of this process. Characters that Redis keys or our formats use are replaced in `host`."""
        return cls(role, number, re.sub(r"[^A-Za-z0-9._-]", "-", host) or "host", boot)
