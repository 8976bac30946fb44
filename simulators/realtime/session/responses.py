"""Which responses exist: one writer to the default conversation, others beside it.

Why it exists: the slot is taken when a create is accepted and freed only when `response.done` is sent; a
response that is being cancelled still holds it. That is where clients go wrong. Owns: the slot, creation, the
pace of a running response, cancelling and ending. Pure. Must not know: why the caller spoke, or how an event
looks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, cast

from simulators.realtime.protocol import errors
from simulators.realtime.record import ResponseRecord
from simulators.realtime.script import Call, Reply, Script
from simulators.realtime.session import config as configs
from simulators.realtime.session import plan
from simulators.realtime.session.config import Json, SessionConfig
from simulators.realtime.session.conversation import Conversation
from simulators.realtime.session.outlet import Outlet
from simulators.realtime.session.output import OutputWriter, Response
from simulators.realtime.session.plan import Step, Verb
from simulators.realtime.session.tokens import Prompts
from simulators.realtime.voice import clip_voice

Reason = Literal["client", "turn", "idle"]

STRAGGLER_GAP_MS: Final = 6.0
LATE_DONE_GAP_MS: Final = 40.0
LATE_DONE_MAX_MS: Final = 3000.0


@dataclass(slots=True, kw_only=True)
class _Run:
    """A response that holds the slot, or runs out of band."""

    response: Response
    steps: deque[Step]
    end_status: str
    end_reason: str | None
    created_at_ms: float | None = None
    """`None` until `response.created` is sent: nobody can cancel it before that."""
    cancelling: bool = False


class Responses:
    """All responses of one session.

    `on_done(now_ms, audio_ms)` is told of each end of a default-conversation response.
    """

    def __init__(
        self,
        outlet: Outlet,
        conversation: Conversation,
        script: Script,
        on_done: Callable[[float, float], None],
    ) -> None:
        self._outlet = outlet
        self._conversation = conversation
        self._script = script
        self._on_done = on_done
        self._writer = OutputWriter(outlet)
        self._prompts = Prompts()
        self._active: _Run | None = None
        self._beside: dict[str, _Run] = {}
        self._late: list[Response] = []
        self._greeted = False
        self.audio_spoken = False

    @property
    def active(self) -> bool:
        """Whether the default conversation's slot is taken."""
        return self._active is not None

    # Creating.

    def create_by_client(self, now_ms: float, event: Json, config: SessionConfig) -> None:
        """`response.create`. Raises `Refusal`."""
        params = cast(Json, event.get("response", {}))
        configs.check_output(params, "response")
        self._check_references(params)
        if params.get("conversation", "auto") == "none":
            self._start(now_ms, "client", params, config, out_of_band=True)
            return
        self._check_free()
        knobs = self._outlet.knobs.for_response(self._next_number)
        if knobs.unanswered:
            self._take_number()
            return
        if knobs.reject_create:
            self._take_number()
            refusal = errors.Refusal(
                knobs.reject_code,
                "The server had an error while processing your request.",
                error_type="server_error",
            )
            if knobs.reject_create == "with_event_id":
                raise refusal
            self.report(now_ms, refusal)
            return
        self._start(now_ms, "client", params, config)

    def create_by_server(self, now_ms: float, reason: Reason, config: SessionConfig) -> None:
        """A response after a caller's turn or silence; a taken slot makes an error event that names no client
        event."""
        try:
            self._check_free()
        except errors.Refusal as refusal:
            self.report(now_ms, refusal)
            return
        if self._outlet.knobs.for_response(self._next_number).unanswered:
            self._take_number()
            return
        self._start(now_ms, reason, {}, config)

    def report(self, now_ms: float, refusal: errors.Refusal, event_id: str | None = None) -> None:
        """Sends a refusal as an `error` event."""
        body = refusal.body(event_id)
        self._outlet.record.errors.append(body)
        self._outlet.emit(now_ms, "error", error=body)

    def end_fatally(self, now_ms: float, refusal: errors.Refusal) -> None:
        """An error that no client can mend: says it, then closes with 4000."""
        self.report(now_ms, refusal)
        self._outlet.close(now_ms, 4000, f"{refusal.error_type}.{refusal.code}")

    @property
    def _next_number(self) -> int:
        return self._outlet.record.asked_responses + 1

    def _take_number(self) -> int:
        self._outlet.record.asked_responses += 1
        return self._outlet.record.asked_responses

    def _check_free(self) -> None:
        if self._active is not None:
            raise errors.already_active(self._active.response.response_id)

    def _check_references(self, params: Json) -> None:
        for index, item in enumerate(cast(list[Json], params.get("input", []))):
            if item["type"] == "item_reference" and (self._conversation.find(str(item["id"])) is None):
                raise errors.Refusal(  # code ours
                    "item_reference_invalid_item_id",
                    f"Item with item_id not found: {item['id']}",
                    f"response.input[{index}].id",
                )

    def _start(
        self,
        now_ms: float,
        reason: Reason,
        params: Json,
        config: SessionConfig,
        *,
        out_of_band: bool = False,
    ) -> None:
        outlet = self._outlet
        if outlet.knobs.account_error and outlet.knobs.account_error_at == "response":
            self.end_fatally(now_ms, errors.account(outlet.knobs.account_error))
            return
        number = self._take_number()
        knobs = outlet.knobs.for_response(number)
        record = ResponseRecord(
            response_id=outlet.ids.mint("resp"),
            number=number,
            reason=reason,
            metadata=cast("dict[str, str] | None", params.get("metadata")),
            out_of_band=out_of_band,
            created_at_ms=now_ms,
        )
        response = Response(
            response_id=record.response_id,
            number=number,
            reply=(),
            config=config,
            params=params,
            knobs=knobs,
            record=record,
            conversation=None if out_of_band else self._conversation,
            given=self._prompts.next(self._conversation.items),
        )
        response.reply = self._reply(response, reason)
        planned = plan.make(
            response.reply,
            config.output_format.name,
            response.max_output_tokens,
            knobs,
            outlet.rng,
            self._voice_of(number),
        )
        run = _Run(
            response=response,
            steps=deque(planned.steps),
            end_status=planned.status,
            end_reason=planned.reason,
        )
        if out_of_band:
            self._beside[record.response_id] = run
        else:
            self._active = run
        if knobs.created_delay_ms:
            due_at_ms = now_ms + knobs.created_delay_ms
            outlet.timers.at(due_at_ms, lambda at_ms: self._send_created(at_ms, run))
        else:
            self._send_created(now_ms, run)

    def _voice_of(self, number: int) -> plan.Speak | None:
        """How one response speaks; None: as its clips are, which the plan keeps ready."""
        voice, record = self._outlet.voice, self._outlet.record
        return None if voice is clip_voice else lambda index, clip: voice(record, number, index, clip)

    def _reply(self, response: Response, reason: Reason) -> Reply:
        """What to say, by the script and by what stands in the conversation."""
        script = self._script
        if response.conversation is None:
            reply = script.other
        elif reason == "idle":
            reply = script.idle
        else:
            reply = self._reply_in_turn(response, reason)
        if response.knobs.no_output:
            return ()
        if response.knobs.second_message:
            reply = (*reply, *script.other)
        if response.modalities == ["text"] or response.knobs.text_part:
            reply = plan.as_text(reply)
        return reply

    def _reply_in_turn(self, response: Response, reason: Reason) -> Reply:
        script, conversation = self._script, self._conversation
        owed = conversation.take_owed()
        if owed is not None:
            return owed
        if conversation.turns == 0:
            reply = script.other if self._greeted or conversation.has_spoken else script.greeting
            self._greeted = True
            return reply
        if not conversation.claim_turn():
            return script.other
        turn = script.turn(conversation.turns)
        tools = configs.names_of_tools(response.params.get("tools", response.config.values["tools"]))
        choice = response.params.get("tool_choice", response.config.values["tool_choice"])
        calls = [output for output in turn.reply if isinstance(output, Call)]
        is_done = bool(calls) and {call.name for call in calls} <= conversation.calls_answered
        if choice == "none" or is_done or any(call.name not in tools for call in calls):
            return tuple(out for out in turn.reply if not isinstance(out, Call)) + turn.after
        response.after = turn.after
        return turn.reply

    # Running.

    def _send_created(self, now_ms: float, run: _Run) -> None:
        run.created_at_ms = now_ms
        response = run.response
        self._outlet.record.responses[response.response_id] = response.record
        response.record.created_at_ms = now_ms
        self._outlet.emit(now_ms, "response.created", response=response.as_json())
        while self._late:
            late = self._late.pop()
            self._outlet.timers.at(
                now_ms + LATE_DONE_GAP_MS,
                lambda at_ms, late=late: self._send_done(at_ms, late),  # type: ignore[misc]
            )
        self._wait(run)

    def _wait(self, run: _Run) -> None:
        assert run.created_at_ms is not None
        first_ms = run.response.knobs.first_audio_ms
        # With no step left the end is due: after a failure before any output, when the first
        # audio would have been.
        offset_ms = run.steps[0].at_ms if run.steps else (first_ms if first_ms is not None else 300)
        due_at_ms = run.created_at_ms + offset_ms
        self._outlet.timers.at(due_at_ms, lambda at_ms: self._advance(at_ms, run))

    def _advance(self, now_ms: float, run: _Run) -> None:
        """Carries out the steps of a response that are due."""
        if run.cancelling or run.response.status != "in_progress":
            return
        assert run.created_at_ms is not None
        elapsed_ms = now_ms - run.created_at_ms
        while run.steps and run.steps[0].at_ms <= elapsed_ms + 1e-6:
            self._step(now_ms, run)
        if run.steps:
            self._wait(run)
        else:
            self._end(now_ms, run, run.end_status, run.end_reason)

    def _step(self, now_ms: float, run: _Run) -> None:
        step = run.steps.popleft()
        self._writer.step(now_ms, run.response, step)
        if step.verb is Verb.AUDIO:
            self.audio_spoken = True
        if step.verb is Verb.CLOSE and run.response.conversation is not None:
            self._owe(run.response, step.index)

    def _owe(self, response: Response, index: int) -> None:
        """Notes, for a function call that is over, that its output gets the turn's second reply."""
        if isinstance(response.reply[index], Call):
            call_id = str(response.items[index].extra["call_id"])
            self._conversation.owe(call_id, response.after)

    # Ending.

    def cancel(self, now_ms: float, response_id: str | None) -> None:
        """`response.cancel`: by id, or the default conversation's response. Raises `Refusal`."""
        run = self._active
        if response_id is not None and (run is None or run.response.response_id != response_id):
            run = self._beside.get(response_id)
        if run is None or run.created_at_ms is None or run.cancelling:
            raise errors.Refusal(
                "response_cancel_not_active", "Cancellation failed: no active response found"
            )
        self._cancel(now_ms, run, "client_cancelled")

    def interrupt(self, now_ms: float) -> None:
        """The caller began to speak: cancels what writes to the default conversation."""
        run = self._active
        if run is not None and run.created_at_ms is not None and not run.cancelling:
            self._cancel(now_ms, run, "turn_detected")

    def _cancel(self, now_ms: float, run: _Run, reason: str) -> None:
        """Lets 0–3 deltas that were on their way still arrive, then ends."""
        run.cancelling = True
        if run.response.knobs.stuck_cancel:
            return
        count = run.response.knobs.stragglers
        if count is None:
            count = self._outlet.rng.randint(0, 3)
        flying = [step for step in run.steps if step.verb is Verb.AUDIO]
        flying = [step for step in flying if step.index in run.response.items][:count]
        run.steps = deque(flying)
        self._straggle(now_ms, run, reason)

    def _straggle(self, now_ms: float, run: _Run, reason: str) -> None:
        if not run.steps:
            self._end(now_ms, run, "cancelled", reason)
            return

        def arrive(at_ms: float) -> None:
            self._step(at_ms, run)
            self._straggle(at_ms, run, reason)

        self._outlet.timers.at(now_ms + STRAGGLER_GAP_MS, arrive)

    def _end(self, now_ms: float, run: _Run, status: str, reason: str | None) -> None:
        response = run.response
        for index in sorted(response.items):
            self._writer.close(
                now_ms, response, index, "completed" if status == "completed" else "incomplete"
            )
        response.status = status
        response.status_details = _details(status, reason, response.knobs.fail_retry_after_s)
        response.record.status = status
        response.record.status_reason = reason
        if response.conversation is None:
            del self._beside[response.response_id]
        else:
            self._active = None
        if response.knobs.late_done:
            self._late.append(response)
            self._outlet.timers.at(now_ms + LATE_DONE_MAX_MS, self._flush_late)
        elif not response.knobs.lost_done:
            self._send_done(now_ms, response)
        if response.conversation is not None:
            self._on_done(now_ms, response.audio_ms)

    def _flush_late(self, now_ms: float) -> None:
        while self._late:
            self._send_done(now_ms, self._late.pop())

    def _send_done(self, now_ms: float, response: Response) -> None:
        response.record.done_at_ms = now_ms
        self._outlet.emit(now_ms, "response.done", response=response.as_json())
        if response.knobs.rate_limits:
            tokens: Json = {
                "name": "tokens",
                "limit": 1_000_000,
                "remaining": 1_000_000 - 1000 * response.number,
                "reset_seconds": 0.06,
            }
            self._outlet.emit(now_ms, "rate_limits.updated", rate_limits=[tokens])


def _details(status: str, reason: str | None, retry_after_s: float) -> Json | None:
    """The `status_details` of a response's end."""
    if status == "completed":
        return None
    if status != "failed":
        return {"type": status, "reason": reason}
    kind = "server_error" if reason == "server_error" else "invalid_request_error"
    message = f"The response failed: {reason}."
    if retry_after_s:
        message += f" Please try again in {retry_after_s:g}s."
    error: Json = {"type": kind, "code": reason, "message": message}
    return {"type": "failed", "error": error}
