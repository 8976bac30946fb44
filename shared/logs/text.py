"""Text that comes from elsewhere, made safe for one line of a log.

Why it exists: a name, a reason of a peer, a transcript may hold anything: line breaks that make two lines of
one, escape sequences that a terminal obeys, controls that turn the reading direction of all that follows.

Owns: what is escaped, what is isolated, what is cut. Pure. Must not know: loggers.
"""

from __future__ import annotations

import re

VALUE_MOST_CHARS = 8_000
"""A longer text keeps its begin and its end, where a traceback has its error."""

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

_RIGHT_TO_LEFT = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
_RUN = re.compile(f"[{_RIGHT_TO_LEFT}]+(?:[^{_RIGHT_TO_LEFT}A-Za-z\x1b\n=]*[{_RIGHT_TO_LEFT}]+)*")
_ISOLATED = "\u2067\\g<0>\u2069"


def safe_json(line: str) -> str:
    """A JSON document whose strings hold no control that a terminal acts upon; it reads back the same.

    Letters of right-to-left scripts stay: between the quotes and names of JSON they turn nothing else.
    """
    return line if line.isascii() and "\x7f" not in line else line.translate(_ESCAPED_IN_JSON)


def safe_console(text: str, *, keeps_lines: bool = False) -> str:
    """A value for a terminal: controls are shown, not obeyed. `keeps_lines`: it is a traceback."""
    return text.translate(_ESCAPED_IN_TRACEBACK if keeps_lines else _ESCAPED_IN_CONSOLE)


def isolated(line: str) -> str:
    """A line for a terminal in which each right-to-left run stands for itself and turns nothing else."""
    return line if line.isascii() else _RUN.sub(_ISOLATED, line)


def cut(text: str) -> str:
    """A text of bounded length."""
    if len(text) <= VALUE_MOST_CHARS:
        return text
    half = VALUE_MOST_CHARS // 2
    return f"{text[:half]} … {len(text) - 2 * half} characters left out … {text[-half:]}"
