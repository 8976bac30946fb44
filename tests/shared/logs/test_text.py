"""Text of others in a line of a log: it is shown, it does not act."""

from __future__ import annotations

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from shared.logs.text import VALUE_MOST_CHARS, cut, isolated, safe_console, safe_json

HEBREW, ARABIC = "שלום עולם", "مرحبا"
OVERRIDE = "\u202e"
BIDI_CONTROLS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@given(st.text(st.characters(codec="utf-8") | st.sampled_from(BIDI_CONTROLS + "\u2028\x85\x9b\x7f")))
def test_json_reads_back_and_holds_no_control(text: str) -> None:
    """Whatever stands in it; one line for any reader's idea of a line."""
    line = safe_json(json.dumps({"text": text}, ensure_ascii=False))

    assert json.loads(line) == {"text": text}
    assert len(line.splitlines()) == 1
    assert not set(line) & set(BIDI_CONTROLS)
    assert not any(unicodedata.category(char) == "Cc" for char in line)


@given(st.text(st.characters(codec="utf-8") | st.sampled_from(BIDI_CONTROLS + "\n\r\x1b\x9b\u2028")))
def test_a_terminal_gets_no_control(text: str) -> None:
    """No line break, no escape sequence, no direction."""
    shown = safe_console(text)

    assert len(shown.splitlines()) <= 1
    assert not set(shown) & set(BIDI_CONTROLS)
    assert not any(unicodedata.category(char) == "Cc" for char in shown)


def test_a_traceback_keeps_its_lines_and_nothing_else() -> None:
    """Its message may be a peer's."""
    assert safe_console("a\nb\x1b[2J", keeps_lines=True) == "a\nb\\x1b[2J"


def test_a_right_to_left_run_is_isolated_with_what_is_inside_it() -> None:
    """The numbers and names behind it keep their places; the quotes around it too."""
    assert isolated(f"text='{HEBREW}' n=5") == f"text='\u2067{HEBREW}\u2069' n=5"
    assert isolated(f"a={ARABIC} 12 {HEBREW} b={ARABIC}") == (
        f"a=\u2067{ARABIC} 12 {HEBREW}\u2069 b=\u2067{ARABIC}\u2069"
    )
    assert isolated("plain … 5") == "plain … 5"


@given(st.text(st.sampled_from("שم 5a='\n\x1b")))
def test_isolates_are_closed_where_they_are_opened(text: str) -> None:
    """On each line, and without a letter of ours inside."""
    shown = isolated(text)

    assert shown.replace("\u2067", "").replace("\u2069", "") == text
    for line in shown.splitlines():
        depth = 0
        for char in line:
            depth += (char == "\u2067") - (char == "\u2069")
            assert depth in (0, 1)
            assert not (depth and char in "a=\x1b")
        assert depth == 0


def test_an_override_is_shown() -> None:
    """As what it is."""
    assert safe_console(f"a{OVERRIDE}b") == "a\\u202eb"


def test_a_long_text_keeps_begin_and_end() -> None:
    """And says what is missing."""
    text = "a" * VALUE_MOST_CHARS + "the error"

    assert cut("short") == "short"
    assert cut(text).startswith("aaa")
    assert cut(text).endswith("the error")
    assert len(cut(text)) < VALUE_MOST_CHARS + 60
    assert "… 9 characters left out …" in cut(text)
