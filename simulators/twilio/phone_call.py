"""One telephone call as Twilio runs it: webhook, TwiML verb by verb, media streams, the end.

Why it exists: the verbs join the parts: a stream that ends falls through to `<Redirect>`, whose answer opens
the next one on the same call. Owns: the call's life: it walks through the documents. Must not know: sound
(`line`, `stream`) or the HTTP of a request (`correspondence`).
"""

from __future__ import annotations

import asyncio
import random
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from simulators.twilio import codes
from simulators.twilio.caller.plan import CallPlan, DialOutcome
from simulators.twilio.knobs import Knobs
from simulators.twilio.line import Line
from simulators.twilio.media.connection import Endpoint, MediaSocket, StreamFailed
from simulators.twilio.media.messages import MessageWriter
from simulators.twilio.media.stream import LiveStream
from simulators.twilio.record import CallRecord, Logged, MediaStream, VerbRun, Webhook
from simulators.twilio.webhooks import forms, twiml
from simulators.twilio.webhooks.correspondence import Correspondence
from simulators.twilio.webhooks.sending import WebhookClient
from simulators.twilio.webhooks.signing import sign_upgrade

USER_AGENT: Final = "Twilio.TmeWs/1.0"  # unconfirmed
_E164: Final = re.compile(r"\+[1-9][0-9]{3,14}")
_XML_TYPES: Final = ("text/xml", "application/xml", "text/html")


@dataclass(frozen=True, slots=True)
class Twilio:
    """What all calls of one simulator share."""

    voice_url: str
    auth_token: str
    account_sid: str
    webhooks: WebhookClient
    endpoint_of: Callable[[str], Endpoint]
    allow_ws: bool
    keep_audio: bool
    lingering: set[MediaSocket]


@dataclass(frozen=True, slots=True)
class Update:
    """What REST wants the call to go on with: a document, or where it stands."""

    document: bytes = b""
    url: str = ""
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class _End:
    """The call is over, for this reason."""

    reason: str


_Next = twiml.Document | _End | None  # None: the next verb


