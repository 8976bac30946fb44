"""The tag of a caller: a keyed hash of their number, the same on all of their calls, and nobody's number.

Why it exists: numbers are masked wherever they are kept, and a person may ask for all that is kept of them
to be deleted: `…89` is a hundred callers. Owns: how a tag is made, which keys there are. Must not know:
where a tag is kept, who asks.

The key is TRUNKLINE_CALLER_KEY, else the carrier's auth token, the first of two. Whoever changes the key
finds older calls no more, unless the older one is named too: all that is named is looked with, and the first
one writes.
"""

from __future__ import annotations

import hashlib
import hmac

from shared.forms import is_persons
from shared.setting.forms import listed
from shared.settings import Settings

CHARS = 32


def keys_of(settings: Settings) -> tuple[bytes, ...]:
    """The keys that tags are made with, first the one that new tags get; none where nothing is secret
    here."""
    words = listed(settings.caller_key.get_secret_value()) or settings.auth_tokens
    return tuple(hmac.new(word.encode(), b"trunkline caller tag", hashlib.sha256).digest() for word in words)


def tag(number: str, key: bytes) -> str:
    """The tag of a number in full; empty for what is no number of a person."""
    if not is_persons(number):
        return ""
    return hmac.new(key, number.encode(), hashlib.sha256).hexdigest()[:CHARS]


def tags(number: str, settings: Settings) -> tuple[str, ...]:
    """All tags that calls of this number may have."""
    found = (tag(number, key) for key in keys_of(settings))
    return tuple(each for each in found if each)
