"""Control messages: commands and reports between the processes of a call, and from operators.

Owns: the entry's shape, each producer's numbering, reading with a position, dropping what came twice.
Must not know: what a message makes a role do.

A message is `kind`, `from` (worker or `operator`), `n` (the producer's running number), `epoch` where an
owner speaks, then flat fields of its own. An operator may type one with XADD and leave out all but `kind`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from shared.contract.entries import Why, to_dict
from shared.ownership.owner import Owner
from shared.store.client import Store

CONTROL_MAXLEN = 1000

SWEEP_S = 1.0
"""How often owners look at `control` without a ring: how a hand-typed XADD is seen."""

REMEMBERED = 256
"""Numbers of each producer kept to drop duplicates; far more than can be under way."""


@dataclass(frozen=True, slots=True)
class ControlMessage:
    """One message as read. `fields` are its own fields, as text."""

    entry_id: str
    kind: str
    sender: str
    number: str
    epoch: int | None
    fields: dict[str, str]

    def integer(self, name: str, default: int = 0) -> int:
        """A field as a number; `default` if it is missing or is none (a hand may have typed it)."""
        try:
            return int(float(self.fields[name]))
        except (KeyError, ValueError):
            return default


def read_control(entry_id: bytes, fields: Sequence[bytes]) -> ControlMessage:
    """Lenient on purpose: people type these. A message without `kind` has kind "" and is refused later."""
    found = {
        name.decode(errors="replace"): value.decode(errors="replace")
        for name, value in to_dict(fields).items()
    }
    epoch = found.pop("epoch", "")
    found.pop("v", None)
    return ControlMessage(
        entry_id=entry_id.decode(),
        kind=found.pop("kind", ""),
        sender=found.pop("from", "operator"),
        number=found.pop("n", ""),
        epoch=int(epoch) if epoch.isascii() and epoch.isdigit() else None,
        fields=found,
    )


@dataclass(slots=True)
class ControlPost:
    """An owner's letter box: numbers what it sends, so that a repeated write is read once."""

    owner: Owner
    sender: str
    number: int = 0

    def send(self, kind: str, *, wake: str, **fields: str | int | float) -> None:
        """Adds a message and rings the doorbells of the roles in `wake` ("brain", "egress" or both)."""
        self.number += 1
        flat = [
            b"v", b"1", b"kind", kind.encode(), b"from", self.sender.encode(),
            b"n", b"%d" % self.number, b"epoch", b"%d" % self.owner.epoch,
        ]  # fmt: skip
        for name, value in fields.items():
            flat += (name.encode(), str(value).encode())
        self.owner.append(
            "control", flat, maxlen=CONTROL_MAXLEN, wake=wake, why=Why.CONTROL, create=False, urgent=True
        )


@dataclass(slots=True)
class ControlReader:
    """Reads the control messages of one call after a position. Not a blocking read: rung and swept."""

    store: Store
    key: str
    position: str = "0"
    _seen: dict[str, dict[str, None]] = field(default_factory=dict)

    async def read(self) -> list[ControlMessage]:
        """New messages in order, without repetitions. Raises STORE_ERRORS; cancelling loses nothing."""
        found: list[tuple[bytes, dict[bytes, bytes]]] = await cast(
            Any, self.store.xrange(self.key, min=f"({self.position}" if self.position != "0" else "-")
        )
        fresh: list[ControlMessage] = []
        for entry_id, pairs in found:
            self.position = entry_id.decode()
            message = read_control(entry_id, [word for pair in pairs.items() for word in pair])
            if self._is_new(message):
                fresh.append(message)
        return fresh

    def _is_new(self, message: ControlMessage) -> bool:
        if not message.number:
            return True  # Typed by hand: each one counts.
        # An owner that claims a call anew counts from one again, under a higher epoch.
        seen = self._seen.setdefault(f"{message.sender} {message.epoch}", {})
        if message.number in seen:
            return False
        seen[message.number] = None
        if len(seen) > REMEMBERED:
            del seen[next(iter(seen))]
        return True
