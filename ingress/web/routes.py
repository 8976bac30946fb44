"""Twilio's HTTP requests: what a caller is answered when a call begins, resumes, fails or ends.

Why it exists: these five routes share the public port with the media sockets, and are the only place where a
caller can be told something without one. Owns: the routes, the signature check of each. Must not know:
sockets. Every answer is idempotent: Twilio asks again when it is unsure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ingress.calls.registry import Registry
from ingress.counters import WebhookCounters
from ingress.errors import BadRequest, WebhookReason
from ingress.media.parameters import AGENT, StreamParameters
from ingress.web import resume, twiml
from ingress.web.admission import Admission, Admitted
from ingress.web.announcer import Announcer
from ingress.web.door import Doorkeeper, Doorway
from ingress.web.overload.load import LoadWatch
from ingress.web.parties import read_carried, read_parties
from ingress.web.resume import AGENT_MAX_CHARACTERS, Decision, Trail, Verb, read_trail
from ingress.web.signature import EPISODE_OVER_MS, Check, Params, Signatures
from ingress.web.store_turns import StoreTurns
from ingress.web.visit import Visit
from shared.clock import now_ms
from shared.contract.errors import ContractError
from shared.contract.keys import CALL_SID, Keys
from shared.contract.speech import Announcement
from shared.contract.streams.calls import Person, Ringing
from shared.contract.views import ResumeView
from shared.forms import is_destination
from shared.logs.log import Log
from shared.ownership.counters import OwnershipCounters
from shared.ownership.steps import read_view
from shared.settings import Settings, environment_name
from shared.store.client import Store
from shared.store.errors import STORE_ERRORS, refuses
from shared.tongue import Tongue, tongue_beside

BODY_MAX_BYTES = 64 * 1024
FIELDS_MAX = 500

BUSY = "busy"
"""Of a dialled number, in Twilio's word."""

OF_THE_CALLER = frozenset(
    {WebhookReason.CALLER_AT_ONCE, WebhookReason.CALLER_CALLS, WebhookReason.CALLER_MINUTES}
)
"""They concern one caller; the others, everybody."""

FINAL_STATUSES = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
Form = dict[str, str]
Handler = Callable[[Request, Form], Awaitable[Response]]
SpawnFor = Callable[[str, Coroutine[Any, Any, None], str], object]


