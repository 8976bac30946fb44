"""Pairs of `out` and `back`, gathered by the worker that they are for.

Why it exists: what a tick has for the calls of one worker goes in one entry. Owns: the gathering, its order.
Pure. Must not know: what a pair says, how an entry is written (pairs).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from shared.contract.streams.pairs import Pair


@dataclass(slots=True)
class PairBatch:
    """Pairs gathered by the worker that they are for, until they are sent together."""

    send_to: Callable[[str, list[Pair]], None]
    """Sends one worker's pairs; never waits."""
    _pairs: dict[str, list[Pair]] = field(default_factory=dict)

    def add(self, worker: str, pair: Pair) -> None:
        """One more for a worker."""
        waiting = self._pairs.get(worker)
        if waiting is None:
            self._pairs[worker] = [pair]
        else:
            waiting.append(pair)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._pairs

    def send(self) -> int:
        """Sends all that waits; returns the number of entries."""
        pairs, self._pairs = self._pairs, {}
        for worker, batch in pairs.items():
            self.send_to(worker, batch)
        return len(pairs)
