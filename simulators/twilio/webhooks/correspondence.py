"""All HTTP of one call: the documents it asks for, the status callbacks it sends.

Why it exists: status callbacks run beside the call, late or twice where a knob says so, and must all be
answered before the record is handed over. Owns: those requests and what each form says. Must not know: what a
document means: `phone_call` reads the answers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate

from simulators.twilio.caller.plan import CallPlan
from simulators.twilio.knobs import Knobs
from simulators.twilio.record import CallRecord, MediaStream, Webhook
from simulators.twilio.webhooks import forms
from simulators.twilio.webhooks.sending import WebhookClient
from simulators.twilio.webhooks.twiml import ConnectStream


@dataclass(slots=True)
class Correspondence:
    """The requests of one call; all of them land on its record."""

    webhooks: WebhookClient
    account_sid: str
    plan: CallPlan
    knobs: Knobs
    record: CallRecord
    _posts: set[asyncio.Task[Webhook]] = field(default_factory=set)

    async def ask(
        self,
        purpose: str,
        url: str,
        method: str,
        call_status: str,
        extra: Mapping[str, str] | None = None,
    ) -> Webhook:
        """Asks for a document, with the retries that the URL's fragment allows.

        Cancelling it breaks the request off.
        """
        return await self.webhooks.ask(
            self.record,
            purpose,
            url,
            self._form(call_status, extra),
            method=method,
            retry_pause_ms=self.knobs.pace.retry_pause_ms,
        )

    def post_stream_status(
        self,
        verb: ConnectStream,
        stream: MediaStream,
        event: forms.StreamEvent,
        error: str = "",
    ) -> None:
        """Posts a stream's status where the TwiML said; the call does not wait for it."""
        if not verb.status_callback:
            return
        form = forms.stream_status_form(
            self.account_sid,
            self.record.call_sid,
            stream.stream_sid,
            verb.name,
            event,
            _iso_now(),
            error,
        )
        self._post("stream_status", verb.status_callback, form, verb.status_callback_method)

    def post_call_status(self, status: str, seconds: int) -> None:
        """Posts the end of the call where the plan says, if it does."""
        if self.plan.status_callback is not None:
            form = forms.call_status_form(self._form(status), seconds, 0, formatdate())
            self._post("call_status", self.plan.status_callback, form, "POST")

    async def settle(self) -> None:
        """Waits until every status callback was answered or has failed. Cancelling it breaks them off."""
        if self._posts:
            await asyncio.gather(*self._posts)

    def drop(self) -> None:
        """Breaks off what is still on its way."""
        for post in self._posts:
            post.cancel()

    # Private.

    def _form(self, status: str, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        plan = self.plan
        return forms.voice_form(
            self.account_sid,
            self.record.call_sid,
            plan.from_number,
            plan.to_number,
            status,
            {**plan.extra, **(extra or {})},
        )

    def _post(self, purpose: str, url: str, form: dict[str, str], method: str) -> None:
        for _ in range(2 if self.knobs.duplicate_status else 1):
            post = asyncio.create_task(self._post_late(purpose, url, form, method), name=purpose)
            self._posts.add(post)

    async def _post_late(self, purpose: str, url: str, form: dict[str, str], method: str) -> Webhook:
        await asyncio.sleep(self.knobs.status_delay_ms / 1000)
        return await self.webhooks.ask(self.record, purpose, url, form, method=method)


def _iso_now() -> str:
    now_ns = time.time_ns()
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now_ns // 1_000_000_000))
    return f"{seconds}.{now_ns % 1_000_000_000:09d}Z"
