"""Who may open a stream, and who may take a slot: tokens and start data judged, slots reserved.

Why it exists: admission is decided at the webhook, where a caller can still be told something, and checked
again at `start`, where only a close is left. Owns: the keys derived from the auth tokens, the two judgements.
Must not know: sockets, TwiML.
"""

from __future__ import annotations

import math
import secrets
import time
from dataclasses import dataclass

from ingress.errors import StartReason, StartRefused
from ingress.media.parameters import read_parameters
from ingress.media.wire import MULAW_8K_MONO, StreamStart
from ingress.web import token
from ingress.web.token import Token
from shared.contract.keys import Keys
from shared.contract.streams.calls import RINGING_MS, Person, Ringing
from shared.ownership import steps
from shared.settings import Settings
from shared.store.client import Store

SLOT_LEASE_MS = RINGING_MS
"""A reserved slot that no `start` takes is free again after this."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """The answer to a reservation: a stream token, or why it is refused (full, ended)."""

    token: str
    refused: str = ""


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
    """Tokens and slots of this deployment."""

    def __init__(self, settings: Settings, store: Store, keys: Keys) -> None:
        self._store = store
        self._keys = keys
        self._account_sid = settings.twilio_account_sid
        self._token_keys = tuple(token.derive_key(each) for each in settings.auth_tokens)
        self._early_sessions = settings.early_sessions
        self._slots_per_lane = math.ceil(settings.max_calls / settings.lanes)

    def judge(self, start: StreamStart) -> tuple[str, int]:
        """`judge_start` with this deployment's keys, now: nonce and expiry of its token. Raises
        StartRefused."""
        found = judge_start(start, account_sid=self._account_sid, keys=self._token_keys, now_s=time.time())
        return found.nonce, found.expires_at_s

    async def reserve(
        self, call_sid: str, *, rings: Ringing | None = None, person: Person | None = None
    ) -> Admitted:
        """A slot and a token; the same token for a webhook that comes twice. `rings`: a new call, of which
        brains are to hear already. `person`: who calls, and what the number carries. Raises STORE_ERRORS.
        Cancelled, it may have taken the slot, which is free again after its lease."""
        expires_at_ms = (int(time.time()) + token.TTL_S) * 1000
        found = await steps.reserve(
            self._store,
            self._keys,
            call_sid,
            limit=self._slots_per_lane,
            lease_ms=SLOT_LEASE_MS,
            nonce=secrets.token_hex(token.NONCE_BYTES),
            expires_at_ms=expires_at_ms,
            rings=rings if self._early_sessions else None,
            person=person,
        )
        if found.refused:
            return Admitted("", found.refused)
        nonce = bytes.fromhex(found.nonce)
        minted = token.mint(self._token_keys[0], call_sid, nonce, found.expires_at_ms // 1000)
        return Admitted(minted)
