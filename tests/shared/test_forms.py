"""Forms: what is accepted everywhere, and what nowhere."""

from __future__ import annotations

import pytest

from shared.forms import (
    Problems,
    is_confidential,
    is_destination,
    is_number,
    is_persons,
    number_in,
    signing_key,
    url_of,
)


@pytest.mark.parametrize("text", ["+15551234567", "+4930", "+999999999999999"])
def test_a_number_is_one(text: str) -> None:
    """Four to fifteen digits behind the plus."""
    assert is_number(text)
    assert is_destination(text)


@pytest.mark.parametrize(
    "text",
    ["", "15551234567", "+0491234567", "+123", "+1234567890123456", "+1 555", "+١٢٣٤٥", "+15551234567\n"],
)
def test_a_number_that_no_exchange_knows_is_refused(text: str) -> None:
    """No country code starts with 0; other scripts' digits are none."""
    assert not is_number(text)
    assert not is_destination(text)


def test_a_sip_address_can_be_dialled_and_is_no_number() -> None:
    """Only where a destination is asked for."""
    assert is_destination("sip:desk@example.com:5060")
    assert not is_number("sip:desk@example.com")
    assert not is_destination("sip:a b@example.com")


@pytest.mark.parametrize(
    "text",
    ["+15551234567", "15551234567", "0015551234567", "+1 (555) 123-45.67",
     "sip:+15551234567@pbx.example:5060",
     "sips:15551234567@x;transport=tls", "tel:+1-555-123-4567", "client:+15551234567", " +15551234567 "],
)  # fmt: skip
def test_a_number_is_found_in_each_of_its_spellings(text: str) -> None:
    """Carriers have many; we have one."""
    assert number_in(text) == "+15551234567"


@pytest.mark.parametrize(
    "text",
    ["", "anonymous", "+266696687", "266696687", "sip:alice@x.example", "client:alice", "1234", "sip:1234@x",
     "+",
     "0", "+0491234567890", "+1555123456789012", "+1555<", "+١٥٥٥١٢٣٤٥٦٧"],
)  # fmt: skip
def test_what_spells_no_number_is_none(text: str) -> None:
    """Names, extensions, and words for "withheld" in digits."""
    assert number_in(text) == ""
    assert not is_persons("+266696687")


@pytest.mark.parametrize(
    "text", ["https://x.example/a?b=c", "http://127.0.0.1:8080", "https://me:you@x.example"]
)
def test_a_url_that_can_be_asked_has_parts(text: str) -> None:
    """Its scheme is for the caller to judge."""
    url = url_of(text)
    assert url is not None
    assert url.geturl() == text


@pytest.mark.parametrize(
    "text", ["", "x.example", "https://", "https://[x/", "https://x:99999/", "https:// x", "a\n"]
)
def test_a_url_that_cannot_be_asked_has_none(text: str) -> None:
    """Whatever the parser says: an exception, no host, a port beyond the last."""
    assert url_of(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://x.example", True),
        ("http://localhost:1", True),
        ("http://[::1]/", True),
        ("http://x.example", False),
        ("ftp://localhost", False),
    ],
)
def test_what_is_sent_is_confidential_by_tls_or_on_this_host(text: str, expected: bool) -> None:
    """Plain text to another host is read by whoever is between."""
    url = url_of(text)
    assert url is not None
    assert is_confidential(url) is expected


def test_a_secret_is_base64_only_if_it_says_so() -> None:
    """As Standard Webhooks writes it; anything else is taken as it stands."""
    assert signing_key("correct horse") == b"correct horse"
    assert signing_key("whsec_AAECAw==") == b"\0\1\2\3"
    for wrong in ("whsec_!", "whsec_abc"):
        with pytest.raises(ValueError, match="expected base64 after whsec_, or a text without it"):
            signing_key(wrong)


def test_problems_are_a_line_each() -> None:
    """For whoever prints the error, and for whoever prints each by itself."""
    error = Problems(["a: wrong", "b: missing"])
    assert error.problems == ["a: wrong", "b: missing"]
    assert str(error) == "a: wrong\nb: missing"
