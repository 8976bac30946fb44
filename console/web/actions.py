"""What is done from a page: say, hang up, drain, forget, look. By POST alone, sealed, each written down.

Why it exists: a page changes nothing by being looked at, and whoever changes something has a name. Owns:
what a form must say, the order (seal, deed, audit, words for the next page). Must not know: how a call is
told or ended (calls/).

A deed that Redis did not take is said to have failed; one that was written down and not done is `ok` 0 there.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.archive import forget
from console.archive.shelf import ShelfError
from console.calls import audit, ending, live
from console.doctor import facts
from console.operate import socket as supervisor_socket
from console.web import gate
from console.web.desk import Desk, user_of
from console.web.guard import COOKIE, TOO_MANY, TRY_LATER, visit_of
from console.web.seals import SESSION_MS
from shared import caller_tag
from shared.clock import now_ms, wall_ms
from shared.contract.keys import CALL_SID
from shared.contract.streams.audit import Deed
from shared.contract.streams.control import MAX_SAY_CHARS
from shared.forms import E164_EXAMPLE, is_number
from shared.store.errors import STORE_ERRORS

FORM_MOST_BYTES = 16_384
FIELDS_MOST = 20
SLOW_S = 1.0
"""Whoever shows a wrong token waits; how many may be shown is bounded beside it (tries)."""

DOCTOR_WITHIN_S = 60.0

Form = Mapping[str, str]


class BadForm(ValueError):
    """A form that says less, or something else, than it must; the text is for whoever sent it."""


@dataclass(frozen=True, slots=True)
class TooManyTries(Exception):
    """No token is looked at for so long."""

    wait_s: int


@dataclass(slots=True)
class ActionViews:
    """Handlers, one a deed."""

    desk: Desk
    _looking: bool = False
    """The doctor is at work."""

    async def act(self, request: Request) -> Response:
        """The buttons of the list of live calls."""

        async def work(form: Form) -> tuple[str, str]:
            if form.get("speak"):
                return "/", await self._say(request, form["speak"], form, is_now=False)
            return "/", await self._hang_up(request, form.get("end", ""), form, is_forced=False)

        return await self._done(request, work)

    async def say(self, request: Request) -> Response:
        """The model says something, when nobody speaks; or now."""
        sid = request.path_params["sid"]

        async def work(form: Form) -> tuple[str, str]:
            return f"/calls/{sid}", await self._say(request, sid, form, is_now="now" in form)

        return await self._done(request, work)

    async def hang_up(self, request: Request) -> Response:
        """A call ends; it is waited for."""
        sid = request.path_params["sid"]

        async def work(form: Form) -> tuple[str, str]:
            return f"/calls/{sid}", await self._hang_up(request, sid, form, is_forced="now" in form)

        return await self._done(request, work)

    async def drain(self, request: Request) -> Response:
        """A worker is taken out."""

        async def work(form: Form) -> tuple[str, str]:
            worker = form.get("which", "")
            _must_be_sure(form)
            known = {row.name for row in await live.read_workers(self.desk.store)}
            if worker not in known:
                raise BadForm("there is no such process any more")
            is_told = await live.drain(self.desk.store, self.desk.keys, worker)
            await self._note(request, Deed.DRAIN, of=worker, ok=is_told)
            words = "takes no new call" if is_told else "does not listen: it has ended"
            return "/fleet", f"{worker} {words}"

        return await self._done(request, work)

    async def forget_call(self, request: Request) -> Response:
        """All that is kept of a call that is over goes."""
        sid = request.path_params["sid"]

        async def work(form: Form) -> tuple[str, str]:
            _must_be_sure(form)
            if not CALL_SID.fullmatch(sid):
                raise BadForm("there is no such call")
            desk = self.desk
            found = await forget.forget_calls(desk.store, desk.keys, desk.shelf, desk.recordings, [sid])
            is_done = bool(found.kept or found.in_redis or found.recordings)
            await self._note(request, Deed.FORGET, of=sid, ok=is_done)
            return "/past", f"{sid}: {'it goes on, and stays' if found.live else 'deleted'}"

        return await self._done(request, work)

    async def forget_caller(self, request: Request) -> Response:
        """All that is kept of a caller goes."""

        async def work(form: Form) -> tuple[str, str]:
            number = form.get("whom", "").strip()
            _must_be_sure(form)
            if not is_number(number):
                raise BadForm(f"expected a number in full, such as {E164_EXAMPLE}")
            desk = self.desk
            tags = caller_tag.tags(number, desk.settings)
            if not tags and desk.settings.mask_numbers:
                raise BadForm("there is no key that calls were tagged with (TRUNKLINE_CALLER_KEY)")
            found = await forget.forget_caller(
                desk.store, desk.keys, desk.shelf, desk.recordings, tags, number
            )
            await self._note(request, Deed.FORGET, words=f"{found.kept} calls of one caller")
            more = f"; {len(found.live)} go on, and stay" if found.live else ""
            sounds = f", {found.recordings} recordings" if found.recordings else ""
            return "/past", (
                f"{found.kept} calls deleted in the archive, {found.in_redis} in Redis{sounds}{more}"
            )

        return await self._done(request, work)

    async def doctor(self, request: Request) -> Response:
        """The doctor looks, without what goes over the network. One at a time: it takes some of a core."""

        async def work(_form: Form) -> tuple[str, str]:
            if self._looking:
                return "/fleet", "somebody has asked the doctor already"
            self._looking = True
            try:
                asked = facts.Asked(socket=supervisor_socket.find(), offline=True)
                async with asyncio.timeout(DOCTOR_WITHIN_S):
                    self.desk.findings = await facts.examine(asked)
                self.desk.findings_at_ms = now_ms()
            except (supervisor_socket.NoSocket, TimeoutError) as error:
                return "/fleet", f"the doctor could not look: {error or 'it took too long'}"
            finally:
                self._looking = False
            return "/fleet", "looked"

        return await self._done(request, work)

    # The token.

    async def login(self, request: Request) -> Response:
        """Whoever shows the token gets a session."""

        async def work(form: Form) -> tuple[str, str]:
            desk, peer = self.desk, gate.peer_of(self.desk.policy, visit_of(request.scope))
            wait_s = desk.tries.wait_s(peer)
            if wait_s:
                raise TooManyTries(wait_s)
            if gate.is_token(desk.policy, form.get("token", "")):
                with contextlib.suppress(
                    *STORE_ERRORS
                ):  # Redis away: the page says so, to whoever may see it.
                    await self._note(request, Deed.SIGN_IN)
                return "/", ""
            untold = desk.tries.failed(peer)  # Counted before it waits: many may come at once.
            await asyncio.sleep(SLOW_S)
            if untold:
                with contextlib.suppress(*STORE_ERRORS):
                    await self._note(request, Deed.REFUSED, words=f"{untold} wrong tokens", ok=False)
            return "/login", "that is not the token"

        answer = await self._done(request, work)
        if answer.headers.get("location") == "/":
            is_tls = request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"
            answer.set_cookie(
                COOKIE, self.desk.seals.session(wall_ms()), max_age=SESSION_MS // 1000, httponly=True,
                samesite="strict", secure=is_tls,
            )  # fmt: skip
        return answer

    async def logout(self, request: Request) -> Response:
        """The session ends."""

        async def work(_form: Form) -> tuple[str, str]:
            return "/login", ""

        answer = await self._done(request, work)
        answer.delete_cookie(COOKIE)
        return answer

    # Private.

    async def _done(self, request: Request, work: Callable[[Form], Awaitable[tuple[str, str]]]) -> Response:
        """Checks the form, does it, and leads to a page that says what became of it."""
        desk = self.desk
        try:
            form = await read_form(request)
            foreign = gate.why_foreign(visit_of(request.scope))
            if foreign or not desk.seals.is_form(user_of(request), form.get("seal", ""), wall_ms()):
                why = foreign or "it is of before a restart, or half a day old"
                words = f"The form was not taken: {why}. Load the page again."
                return desk.note(request, 403, "Nothing was done", words)
            path, words = await work(form)
        except TooManyTries as error:
            answer = desk.note(request, TOO_MANY, "Not signed in", f"{TRY_LATER} ({error.wait_s} s).")
            answer.headers["retry-after"] = str(error.wait_s)
            return answer
        except BadForm as error:
            return desk.note(request, 400, "Nothing was done", str(error))
        except (*STORE_ERRORS, ShelfError, OSError) as error:
            return desk.note(request, 503, "It may not have been done", str(error))
        return RedirectResponse(f"{path}?did={desk.notes.put(words)}" if words else path, 303)

    async def _say(self, request: Request, sid: str, form: Form, *, is_now: bool) -> str:
        words = form.get("words", "").strip()[:MAX_SAY_CHARS]
        if not words:
            raise BadForm("expected words to say, got none")
        call = await self._call(sid)
        reason = ending.why_not_asked(call, force=False)
        is_told = not reason and await live.say(self.desk.store, self.desk.keys, sid, words, force=is_now)
        await self._note(request, Deed.SAY, of=sid, words=f"{len(words)} characters", ok=is_told)
        return "it will be said" if is_told else f"not said: {reason or 'the call has ended'}"

    async def _hang_up(self, request: Request, sid: str, form: Form, *, is_forced: bool) -> str:
        _must_be_sure(form)
        desk, call = self.desk, await self._call(sid)
        became = await ending.hang_up(
            desk.store, desk.keys, call, desk.means, force=is_forced, within_s=ending.WITHIN_S
        )
        await self._note(request, Deed.HANG_UP, of=sid, words=became.words, ok=became.done)
        return became.words

    async def _call(self, sid: str) -> live.AnyCall:
        """Looked at closely: whether a brain can be asked is told by clocks that may differ."""
        if CALL_SID.fullmatch(sid):
            with contextlib.suppress(live.NoSuchCall):  # Said below, without the SIDs of others.
                return await live.find_call(self.desk.store, self.desk.keys, sid)
        raise BadForm("there is no such call any more")

    async def _note(
        self, request: Request, deed: Deed, *, of: str = "", words: str = "", ok: bool = True
    ) -> None:
        by = f"web:{user_of(request) or visit_of(request.scope).peer}"
        self.desk.log.info("deed", deed=deed.value, by=by, of=of, ok=ok)
        await audit.note(self.desk.store, deed, by=by, of=of, words=words, ok=ok)


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form. Raises BadForm for one that is no form, or is larger than any of ours."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise BadForm("expected a form")
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > FORM_MOST_BYTES:
            raise BadForm("the form is too large")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MOST)
    except (UnicodeDecodeError, ValueError):
        raise BadForm("the form cannot be read") from None
    return dict(pairs)


def _must_be_sure(form: Form) -> None:
    if "sure" not in form:
        raise BadForm("tick the box that says yes: this cannot be taken back")
