"""One Realtime session: WebSocket messages and time in, actions out.

Why it exists: sessions can be tried in virtual time, thousands of them a minute. Owns: the life of a session
and the door of every client event. Must not know: sockets and clocks: the driver says what time it is,
carries out `take_actions()` and asks for `next_due_at_ms()`.
"""

from __future__ import annotations

from random import Random
from typing import Final, cast

from simulators.realtime.protocol import errors, validation
from simulators.realtime.record import SessionRecord, TimedEvent, Violation
from simulators.realtime.script import Script
from simulators.realtime.session.config import Json, SessionConfig
from simulators.realtime.session.conversation import Conversation
from simulators.realtime.session.hearing import Hearing
from simulators.realtime.session.ids import IdMinter
from simulators.realtime.session.outlet import Action, Outlet
from simulators.realtime.session.responses import Responses
from simulators.realtime.voice import Voice, clip_voice

SESSION_LIMIT_REASON: Final = "Your session hit the maximum duration of 60 minutes."
# Refusals that a correct client meets too, because its event crossed one of the server's.
_RACES: Final = frozenset(
    {
        "response_cancel_not_active",
        "conversation_already_has_active_response",
        "input_audio_buffer_commit_empty",
        "server_error",
        "session_update_refused",
    }
)


class Session:
    """The core of one connection.

    `opened_at_s` is the wall clock at the upgrade, only for `expires_at`; all else runs on the monotonic
    `now_ms` that each verb is told.
    """

    def __init__(
        self,
        record: SessionRecord,
        script: Script,
        rng: Random,
        ids: IdMinter,
        opened_at_s: float,
        voice: Voice = clip_voice,
    ) -> None:
        self._outlet = Outlet(record, rng, ids, voice)
        self._config = SessionConfig.default(record.model)
        self._expires_at_s = int(opened_at_s + record.knobs.session_limit_ms / 1000)
        self._conversation = Conversation(self._outlet)
        self._responses = Responses(self._outlet, self._conversation, script, self._on_response_done)
        self._hearing = Hearing(
            self._outlet, self._conversation, self._responses, script, lambda: self._config
        )
        self._ready = False

    # The driver's verbs.

    def open(self, now_ms: float, fatal: errors.Refusal | None = None) -> None:
        """The upgrade is done: greets, or ends at once with `fatal`."""
        record = self._outlet.record
        if fatal is not None:
            self._responses.end_fatally(now_ms, fatal)
            return
        self._outlet.emit(now_ms, "session.created", session=self._shown())
        if record.knobs.account_error and record.knobs.account_error_at == "connect":
            self._responses.end_fatally(now_ms, errors.account(record.knobs.account_error))
            return
        self._outlet.timers.at(now_ms + record.knobs.session_limit_ms, self._expire)

    def receive(self, now_ms: float, frame: str | bytes) -> None:
        """One WebSocket message from the client."""
        if self._outlet.closed:
            return
        self.tick(now_ms)
        try:
            event = validation.parse(frame)
        except errors.Refusal as refusal:
            kind = "binary_frame" if isinstance(frame, bytes) else refusal.code
            self._note_violation(now_ms, kind, refusal.message)
            self._responses.report(now_ms, refusal)
            return
        audio = validation.appended_audio(event)
        if audio is not None:
            self._append(now_ms, audio)
            return
        self._receive_event(now_ms, event)

    def tick(self, now_ms: float) -> None:
        """Lets happen what is due."""
        if not self._outlet.closed:
            self._outlet.timers.fire(now_ms)

    def take_actions(self) -> list[Action]:
        """What the driver has to do, in order; empties the list."""
        outlet = self._outlet
        actions, outlet.actions = outlet.actions, []
        return actions

    def next_due_at_ms(self) -> float | None:
        """When to call `tick` next; `None` for never."""
        return None if self._outlet.closed else self._outlet.timers.next_due_at_ms()

    def inject(self, now_ms: float, event: Json) -> None:
        """Sends an event that the session would not have sent by itself (for tests)."""
        self._outlet.send(now_ms, event)

    def close(self, now_ms: float, code: int, reason: str) -> None:
        """Closes from this side; 1006 drops the connection (for tests)."""
        self._outlet.close(now_ms, code, reason)

    # Client events.

    def _append(self, now_ms: float, audio: bytes) -> None:
        record = self._outlet.record
        record.appends += 1
        record.appended_bytes += len(audio)
        if record.keep_audio:
            record.appended_audio += audio
            record.appended_at.append((now_ms, record.appended_bytes))
        if not self._ready and record.appends == 1:
            self._note_violation(now_ms, "before_session_updated", validation.APPEND)
        self._hearing.append(now_ms, audio)

    def _receive_event(self, now_ms: float, event: Json) -> None:
        record = self._outlet.record
        record.received.append(TimedEvent(now_ms, event))
        record.received_count += 1
        event_type = str(event.get("type"))
        try:
            self._dispatch(now_ms, validation.check(event), event)
        except errors.Refusal as refusal:
            if refusal.code not in _RACES:
                self._note_violation(now_ms, refusal.code, f"{event_type}: {refusal.message}")
            self._responses.report(now_ms, refusal, validation.client_event_id(event))
        self._outlet.on_event(now_ms, event_type)

    def _dispatch(self, now_ms: float, event_type: str, event: Json) -> None:
        """Carries out an event whose shape is right. Raises `Refusal`."""
        match event_type:
            case "session.update":
                self._update(now_ms, event)
            case "input_audio_buffer.append":
                self._append(now_ms, validation.audio_of(event))
            case "input_audio_buffer.commit":
                self._hearing.commit(now_ms)
            case "input_audio_buffer.clear":
                self._hearing.clear(now_ms)
            case "conversation.item.create":
                self._conversation.create(now_ms, event)
            case "conversation.item.retrieve":
                self._conversation.retrieve(now_ms, event)
            case "conversation.item.truncate":
                self._conversation.truncate(now_ms, event)
            case "conversation.item.delete":
                self._conversation.delete(now_ms, event)
            case "response.create":
                self._create_response(now_ms, event)
            case "response.cancel":
                self._responses.cancel(now_ms, cast("str | None", event.get("response_id")))
            case "output_audio_buffer.clear":
                raise errors.Refusal(  # code ours
                    "invalid_value",
                    "output_audio_buffer.clear exists for WebRTC and SIP connections only.",
                    "type",
                )
            case _:
                raise AssertionError(f"validation passed an event without a door: {event_type}")

    def _create_response(self, now_ms: float, event: Json) -> None:
        if not self._ready:
            self._note_violation(now_ms, "before_session_updated", "response.create")
        self._responses.create_by_client(now_ms, event, self._config)

    def _update(self, now_ms: float, event: Json) -> None:
        """`session.update`: all or nothing; in force now, confirmed a moment later."""
        knobs = self._outlet.knobs
        if knobs.unanswered_updates > 0:
            knobs.unanswered_updates -= 1
            return
        if knobs.refuse_updates > 0:
            knobs.refuse_updates -= 1
            # Ours: a refusal that says nothing of the provider's own trouble, which would pass.
            raise errors.Refusal("session_update_refused", "The session cannot be updated like this.")
        self._config = self._config.updated(
            cast(Json, event["session"]),
            audio_spoken=self._responses.audio_spoken,
            responding=self._responses.active,
        )
        self._hearing.configure()
        shown = self._shown()
        for _ in range(knobs.updated_copies):
            self._outlet.timers.at(
                now_ms + knobs.updated_delay_ms, lambda at_ms: self._send_updated(at_ms, shown)
            )

    def _send_updated(self, now_ms: float, shown: Json) -> None:
        self._ready = True
        self._outlet.emit(now_ms, "session.updated", session=shown)

    # Ends.

    def _expire(self, now_ms: float) -> None:
        refusal = errors.Refusal("session_expired", SESSION_LIMIT_REASON)
        self._responses.report(now_ms, refusal)
        self._outlet.close(now_ms, 1001, SESSION_LIMIT_REASON)

    # Private.

    def _on_response_done(self, now_ms: float, audio_ms: float) -> None:
        self._hearing.on_response_done(now_ms, audio_ms)

    def _shown(self) -> Json:
        """The session object of `session.created` and `session.updated`."""
        return {
            **self._config.values,
            "id": self._outlet.record.session_id,
            "expires_at": self._expires_at_s,
        }

    def _note_violation(self, now_ms: float, kind: str, detail: str) -> None:
        self._outlet.record.violations.append(Violation(now_ms, kind, detail))
