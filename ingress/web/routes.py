"""Twilio's HTTP requests: what a caller is answered when a call begins, resumes, fails or ends.

Why it exists: these five routes share the public port with the media sockets, and are the only place where a
caller can be told something without one. Owns: the routes, the signature check of each, the bound of a
second. Must not know: sockets. Every answer is idempotent: Twilio asks again when it is unsure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ingress.calls.registry import CARRIER_GIVES_WAY_S, RESUME_GIVES_WAY_S, Registry
from ingress.counters import WebhookCounters
from ingress.errors import BadRequest, WebhookReason
from ingress.media.parameters import StreamParameters
from ingress.web import resume, twiml
from ingress.web.admission import Admission, Admitted
from ingress.web.resume import Decision, Verb
from ingress.web.signature import Check, Params, Signatures
from shared.contract.card import ResumeView
from shared.contract.errors import ContractError
from shared.contract.keys import CALL_SID, Keys
from shared.forms import is_destination
from shared.logs.log import Log
from shared.ownership.counters import OwnershipCounters
from shared.ownership.steps import read_view
from shared.settings import Settings
from shared.store.client import Store
from shared.store.errors import STORE_ERRORS

BODY_MAX_BYTES = 64 * 1024
FIELDS_MAX = 500
STORE_WITHIN_S = 0.7
"""Of the second in which a webhook answers."""

STORE_CALLS_AT_ONCE = 24
"""A burst of webhooks must not use up the connections of the store."""

FINAL_STATUSES = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
AGENT_QUERY = "agent"
"""The parameter of a webhook's URL that names an agent."""

AGENT_MAX_CHARACTERS = 64

T = TypeVar("T")
Form = dict[str, str]
Handler = Callable[[Request, Form], Awaitable[Response]]
Spawn = Callable[[Coroutine[Any, Any, None], str], object]