@dataclass(slots=True)
class Webhooks:
    """The five routes. `spawn_for` runs what need not be waited for. Cancelling any of them is safe: Twilio
    asks again."""

    settings: Settings
    store: Store
    keys: Keys
    admission: Admission
    load: LoadWatch
    door: Doorkeeper
    announcer: Announcer
    registry: Registry
    signatures: Signatures
    counters: WebhookCounters
    ownership: OwnershipCounters
    log: Log
    spawn_for: SpawnFor
    turns: StoreTurns

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
        """A call comes in: a place and a stream, or a spoken reason."""
        agent = request.query_params.get(AGENT, "")[:AGENT_MAX_CHARACTERS]
        visit = Visit(_call_sid(form), read_parties(form), Trail(agent=agent), agent)
        if self._is_foreign(form):
            return self._apologise_for_account(visit, form)
        if visit.parties.is_loop:
            self.counters.refusals[WebhookReason.LOOP] += 1
            self.log.warning("call_refused", call=visit.call_sid, reason=WebhookReason.LOOP)
            return _twiml(twiml.reject())
        if self.door.state in (Doorway.ELSEWHERE, Doorway.SHUT):
            return self._refuse_draining(visit)
        overload = self.load.let_in(visit.call_sid)
        if overload is not None:
            return self._refuse(visit, overload)
        rings = Ringing(visit.call_sid, visit.agent, visit.parties.line)
        person = Person(caller=visit.parties.person, parameters=read_carried(form, request.query_params))
        try:
            admitted = await self.turns.ask(
                visit.call_sid, lambda: self.admission.let_in(visit.call_sid, person=person, rings=rings)
            )
        except STORE_ERRORS as error:
            return self._apologise_for(visit, error)
        return self._stream(visit, admitted)

    async def voice_resume(self, request: Request, form: Form) -> Response:
        """A stream has ended, or a dialled number is done: what the card's plan says."""
        trail = read_trail(request.query_params)
        visit = Visit(_call_sid(form), read_parties(form), trail, trail.agent)
        call_sid, dialled = visit.call_sid, form.get("DialCallStatus", "")
        self.counters.resumes += 1

        async def decided() -> tuple[ResumeView | None, Decision, Admitted | None]:
            card = await read_view(self.store, self.keys, call_sid, ResumeView)
            decision = await self._decide(visit, card, dialled)
            if decision.dialled:
                # Before the stream: the brain must know why the caller is back when they are.
                await self.registry.tell_dialled(call_sid, decision.dialled, trail.tries)
            wants_stream = decision.verb is Verb.STREAM
            admitted = await self.admission.let_in_again(call_sid) if wants_stream else None
            return card, decision, admitted

        try:
            card, decision, admitted = await self.turns.ask_patiently(call_sid, decided)
        except STORE_ERRORS as error:
            return self._apologise_for(visit, error)
        except ContractError as error:
            return self._apologise_for_card(visit, error)
        self.log.info(
            "resume", call=call_sid, verb=decision.verb, tries=trail.tries, outcome=decision.outcome
        )
        if decision.outcome:
            self.spawn_for(call_sid, self.registry.end(call_sid, decision.outcome), "end")
        visit = visit.on(card)
        if admitted is not None:
            visit = replace(visit, trail=trail.streams(card))
            return self._stream(visit, admitted, digits=decision.argument)
        return self._answer(visit, decision, None if card is None else card.fallback)

    async def voice_fallback(self, request: Request, form: Form) -> Response:
        """Twilio could not get TwiML from us: the one document that needs nothing."""
        trail = read_trail(request.query_params)
        visit = Visit(form.get("CallSid", ""), read_parties(form), trail, trail.agent)
        self.log.warning("voice_fallback", call=visit.call_sid, error=form.get("ErrorCode"))
        return self._give_up(visit, "webhook_failed")

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
            self.spawn_for(call_sid, self.registry.end_by_status(call_sid, status), "end")
        return Response(status_code=204)

    def note_refused(self, event: str, path: str, reason: str) -> None:
        """A request, or a handshake, that is not believed. Of many in a row the log has the first, and a line
        for all others when they end. Whoever refuses it counts it."""
        left_out = self.signatures.refused.next_line(now_ms())
        if left_out is not None:
            self.log.warning(event, path=path, reason=reason, left_out=left_out)
            self._watch_episode()

    # Private.

    async def _decide(self, visit: Visit, card: ResumeView | None, dialled: str) -> Decision:
        """The plan of the card; a transfer that its caller may not have any more is busy. Raises
        STORE_ERRORS."""
        parties, trail, most = visit.parties, visit.trail, self.settings.max_resumes
        decision = resume.decide(card, parties, dialled, trail=trail, max_resumes=most)
        if decision.verb is Verb.DIAL:
            sid, person = visit.call_sid, parties.person
            if not await self.admission.may_dial(sid, person=person, which=trail.tries):
                self.counters.refusals[WebhookReason.CALLER_TRANSFERS] += 1
                self.load.refused(sid, WebhookReason.CALLER_TRANSFERS)
                return resume.decide(card, parties, BUSY, trail=trail, max_resumes=most)
        return decision

    # Answers.

    def _stream(self, visit: Visit, admitted: Admitted, *, digits: str = "") -> Response:
        call_sid, parties = visit.call_sid, visit.parties
        if admitted.refused == WebhookReason.ENDED:
            self.counters.refusals[WebhookReason.ENDED] += 1
            self.log.info("call_refused", call=call_sid, reason=admitted.refused)
            return _twiml(twiml.hang_up())
        if admitted.refused:
            return self._refuse(visit, WebhookReason(admitted.refused), counted=admitted.count)
        self.counters.connects += 1
        self.load.counted = admitted.count
        parameters = StreamParameters(
            token=admitted.token, caller=parties.person, called=parties.line, agent=visit.agent
        )
        tones = digits if twiml.PLAY_DIGITS.fullmatch(digits) else ""
        return _twiml(twiml.connect(self._urls, parameters.write(), visit.trail, digits=tones))

    def _answer(self, visit: Visit, decision: Decision, fallback: str | None) -> Response:
        match decision.verb:
            case Verb.DIAL:
                trail, caller_id = visit.trail.dials(), self._caller_id(visit)
                return _twiml(twiml.dial(self._urls, decision.argument, trail, caller_id=caller_id))
            case Verb.APOLOGISE:
                return self._apology(visit, decision.argument, fallback, decision.language)
            case Verb.HANG_UP | Verb.STREAM:
                return _twiml(twiml.hang_up())

    def _refuse(self, visit: Visit, reason: WebhookReason, **figures: object) -> Response:
        """There is no room for the call; or its caller has had what one may, and is not put through to a
        fallback number either: that costs, too."""
        self.counters.refusals[reason] += 1
        self.load.refused(visit.call_sid, reason, **figures)
        return self._say(visit, self._announcement(visit).busy, dials=reason not in OF_THE_CALLER)

    def _refuse_draining(self, visit: Visit) -> Response:
        """This process is about to end and has no sibling on this host."""
        door = self.door.state
        self.counters.refusals[WebhookReason.DRAINING] += 1
        self.log.warning("call_refused", call=visit.call_sid, reason=WebhookReason.DRAINING, door=door.name)
        if door is Doorway.ELSEWHERE:
            # Asked again, by the proxy or by Twilio, another host takes it; /voice/fallback has words if not.
            return PlainTextResponse("draining\n", 503)
        return self._say(visit, self._announcement(visit).busy)

    def _apologise_for(self, visit: Visit, error: BaseException) -> Response:
        cause = WebhookReason.REDIS_REFUSES if refuses(error) else WebhookReason.NO_REDIS
        self.counters.refusals[cause] += 1
        self.log.error("webhook_without_redis", call=visit.call_sid, reason=type(error).__name__)
        return self._give_up(visit, cause)

    def _apologise_for_card(self, visit: Visit, error: ContractError) -> Response:
        """What the card plans cannot be read: better a spoken end than a guess."""
        self.ownership.unread(error, self.log.bind(call=visit.call_sid))
        return self._give_up(visit, "card_unreadable")

    def _apologise_for_account(self, visit: Visit, form: Form) -> Response:
        """Its stream would be refused for the same reason, in silence."""
        self.counters.refusals[WebhookReason.WRONG_ACCOUNT] += 1
        self.log.error(
            "call_refused",
            call=visit.call_sid,
            reason=WebhookReason.WRONG_ACCOUNT,
            account=form.get("AccountSid", "")[:34],
            hint=f"{environment_name('twilio_account_sid')} names another account: correct or remove it",
        )
        return self._apology(visit)

    def _is_foreign(self, form: Form) -> bool:
        ours, theirs = self.settings.twilio_account_sid, form.get("AccountSid", "")
        return bool(ours and theirs) and ours != theirs

    def _give_up(self, visit: Visit, cause: str) -> Response:
        """An apology that no plan on the card tells of: the call ends as what it was."""
        if CALL_SID.fullmatch(visit.call_sid) is not None:
            self.spawn_for(visit.call_sid, self.registry.apologised(visit.call_sid, cause), "end")
        return self._apology(visit)

    def _apology(
        self, visit: Visit, text: str = "", fallback: str | None = None, language: str = ""
    ) -> Response:
        """`text`: the brain's own, if it had any, in `language` if that is not the agent's; `fallback`: the
        number of the call's own agent."""
        self.counters.apologies += 1
        return self._say(visit, text or self._announcement(visit).apology, fallback, language=language)

    def _say(
        self, visit: Visit, text: str, fallback: str | None = None, *, dials: bool = True, language: str = ""
    ) -> Response:
        said = self._announcement(visit)
        number = fallback or said.fallback
        if not dials or not is_destination(number) or visit.parties.comes_back(number):
            number = ""
        tongue = tongue_beside(language, Tongue(language=said.language, voice=said.voice))
        return _twiml(twiml.apologise(text, tongue, number=number, caller_id=self._caller_id(visit)))

    def _announcement(self, visit: Visit) -> Announcement:
        return self.announcer.find(visit.agent, visit.parties.line)

    def _caller_id(self, visit: Visit) -> str:
        return visit.parties.caller_id(self.announcer.own_number(visit.agent))

    @property
    def _urls(self) -> twiml.Urls:
        return twiml.Urls(self.settings.public_url, self.settings.stream_url)

    # Signatures.

    def _signed(self, path: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Checks the signature before anything of the request is believed. The connection ends with the
        answer: the next request comes to whoever takes calls then, and not to a process that has stood still
        since."""

        async def handle(request: Request) -> Response:
            self.counters.requests += 1
            response = await answered(request)
            response.headers["Connection"] = "close"
            return response

        async def answered(request: Request) -> Response:
            is_believed = False
            try:
                form, params = await _read_form(request)
                check = self._check(path, request, params)
                if check is not Check.OK:
                    self.counters.refusals[WebhookReason.SIGNATURE] += 1
                    self.note_refused("webhook_refused", path, check)
                    return PlainTextResponse("Forbidden\n", 403)
                is_believed = True
                return await handler(request, form)
            except ClientDisconnect:  # also when the request was too slow: nobody reads the answer
                self.counters.refusals[WebhookReason.BAD_REQUEST] += 1
                return Response(status_code=400)
            except BadRequest as error:
                self.counters.refusals[WebhookReason.BAD_REQUEST] += 1
                if is_believed:
                    self.log.warning("webhook_refused", path=path, reason=str(error))
                else:
                    self.note_refused("webhook_refused", path, str(error))
                return PlainTextResponse(f"{error}\n", error.status)

        return handle

    def _watch_episode(self) -> None:
        asyncio.get_running_loop().call_later(EPISODE_OVER_MS / 1000, self._tell_episode)

    def _tell_episode(self) -> None:
        refused = self.signatures.refused
        episode = refused.summary(now_ms())
        if episode is not None:
            self.log.warning("refusals", left_out=episode.left_out, lasted_s=round(episode.lasted_ms / 1000))
        if refused.is_episode:
            self._watch_episode()

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


def _twiml(document: str) -> Response:
    return Response(document, media_type="text/xml")
