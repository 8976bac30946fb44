"""Text of others in a line of a log: it is shown, it does not act."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.logs.text import (
    VALUE_MOST_CHARS,
    is_right_to_left,
    isolated,
    quoted,
    safe_console,
    safe_json,
    shortened,
)

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


@pytest.mark.parametrize("text", [HEBREW, f"{HEBREW}, John?", ARABIC, "order 4217: ארבע"])
def test_right_to_left_text_is_isolated(text: str) -> None:
    """Between FSI and PDI, untouched inside: it reads right, and the line around it keeps its order."""
    assert isolated(text) == f"\u2068{text}\u2069"


@pytest.mark.parametrize("text", ["Hello.", "4217", "", "Grüße, Ελλάδα"])
def test_other_text_is_left_alone(text: str) -> None:
    """Some terminals print the marks."""
    assert isolated(text) == text


def test_direction_is_that_of_the_first_letter_that_has_one() -> None:
    """Digits and signs have none."""
    assert is_right_to_left("42: שלום and so on")
    assert not is_right_to_left("42: so שלום")
    assert not is_right_to_left("42")


def test_a_piece_has_the_direction_of_its_whole() -> None:
    """A wrapped line that happens to start with a name, or has no letter, is not turned round."""
    assert isolated("John, 42?", of=f"{HEBREW} John, 42?") == "\u2067John, 42?\u2069"
    assert isolated(f"{HEBREW}!", of=f"He said {HEBREW}!") == f"\u2066{HEBREW}!\u2069"
    assert isolated("He said", of=f"He said {HEBREW}!") == "He said"


def test_a_value_is_isolated_inside_its_quotes() -> None:
    """The names and numbers behind it keep their places; the quotes around it too."""
    assert repr(quoted(HEBREW)) == f"'\u2068{HEBREW}\u2069'"
    assert (
        repr(quoted({"a": [ARABIC, 5], "b": ("x",)})) == f"{{'a': ['\u2068{ARABIC}\u2069', 5], 'b': ['x']}}"
    )
    assert quoted("plain … 5") == "plain … 5"


@given(st.text(st.sampled_from("שم 5a='\n\x1b" + BIDI_CONTROLS)))
def test_isolates_are_closed_where_they_are_opened(text: str) -> None:
    """A value holds one pair of ours, at its ends, and no control of its own."""
    shown = repr(quoted(f"{text}ש"))[1:-1]
    assert shown.startswith("\u2068")
    assert shown.endswith("\u2069")
    assert not set(shown[1:-1]) & set(BIDI_CONTROLS + "\n\x1b")


def test_an_override_is_shown() -> None:
    """As what it is."""
    assert safe_console(f"a{OVERRIDE}b") == "a\\u202eb"


def test_a_long_text_keeps_its_start_and_its_end() -> None:
    """And says what is missing."""
    text = "a" * VALUE_MOST_CHARS + "the error"

    assert shortened("short") == "short"
    assert shortened(text).startswith("aaa")
    assert shortened(text).endswith("the error")
    assert len(shortened(text)) < VALUE_MOST_CHARS + 60
    assert "… 9 characters left out …" in shortened(text)
