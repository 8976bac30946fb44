"""The caller's telephone line: 20 ms in, 20 ms out, from the answer to the end.

Why it exists: the line outlives its media streams. Between two of them the caller goes on talking and nobody
gets it, which is exactly what a bridge must cope with. Owns: the caller, the recording of what was said and
the current stream. Must not know: TwiML or webhooks.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from dataclasses import dataclass

from simulators.twilio.caller.clip import FRAME_MS, SILENT_FRAME, SILENT_PAYLOAD
from simulators.twilio.caller.conduct import Caller, EndCall, Frame
from simulators.twilio.caller.plan import CallPlan
from simulators.twilio.media.stream import LiveStream
from simulators.twilio.record import CallRecord, KeyPress, Utterance


@dataclass(slots=True, eq=False)
class Line:
    """Ticked by the metronome. Times of the record are ms since `record.zero_ms`."""

    record: CallRecord
    plan: CallPlan
    keep_audio: bool
    hang_up: Callable[[], None]
    """Called when the caller ends the call."""
    stream: LiveStream | None = None
    caller: Caller | None = None
    defect: Exception | None = None
    """What a tick of ours raised: a fault of the simulator, not of the bridge."""
    _utterance: Utterance | None = None
    _given_bytes: int = 0
    """What was heard so far that the handset has."""

    def answer(self, now_ms: float) -> None:
        """The call is answered: the plan begins."""
        self.record.answered_at_ms = now_ms
        self.record.playout.quiet_since_ms = now_ms
        self.caller = Caller(self.plan, now_ms, self.record.failures)

    def tick(self, due_ms: float, now_ms: float) -> None:
        """20 ms of the call. Both times are the host's monotonic ms."""
        record, caller, stream = self.record, self.caller, self.stream
        if caller is None:
            return
        record.worst_tick_late_ms = max(record.worst_tick_late_ms, now_ms - due_ms)
        at_ms = now_ms - record.zero_ms
        if stream is not None:
            stream.echo_due_marks(at_ms)
        actions = caller.tick(at_ms, record.playout)
        frame = caller.take_frame()
        voice, payload = self._said(frame)
        delivered = stream is not None and stream.give_frame(payload, at_ms)
        if frame is not None or self._utterance is not None:
            self._note_speech(frame, delivered, at_ms)
        if self.keep_audio:
            if not record.speech:
                record.speech_from_ms = due_ms - record.zero_ms
            record.speech += voice
        for action in actions:
            if isinstance(action, EndCall):
                self.hang_up()
            else:
                pressed = self.stream is not None and self.stream.press(action.digit)
                record.key_presses.append(KeyPress(action.digit, at_ms, pressed))

    def fail(self, error: Exception) -> None:
        """Keeps what a tick raised, for whoever runs the call, and ends the call."""
        self.defect = error
        self.hang_up()

    def close(self, reason: str, now_ms: float) -> None:
        """The call is over."""
        if self._utterance is not None:
            self._utterance.ended_at_ms = now_ms
            self._utterance = None
        # A call that was never answered fails the plan as much as one that ended in the middle.
        caller = self.caller or Caller(self.plan, now_ms, self.record.failures)
        if reason != "simulator_closed":
            caller.call_ended(reason, now_ms)

    # Private.

    def _said(self, frame: Frame | None) -> tuple[bytes, bytes]:
        """20 ms of the caller, and the same in base64: the plan's words before those of a handset."""
        handset = self.plan.handset
        if handset is not None:
            handset.give(self._heard_since())
            said = handset.take()
            if frame is None:
                return said, binascii.b2a_base64(said, newline=False)
        if frame is None:
            return SILENT_FRAME, SILENT_PAYLOAD
        return frame.clip.frames[frame.index], frame.clip.payloads[frame.index]

    def _heard_since(self) -> bytes:
        """What the caller has heard since the last tick. It is there only where audio is kept."""
        playout = self.record.playout
        missing = playout.played_bytes - self._given_bytes
        self._given_bytes = playout.played_bytes
        parts: list[bytes] = []
        for playback in reversed(playout.playbacks):
            if missing <= 0:
                break
            parts.append(bytes(playback.audio[-missing:]))
            missing -= len(parts[-1])
        return b"".join(reversed(parts))

    def _note_speech(self, frame: Frame | None, delivered: bool, at_ms: float) -> None:
        if frame is None:  # stopped in the middle of a clip
            self._end_utterance(at_ms)
            return
        if frame.first:
            clip = frame.clip
            self._utterance = Utterance(
                clip.name, at_ms, clip.voice_from_ms, clip.voice_to_ms, frame.barge_in
            )
            self.record.utterances.append(self._utterance)
        if self._utterance is not None and not delivered:
            self._utterance.frames_lost += 1
        if frame.last:
            self._end_utterance(at_ms + FRAME_MS)

    def _end_utterance(self, at_ms: float) -> None:
        if self._utterance is not None:
            self._utterance.ended_at_ms = at_ms
            self._utterance = None
