"""The model's behaviour towards one call, now: what its sessions and responses are like.

Why it exists: calls with different faults share one simulator, and a fault begins and ends in the middle of a
call. Owns: the knobs of that call's sessions, present and future. Must not know: when a fault begins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from random import Random

from simulators.realtime.knobs import Knobs, ResponseKnobs
from simulators.realtime.record import SessionRecord

OPENING_MS = (400.0, 1_500.0)
"""From asking for a session to having it, as real ones take."""


@dataclass(slots=True)
class Cast:
    """One call's model."""

    script: str
    chance: Random
    live: Callable[[], list[SessionRecord]]
    """The call's open sessions."""
    _response: ResponseKnobs = field(default_factory=ResponseKnobs)
    _next: ResponseKnobs | None = None
    _session: Mapping[str, object] = field(default_factory=dict)

    def knobs(self) -> Knobs:
        """For a session that is opened now."""
        knobs = Knobs(
            seed=self.chance.getrandbits(30),
            script=self.script,
            opening_ms=self.chance.uniform(*OPENING_MS),
            response=deepcopy(self._response),
        )
        if self._next is not None:
            knobs.by_response[1], self._next = self._next, None
        return replace(knobs, **self._session)  # type: ignore[arg-type]

    def respond(self, knobs: ResponseKnobs) -> None:
        """What responses are like from now on."""
        self._response = knobs
        for session in self.live():
            session.knobs.response = deepcopy(knobs)

    def respond_once(self, knobs: ResponseKnobs) -> None:
        """What the next response is like."""
        sessions = self.live()
        if not sessions:
            self._next = knobs
        for session in sessions:
            session.knobs.by_response[session.asked_responses + 1] = deepcopy(knobs)

    def open_sessions(self, knobs: Mapping[str, object]) -> None:
        """What sessions are like that are opened from now on: knobs by name, over the usual ones."""
        self._session = knobs
