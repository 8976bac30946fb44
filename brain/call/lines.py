"""What a call's lines say, in the journal and in the log: transitions, and audio that was not admitted.

Why it exists: a response that was interrupted may send dozens of deltas more, and the ends of its items.
Each of the two is one line with a count, written when the response is done, not a line each time.

Owns: the names of the lines, the counts under way. Must not know: why something happened. No texts of the
conversation pass here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.logs.log import Log
from shared.store.outbox import Outbox

SPOKEN_KINDS = {"audible": "ai_speaking_started", "silent": "ai_speaking_stopped"}
"""Journal kinds whose log line has a name of its own."""

DELTA_SKIP, DONE_SKIP = "audio_delta_skip", "audio_done_skip"
SKIPS = (DELTA_SKIP, DONE_SKIP)
"""A delta is noted once and then counted by `skipped`; an end of an item is noted each time."""

MAX_SKIPPING = 16
"""Responses that are skipped at once; a second one already means that a `done` was lost."""


@dataclass(slots=True)
class _Skipped:
    fields: dict[str, str]
    count: int = 0


@dataclass(slots=True)
class CallLog:
    """The pen for one call's lines."""

    outbox: Outbox
    log: Log
    call_sid: str
    _skipping: dict[str, dict[str, _Skipped]] = field(default_factory=dict)
    """By response, then by kind."""

    def note(self, kind: str, fields: Mapping[str, str]) -> None:
        """A transition. That of a skipped response waits for its count."""
        if kind not in SKIPS:
            self._write(kind, fields)
            return
        response_id = fields.get("response", "")
        if response_id not in self._skipping and len(self._skipping) >= MAX_SKIPPING:
            self.response_done(next(iter(self._skipping)))
        skipped = self._skipping.setdefault(response_id, {}).setdefault(kind, _Skipped(dict(fields)))
        skipped.count += kind == DONE_SKIP

    def skipped(self, response_id: str) -> None:
        """One delta was not admitted; counted if its response has a line coming."""
        skipping = self._skipping.get(response_id)
        if skipping is not None and DELTA_SKIP in skipping:
            skipping[DELTA_SKIP].count += 1

    def response_done(self, response_id: str) -> None:
        """No more deltas of this response will come."""
        for kind, skipped in self._skipping.pop(response_id, {}).items():
            self._write(kind, {**skipped.fields, "count": str(skipped.count)})

    def session_over(self) -> None:
        """No more of any response will come: writes what still waits. Also when the call is left."""
        for response_id in list(self._skipping):
            self.response_done(response_id)

    def _write(self, kind: str, fields: Mapping[str, str]) -> None:
        self.outbox.journal(self.call_sid, kind, **fields)
        self.log.info(SPOKEN_KINDS.get(kind, kind), **fields)
