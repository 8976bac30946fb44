"""Text with an exact width, whatever is in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.text import bar, duration, fit, millis, tokens
from shared.logs.text import FIRST_STRONG_ISOLATE, POP_DIRECTIONAL_ISOLATE

ANY_TEXT = st.text(max_size=60) | st.text(alphabet="שלום abc日本\n\x1b\u202e", max_size=60)


@given(ANY_TEXT, st.integers(1, 40), st.booleans(), st.booleans())
def test_a_fitted_text_has_its_width(text: str, width: int, right: bool, keep_end: bool) -> None:
    """In cells of a terminal: wide letters count two, isolates none."""
    assert cell_len(fit(text, width, right=right, keep_end=keep_end)) == width


@given(ANY_TEXT)
def test_no_text_acts_on_the_terminal(text: str) -> None:
    """No escape, no line break, no mark that turns what follows."""
    made = fit(text, 20)
    assert not set(made) & set("\x1b\n\r\t\x07\u202e\u202d\u2067")


def test_right_to_left_text_is_isolated_after_it_was_cut() -> None:
    """The closing mark must not be what is cut off."""
    made = fit("שלום עולם ומלואו", 8)
    assert made.startswith(FIRST_STRONG_ISOLATE)
    assert made.rstrip().endswith(POP_DIRECTIONAL_ISOLATE)
    assert made.count(FIRST_STRONG_ISOLATE) == 1


def test_the_end_of_a_number_is_kept() -> None:
    """The last digits tell callers apart."""
    assert fit("+15551234567", 7, keep_end=True) == "…234567"
    assert fit("CA1234", 4) == "CA1…"


@given(st.floats(0, 1e6), st.floats(0.1, 1e5), st.integers(1, 30))
def test_a_bar_has_its_width_and_never_lies_about_zero(value: float, full: float, width: int) -> None:
    """Something is never drawn as nothing, nothing never as something, much never beyond the end."""
    drawn = bar(value, full, width).plain
    assert cell_len(drawn) == width
    assert bool(drawn.strip()) == (value > 0)


def test_bars_in_eighths() -> None:
    """Half of three cells is one and a half."""
    assert bar(5, 10, 3).plain == "█▌ "
    assert bar(20, 10, 3).plain == "███"


def test_times() -> None:
    """As short as they can be read."""
    assert [duration(ms) for ms in (0, 59_999, 60_000, 3_725_000)] == ["0s", "59s", "1:00", "1:02:05"]
    assert [millis(ms) for ms in (0, 999, 1000, 12_345)] == ["0ms", "999ms", "1.0s", "12.3s"]


def test_tokens() -> None:
    """Those that were cached are a part of them."""
    assert [tokens(0), tokens(1_500), tokens(1_500, 1_200)] == ["0", "1,500", "1,500 (1,200 cached)"]
