"""How long a caller waits: for an answer, for the model to begin, for silence after a word of theirs.

Why it exists: the moments of one answer lie in different places (the model's events, the sequencer's
actions, the write of a flush). Owns: which moment belongs to which, for one call. Pure. Must not know: who
tells it, what is decided.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from brain.counters import ResponseTimes


@dataclass(slots=True)
class Stopwatch:
    """The moments of one call. Times are monotonic ms, given by the caller."""

    times: ResponseTimes
    interrupting_since_ms: float | None = None
    """While `speech_started` is being acted upon: when it came."""
    _stopped_at_ms: float | None = None
    _token: str = ""
    _asked_at_ms: float = 0.0
    _response_id: str = ""
    """The response to the last create, once it was created."""

    def speech_started(self, now_ms: float) -> None:
        """The caller speaks: nobody waits for an answer to what they said before."""
        self.interrupting_since_ms = now_ms
        self._stopped_at_ms = None

    def handled(self) -> None:
        """What came is acted upon."""
        self.interrupting_since_ms = None

    def speech_stopped(self, now_ms: float) -> None:
        """The caller waits from now on."""
        self._stopped_at_ms = now_ms

    def passed_over(self) -> None:
        """What the caller said was no turn: nobody waits for an answer to it."""
        self._stopped_at_ms = None

    def asked(self, token: str, now_ms: float) -> None:
        """A create of ours was sent. There is one at a time."""
        self._token, self._asked_at_ms, self._response_id = token, now_ms, ""

    def created(self, response_id: str, token: str, now_ms: float) -> None:
        """A response was created, by a create of ours if it has its token."""
        if token and token == self._token:
            self._token, self._response_id = "", response_id
            self.times.created_ms.observe(now_ms - self._asked_at_ms)

    def first_audio(self, response_id: str, now_ms: float) -> None:
        """The first audio of a response was admitted."""
        if response_id and response_id == self._response_id:
            self._response_id = ""
            self.times.create_to_audio_ms.observe(now_ms - self._asked_at_ms)
        if self._stopped_at_ms is not None:
            self.times.turn_to_audio_ms.observe(now_ms - self._stopped_at_ms)
            self._stopped_at_ms = None

    def barge_in(self, clock: Callable[[], float]) -> Callable[[], None] | None:
        """What to do when the flush, or pause, of now stands in Redis, if it is that of a barge-in: it is
        measured."""
        since_ms, times = self.interrupting_since_ms, self.times
        return None if since_ms is None else lambda: times.barge_in_ms.observe(clock() - since_ms)
