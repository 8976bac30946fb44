"""When a caller goes on: once what was owed was heard to its end, or will not come.

Why it exists: a caller who speaks into each pause would cover what a fault has torn. Owns: that decision for
one call, from what was heard and what the model made. Must not know: which fault there is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from proofs.prove.chaos.evidence.coding import FRAME_BYTES, Code, pieces
from simulators.realtime.record import ItemRecord, ResponseRecord, SessionRecord
from simulators.twilio import LiveCall

HEARD_OUT_MS = 300.0
BROKEN_MS = 3_000.0
"""After a response that was broken off: so long a caller waits for the rest."""

PATIENCE_MS = 15_000.0
"""After so long without a word the caller gives up."""


@dataclass(slots=True)
class Patience:
    """One caller's."""

    call: LiveCall
    sessions: Callable[[], list[SessionRecord]]
    """The call's own, open and closed."""
    longer_ms: float = 0.0
    """What they bear in addition, without a word: nobody is there who could say one."""
    is_settled: bool = False
    gave_up: bool = False

    def look(self) -> None:
        """Looks again: some times a second."""
        now_ms = self.call.now_ms()
        record = self.call.record
        spoke_ms = record.utterances[-1].voice_ended_at_ms if record.utterances else None
        since_ms = record.answered_at_ms if spoke_ms is None else spoke_ms
        playback = record.playbacks[-1] if record.playbacks else None
        if since_ms is None:
            return
        self.is_settled = False
        if record.playout.playing or (spoke_ms is not None and now_ms < spoke_ms):
            return
        heard_ms = since_ms if playback is None else max(since_ms, playback.ended_at_ms)
        if now_ms - heard_ms > PATIENCE_MS + self.longer_ms and not self.gave_up and not self._is_spoken_to():
            self.gave_up = True
            self.call.hang_up()
        if playback is None or playback.ended_at_ms <= since_ms:
            return
        wait_ms = self._wait_ms(bytes(playback.audio[-2 * FRAME_BYTES :]))
        self.is_settled = wait_ms is not None and now_ms - playback.ended_at_ms >= wait_ms

    # Private.

    def _is_spoken_to(self) -> bool:
        """By Twilio itself, or by whoever was dialled."""
        verbs = self.call.record.verbs
        return bool(verbs) and not verbs[-1].ended_at_ms and verbs[-1].name != "ConnectStream"

    def _wait_ms(self, end: bytes) -> float | None:
        """How long to wait behind a stretch that ends so; None: more will come."""
        codes = [piece.code for piece in pieces(end) if piece.code is not None]
        found = self._find(codes[-1]) if codes else None
        if found is None:
            return None
        session, response, items = found
        frames = -int(-items[-1].generated_ms // 20) if items else 0
        if response.status == "completed":
            is_end = codes[-1].voice.item + 1 >= len(items) and codes[-1].frame + 1 >= frames
            return HEARD_OUT_MS if is_end else BROKEN_MS + self.longer_ms
        is_broken = response.status != "in_progress" or session.closed_at_ms is not None
        return BROKEN_MS + self.longer_ms if is_broken else None

    def _find(self, code: Code) -> tuple[SessionRecord, ResponseRecord, list[ItemRecord]] | None:
        for session in self.sessions():
            if session.number == code.voice.session:
                for response in session.responses.values():
                    if response.number == code.voice.response:
                        own = response.response_id
                        items = [item for item in session.items.values() if item.response_id == own]
                        return session, response, items
        return None
