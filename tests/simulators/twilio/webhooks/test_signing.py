"""Signatures against the vectors of Twilio's SDK 9.13 (auth token 12345)."""

from __future__ import annotations

import pytest

from simulators.twilio.webhooks.signing import HandshakeSignature, sign_upgrade, sign_webhook

FORM = {
    "CallSid": "CA" + "0" * 32,
    "AccountSid": "AC" + "1" * 32,
    "From": "+15550001111",
    "To": "+15550002222",
    "CallStatus": "ringing",
    "Direction": "inbound",
    "FromCity": "",
    "ApiVersion": "2010-04-01",
}


@pytest.mark.parametrize(
    ("kind", "signature"),
    [
        ("good", "ASGyPT9kdDVOm79OxfQnw7HcSP8="),
        ("slash", "s8PR4IzGlCW8C4hFit29c/IbuH8="),
        ("https", "k+bG+9TKzlwcKoVkEifGbIQQ/mM="),
        ("absent", None),
    ],
)
def test_the_upgrade_is_signed_over_the_url_as_written(
    kind: HandshakeSignature, signature: str | None
) -> None:
    """Both slash variants, and the https form that must be refused."""
    assert sign_upgrade("12345", "wss://bridge.example.com/media", kind) == signature


def test_a_wrong_signature_is_none_of_the_right_ones() -> None:
    """Made with another token."""
    url = "wss://bridge.example.com/media"

    assert sign_upgrade("12345", url, "wrong") not in (
        sign_upgrade("12345", url),
        sign_upgrade("12345", url, "slash"),
    )


def test_a_webhook_is_signed_with_empty_fields_and_encoded_query() -> None:
    """The vector of the reference; blank values count."""
    url = "https://bridge.example.com/voice?tenant=a%20b"

    assert sign_webhook("12345", url, FORM) == "vU6CWl+4nQQ3YjkGDJcY2vH/lgQ="


@pytest.mark.parametrize(
    "url",
    [
        "https://bridge.example.com/voice?tenant=a%20b#ct=2000&rc=5&rp=all",
        "https://bridge.example.com:443/voice?tenant=a%20b",
        "https://user:secret@bridge.example.com/voice?tenant=a%20b",
    ],
)
def test_fragment_credentials_and_https_port_are_not_signed(url: str) -> None:
    """They are dropped before signing."""
    assert sign_webhook("12345", url, FORM) == "vU6CWl+4nQQ3YjkGDJcY2vH/lgQ="


def test_the_port_of_http_is_signed() -> None:
    """Twilio keeps it there."""
    with_port = sign_webhook("12345", "http://127.0.0.1:8080/voice", {})

    assert with_port != sign_webhook("12345", "http://127.0.0.1/voice", {})