@dataclass(slots=True)
class Webhooks:
    """The five routes. `spawn` runs what need not be waited for. Cancelling any of them is safe: Twilio asks
    again."""

    settings: Settings
    store: Store
    keys: Keys
    admission: Admission
    registry: Registry
    signatures: Signatures
    counters: WebhookCounters
    ownership: OwnershipCounters
    log: Log
    spawn: Spawn
    limit: asyncio.Semaphore

    def routes(self) -> list[Route]:
        """Each by its path, GET and POST."""
        handlers: dict[str, Handler] = {
            "/voice": self.voice,
            "/voice/resume": self.voice_resume,
            "/voice/fallback": self.voice_fallback,
            "/stream-status": self.stream_status,
            "/call-status": self.call_status,
        }
        return [
            Route(path, self._signed(path, handler), methods=["GET", "POST"])
            for path, handler in handlers.items()
        ]

    # The routes.

    async def voice(self, request: Request, form: Form) -> Response:
        """A call comes in: a slot and a stream, or a spoken reason."""
        call_sid = _call_sid(form)
        try:
            admitted = await self._bounded(lambda: self.admission.reserve(call_sid))
        except STORE_ERRORS as error:
            return self._apologise_for(call_sid, error)
        agent = request.query_params.get(AGENT_QUERY, "")
        return self._stream(call_sid, form, admitted, tries=1, agent=agent)

    async def voice_resume(self, request: Request, form: Form) -> Response:
        """A stream has ended, or a dialled number is done: what the card's plan says."""
        call_sid = _call_sid(form)
        tries = _tries(request)
        self.counters.resumes += 1

        async def decided() -> tuple[ResumeView | None, Decision, Admitted | None]:
            card = await read_view(self.store, self.keys, call_sid, ResumeView)
            decision = resume.decide(card, form, tries=tries, max_resumes=self.settings.max_resumes)
            wants_stream = decision.verb is Verb.STREAM
            dialled = form.get("DialCallStatus", "")
            if wants_stream and dialled:
                # Before the stream: the brain must know why the caller is back when they are.
                await self.registry.tell_dialled(call_sid, dialled, tries)
            admitted = await self.admission.reserve(call_sid) if wants_stream else None
            return card, decision, admitted

        try:
            card, decision, admitted = await self._bounded(decided)
        except STORE_ERRORS as error:
            self.spawn(self.registry.end_late(call_sid, "apology", RESUME_GIVES_WAY_S), f"end-{call_sid}")
            return self._apologise_for(call_sid, error)
        except ContractError as error:
            return self._apologise_for_card(call_sid, error)
        self.log.info("resume", call=call_sid, verb=decision.verb, tries=tries, outcome=decision.outcome)
        if decision.outcome:
            self.spawn(self.registry.end(call_sid, decision.outcome), f"end-{call_sid}")
        if admitted is not None:
            agent, digits = "" if card is None else card.agent, decision.argument
            return self._stream(call_sid, form, admitted, digits=digits, tries=tries + 1, agent=agent)
        return self._answer(decision, tries, "" if card is None else card.fallback or "")

    async def voice_fallback(self, request: Request, form: Form) -> Response:
        """Twilio could not get TwiML from us: the one document that needs nothing."""
        self.counters.apologies += 1
        self.log.warning("voice_fallback", call=form.get("CallSid"), error=form.get("ErrorCode"))
        return self._apology(self.settings.apology)

    async def stream_status(self, request: Request, form: Form) -> Response:
        """What Twilio thinks of a stream: for the log only, since it may come late or twice."""
        event = form.get("StreamEvent", "")
        log = self.log.bind(call=form.get("CallSid"), stream=form.get("StreamSid"))
        if event == "stream-error":
            self.counters.stream_errors += 1
            log.warning("stream_error", error=form.get("StreamError", "")[:200])
        else:
            log.info("stream_status", status=event[:40])
        return Response(status_code=204)

    async def call_status(self, request: Request, form: Form) -> Response:
        """A final status ends the call, wherever its stream is."""
        call_sid = _call_sid(form)
        status = form.get("CallStatus", "")
        if status in FINAL_STATUSES:
            self.counters.call_ends += 1
            self.spawn(self.registry.end_late(call_sid, status, CARRIER_GIVES_WAY_S), f"end-{call_sid}")
        return Response(status_code=204)

    # Private.

    # Answers.

    def _stream(
        self, call_sid: str, form: Form, admitted: Admitted, *, tries: int, agent: str, digits: str = ""
    ) -> Response:
        if admitted.refused == WebhookReason.FULL:
            self.counters.refusals[WebhookReason.FULL] += 1
            self.log.warning("call_refused", call=call_sid, reason=admitted.refused)
            return self._apology(self.settings.busy_message)
        if admitted.refused:
            self.counters.refusals[WebhookReason.ENDED] += 1
            self.log.info("call_refused", call=call_sid, reason=admitted.refused)
            return _twiml(twiml.hang_up())
        self.counters.connects += 1
        parameters = StreamParameters(
            token=admitted.token,
            caller=form.get("From", ""),
            called=form.get("To", ""),
            agent=agent[:AGENT_MAX_CHARACTERS],
        )
        tones = digits if twiml.PLAY_DIGITS.fullmatch(digits) else ""
        return _twiml(twiml.connect(self._urls, parameters.write(), digits=tones, tries=tries))

    def _answer(self, decision: Decision, tries: int, fallback: str) -> Response:
        match decision.verb:
            case Verb.SAY:
                return _twiml(twiml.say_and_hang_up(decision.argument))
            case Verb.DIAL:
                return _twiml(twiml.dial(self._urls, decision.argument, tries=tries + 1))
            case Verb.APOLOGISE:
                self.counters.apologies += 1
                return self._apology(decision.argument or self.settings.apology, fallback)
            case Verb.HANG_UP | Verb.STREAM:
                return _twiml(twiml.hang_up())

    def _apologise_for(self, call_sid: str, error: BaseException) -> Response:
        self.counters.refusals[WebhookReason.NO_REDIS] += 1
        self.counters.apologies += 1
        self.log.error("webhook_without_redis", call=call_sid, reason=type(error).__name__)
        return self._apology(self.settings.apology)

    def _apologise_for_card(self, call_sid: str, error: ContractError) -> Response:
        """What the card plans cannot be read: better a spoken end than a guess."""
        self.ownership.contract_errors += 1
        self.counters.apologies += 1
        self.log.error(
            "contract_error", call=call_sid, record=error.record, field=error.field, reason=str(error)
        )
        return self._apology(self.settings.apology)

    def _apology(self, text: str, fallback: str = "") -> Response:
        """`fallback`: the number of the call's own agent, if it has one."""
        number = fallback if is_destination(fallback) else self.settings.fallback_number
        return _twiml(twiml.apologise(text, number))

    @property
    def _urls(self) -> twiml.Urls:
        return twiml.Urls(self.settings.public_url, self.settings.stream_url)

    async def _bounded(self, ask: Callable[[], Awaitable[T]]) -> T:
        async with asyncio.timeout(STORE_WITHIN_S), self.limit:
            return await ask()

    # Signatures.

    def _signed(self, path: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Checks the signature before anything of the request is believed."""

        async def handle(request: Request) -> Response:
            self.counters.requests += 1
            try:
                form, params = await _read_form(request)
                check = self._check(path, request, params)
                if check is not Check.OK:
                    self.counters.refusals[WebhookReason.SIGNATURE] += 1
                    self.log.warning("webhook_refused", path=path, reason=check)
                    return PlainTextResponse("Forbidden\n", 403)
                return await handler(request, form)
            except ClientDisconnect:  # also when the request was too slow: nobody reads the answer
                self.counters.refusals[WebhookReason.BAD_REQUEST] += 1
                return Response(status_code=400)
            except BadRequest as error:
                self.counters.refusals[WebhookReason.BAD_REQUEST] += 1
                self.log.warning("webhook_refused", path=path, reason=str(error))
                return PlainTextResponse(f"{error}\n", error.status)

        return handle

    def _check(self, path: str, request: Request, params: Params) -> Check:
        query = request.scope["query_string"].decode("latin-1")
        url = f"{self.settings.public_url}{path}{'?' if query else ''}{query}"
        return self.signatures.check_webhook(url, params, request.headers.get("X-Twilio-Signature"))


async def _read_form(request: Request) -> tuple[Form, Params]:
    """The fields, and what of them is signed: those of a body; a GET's stand in its URL."""
    if request.method == "POST":
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_MAX_BYTES:
                raise BadRequest(413, f"expected a body of at most {BODY_MAX_BYTES} bytes")
        text = body.decode("utf-8", "replace")
    else:
        text = request.scope["query_string"].decode("latin-1")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        raise BadRequest(400, f"expected a form of at most {FIELDS_MAX} fields") from None
    return dict(pairs), Params(pairs if request.method == "POST" else ())


def _call_sid(form: Form) -> str:
    call_sid = form.get("CallSid", "")
    if CALL_SID.fullmatch(call_sid) is None:
        raise BadRequest(400, "expected CA and 32 hexadecimal digits as CallSid")
    return call_sid


def _tries(request: Request) -> int:
    text = request.query_params.get("n", "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def _twiml(document: str) -> Response:
    return Response(document, media_type="text/xml")
