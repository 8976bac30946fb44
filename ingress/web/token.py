"""The one-use token of a media stream: who may open a socket for which call.

Why it exists: Twilio's handshake signature has no time and no call in it. The webhook, which is bound to a
call, mints a token; `start` brings it back in `customParameters`. It is stateless: any ingress process
verifies it without Redis; that it is used once only is the ATTACH script's part, by its nonce. Owns: its
shape, its signature. Pure. Must not know: the time, Redis: both are the caller's.

Shape: `1.<expires, unix s>.<nonce, 32 hex>.<HMAC-SHA256, base64url>`, well below Twilio's limit of 500
characters for a parameter.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from ingress.errors import TokenError, TokenReason

NONCE_BYTES = 16
TTL_S = 60
"""Twilio opens the socket within a second of the TwiML; the rest is for clocks that differ."""

_KEY_PURPOSE = b"trunkline media stream token 1"
_TOKEN = re.compile(r"1\.(\d{1,12})\.([0-9a-f]{32})\.([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Token:
    """What a verified token says. `nonce` is what the ATTACH script spends."""

    nonce: str
    expires_at_s: int


def derive_key(auth_token: str) -> bytes:
    """The signing key: the auth token itself never signs anything of ours."""
    return hmac.digest(auth_token.encode(), _KEY_PURPOSE, sha256)


def mint(key: bytes, call_sid: str, nonce: bytes, expires_at_s: int) -> str:
    """A token for `call_sid`. `nonce`: 16 random bytes."""
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"expected a nonce of {NONCE_BYTES} bytes, got {len(nonce)}")
    head = f"1.{expires_at_s}.{nonce.hex()}"
    return f"{head}.{_mac(key, head, call_sid)}"


def verify(keys: Sequence[bytes], token: str, call_sid: str, now_s: float) -> Token:
    """Checks shape, then the HMAC in constant time, then the expiry. An empty token is a missing one. Raises
    TokenError.

    `keys` are those of all accepted auth tokens, so that a rotation loses no call.
    """
    if not token:
        raise TokenError(TokenReason.MISSING)
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise TokenError(TokenReason.MALFORMED)
    head, _, mac = token.rpartition(".")
    genuine = False
    for key in keys:
        genuine |= hmac.compare_digest(_mac(key, head, call_sid), mac)
    if not genuine:
        raise TokenError(TokenReason.WRONG)
    expires_at_s = int(match[1])
    if now_s >= expires_at_s:
        raise TokenError(TokenReason.EXPIRED)
    return Token(match[2], expires_at_s)


# Private.


def _mac(key: bytes, head: str, call_sid: str) -> str:
    digest = hmac.digest(key, f"{head}.{call_sid}".encode(), sha256)
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
