"""Stream tokens: bound to a call, for a minute, and nothing else opens a socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingress.errors import TokenError, TokenReason
from ingress.web import token

KEY = token.derive_key("auth token")
CALL = "CA" + "1" * 32
NONCE = bytes(range(16))


def reason_of(text: str, *, call_sid: str = CALL, now_s: float = 1000.0) -> str:
    with pytest.raises(TokenError) as caught:
        token.verify([KEY], text, call_sid, now_s)
    return caught.value.reason


def test_round_trip() -> None:
    """A minted token is verified, and says its nonce and its end."""
    minted = token.mint(KEY, CALL, NONCE, 1060)
    assert token.verify([KEY], minted, CALL, 1059.9) == token.Token(NONCE.hex(), 1060)
    assert len(minted) < 499


def test_each_refusal_has_its_reason() -> None:
    """Missing, malformed, forged, of another call, and expired are told apart."""
    minted = token.mint(KEY, CALL, NONCE, 1060)
    assert reason_of("") is TokenReason.MISSING
    assert reason_of("1.2.3") is TokenReason.MALFORMED
    assert reason_of(minted + "\n") is TokenReason.MALFORMED
    assert reason_of("2" + minted[1:]) is TokenReason.MALFORMED
    assert reason_of("1.١٠٦٠" + minted[6:]) is TokenReason.MALFORMED
    assert reason_of(minted, call_sid="CA" + "2" * 32) is TokenReason.WRONG
    assert reason_of(minted.replace("1.1060.", "1.9999.")) is TokenReason.WRONG
    assert reason_of(token.mint(token.derive_key("other"), CALL, NONCE, 1060)) is TokenReason.WRONG
    assert reason_of(minted, now_s=1060.0) is TokenReason.EXPIRED


def test_forged_and_expired_is_wrong() -> None:
    """What is not genuine says nothing about its own expiry."""
    assert reason_of(token.mint(token.derive_key("other"), CALL, NONCE, 1), now_s=5) is TokenReason.WRONG


def test_rotation() -> None:
    """A token signed with the old auth token is good while both are configured."""
    old = token.derive_key("old")
    minted = token.mint(old, CALL, NONCE, 1060)
    assert token.verify([KEY, old], minted, CALL, 1000).nonce == NONCE.hex()


def test_no_keys_verify_nothing() -> None:
    """Fails closed without an auth token."""
    with pytest.raises(TokenError):
        token.verify([], token.mint(KEY, CALL, NONCE, 1060), CALL, 1000)


def test_nonce_has_128_bits() -> None:
    """A short nonce is a bug of ours."""
    with pytest.raises(ValueError, match="16 bytes"):
        token.mint(KEY, CALL, b"short", 1060)


def test_error_does_not_hold_the_token() -> None:
    """Reasons are logged; tokens are not."""
    minted = token.mint(KEY, CALL, NONCE, 1060)
    with pytest.raises(TokenError) as caught:
        token.verify([KEY], minted, CALL, 5000)
    assert minted not in str(caught.value)


@given(text=st.text() | st.from_regex(r"1\.\d{1,14}\.[0-9a-f]{30,33}\.[A-Za-z0-9_-]{42,44}"))
def test_nothing_guessed_is_accepted(text: str) -> None:
    """Any text is refused with a TokenError."""
    assert reason_of(text) in (TokenReason.MISSING, TokenReason.MALFORMED, TokenReason.WRONG)


@given(at=st.integers(0, 200), to=st.sampled_from("0123456789abcdefXYZ-_."))
def test_every_changed_character_is_refused(at: int, to: str) -> None:
    """One character changed anywhere opens nothing."""
    minted = token.mint(KEY, CALL, NONCE, 1060)
    at %= len(minted)
    changed = minted[:at] + to + minted[at + 1 :]
    if changed != minted:
        assert reason_of(changed) in (TokenReason.MALFORMED, TokenReason.WRONG)
