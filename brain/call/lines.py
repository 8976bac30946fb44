"""What a call's lines say, in the journal and in the log: transitions, and audio that was not admitted.

Why it exists: a response that was interrupted may send dozens of deltas more, and the ends of its items.
Each of the two is one line with a count, written when the response is done, not a line each time.

Owns: the names of the lines in the log, the counts under way. Must not know: why something happened. No texts
of the conversation pass here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.contract.streams.journal import Kind
from shared.logs.log import Log
from shared.ownership.journal import JournalPen

SPOKEN_KINDS = {Kind.AUDIBLE: "ai_speaking_started", Kind.SILENT: "ai_speaking_stopped"}
"""Kinds whose log line has a name of its own."""

SKIPS = (Kind.AUDIO_DELTA_SKIP, Kind.AUDIO_DONE_SKIP)
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

    journal: JournalPen
    log: Log
    call_sid: str
    _skipping: dict[str, dict[Kind, _Skipped]] = field(default_factory=dict)
    """By response, then by kind."""

    def note(self, kind: Kind, *, response: str | None = None, **fields: str) -> None:
        """A transition. That of a skipped response waits for its count."""
        if response is not None:
            fields = dict(response=response, **fields)
        if kind not in SKIPS:
            self._write(kind, fields)
            return
        response_id = response or ""
        if response_id not in self._skipping and len(self._skipping) >= MAX_SKIPPING:
            self.response_done(next(iter(self._skipping)))
        skipped = self._skipping.setdefault(response_id, {}).setdefault(kind, _Skipped(fields))
        skipped.count += kind is Kind.AUDIO_DONE_SKIP

    def skipped(self, response_id: str) -> None:
        """One delta was not admitted; counted if its response has a line coming."""
        skipping = self._skipping.get(response_id)
        if skipping is not None and Kind.AUDIO_DELTA_SKIP in skipping:
            skipping[Kind.AUDIO_DELTA_SKIP].count += 1

    def response_done(self, response_id: str) -> None:
        """No more deltas of this response will come."""
        for kind, skipped in self._skipping.pop(response_id, {}).items():
            self._write(kind, {**skipped.fields, "count": str(skipped.count)})

    def session_over(self) -> None:
        """No more of any response will come: writes what still waits. Also when the call is left."""
        for response_id in list(self._skipping):
            self.response_done(response_id)

    # Private.

    def _write(self, kind: Kind, fields: dict[str, str]) -> None:
        self.journal.note(self.call_sid, kind, **fields)
        self.log.info(SPOKEN_KINDS.get(kind, kind.value), **fields)
