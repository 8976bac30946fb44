"""The name under which a caller's day is kept: a keyed hash of their number, never the number.

Why it exists: what is counted of a person must not tell who they are to whoever reads Redis; and all ingress
processes must come to the same name. Owns: the key, the hash, who has no name. Pure. Must not know: what is
counted.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from shared.contract.admission.count import NOBODY
from shared.forms import number_in

_KEY_PURPOSE = b"trunkline caller's day 1"
_HEX_CHARS = 32
"""128 bits: no two callers meet."""


class CallerNames:
    """Of one deployment: its key comes from the auth token that signs. Another token is another day."""

    __slots__ = ("_key",)

    def __init__(self, auth_token: str) -> None:
        self._key = hmac.digest(auth_token.encode(), _KEY_PURPOSE, sha256)

    def of(self, person: str) -> str:
        """`person`: as the carrier writes them. Empty: they show no number, and nothing is counted."""
        number = number_in(person)
        if not number:
            return NOBODY
        return hmac.digest(self._key, number.encode(), sha256).hex()[:_HEX_CHARS]
