"""Text that comes from elsewhere, made safe for one line of a log, of a timeline, of a page.

Why it exists: a name, a reason of a peer, a transcript may hold anything: line breaks that make two lines of
one, escape sequences that a terminal obeys, controls that turn the reading direction of all that follows.
Hebrew and Arabic turn it by themselves: a sentence of theirs must read right, and the line around it too.

Owns: what is escaped, what is isolated, what is shortened. Pure. Must not know: loggers, consoles.
"""

from __future__ import annotations

import traceback
import unicodedata

VALUE_MOST_CHARS = 8_000
"""A longer text keeps its start and its end, where a traceback has its error."""

LEFT_TO_RIGHT_ISOLATE, RIGHT_TO_LEFT_ISOLATE, FIRST_STRONG_ISOLATE = "\u2066", "\u2067", "\u2068"
POP_DIRECTIONAL_ISOLATE = "\u2069"

RIGHT_TO_LEFT = frozenset({"R", "AL"})
"""Bidirectional classes of Hebrew and Arabic letters (Unicode Standard Annex 9)."""

_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Controls of Unicode's bidirectional algorithm (UAX 9)."""

_BREAKS = (0x85, 0x2028, 0x2029)
_CONTROLS = (*range(0x7F, 0xA0), *_BIDI, *_BREAKS)
_ESCAPED_IN_JSON = {code: f"\\u{code:04x}" for code in _CONTROLS}

_ESCAPED_IN_CONSOLE = {
    **{code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))},
    **{code: f"\\u{code:04x}" for code in (*_BIDI, 0x2028, 0x2029)},
}
_ESCAPED_IN_TRACEBACK = {code: text for code, text in _ESCAPED_IN_CONSOLE.items() if code != ord("\n")}


def safe_json(line: str) -> str:
    """A JSON document whose strings hold no control that a terminal acts upon; it reads back the same.

    Letters of right-to-left scripts stay: between the quotes and names of JSON they turn nothing else.
    """
    return line if line.isascii() and "\x7f" not in line else line.translate(_ESCAPED_IN_JSON)


def safe_console(text: str, *, keeps_lines: bool = False) -> str:
    """A value for a terminal: controls are shown, not obeyed. `keeps_lines`: it is a traceback."""
    return text.translate(_ESCAPED_IN_TRACEBACK if keeps_lines else _ESCAPED_IN_CONSOLE)


def is_right_to_left(text: str) -> bool:
    """Whether the first letter with a direction runs from right to left."""
    for letter in text:
        direction = unicodedata.bidirectional(letter)
        if direction == "L" or direction in RIGHT_TO_LEFT:
            return direction in RIGHT_TO_LEFT
    return False


def isolated(text: str, *, of: str = "") -> str:
    """One line of text that keeps its own direction and leaves that of what is around it alone.

    The direction is that of its first letter that has one; of a piece, that of the whole text `of` which it
    is a piece of. What has no right-to-left letter comes back as it is, since some terminals print the marks.
    """
    if of and is_right_to_left(of):
        return f"{RIGHT_TO_LEFT_ISOLATE}{text}{POP_DIRECTIONAL_ISOLATE}"
    if not _has_right_to_left(text):
        return text
    start = LEFT_TO_RIGHT_ISOLATE if of else FIRST_STRONG_ISOLATE
    return f"{start}{text}{POP_DIRECTIONAL_ISOLATE}"


class Quoted:
    """A text in a line of names and values: its `repr` has the text isolated inside the quotes."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        shown = repr(self._text)  # Controls of any kind are escaped by it.
        return f"{shown[0]}{isolated(shown[1:-1])}{shown[-1]}"


def quoted(value: object) -> object:
    """A value of a line: the same, with each text in it that turns the direction as a `Quoted`."""
    match value:
        case str():
            return Quoted(value) if _has_right_to_left(value) else value
        case list() | tuple():
            return [quoted(each) for each in value]
        case dict():
            return {name: quoted(each) for name, each in value.items()}
        case _:
            return value


def shortened(text: str) -> str:
    """A text of bounded length."""
    if len(text) <= VALUE_MOST_CHARS:
        return text
    half = VALUE_MOST_CHARS // 2
    return f"{text[:half]} … {len(text) - 2 * half} characters left out … {text[-half:]}"


PLACES_MOST = 12
"""Places of a bug that a line names: the outermost are left out."""


def places(bug: BaseException) -> list[str]:
    """The places that an exception came through, the innermost last, and of what caused it behind them: file,
    line, function. No text of it and no line of source: they may hold what people have said."""
    found: list[str] = []
    error: BaseException | None = bug
    while error is not None and len(found) < PLACES_MOST:
        frames = list(traceback.walk_tb(error.__traceback__))[-PLACES_MOST:]
        for frame, line in frames:  # Not extract_tb: it reads the files.
            code = frame.f_code
            found.append(f"{_short(code.co_filename)}:{line} {code.co_qualname}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if error is not None:
            found.append(f"after {type(error).__name__}")
    return found[:PLACES_MOST]


# Private.


def _short(path: str) -> str:
    """The last two folders and the file."""
    return "/".join(path.split("/")[-3:])


def _has_right_to_left(text: str) -> bool:
    if text.isascii():
        return False
    return any(unicodedata.bidirectional(letter) in RIGHT_TO_LEFT for letter in text)
