"""Writes the model's audio and its boundaries into `reply`, fenced, and rings egress's doorbell.

Why it exists: a ring for each delta would be a wake-up for each; none would be silence. Owns: when the
doorbell rings: at the first audio of a response, at a flush and a pause, always, else once a second while
audio comes (egress reads on by itself while there is more). Must not know: the model's protocol, pacing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from brain.sequencer import actions
from brain.sequencer.actions import AudioVerdict
from shared.contract.streams.reply import ReplyEntry, ReplyKind
from shared.ownership.owner import Owner

RING_EVERY_MS = 1000.0

PIECE_BYTES = 8_000
"""Of a recording in one entry: a second."""


@dataclass(slots=True)
class ReplyWriter:
    """The pen for one call's reply."""

    owner: Owner
    host: str = ""
    """Of this process: whose clock the stamps are."""
    _rang_at_ms: float = -RING_EVERY_MS

    def audio(self, verdict: AudioVerdict, audio: bytes, now_ms: float) -> None:
        """One admitted delta, whole: egress cuts it into frames."""
        entry = ReplyEntry(
            kind=ReplyKind.AUDIO,
            epoch=self.owner.epoch,
            cut=verdict.cut,
            response_id=verdict.response_id,
            item_id=verdict.item_id,
            offset_bytes=verdict.offset_bytes,
            t_ms=now_ms,
            audio=audio,
            host=self.host,
            debt=verdict.debt,
        )
        self._write(entry, ring=verdict.first)

    def notice(self, action: actions.PlayNotice, audio: bytes, now_ms: float) -> None:
        """A recording, whole, as a response with one item."""
        for at in range(0, len(audio), PIECE_BYTES):
            entry = self._boundary(ReplyKind.AUDIO, action.cut, action.item_id, action.item_id, at, now_ms)
            piece = audio[at : at + PIECE_BYTES]
            self._write(replace(entry, audio=piece, debt=action.debt), ring=not at)
        total = len(audio)
        self._write(
            self._boundary(ReplyKind.ITEM_END, action.cut, action.item_id, action.item_id, total, now_ms)
        )
        end = self._boundary(ReplyKind.RESPONSE_END, action.cut, action.item_id, "", 0, now_ms)
        self._write(replace(end, debt=action.debt))

    def end_item(self, action: actions.EndItem, now_ms: float) -> None:
        """The item has all its audio."""
        self._write(
            self._boundary(
                ReplyKind.ITEM_END,
                action.cut,
                action.response_id,
                action.item_id,
                action.total_bytes,
                now_ms,
            )
        )

    def end_response(self, action: actions.EndResponse, now_ms: float) -> None:
        """The response has all its items."""
        entry = self._boundary(ReplyKind.RESPONSE_END, action.cut, action.response_id, "", 0, now_ms)
        self._write(replace(entry, debt=action.debt))

    def flush(self, action: actions.Flush, now_ms: float, then: Callable[[], None] | None = None) -> None:
        """All that was written before is void. `then` is called when that stands in Redis."""
        self._write(
            self._boundary(ReplyKind.FLUSH, action.cut, action.response_id, action.item_id, 0, now_ms),
            ring=True,
            then=then,
        )

    def pause(
        self, action: actions.PauseReply, now_ms: float, then: Callable[[], None] | None = None
    ) -> None:
        """Playback is to stand still at once. `then` is called when that stands in Redis."""
        entry = self._boundary(ReplyKind.PAUSE, action.cut, "", "", 0, now_ms)
        self._write(replace(entry, pause_ms=round(action.most_ms)), ring=True, then=then)

    def resume(self, action: actions.ResumeReply, now_ms: float) -> None:
        """Playback is to go on at once."""
        self._write(self._boundary(ReplyKind.RESUME, action.cut, "", "", 0, now_ms), ring=True)

    # Private.

    def _boundary(
        self,
        kind: ReplyKind,
        cut: int,
        response_id: str,
        item_id: str,
        offset_bytes: int,
        now_ms: float,
    ) -> ReplyEntry:
        return ReplyEntry(
            kind=kind,
            epoch=self.owner.epoch,
            cut=cut,
            response_id=response_id,
            item_id=item_id,
            offset_bytes=offset_bytes,
            t_ms=now_ms,
            audio=b"",
            host=self.host,
        )

    def _write(
        self, entry: ReplyEntry, *, ring: bool = False, then: Callable[[], None] | None = None
    ) -> None:
        ring = ring or entry.t_ms - self._rang_at_ms >= RING_EVERY_MS
        if ring:
            self._rang_at_ms = entry.t_ms
        self.owner.reply(entry, wake=ring, then=then)
