"""Who may open a stream, and who may take a slot: tokens and start data judged, slots reserved.

Why it exists: admission is decided at the webhook, where a caller can still be told something, and
checked again at `start`, where only a close is left. Owns the keys derived from the auth tokens,
and the two judgements. Must not know sockets or TwiML.
"""

from __future__ import annotations

import math
import secrets
import time
from dataclasses import dataclass

from ingress.media.wire import MULAW_8K_MONO, Start
from ingress.web import token
from ingress.web.token import Token, TokenError
from shared.contract.keys import Keys
from shared.ownership import owner as ownership
from shared.settings import Settings
from shared.store.client import Store

SLOT_LEASE_MS = 10_000
"""A reserved slot that no `start` takes is free again after this."""


class StartRefused(Exception):
    """A `start` that may not be attached; `reason` goes into the close frame, the log, a counter."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Admitted:
    """The answer to a reservation: a stream token, or why there is none (full, ended)."""

    token: str
    refused: str = ""


def judge_start(start: Start, *, account_sid: str, keys: tuple[bytes, ...], now_s: float) -> Token:
    """Pure: format, account and token of a `start`. Raises StartRefused.

    `account_sid` is empty when every account is welcome. A missing mediaFormat is tolerated.
    """
    if start.media_format not in (None, MULAW_8K_MONO):
        raise StartRefused("wrong_format")
    if account_sid and start.account_sid != account_sid:
        raise StartRefused("wrong_account")
    try:
        return token.verify(keys, start.parameters.get("token"), start.call_sid, now_s)
    except TokenError as error:
        raise StartRefused(error.reason) from None


class Admission:
    """Tokens and slots of this deployment."""

    def __init__(self, settings: Settings, store: Store, keys: Keys) -> None:
        self._store = store
        self._keys = keys
        self._account_sid = settings.twilio_account_sid
        self._token_keys = tuple(token.derive_key(each) for each in settings.auth_tokens)
        self._slots_per_lane = math.ceil(settings.max_calls / settings.lanes)

    def judge(self, start: Start) -> Token:
        """`judge_start` with this deployment's keys, now. Raises StartRefused."""
        return judge_start(start, account_sid=self._account_sid, keys=self._token_keys, now_s=time.time())

    async def reserve(self, call_sid: str) -> Admitted:
        """A slot and a token; the same token for a webhook that comes twice. Raises STORE_ERRORS."""
        expires_at_ms = (int(time.time()) + token.TTL_S) * 1000
        found = await ownership.reserve(
            self._store,
            self._keys,
            call_sid,
            limit=self._slots_per_lane,
            lease_ms=SLOT_LEASE_MS,
            nonce=secrets.token_hex(token.NONCE_BYTES),
            expires_at_ms=expires_at_ms,
        )
        if found.refused:
            return Admitted("", found.refused)
        nonce = bytes.fromhex(found.nonce)
        minted = token.mint(self._token_keys[0], call_sid, nonce, found.expires_at_ms // 1000)
        return Admitted(minted)
