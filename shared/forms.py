"""What a number, a URL and a secret must look like: the forms that settings, files and cards are held to.

Why it exists: a form that is checked in two places is checked in two ways, and what one accepts the other
refuses in the middle of a call. Owns: these forms, their words in messages, what may be shown of a secret,
what is raised for many slips at once. Pure. Must not know: where a text comes from, what it is for.
"""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import SplitResult, urlsplit

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names of this host that nobody on the way can read or answer for."""

E164 = r"\+[1-9][0-9]{3,14}"
"""ITU-T E.164: a country code, which never starts with 0, and fifteen digits at most."""

E164_EXAMPLE = "+15551234567 (E.164)"
"""How messages show what is expected."""

SIP = r"sip:[A-Za-z0-9.@:_+-]{3,200}"

SECRET_PREFIX = "whsec_"
"""How Standard Webhooks writes a secret: this, then base64."""

WITHHELD = frozenset({"266696687", "7378742833", "2562533", "8656696", "86282452253", "7748283", "94844353"})
"""What a carrier writes in digits for anonymous, restricted, blocked, unknown, unavailable, private and
withheld, as a telephone's keys spell them: it looks like a number and is nobody's. Source: Twilio, "caller ID
of withheld numbers", and the keys themselves for the last two."""

LEAST_DIGITS = 8
"""Of a number that is spelt without its plus."""

_NUMBER = re.compile(E164, re.ASCII)
_SPELT = re.compile(r"(?:(?:sips?|tel|client|whatsapp):)?(\+|00)?([0-9][0-9 ().-]*)(?:[@;].*)?", re.ASCII)
_BETWEEN_DIGITS = str.maketrans("", "", " ().-")
_DESTINATION = re.compile(f"{E164}|{SIP}", re.ASCII)
_BLANK = re.compile(r"\s")
_QUOTES = ('"', "'", "“", "”", "‘", "’", "`")


class Problems(Exception):
    """Something that a person wrote is wrong, in one or more places; the text has a line for each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


def is_number(text: str) -> bool:
    """Whether it is a telephone number as E.164 writes it."""
    return _NUMBER.fullmatch(text) is not None


def is_persons(text: str) -> bool:
    """Whether it is a telephone number that can be shown to whoever is called: E.164, and not a word for
    "withheld" in digits."""
    return is_number(text) and text.removeprefix("+") not in WITHHELD


def number_in(text: str) -> str:
    """The E.164 number that a text spells in one of the ways of carriers: with blanks, without its plus,
    in a SIP or telephone URI. Empty if it spells none: a name, a word for "withheld".

    Fewer than eight digits without a plus are an extension of somebody's exchange.
    """
    found = _SPELT.fullmatch(text.strip())
    if found is None:
        return ""
    digits = found[2].translate(_BETWEEN_DIGITS)
    if found[1] is None and len(digits) < LEAST_DIGITS:
        return ""
    return f"+{digits}" if is_persons(f"+{digits}") else ""


def is_destination(text: str) -> bool:
    """Whether it can be dialled: a telephone number, or a SIP address."""
    return _DESTINATION.fullmatch(text) is not None


def url_of(text: str) -> SplitResult | None:
    """The parts of a URL that can be asked: with a host, a port that is one, and no blank. Else None."""
    try:
        parts = urlsplit(text)
        _ = parts.port  # Raises when it is not a port.
    except ValueError:
        return None
    return parts if parts.hostname and not _BLANK.search(text) else None


def is_confidential(url: SplitResult) -> bool:
    """Whether what is sent there can be read by nobody on the way: TLS, or plain to this host itself."""
    return url.scheme == "https" or (url.scheme == "http" and url.hostname in LOOPBACK_HOSTS)


def url_shown(text: str) -> str:
    """A URL as it may stand in a message: without what may be a password, and without its query."""
    head, _, query = text.partition("?")
    scheme, separator, rest = head.partition("://")
    if "@" in text:
        # Whatever stands before the last @ may belong to a password, even where it breaks the URL.
        rest = f"…@{text.rpartition('@')[2].partition('?')[0]}"
        return f"{scheme}://{rest}" if separator else rest
    return f"{head}?…" if query else head


def oddity_of(text: str, *, one_word: bool = True) -> str:
    """What cannot be meant in a value: a line break, quotes or blanks around it. Empty if there is no such.

    `one_word`: a blank inside and what is not ASCII cannot be meant either. The text is not shown: it may be
    a secret.
    """
    for mark, name in (("\r", "a line break"), ("\n", "a line break"), ("\0", "a NUL character")):
        if mark in text:
            return f"{name} {_place(text.rstrip() if text.strip() else text, text.index(mark))}"
    if text[:1] in _QUOTES or text[-1:] in _QUOTES:
        return "quotes around it" if text[:1] in _QUOTES and text[-1:] in _QUOTES else "a quote at one end"
    if text != text.strip():
        return "a blank at its end" if text == text.lstrip() else "a blank at its beginning"
    if not one_word:
        return ""
    for place, character in enumerate(text):
        if character.isspace():
            return f"a blank {_place(text, place)}"
        if not ("!" <= character <= "~"):
            return f"the character U+{ord(character):04X} {_place(text, place)}"
    return ""


def secret_shown(text: str) -> str:
    """What may be told of a secret: its length."""
    return f"{len(text)} character{'' if len(text) == 1 else 's'}"


def signing_key(secret: str) -> bytes:
    """The key of a secret: the base64 after `whsec_`; any other text as it stands. Raises ValueError."""
    if not secret.startswith(SECRET_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(f"expected base64 after {SECRET_PREFIX}, or a text without it") from None


# Private.


def _place(text: str, index: int) -> str:
    """Where something stands that is at `index`."""
    if index >= len(text):
        return "at its end"
    return f"after {index} character{'' if index == 1 else 's'}" if index else "at its beginning"
