"""`tl:audit`: what operators did, who and to what: from the command line and from the web console.

Why it exists: a hang-up by hand, a sentence that the model was told to say, somebody who listened: each must
have a name beside it afterwards. Owns: the deeds, the entry, both ways, its bound. Pure. Must not know: how
a person is known. No text of a conversation stands here: of what was said its length.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from shared.contract.command import Command
from shared.contract.entry import VERSION, text_of, whole, written_ms
from shared.contract.keys import AUDIT, AUDIT_TTL_MS

MAXLEN = 10_000
MOST_CHARS = 200
"""Of each field: who it is may come from outside."""


class Deed(enum.StrEnum):
    """What was done. The value is the word in Redis, the sentence what it means."""

    sentence: str

    def __new__(cls, word: str, sentence: str) -> Deed:
        made = str.__new__(cls, word)
        made._value_ = word
        made.sentence = sentence
        return made

    SAY = "said", "the model was told to say something"
    HANG_UP = "hung_up", "a call was hung up"
    DRAIN = "drained", "a worker was taken out"
    LISTEN = "listened", "somebody listened to a call"
    PHONE = "phoned", "a call was made from the web console"
    BREAK = "broke", "something was broken on purpose"
    FORGET = "forgot", "what was kept of calls was deleted"
    SIGN_IN = "signed_in", "somebody signed in to the web console"
    REFUSED = "turned_away", "somebody was turned away there"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One deed as read. `deed` is a text: newer versions know others."""

    at_ms: int
    """The server's clock."""
    deed: str
    by: str
    """Who, as far as it is known: `cli:name`, `web:name`."""
    of: str
    """To what: a call, a worker; empty: to none."""
    words: str
    """What more there is to say."""
    ok: bool
    """It was done."""

    @property
    def sentence(self) -> str:
        """What the deed means; empty for one that is not known."""
        return next((each.sentence for each in Deed if each.value == self.deed), "")


def audit_commands(
    deed: Deed, *, by: str, of: str, words: str, ok: bool, wall_ms: int
) -> tuple[Command, Command]:
    """Notes a deed."""
    key = AUDIT.encode()
    fields: list[bytes] = [b"v", VERSION, b"deed", deed.value.encode(), b"t", b"%d" % wall_ms]
    for name, value in ((b"by", by), (b"of", of), (b"words", words)):
        fields += (name, value[:MOST_CHARS].encode(errors="replace"))
    fields += (b"ok", b"%d" % ok)
    return (
        Command(key, (b"XADD", key, b"MAXLEN", b"~", b"%d" % MAXLEN, b"*", *fields)),
        Command(key, (b"PEXPIRE", key, b"%d" % AUDIT_TTL_MS)),
    )


def read_audit(entry_id: str | bytes, fields: Mapping[bytes, bytes]) -> AuditEntry:
    """Lenient: whatever stands there is shown. Raises ValueError for what is no id."""
    found = text_of(fields)
    return AuditEntry(
        at_ms=written_ms(entry_id),
        deed=found.get("deed", "?"),
        by=found.get("by", ""),
        of=found.get("of", ""),
        words=found.get("words", ""),
        ok=bool(whole(found.get("ok", "0"))),
    )
