"""When one call goes to another brain, and to which: the rules of a hand-over.

Why it exists: a session takes a second to open, and a caller must not wait for it: the heir opens it first,
and gets the call at a moment that nobody notices. Owns: the states of one hand-over, how long each may last,
which brain is asked. Pure. Must not know: how a brain is asked, how a call is released, what a quiet moment
is.

    state    what comes       leads to
    seeking  a tick           asked (somebody is there), given (nobody was for 2 s: whoever comes first takes
                              it). Where the process lives on the call stays instead, and all are asked again
    asked    ready            ready
             declined         seeking
             5 s, or it dies  seeking: another one is asked
    ready    a quiet moment   given, to that heir
             20 s             given all the same: a tool that still runs is answered for by the heir
             it dies          seeking
    given    anything         given
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.ownership.workers import SeenWorker

READY_WITHIN_MS = 5_000.0
QUIET_WITHIN_MS = 20_000.0
"""Longer than a tool may take."""

NOBODY_FOR_MS = 2_000.0
"""A brain that has only just begun has been seen to beat by then: in a deploy of one after another, its heir
is ready a moment before it is told to end."""

AGAIN_AFTER_MS = 5_000.0
"""Who was late, or declined, is asked again after so long, where the process lives on."""

SETTLE_MS = 3_000.0
"""From then on audio that still plays is no reason to wait: the heir knows of it."""

FRESH_MS = 1_500.0
"""A brain whose beat was not seen to stand still for longer than three beats may be asked."""


class HandOverState(enum.StrEnum):
    SEEKING = "seeking"
    ASKED = "asked"
    READY = "ready"
    GIVEN = "given"


@dataclass(frozen=True, slots=True)
class Ask:
    """`heir` is to prepare itself."""

    heir: str


@dataclass(frozen=True, slots=True)
class Give:
    """The call is released, for `heir`, or (empty) for whoever comes first."""

    heir: str


Step = Ask | Give | None


@dataclass(slots=True)
class HandOver:
    """One call's. `now_ms` is monotonic."""

    since_ms: float
    state: HandOverState = HandOverState.SEEKING
    heir: str = ""
    _asked_at_ms: float = 0.0
    _tried: set[str] = field(default_factory=set)

    @property
    def is_under_way(self) -> bool:
        """Whether an heir opens a session for it, or has one."""
        return self.state in (HandOverState.ASKED, HandOverState.READY)

    def tick(self, now_ms: float, heirs: Sequence[str], *, is_quiet: bool, may_stay: bool = False) -> Step:
        """Several times a second. `heirs`: who is fit by now, the best one first. `may_stay`: the process
        lives on, and the call with it as long as nobody takes it."""
        if self.state is HandOverState.GIVEN:
            return None
        is_late = self.state is HandOverState.ASKED and now_ms - self._asked_at_ms >= READY_WITHIN_MS
        if self.heir and (is_late or self.heir not in heirs):
            self._seek()
        if self.state is HandOverState.SEEKING:
            return self._ask(now_ms, heirs, may_stay=may_stay)
        is_over = now_ms - self.since_ms >= QUIET_WITHIN_MS
        if self.state is HandOverState.READY and (is_quiet or is_over):
            return self._give()
        return None

    def ready(self, worker: str) -> None:
        """`worker` has a session for the call."""
        if self.state is HandOverState.ASKED and worker == self.heir:
            self.state = HandOverState.READY

    def declined(self, worker: str) -> None:
        """`worker` cannot take it."""
        if worker == self.heir and self.state is not HandOverState.GIVEN:
            self._seek()

    def may_play(self, now_ms: float) -> bool:
        """Whether a moment in which audio still plays is quiet enough."""
        return now_ms - self.since_ms >= SETTLE_MS

    # Private.

    def _seek(self) -> None:
        self.state, self.heir = HandOverState.SEEKING, ""

    def _ask(self, now_ms: float, heirs: Sequence[str], *, may_stay: bool) -> Step:
        untried = [heir for heir in heirs if heir not in self._tried]
        if not untried:
            if not may_stay:
                return self._give() if now_ms - self.since_ms >= NOBODY_FOR_MS else None
            if now_ms - self._asked_at_ms >= AGAIN_AFTER_MS:
                self._tried.clear()
            return None
        if may_stay:
            self.since_ms = now_ms  # Nobody has waited for it before.
        self.state, self.heir, self._asked_at_ms = HandOverState.ASKED, untried[0], now_ms
        self._tried.add(self.heir)
        return Ask(self.heir)

    def _give(self) -> Give:
        # Who was asked and has not answered is no worse an heir than anybody.
        self.state = HandOverState.GIVEN
        return Give(self.heir)


def fit_heirs(
    workers: Sequence[SeenWorker],
    silent_ms: Mapping[str, float],
    promised: Mapping[str, int],
    *,
    own: str,
    role: str,
) -> list[str]:
    """Who may be asked, the least loaded first. `silent_ms`: how long each was silent that we have seen
    beating, by our own clock. `promised`: calls that each is to get, and may not count yet."""
    fit: list[tuple[int, str]] = []
    for worker in workers:
        beat, silent = worker.beat, silent_ms.get(worker.name)
        if beat is None or silent is None or silent >= FRESH_MS or worker.name == own or beat.role != role:
            continue
        calls = beat.calls + promised.get(worker.name, 0)
        if not beat.draining and calls < beat.capacity:
            fit.append((calls, worker.name))
    return [name for _, name in sorted(fit)]
