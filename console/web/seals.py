"""Signed texts that come back to us: a session in a cookie, the seal of a form. Pure.

Why it exists: nothing is kept for a visitor, so what they bring must say by itself that it is ours. Owns:
the shape of these texts, how long each is good. Must not know: requests. Fails closed: what cannot be read
is nobody's.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

SESSION_MS = 12 * 3_600_000
FORM_MS = 12 * 3_600_000
"""A page that was open for half a day is loaded again before it does anything."""


@dataclass(frozen=True, slots=True)
class Seals:
    """With one key. Who has another key (another start, where no token is set) believes none of them."""

    key: bytes

    def session(self, now_ms: int) -> str:
        """For a cookie: whoever brings it has shown the token."""
        return self._sealed("session", "", now_ms + SESSION_MS)

    def is_session(self, text: str, now_ms: int) -> bool:
        """Whether a cookie is one of ours that is still good."""
        return self._is_good("session", "", text, now_ms)

    def form(self, user: str, now_ms: int) -> str:
        """For a form that this user is shown: no page of another site can know it."""
        return self._sealed("form", user, now_ms + FORM_MS)

    def is_form(self, user: str, text: str, now_ms: int) -> bool:
        """Whether a form was shown to this user by us."""
        return self._is_good("form", user, text, now_ms)

    # Private.

    def _sealed(self, kind: str, of: str, until_ms: int) -> str:
        return f"{until_ms}.{self._mac(kind, of, until_ms)}"

    def _is_good(self, kind: str, of: str, text: str, now_ms: int) -> bool:
        until, _, mac = text.partition(".")
        if not (until.isascii() and until.isdigit() and len(until) < 16) or now_ms >= int(until):
            return False
        return hmac.compare_digest(mac.encode(), self._mac(kind, of, int(until)).encode())

    def _mac(self, kind: str, of: str, until_ms: int) -> str:
        words = f"{kind}\0{of}\0{until_ms}".encode()
        return hmac.new(self.key, words, hashlib.sha256).hexdigest()
