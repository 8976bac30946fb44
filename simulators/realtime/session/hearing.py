"""The input side of a session: the audio buffer, turns, and what was "heard".

Why it exists: a turn is made of audio, silence and time, before any reply is thought of. Owns: the input
audio buffer, voice detection, commits, the transcription of the caller (by the script, but for a cough and
the like) and the idle timer. Must not know: how replies are made; it asks for one at the end of a turn. The
buffer is bounded: outside speech it keeps only the padding, without voice detection 10 minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from simulators import asides
from simulators.realtime.protocol import errors
from simulators.realtime.script import Script
from simulators.realtime.session import plan
from simulators.realtime.session.config import SessionConfig
from simulators.realtime.session.conversation import Conversation, Item
from simulators.realtime.session.outlet import Outlet
from simulators.realtime.session.responses import Responses
from simulators.realtime.session.vad import ONSET_MS, Edge, Vad

MIN_COMMIT_MS: Final = 100
MAX_BUFFER_MS: Final = 600_000
"""Ten minutes: a client that commits by hand and never does loses the oldest audio."""
SLACK_MS: Final = 2000
"""Trimming happens only when this much can go, so that it costs nothing per append."""


class Hearing:
    """One session's ears. `config()` returns the configuration in force."""

    def __init__(
        self,
        outlet: Outlet,
        conversation: Conversation,
        responses: Responses,
        script: Script,
        config: Callable[[], SessionConfig],
    ) -> None:
        self._outlet = outlet
        self._conversation = conversation
        self._responses = responses
        self._script = script
        self._config = config
        self._format = config().input_format
        self._vad: Vad | None = None
        self._vad_settings = config().vad
        self._buffer = bytearray()
        self._speech_item_id: str | None = None
        self._early_item_id: str | None = None
        self._heard_ms = 0.0
        self._idle_number = 0
        self._make_vad()

    def configure(self) -> None:
        """Follows a changed configuration. Offsets go on; so does speech in progress, unless detection itself
        changed."""
        config = self._config()
        if config.input_format is self._format and config.vad == self._vad_settings:
            return
        self._format = config.input_format
        self._vad_settings = config.vad
        self._speech_item_id = None
        self._make_vad()

    # Audio.

    def append(self, now_ms: float, audio: bytes) -> None:
        """`input_audio_buffer.append`: no event answers it."""
        self._heard_ms += len(audio) / self._format.bytes_per_ms
        buffer = self._buffer
        buffer += audio
        if self._vad is not None:
            events = self._vad.feed(audio)
            for event in events:
                if event.edge is Edge.STARTED:
                    self._speech_started(now_ms, event.at_ms)
                else:
                    self._speech_stopped(now_ms, event.at_ms)
        keep_ms = self._kept_ms()
        if len(buffer) > (keep_ms + SLACK_MS) * self._format.bytes_per_ms:
            del buffer[: -int(keep_ms * self._format.bytes_per_ms)]

    def commit(self, now_ms: float) -> None:
        """`input_audio_buffer.commit` by the client. Raises `Refusal` below 100 ms."""
        held_ms = len(self._buffer) / self._format.bytes_per_ms
        if held_ms < MIN_COMMIT_MS:
            raise errors.Refusal(
                "input_audio_buffer_commit_empty",
                f"Error committing input audio buffer: buffer too small. Expected at least "
                f"{MIN_COMMIT_MS}ms of audio, but buffer only has {held_ms:.2f}ms of audio.",
            )
        item_id = self._speech_item_id or self._outlet.ids.mint("item")
        if self._vad is not None:
            self._vad.reset()
        self._commit(now_ms, item_id, is_turn=True)

    def clear(self, now_ms: float) -> None:
        """`input_audio_buffer.clear`, answered also when the buffer is empty already."""
        self._buffer.clear()
        self._speech_item_id = None
        if self._vad is not None:
            self._vad.reset()
        self._outlet.emit(now_ms, "input_audio_buffer.cleared")

    # Turns.

    def _speech_started(self, now_ms: float, audio_start_ms: int) -> None:
        self._idle_number += 1
        item_id = self._outlet.ids.mint("item")
        self._speech_item_id = item_id
        speech_bytes = int((self._heard_ms - audio_start_ms) * self._format.bytes_per_ms)
        if 0 < speech_bytes < len(self._buffer):
            del self._buffer[:-speech_bytes]
        self._outlet.emit(
            now_ms,
            "input_audio_buffer.speech_started",
            audio_start_ms=audio_start_ms,
            item_id=item_id,
        )
        if self._config().interrupt_response:
            self._responses.interrupt(now_ms)
        if self._config().transcribes and self._outlet.rng.random() < 0.5:
            # Streaming recognition may speak of an item that does not exist yet.
            due_at_ms = now_ms + self._outlet.rng.uniform(300, 900)
            number = self._conversation.turns + 1
            self._outlet.timers.at(due_at_ms, lambda at_ms: self._send_early_word(at_ms, item_id, number))

    def _speech_stopped(self, now_ms: float, audio_end_ms: int) -> None:
        item_id = self._speech_item_id
        assert item_id is not None, "the detector stops only what it started"
        self._outlet.emit(
            now_ms,
            "input_audio_buffer.speech_stopped",
            audio_end_ms=audio_end_ms,
            item_id=item_id,
        )
        self._commit(now_ms, item_id, is_turn=True)
        if self._config().create_response:
            self._responses.create_by_server(now_ms, "turn", self._config())

    def _commit(self, now_ms: float, item_id: str, *, is_turn: bool) -> None:
        """Makes a user message of the buffer; its transcript follows some time later."""
        audio = bytes(self._buffer)
        self._buffer.clear()
        self._speech_item_id = None
        aside = asides.recognise(audio) if is_turn else None
        item = Item(
            item_id=item_id,
            type="message",
            role="user",
            content=[{"type": "input_audio", "transcript": None}],
            is_turn=is_turn and aside is None,  # The script has no answer to an aside.
            audio=audio,
            audio_bytes_per_ms=self._format.bytes_per_ms,
            generated_bytes=len(audio),
        )
        previous = self._conversation.last_item_id
        self._outlet.emit(now_ms, "input_audio_buffer.committed", previous_item_id=previous, item_id=item_id)
        self._conversation.append(now_ms, item)
        self._outlet.record.items[item_id].generated_ms = item.audio_ms
        self._conversation.finish(now_ms, item, previous)
        if is_turn and self._config().transcribes:
            text = aside.text if aside is not None else self._script.turn(self._conversation.turns).heard
            wait_ms = self._outlet.knobs.transcript_ms
            due_at_ms = now_ms + (self._outlet.rng.uniform(150, 2500) if wait_ms is None else wait_ms)
            self._outlet.timers.at(due_at_ms, lambda at_ms: self._send_transcript(at_ms, item, text))

    # Transcription.

    def _send_early_word(self, now_ms: float, item_id: str, number: int) -> None:
        if item_id == self._speech_item_id:
            aside = asides.begun(bytes(self._buffer))
            text = aside.text if aside is not None else plan.words(self._script.turn(number).heard)[0]
            if not text:
                return
            self._early_item_id = item_id
            self._outlet.emit(
                now_ms,
                "conversation.item.input_audio_transcription.delta",
                item_id=item_id,
                content_index=0,
                delta=text,
                obfuscation=self._outlet.padding(text),
            )

    def _send_transcript(self, now_ms: float, item: Item, text: str) -> None:
        """Sends what the caller said."""
        fields: dict[str, object] = {"item_id": item.item_id, "content_index": 0}
        name = "conversation.item.input_audio_transcription"
        if self._outlet.knobs.transcription_fails:
            error = {
                "type": "server_error",
                "code": "transcription_failed",
                "message": "Input transcription failed for this item.",
                "param": None,
            }
            self._outlet.emit(now_ms, f"{name}.failed", **fields, error=error)
            return
        said_already = 1 if item.item_id == self._early_item_id else 0
        for piece in filter(None, plan.words(text)[said_already:]):
            padding = self._outlet.padding(piece)
            self._outlet.emit(now_ms, f"{name}.delta", **fields, delta=piece, obfuscation=padding)
        if item.content is not None:
            item.content[0]["transcript"] = text
        self._outlet.record.items[item.item_id].text = text
        usage = {"type": "duration", "seconds": round(item.audio_ms / 1000, 1)}
        self._outlet.emit(now_ms, f"{name}.completed", **fields, transcript=text, usage=usage)

    # Idle callers.

    def on_response_done(self, now_ms: float, audio_ms: float) -> None:
        """A response ended: the caller may be silent for the idle time after its audio."""
        timeout_ms = self._config().idle_timeout_ms
        self._idle_number += 1
        if timeout_ms is None:
            return
        number = self._idle_number
        due_at_ms = now_ms + audio_ms + timeout_ms
        self._outlet.timers.at(due_at_ms, lambda at_ms: self._prompt_idle(at_ms, number))

    def _prompt_idle(self, now_ms: float, number: int) -> None:
        config = self._config()
        if number != self._idle_number or self._responses.active:
            return  # the caller spoke or was answered meanwhile
        if config.idle_timeout_ms is None:
            return
        end_ms = int(self._heard_ms)
        item_id = self._outlet.ids.mint("item")
        self._outlet.emit(
            now_ms,
            "input_audio_buffer.timeout_triggered",
            audio_start_ms=max(0, end_ms - config.idle_timeout_ms),
            audio_end_ms=end_ms,
            item_id=item_id,
        )
        self._commit(now_ms, item_id, is_turn=False)
        self._responses.create_by_server(now_ms, "idle", config)

    # Private.

    def _make_vad(self) -> None:
        settings = self._vad_settings
        self._vad = None if settings is None else Vad(settings, self._format, int(self._heard_ms))

    def _kept_ms(self) -> int:
        """How much of the buffer may still be needed."""
        if self._vad_settings is None or self._speech_item_id is not None:
            return MAX_BUFFER_MS
        return self._vad_settings.prefix_padding_ms + ONSET_MS
