"""Seals: what comes back to us says by itself that it is ours."""

from __future__ import annotations

import pytest

from console.web.seals import FORM_MS, SESSION_MS, Seals

MINE = Seals(b"key")
AT_MS = 1_700_000_000_000


def test_a_session_is_good_for_its_time() -> None:
    """And not a millisecond longer."""
    text = MINE.session(AT_MS)
    assert MINE.is_session(text, AT_MS)
    assert MINE.is_session(text, AT_MS + SESSION_MS - 1)
    assert not MINE.is_session(text, AT_MS + SESSION_MS)


def test_a_form_is_its_users_alone() -> None:
    """Nobody else can send it in their name, nor use it as a session."""
    text = MINE.form("ann", AT_MS)
    assert MINE.is_form("ann", text, AT_MS + FORM_MS - 1)
    assert not MINE.is_form("bob", text, AT_MS)
    assert not MINE.is_form("ann", text, AT_MS + FORM_MS)
    assert not MINE.is_session(text, AT_MS)
    assert not MINE.is_form("", MINE.session(AT_MS), AT_MS)


def test_another_key_believes_none() -> None:
    """Another start without a token, another deployment."""
    assert not Seals(b"other").is_session(MINE.session(AT_MS), AT_MS)


def test_a_user_cannot_be_made_to_look_like_another_text() -> None:
    """What is signed has borders."""
    until = AT_MS + FORM_MS
    text = MINE.form("ann", AT_MS)
    assert text.startswith(f"{until}.")
    assert not MINE.is_form(f"ann\0{until}", text, AT_MS)


@pytest.mark.parametrize(
    "text", ["", ".", "x", "9999999999999.", "-1.ab", "١٢٣.ab", "9" * 40 + ".ab", "1.\ud800", "\0.\0"]
)
def test_what_cannot_be_read_is_nobodys(text: str) -> None:
    """Without an error: it comes from outside."""
    shown = text.encode(errors="replace").decode()
    assert not MINE.is_session(shown, AT_MS)
    assert not MINE.is_form("ann", shown, AT_MS)


def test_what_was_changed_is_not_ours() -> None:
    """A later end, another mark."""
    until, _, mac = MINE.session(AT_MS).partition(".")
    assert not MINE.is_session(f"{int(until) + 1}.{mac}", AT_MS)
    assert not MINE.is_session(f"{until}.{mac[:-1]}x", AT_MS)
