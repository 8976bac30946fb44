"""Words that are filled in for one call: `{{name}}` in the texts of an agent and of its tools.

Why it exists: one agent answers many callers, each with a name, an order, a contract of their own. Owns: what
a placeholder looks like, how a value is escaped for the place where it stands, the bounds of values. Pure.
Must not know: where a value comes from, what a text is for.

A value is data. It is filled in once: what looks like a placeholder inside of it stays as it is. In a text it
is one line, in a URL it is percent-encoded, in a header it is printable ASCII.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

NAME = r"[A-Za-z_][A-Za-z0-9_]{0,63}"

MOST_VALUES = 64
"""Of one call."""

MOST_CHARS = 2_000
"""Of one value: it is a name, an order, a sentence, and no document."""

MOST_CHARS_OF_ALL = 16_000
"""Of all values of a call, with their names: they stand on its card."""

OF_THE_CALL = frozenset({"call_sid", "caller", "called", "agent"})
"""What the URLs and headers of tools have by themselves: who is on the line."""

_NAME = re.compile(NAME, re.ASCII)
_PLACEHOLDER = re.compile(rf"\{{\{{[ \t]*({NAME})[ \t]*\}}\}}", re.ASCII)
_NO_NAME = re.compile(r"[^A-Za-z0-9_]")
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
"""What would begin another line, or mean something to a terminal: a value that could write a line of its own
could write instructions."""

_HEADER_SAFE = " !\"#$&'()*+,-./:;<=>?@[]^_`{|}~"
"""What of printable ASCII stays in a header; the percent sign itself does not, since it encodes the rest."""


def is_name(text: str) -> bool:
    """Whether a variable may be called so."""
    return _NAME.fullmatch(text) is not None


def name_of(text: str) -> str:
    """The variable that a parameter of the number is: `X-Customer` is `X_Customer`. Empty: it can be none."""
    name = _NO_NAME.sub("_", text)[:64]
    name = f"_{name}"[:64] if name[:1].isdigit() else name
    return name if is_name(name) else ""


def names_in(*texts: str) -> tuple[str, ...]:
    """The variables that texts ask for, each once, in their order."""
    return tuple(dict.fromkeys(found for text in texts for found in _PLACEHOLDER.findall(text)))


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text for the model or the caller. What has no value is empty."""
    return _PLACEHOLDER.sub(lambda found: one_line(values.get(found[1], "")), text)


def filled_url(url: str, values: Mapping[str, str]) -> str:
    """A URL: no value can add a part to it."""
    return _PLACEHOLDER.sub(lambda found: quote(values.get(found[1], ""), safe=""), url)


def filled_header(text: str, values: Mapping[str, str]) -> str:
    """The value of a header: no value can begin another one. What is not ASCII is percent-encoded."""
    return _PLACEHOLDER.sub(lambda found: _of_header(values.get(found[1], "")), text)


def one_line(value: str) -> str:
    """A value as it stands in a text."""
    return _BREAKS.sub(" ", value).strip()


def problem_of(values: Mapping[str, str]) -> str:
    """Why these cannot be the values of a call; empty where they can. Neither values nor names are shown:
    both may be a person's."""
    if len(values) > MOST_VALUES:
        return f"expected at most {MOST_VALUES} variables, got {len(values)}"
    for number, (name, value) in enumerate(values.items(), 1):
        if not is_name(name):
            return f"variable {number}: expected a name of letters, digits and _, 64 at most"
        if len(value) > MOST_CHARS:
            return f"variable {number}: expected at most {MOST_CHARS} characters, got {len(value)}"
    total = sum(len(name) + len(value) for name, value in values.items())
    if total > MOST_CHARS_OF_ALL:
        return f"expected at most {MOST_CHARS_OF_ALL} characters of all variables, got {total}"
    return ""


# Private.


def _of_header(value: str) -> str:
    return quote(one_line(value), safe=_HEADER_SAFE)