@dataclass(slots=True, eq=False)
class PhoneCall:
    """A call under way: `run` it once; `hang_up` and `update` reach into it from outside."""

    twilio: Twilio
    plan: CallPlan
    knobs: Knobs
    record: CallRecord
    line: Line = field(init=False)
    _mail: Correspondence = field(init=False)
    _chance: random.Random = field(init=False)
    _over: str = ""
    _update: Update | None = None
    _fallback_url: str | None = field(init=False)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _dials: int = 0
    _stream_over_at_ms: float | None = None
    _call_status: str = "completed"

    def __post_init__(self) -> None:
        self._chance = random.Random(self.knobs.seed)
        self._fallback_url = self.plan.fallback_url
        twilio = self.twilio
        self._mail = Correspondence(twilio.webhooks, twilio.account_sid, self.plan, self.knobs, self.record)
        self.line = Line(self.record, self.plan, self.twilio.keep_audio, self.hang_up)

    @property
    def call_sid(self) -> str:
        """Twilio's id of this call."""
        return self.record.call_sid

    def now_ms(self) -> float:
        """Milliseconds since the call began."""
        return time.monotonic() * 1000 - self.record.zero_ms

    def hang_up(self, reason: str = "caller_hung_up") -> None:
        """The caller hangs up, now."""
        if self._over:
            return
        self._over = reason
        if self.line.caller is not None:
            self.line.caller.done = True
        if self.line.stream is not None:
            closed = reason == "simulator_closed"
            self.line.stream.finish("simulator_closed" if closed else "caller_hung_up")
        self._woken.set()

    @property
    def is_in_progress(self) -> bool:
        """Whether it was answered and is not over: only then REST can have it go on elsewhere."""
        return self.record.answered_at_ms is not None and not self._over

    def update(self, document: str) -> None:
        """REST, `Twiml`: leaves the current document and carries out this one."""
        self._leave_for(Update(document=document.encode()))

    def redirect(self, url: str, method: str = "POST", fallback_url: str = "") -> None:
        """REST, `Url`: leaves the current document and asks for this one at once."""
        self._fallback_url = fallback_url or self._fallback_url
        self._leave_for(Update(url=url, method=method))

    def _leave_for(self, update: Update) -> None:
        self._update = update
        if self.line.stream is not None:
            self.line.stream.finish("call_updated")
        self._woken.set()

    async def run(self) -> None:
        """The whole call, until its last status callback is answered. Cancelling it ends the call at once."""
        try:
            self._finish(await self._carry_on())
            await self._report_end()
        finally:
            self.hang_up("simulator_closed")  # only when cancelled: else it is over already
            self._mail.drop()
        if self.line.defect is not None:
            raise self.line.defect

    # Private.

    # Documents and verbs.

    async def _carry_on(self) -> str:
        """Walks from document to document; returns the reason why the call ended."""
        following: _Next = await self._first_document()
        if isinstance(following, twiml.Document) and not isinstance(
            next(iter(following.verbs), None), twiml.Reject
        ):
            self.line.answer(self.now_ms())
        while isinstance(following, twiml.Document):
            following = await self._carry_out(following)
        return self._over or (following.reason if following is not None else "no_more_verbs")

    async def _carry_out(self, document: twiml.Document) -> _Next:
        for verb in document.verbs:
            if self._over:
                return _End(self._over)
            run = VerbRun(type(verb).__name__, twiml.detail_of(verb), self.now_ms())
            self.record.verbs.append(run)
            following = await self._do(verb)
            run.ended_at_ms = self.now_ms()
            if self._update is not None and not self._over:
                return await self._take_update(self._update)
            if following is not None:
                return following
        return _End(self._over or "no_more_verbs")

    async def _take_update(self, update: Update) -> _Next:
        self._update = None
        self._woken.clear()
        if update.url:
            return await self._fetch("update", update.url, update.method)
        return self._parse(update.document, self.twilio.voice_url)

    async def _do(self, verb: twiml.Verb) -> _Next:
        match verb:
            case twiml.ConnectStream():
                return await self._connect(verb)
            case twiml.Redirect():
                return await self._fetch("redirect", verb.url, verb.method)
            case twiml.Dial():
                return await self._dial(verb)
            case twiml.Hangup():
                return _End("bridge_hung_up")
            case twiml.Reject():
                self._call_status = "busy" if verb.reason == "busy" else "no-answer"
                return _End("rejected")
            case twiml.Pause():
                await self._sleep(verb.seconds * 1000)
            case twiml.Say():
                await self._sleep(len(verb.text) * self.knobs.pace.say_ms_per_character)
            case twiml.Play():
                digits_ms = sum({"w": 500, "W": 1000}.get(key, 200) for key in verb.digits)
                await self._sleep(digits_ms if verb.digits else self.knobs.pace.play_ms)
        return None

    async def _dial(self, verb: twiml.Dial) -> _Next:
        outcomes = self.plan.dials or (DialOutcome(),)
        outcome = outcomes[min(self._dials, len(outcomes) - 1)]
        self._dials += 1
        if not verb.caller_id and _E164.fullmatch(self.plan.from_number) is None:
            self._log(codes.DIAL_CALLER_ID, "<Dial>: expected a callerId, since the caller has no number")
            outcome = DialOutcome("failed", 0)
        await self._sleep(outcome.ms)
        if verb.action is None or self._over:
            return None
        extra = {"DialCallStatus": outcome.status, "DialCallSid": new_sid("CA")}
        if outcome.status == "completed":
            extra["DialCallDuration"] = str(round(outcome.ms / 1000))
        return await self._fetch("dial_action", verb.action, verb.method, extra)

    # Media streams.

    async def _connect(self, verb: twiml.ConnectStream) -> _Next:
        if verb.refusal is not None:
            self._log(verb.refusal.code, verb.refusal.text)
        else:
            await self._run_stream(verb)
        if verb.action is not None and not self._interrupted():
            return await self._fetch("action", verb.action, verb.method)
        return None

    async def _run_stream(self, verb: twiml.ConnectStream) -> None:
        await self._wait_for_socket()
        if self._interrupted():
            return
        live = self._new_stream(verb)
        record = live.record
        try:
            await self._open_stream(live)
        except StreamFailed as error:
            self._log(error.code, error.text)
            record.end, record.ended_at_ms = "never_opened", self.now_ms()
            self._stream_over_at_ms = record.ended_at_ms
            self._mail.post_stream_status(verb, record, "stream-error", error.text)
            return
        self._mail.post_stream_status(verb, record, "stream-started")
        self.line.stream = live
        if self._interrupted():  # while the socket was being opened
            live.finish("caller_hung_up" if self._over else "call_updated")
        cause = await live.ended
        self.line.stream = None
        self._stream_over_at_ms = self.now_ms()
        if cause == "bridge_closed":
            event: forms.StreamEvent = self.knobs.closed_event
        elif cause in ("caller_hung_up", "call_updated", "simulator_closed"):
            event = "stream-stopped"
        else:
            event = "stream-error"
        error_text = "Stream - WebSocket - Close Error" if event == "stream-error" else ""
        self._mail.post_stream_status(verb, record, event, error_text)
        if not self._interrupted():
            await self._sleep(self._chance.uniform(*self.knobs.pace.seam_ms) / 4)

    async def _wait_for_socket(self) -> None:
        """Twilio's own time between a document and the socket it asks for."""
        if self._stream_over_at_ms is None:
            await self._sleep(self._chance.uniform(*self.knobs.pace.answer_to_socket_ms))
        else:
            due_ms = self._stream_over_at_ms + self._chance.uniform(*self.knobs.pace.seam_ms)
            await self._sleep(due_ms - self.now_ms())

    def _new_stream(self, verb: twiml.ConnectStream) -> LiveStream:
        number = len(self.record.streams) + 1
        knobs = self._knobs_of_stream(number)
        parameters = {**verb.parameters, **knobs.parameters}
        for name in knobs.drop_parameters:
            parameters.pop(name, None)
        if self.knobs.reuse_first_parameters and self.record.streams:
            parameters = dict(self.record.streams[0].parameters)
        record = MediaStream(number, new_sid("MZ"), verb.url, parameters, self.now_ms())
        self.record.streams.append(record)
        return LiveStream(
            call=self.record,
            record=record,
            knobs=knobs,
            writer=MessageWriter(
                self.twilio.account_sid, self.call_sid, record.stream_sid, knobs.omit_media_keys
            ),
            clock=self.now_ms,
            lingering=self.twilio.lingering,
            hang_up=self.hang_up,
            update=self.update,
            ended=asyncio.get_running_loop().create_future(),
        )

    def _knobs_of_stream(self, number: int) -> Knobs:
        """The call's knobs, or a healthy stream's when the faults are another stream's."""
        knobs = replace(self.knobs, seed=self._chance.getrandbits(32))
        if knobs.faults_on_stream in (0, number):
            return knobs
        return Knobs(pace=knobs.pace, seed=knobs.seed)

    async def _open_stream(self, live: LiveStream) -> None:
        if live.record.number <= self.knobs.refused_handshakes:
            raise StreamFailed(codes.HANDSHAKE_ERROR, "handshake: refused on the way (a knob)")
        url = live.record.url
        headers = {"User-Agent": USER_AGENT, "X-Forwarded-Proto": "https"}
        signature = sign_upgrade(self.twilio.auth_token, url, live.knobs.signature)
        if signature is not None:
            headers["x-twilio-signature"] = signature
        await live.open(self.twilio.endpoint_of(url), headers)

    # Webhooks.

    async def _first_document(self) -> _Next:
        if self.knobs.repeat_webhook == "no":
            return await self._fetch("voice", self.twilio.voice_url, "POST")
        ask = self._mail.ask("voice", self.twilio.voice_url, "POST", "ringing")
        if self.knobs.repeat_webhook == "in_turn":
            await ask
            return await self._fetch("voice", self.twilio.voice_url, "POST")
        again = self._mail.ask("voice", self.twilio.voice_url, "POST", "ringing")
        answers = await asyncio.gather(ask, again)
        return self._read(max(answers, key=lambda answer: answer.answered_at_ms))

    async def _fetch(
        self, purpose: str, url: str, method: str, extra: Mapping[str, str] | None = None
    ) -> _Next:
        status = "ringing" if purpose == "voice" else "in-progress"
        webhook = await self._mail.ask(purpose, url, method, status, extra)
        following = self._read(webhook)
        if not isinstance(following, _End) or self._fallback_url is None or self._over:
            return following
        why = {"ErrorCode": str(self.record.logged[-1].code), "ErrorUrl": webhook.url}
        return self._read(await self._mail.ask("fallback", self._fallback_url, "POST", status, why))

    def _read(self, webhook: Webhook) -> twiml.Document | _End:
        if webhook.error or webhook.status >= 400:
            text = webhook.error or f"expected status 200, got {webhook.status}"
            self._log(codes.HTTP_RETRIEVAL_FAILURE, f"{webhook.purpose}: {text}")
            return _End("application_error")
        if not webhook.content_type.startswith(_XML_TYPES):
            self._log(codes.INVALID_CONTENT_TYPE, f"expected text/xml, got {webhook.content_type}")
            return _End("application_error")
        return self._parse(webhook.body.encode(), webhook.url)

    def _parse(self, body: bytes, url: str) -> twiml.Document | _End:
        try:
            document = twiml.parse_twiml(body, url, allow_ws=self.twilio.allow_ws)
        except twiml.TwimlError as error:
            self._log(error.code, error.text)
            return _End("application_error")
        for notice in document.notices:
            self._log(notice.code, notice.text)
        return document

    # The end.

    def _finish(self, reason: str) -> None:
        self._over = reason
        now_ms = self.now_ms()
        self.record.end_reason, self.record.ended_at_ms = reason, now_ms
        self.line.close(reason, now_ms)

    async def _report_end(self) -> None:
        answered_at_ms = self.record.answered_at_ms
        status, seconds = self._call_status, 0
        if answered_at_ms is not None:
            seconds = round((self.now_ms() - answered_at_ms) / 1000)
        elif status == "completed":
            status = "failed" if self._over == "application_error" else "canceled"
        self._mail.post_call_status(status, seconds)
        await self._mail.settle()

    async def _sleep(self, ms: float) -> None:
        """Lets time pass, unless the call ends or is updated meanwhile."""
        if ms <= 0 or self._over:
            return
        try:
            async with asyncio.timeout(ms / 1000):
                await self._woken.wait()
        except TimeoutError:
            return

    def _interrupted(self) -> bool:
        """Whether the call is over or was updated, so that the current verb is left."""
        return bool(self._over) or self._update is not None

    def _log(self, code: int, text: str) -> None:
        self.record.logged.append(Logged(code, text, self.now_ms()))


def new_sid(prefix: str) -> str:
    """A SID: two letters and 32 hex digits."""
    return prefix + secrets.token_hex(16)
