"""One call of the browser's telephone: what Twilio would do, from the first webhook to the last.

Why it exists: a call that is moved, resumed, put through or hung up must be so here too, or the telephone
shows another product. Owns: the walk through the documents. Must not know: the page's socket, sound.

The requests, signatures and documents are those of the Twilio simulator (simulators/twilio). `<Dial>` calls
nobody: the other side answers and hangs up after some seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import httpx

from console.phone import wire
from console.phone.relay import Relay
from console.phone.wire import State
from shared.clock import now_ms
from shared.forms import LOOPBACK_HOSTS
from shared.settings import Settings
from simulators.twilio.caller.plan import CallPlan
from simulators.twilio.knobs import Knobs
from simulators.twilio.media.connection import Endpoint, StreamFailed
from simulators.twilio.media.messages import MessageWriter
from simulators.twilio.phone_call import USER_AGENT, new_sid
from simulators.twilio.record import CallRecord, MediaStream, Webhook
from simulators.twilio.webhooks import forms, twiml
from simulators.twilio.webhooks.correspondence import Correspondence
from simulators.twilio.webhooks.sending import DialTransport, WebhookClient
from simulators.twilio.webhooks.signing import sign_upgrade

CALLER = "client:console"
"""Who calls, as Twilio writes a caller who has no number."""

NO_NUMBER = "client:trunkline"
NO_ACCOUNT = "AC" + "0" * 32

SEAM_MS, DIAL_MS, SAY_MS_A_CHARACTER, SAY_MOST_MS = 300.0, 3_000.0, 55.0, 15_000.0
DOCUMENTS_MOST = 60
"""Of one call: streams that fail at once would be asked for without end."""

_EVERY_ADDRESS = ("", "0.0.0.0", "::")


class NoExchange(Exception):
    """The settings lack what a call needs; the text says what to set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What all calls of this console share."""

    voice_url: str
    auth_token: str = field(repr=False)
    account_sid: str
    address: tuple[str, int]
    """Where ingress listens, without TLS."""

    @classmethod
    def of(cls, settings: Settings) -> Exchange:
        """By the settings: ingress of this host. Raises NoExchange."""
        if not settings.public_url or not settings.auth_tokens:
            raise NoExchange("PUBLIC_URL and TWILIO_AUTH_TOKEN must be set, as they are for ingress")
        host = "127.0.0.1" if settings.host in _EVERY_ADDRESS else settings.host
        return cls(
            voice_url=f"{settings.public_url}/voice",
            auth_token=settings.auth_tokens[0],
            account_sid=settings.twilio_account_sid or NO_ACCOUNT,
            address=(host, settings.port),
        )

    def endpoint(self, url: str) -> Endpoint:
        """Where a media URL of ours really is."""
        return Endpoint(*self.address, None, urlsplit(url).hostname or "")

    @property
    def is_plain(self) -> bool:
        """Whether documents may name `ws://`: this host, without TLS."""
        parts = urlsplit(self.voice_url)
        return parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS


_Next = twiml.Document | str | None
"""Another document; why the call is over; None: the next verb."""


@dataclass(slots=True, eq=False)
class BrowserCall:
    """A call; `run` it once. What the page sends comes in by `from_page`."""

    exchange: Exchange
    agent: str
    """The name of the agent that is asked for; empty: whoever answers."""
    called: str
    """The agent's number, if it has one."""
    to_page: Callable[[bytes], None]
    call_sid: str = field(default_factory=lambda: new_sid("CA"))
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _reason: str = ""
    _relay: Relay | None = None
    _documents: int = 0

    async def run(self) -> str:
        """The whole call; returns why it is over. Cancelling it drops its stream without a word."""
        plan = CallPlan(steps=(), from_number=CALLER, to_number=self.called or NO_NUMBER)
        record = CallRecord(self.call_sid, plan.from_number, plan.to_number, now_ms())
        transport = DialTransport(*self.exchange.address)
        async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
            webhooks = WebhookClient(client, self.exchange.auth_token)
            mail = Correspondence(webhooks, self.exchange.account_sid, plan, Knobs(), record)
            try:
                reason = await self._walk(mail)
                self.to_page(wire.told(State.OVER, words=reason))
                await self._report(mail, record)
            finally:
                self.hang_up()
                mail.drop()
        return reason

    def from_page(self, message: wire.Sound | wire.Echo | wire.Key) -> None:
        """To the open stream; between two of them it is lost, as at Twilio."""
        if self._relay is not None:
            self._relay.from_page(message)

    def break_it(self, how: wire.How) -> None:
        """Something goes wrong on the open stream."""
        if self._relay is not None:
            self._relay.break_it(how)

    def hang_up(self) -> None:
        """The caller hangs up, now."""
        if not self._over.is_set():
            self._reason = "you hung up"
            self._over.set()
        if self._relay is not None:
            self._relay.finish("caller_hung_up")

    # Private.

    # Documents and verbs.

    async def _walk(self, mail: Correspondence) -> str:
        query = f"?{urlencode({'agent': self.agent})}" if self.agent else ""
        self.to_page(wire.told(State.RINGING, sid=self.call_sid))
        following: _Next = await self._fetch(mail, "voice", f"{self.exchange.voice_url}{query}")
        while isinstance(following, twiml.Document):
            following = await self._carry_out(mail, following)
        return self._reason or following or "nothing more was to be done"

    async def _carry_out(self, mail: Correspondence, document: twiml.Document) -> _Next:
        for verb in document.verbs:
            if self._over.is_set():
                return self._reason
            following = await self._do(mail, verb)
            if following is not None:
                return following
        return self._reason or "nothing more was to be done"

    async def _do(self, mail: Correspondence, verb: twiml.Verb) -> _Next:
        match verb:
            case twiml.ConnectStream():
                return await self._connect(mail, verb)
            case twiml.Redirect():
                return await self._fetch(mail, "redirect", verb.url, verb.method)
            case twiml.Dial():
                return await self._dial(mail, verb)
            case twiml.Hangup():
                return "the call was ended"
            case twiml.Reject():
                return "the call was refused: all lines are taken"
            case twiml.Say():
                self.to_page(wire.told(State.SAYS, words=verb.text, language=verb.language))
                await self._wait(min(SAY_MOST_MS, len(verb.text) * SAY_MS_A_CHARACTER))
            case twiml.Pause():
                await self._wait(verb.seconds * 1000)
            case twiml.Play():
                await self._wait(200.0 * len(verb.digits))
        return None

    async def _dial(self, mail: Correspondence, verb: twiml.Dial) -> _Next:
        self.to_page(wire.told(State.AWAY, words="you would be put through now; nobody is called"))
        await self._wait(DIAL_MS)
        if verb.action is None or self._over.is_set():
            return None
        extra = {"DialCallStatus": "completed", "DialCallSid": new_sid("CA"), "DialCallDuration": "3"}
        return await self._fetch(mail, "dial_action", verb.action, verb.method, extra)

    async def _fetch(
        self,
        mail: Correspondence,
        purpose: str,
        url: str,
        method: str = "POST",
        extra: Mapping[str, str] | None = None,
    ) -> _Next:
        self._documents += 1
        if self._documents > DOCUMENTS_MOST:
            return "one stream after the other has failed"
        status = "ringing" if purpose == "voice" else "in-progress"
        return self._read(await mail.ask(purpose, url, method, status, extra))

    def _read(self, webhook: Webhook) -> _Next:
        if webhook.error or webhook.status >= 400:
            host, port = self.exchange.address
            what = webhook.error or f"it answered {webhook.status}"
            return f"ingress at {host}:{port} gave no document: {what}"
        try:
            return twiml.parse_twiml(webhook.body.encode(), webhook.url, allow_ws=self.exchange.is_plain)
        except twiml.TwimlError as error:
            return f"ingress gave a document that nobody can read: {error.text}"

    # Media streams.

    async def _connect(self, mail: Correspondence, verb: twiml.ConnectStream) -> _Next:
        if verb.refusal is not None:
            return f"the document names a stream that cannot be opened: {verb.refusal.text}"
        stream = MediaStream(1, new_sid("MZ"), verb.url, dict(verb.parameters), 0.0)
        relay = Relay(
            writer=MessageWriter(self.exchange.account_sid, self.call_sid, stream.stream_sid),
            to_page=self.to_page,
            ended=asyncio.get_running_loop().create_future(),
        )
        headers = {"User-Agent": USER_AGENT, "X-Forwarded-Proto": "https"}
        signature = sign_upgrade(self.exchange.auth_token, verb.url)
        if signature is not None:
            headers["x-twilio-signature"] = signature
        try:
            await relay.open(verb.url, self.exchange.endpoint(verb.url), headers, stream.parameters)
        except StreamFailed as error:
            mail.post_stream_status(verb, stream, "stream-error", error.text)
            await self._wait(SEAM_MS)
            return await self._after(mail, verb)
        await self._relayed(mail, verb, stream, relay)
        return await self._after(mail, verb)

    async def _relayed(
        self, mail: Correspondence, verb: twiml.ConnectStream, stream: MediaStream, relay: Relay
    ) -> None:
        """From the beginning of an open stream to its end."""
        mail.post_stream_status(verb, stream, "stream-started")
        self._relay = relay
        try:
            self.to_page(wire.told(State.OPEN, sid=self.call_sid))
            if self._over.is_set():  # While it was being opened.
                relay.finish("caller_hung_up")
            cause = await relay.ended
        finally:
            self._relay = None
            relay.finish("caller_hung_up")
        is_error = cause not in ("bridge_closed", "caller_hung_up")
        event: forms.StreamEvent = "stream-error" if is_error else "stream-stopped"
        mail.post_stream_status(verb, stream, event, "Stream - WebSocket - Close Error" if is_error else "")
        self.to_page(wire.told(State.AWAY))
        await self._wait(SEAM_MS)

    async def _after(self, mail: Correspondence, verb: twiml.ConnectStream) -> _Next:
        if verb.action is None or self._over.is_set():
            return None
        return await self._fetch(mail, "action", verb.action, verb.method)

    # The rest.

    async def _report(self, mail: Correspondence, record: CallRecord) -> None:
        """What Twilio says last: without it a call that nobody ended stays until it is found out."""
        form = forms.call_status_form(
            forms.voice_form(
                self.exchange.account_sid, self.call_sid, record.from_number, record.to_number, "completed"
            ),
            round((now_ms() - record.zero_ms) / 1000),
            0,
            "",
        )
        url = self.exchange.voice_url.removesuffix("/voice") + "/call-status"
        await mail.webhooks.ask(record, "call_status", url, form)
        await mail.settle()

    async def _wait(self, ms: float) -> None:
        """Lets time pass, unless the call ends meanwhile."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ms / 1000):
                await self._over.wait()
