"""Who may open a stream, and who gets a place: tokens and start data judged, places and tokens given.

Why it exists: admission is decided at the webhook, where a caller can still be told something, and checked
again at `start`, where only a close is left. Owns: the keys derived from the auth tokens, the two judgements,
the order of place and token. Must not know: sockets, TwiML, how this process stands (overload/).
"""

from __future__ import annotations

import contextlib
import secrets
import time
from dataclasses import dataclass

from ingress.errors import StartReason, StartRefused
from ingress.media.parameters import read_parameters
from ingress.media.wire import MULAW_8K_MONO, StreamStart
from ingress.web import token
from ingress.web.token import Token
from shared.contract.admission.callers import CallerNames
from shared.contract.admission.count import NOBODY, PlaceAnswer
from shared.contract.keys import Keys
from shared.contract.streams.calls import Person, Ringing
from shared.ownership import admitting, steps
from shared.settings import Settings
from shared.store.client import Store
from shared.store.errors import STORE_ERRORS


@dataclass(frozen=True, slots=True)
class Admitted:
    """The answer to a reservation: a stream token, or why it is refused: `full`, a bound of the caller's,
    `ended`. `count`: calls that have a place, or how many there are of what is bounded."""

    token: str
    refused: str = ""
    count: int = 0


def judge_start(start: StreamStart, *, account_sid: str, keys: tuple[bytes, ...], now_s: float) -> Token:
    """Format, account and token of a `start`, without a look at anything else. Raises StartRefused.

    `account_sid` is empty when every account is welcome. A missing media format is tolerated.
    """
    if start.media_format not in (None, MULAW_8K_MONO):
        raise StartRefused(StartReason.WRONG_FORMAT)
    if account_sid and start.account_sid != account_sid:
        raise StartRefused(StartReason.WRONG_ACCOUNT)
    return token.verify(keys, read_parameters(start.parameters).token, start.call_sid, now_s)


class Admission:
    """Tokens and places of this deployment."""

    def __init__(self, settings: Settings, store: Store, keys: Keys) -> None:
        self._store = store
        self._keys = keys
        self._account_sid = settings.twilio_account_sid
        self._token_keys = tuple(token.derive_key(each) for each in settings.auth_tokens)
        self._early_sessions = settings.early_sessions
        self._most = settings.max_calls
        self._bounds = settings.caller_bounds
        self._names = CallerNames(settings.auth_tokens[0] if settings.auth_tokens else "")

    def judge(self, start: StreamStart) -> tuple[str, int]:
        """`judge_start` with this deployment's keys, now: nonce and expiry of its token. Raises
        StartRefused."""
        found = judge_start(start, account_sid=self._account_sid, keys=self._token_keys, now_s=time.time())
        return found.nonce, found.expires_at_s

    def name_of(self, person: str) -> str:
        """Under which name the day of a caller is kept; empty: nothing is bounded, or they show no number."""
        return self._names.of(person) if self._bounds.applies else NOBODY

    async def let_in(self, call_sid: str, *, person: Person, rings: Ringing) -> Admitted:
        """A place and a token for a call that comes in; the same for a webhook that comes twice. `person`:
        the caller, as the carrier writes them, and what the number carries. `rings`: what brains are to hear
        of it already. Raises STORE_ERRORS. Cancelled, it may have taken the place, which is free again after
        its lease."""
        name = self.name_of(person.caller)
        place = await admitting.admit(
            self._store, call_sid, most=self._most, caller=name, bounds=self._bounds
        )
        return await self._with_token(call_sid, place, rings if self._early_sessions else None, person)

    async def let_in_again(self, call_sid: str) -> Admitted:
        """A token for the next stream of a call that is on the line, which has its place whatever their
        number. Raises STORE_ERRORS. Cancelling it is as for `let_in`."""
        return await self._with_token(call_sid, await admitting.admit_again(self._store, call_sid))

    async def may_dial(self, call_sid: str, *, person: str, which: int) -> bool:
        """Whether the caller may be put through once more; `which`: the time that the call asks. Raises
        STORE_ERRORS. Cancelled, it may be counted, once."""
        name, most = self.name_of(person), self._bounds.transfers
        if not most or name == NOBODY:
            return True
        return await admitting.dials(self._store, call_sid, caller=name, which=which, most=most)

    # Private.

    async def _with_token(
        self, call_sid: str, place: PlaceAnswer, rings: Ringing | None = None, person: Person | None = None
    ) -> Admitted:
        if place.refused:
            return Admitted("", place.refused, place.count)
        expires_at_ms = (int(time.time()) + token.TTL_S) * 1000
        nonce = secrets.token_hex(token.NONCE_BYTES)
        found = await steps.reserve(
            self._store,
            self._keys,
            call_sid,
            nonce=nonce,
            expires_at_ms=expires_at_ms,
            rings=rings,
            person=person,
        )
        if found.refused:
            # It has ended: what it was given here is nobody's. Missed, it is free after the lease.
            with contextlib.suppress(*STORE_ERRORS):
                await admitting.leave(self._store, call_sid)
            return Admitted("", found.refused, place.count)
        given = bytes.fromhex(found.nonce)
        minted = token.mint(self._token_keys[0], call_sid, given, found.expires_at_ms // 1000)
        return Admitted(minted, count=place.count)
