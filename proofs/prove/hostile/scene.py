"""What all attacks share: whom they attack, what they have overheard of calls, what came of each attempt.

Why it exists: attackers are a process of their own, told over a pipe what could be overheard, and asked at
their end what they got. Owns: these shapes, and their form on the pipe. Must not know: any one attack.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from random import Random

import orjson

OVERHEARD_MOST = 200

LET_IN = "let in"
"""A stranger was spoken to as a caller is: never what may come of an attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A bridge, as Twilio knows it, and the secret that signs for it."""

    host: str
    port: int
    public_url: str
    stream_url: str
    account_sid: str
    auth_token: str = field(repr=False)

    @property
    def dial(self) -> tuple[str, int]:
        """Where to connect to."""
        return self.host, self.port


@dataclass(frozen=True, slots=True, kw_only=True)
class Overheard:
    """What somebody who could read along would know of a call: its first webhook, and its stream's token."""

    call_sid: str
    url: str
    params: Mapping[str, str] = field(repr=False)
    token: str = field(repr=False)
    is_over: bool


@dataclass(slots=True)
class Tally:
    """What came of all attempts: by kind of attack, by how it ended."""

    ends: dict[str, Counter[str]] = field(default_factory=dict)

    def note(self, kind: str, end: str, times: int = 1) -> None:
        """So many attempts ended so."""
        self.ends.setdefault(kind, Counter())[end] += times

    def attempts(self, kind: str) -> int:
        """All of a kind."""
        return sum(self.ends.get(kind, Counter()).values())


@dataclass(slots=True)
class Scene:
    """What an attack has to do with."""

    target: Target
    chance: Random
    tally: Tally = field(default_factory=Tally)
    overheard: deque[Overheard] = field(default_factory=lambda: deque(maxlen=OVERHEARD_MOST))

    def heard(self, *, is_over: bool) -> Overheard | None:
        """Something that was overheard of a call that is over, or was live then; None: nothing yet."""
        found = [each for each in self.overheard if each.is_over is is_over]
        return self.chance.choice(found) if found else None


# On the pipe: a line each.


def target_line(target: Target) -> bytes:
    """For the attackers: first of all."""
    return orjson.dumps(asdict(target)) + b"\n"


def read_target(line: bytes) -> Target:
    """The same, read. Raises ValueError, TypeError for anything else."""
    return Target(**orjson.loads(line))


def overheard_line(overheard: Overheard) -> bytes:
    """For the attackers: at any time."""
    return orjson.dumps(asdict(overheard)) + b"\n"


def read_overheard(line: bytes) -> Overheard:
    """The same, read. Raises ValueError, TypeError for anything else."""
    return Overheard(**orjson.loads(line))


def tally_line(tally: Tally) -> bytes:
    """From the attackers: last of all."""
    return orjson.dumps(tally.ends) + b"\n"


def read_tally(line: bytes) -> Tally:
    """The same, read. Raises ValueError for anything else."""
    return Tally({kind: Counter(ends) for kind, ends in orjson.loads(line).items()})
