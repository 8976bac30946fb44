"""Signatures, against the Standard Webhooks specification's own example."""

from __future__ import annotations

import pytest

from brain.signing import key_of, signed_headers


def test_the_specification_s_example() -> None:
    """Secret, id, timestamp and body as its documentation gives them."""
    headers = signed_headers(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )

    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_secret_may_be_any_text() -> None:
    """Only one that says whsec_ has to be base64."""
    assert key_of("correct horse") == b"correct horse"
    with pytest.raises(ValueError, match="expected base64"):
        key_of("whsec_?")
