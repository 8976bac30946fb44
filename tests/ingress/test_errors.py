"""Errors carry their reason as a field, and say what was expected; never a secret."""

from __future__ import annotations

from ingress.errors import (
    BadRequest,
    Fault,
    IngressError,
    StartReason,
    StartRefused,
    TokenError,
    TokenReason,
    WireError,
)


def test_one_tree() -> None:
    """What a peer does wrong can be caught as one."""
    errors = [
        WireError(Fault.NOT_JSON, "expected JSON"),
        StartRefused(StartReason.WRONG_FORMAT),
        TokenError(TokenReason.EXPIRED),
        BadRequest(413, "expected less"),
    ]
    assert all(isinstance(error, IngressError) for error in errors)
    assert all("expected" in str(error) for error in errors)


def test_a_token_is_refused_as_a_start_is() -> None:
    """Whoever refuses a stream needs the reason only."""
    refusal: StartRefused = TokenError(TokenReason.SPENT)
    assert refusal.reason == "token_spent"
