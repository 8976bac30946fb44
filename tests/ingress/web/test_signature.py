"""Signatures: the vendor's vectors, the spellings of a URL, and every way to fail."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from ingress.web.signature import Check, Episode, Params, RefusedLines, Signatures, candidates

TOKEN = "12345"
STREAM_URL = "wss://bridge.example.com/media"
PAIRS = [
    ("CallSid", "CA" + "0" * 32),
    ("AccountSid", "AC" + "1" * 32),
    ("From", "+15550001111"),
    ("To", "+15550002222"),
    ("CallStatus", "ringing"),
    ("Direction", "inbound"),
    ("FromCity", ""),
    ("ApiVersion", "2010-04-01"),
]
VOICE_URL = "https://bridge.example.com/voice?tenant=a%20b"
VOICE_SIGNATURE = "vU6CWl+4nQQ3YjkGDJcY2vH/lgQ="


@pytest.mark.parametrize(
    ("signature", "check"),
    [
        ("ASGyPT9kdDVOm79OxfQnw7HcSP8=", Check.OK),  # wss://…/media
        ("s8PR4IzGlCW8C4hFit29c/IbuH8=", Check.OK),  # wss://…/media/
        ("k+bG+9TKzlwcKoVkEifGbIQQ/mM=", Check.WRONG),  # https://…/media
        ("", Check.MISSING),
        (None, Check.MISSING),
        ("ש" * 28, Check.WRONG),
        ("A" * 10_000, Check.WRONG),
    ],
)
def test_handshake_vectors(signature: str | None, check: Check) -> None:
    """The wss URL with and without slash is taken, the https one is not."""
    assert Signatures([TOKEN]).check_handshake(STREAM_URL, signature) is check


def test_handshake_with_port_443() -> None:
    """The port that the SDK does not try for wss is tried."""
    signature = RequestValidator(TOKEN).compute_signature("wss://bridge.example.com:443/media", {})
    assert Signatures([TOKEN]).check_handshake(STREAM_URL, signature) is Check.OK


def test_webhook_vectors() -> None:
    """Blank values are signed; the query counts as written."""
    signatures = Signatures([TOKEN])
    assert signatures.check_webhook(VOICE_URL, Params(PAIRS), VOICE_SIGNATURE) is Check.OK
    documented = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675310"),
        ("Digits", "1234"),
        ("From", "+14158675310"),
        ("To", "+18005551212"),
    ]
    assert (
        signatures.check_webhook(
            "https://example.com/myapp.php?foo=1&bar=2",
            Params(documented),
            "L/OH5YylLD5NRKLltdqwSvS0BnU=",
        )
        is Check.OK
    )


@pytest.mark.parametrize(
    ("url", "pairs"),
    [
        ("https://bridge.example.com/voice?tenant=a b", PAIRS),
        ("http://bridge.example.com/voice?tenant=a%20b", PAIRS),
        ("https://evil.example.com/voice?tenant=a%20b", PAIRS),
        (VOICE_URL, [pair for pair in PAIRS if pair[1]]),
        (VOICE_URL, [*PAIRS, ("New", "")]),
        (VOICE_URL, []),
    ],
)
def test_webhook_with_anything_changed(url: str, pairs: list[tuple[str, str]]) -> None:
    """Another scheme, host, query or field, or a blank field lost, is refused."""
    assert Signatures([TOKEN]).check_webhook(url, Params(pairs), VOICE_SIGNATURE) is Check.WRONG


def test_several_tokens() -> None:
    """While rotating, either token's signature stands."""
    signatures = Signatures(["new", TOKEN])
    assert signatures.check_webhook(VOICE_URL, Params(PAIRS), VOICE_SIGNATURE) is Check.OK
    assert signatures.sign(VOICE_URL, dict(PAIRS)) != VOICE_SIGNATURE


@pytest.mark.parametrize("tokens", [[], [""], ["", ""]])
def test_without_token_everything_is_refused(tokens: list[str]) -> None:
    """Fails closed: an empty secret signs nothing."""
    signed_with_nothing = RequestValidator("").compute_signature(STREAM_URL, {})
    signatures = Signatures(tokens)
    assert signatures.check_handshake(STREAM_URL, signed_with_nothing) is Check.NO_TOKEN
    with pytest.raises(ValueError, match="auth token"):
        signatures.sign(STREAM_URL, {})


def test_candidates() -> None:
    """Host as configured, two slashes, two ports."""
    assert set(candidates("wss://h/media")) == {
        "wss://h/media", "wss://h/media/", "wss://h:443/media", "wss://h:443/media/",
    }  # fmt: skip
    assert set(candidates("http://127.0.0.1:8080/voice?a=%20")) == {
        "http://127.0.0.1/voice?a=%20", "http://127.0.0.1/voice/?a=%20",
        "http://127.0.0.1:8080/voice?a=%20", "http://127.0.0.1:8080/voice/?a=%20",
    }  # fmt: skip
    assert "ws://[::1]:9/media" in candidates("ws://[::1]:9/media")


@given(
    pairs=st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])),
                             st.text(st.characters(exclude_categories=["Cs"]))), max_size=6)
)  # fmt: skip
def test_any_form_agrees_with_the_sdk(pairs: list[tuple[str, str]]) -> None:
    """Repeated, blank and Unicode fields: what the SDK signs, we accept."""
    signature = RequestValidator(TOKEN).compute_signature(VOICE_URL, Params(pairs))
    assert Signatures([TOKEN]).check_webhook(VOICE_URL, Params(pairs), signature) is Check.OK


def test_bad_percent_encoding_does_not_raise() -> None:
    """Bytes that are no UTF-8 become replacement characters before they come here."""
    pairs = parse_qsl("a=%ff%fe&b", keep_blank_values=True)
    assert Signatures([TOKEN]).check_webhook(VOICE_URL, Params(pairs), "x") is Check.WRONG


def test_strangers_do_not_fill_the_log() -> None:
    """A line for the first of an episode; then one for all others, ten seconds after the last."""
    lines = RefusedLines()
    assert [lines.next_line(now_ms) for now_ms in (0.0, 5.0, 9_999.0, 19_000.0)] == [0, None, None, None]
    assert lines.summary(28_999.0) is None
    assert lines.is_episode
    assert lines.summary(29_000.0) == Episode(left_out=3, lasted_ms=19_000.0)
    assert lines.summary(40_000.0) is None
    assert not lines.is_episode


def test_a_single_refusal_has_said_all() -> None:
    """Its episode ends without a word."""
    lines = RefusedLines()
    assert lines.next_line(0.0) == 0
    assert lines.summary(10_000.0) is None
    assert not lines.is_episode
    assert lines.next_line(20_000.0) == 0


def test_an_episode_without_an_end_is_told_of_all_the_same() -> None:
    """Every ten minutes, without a new first line."""
    lines, told = RefusedLines(), []
    for second in range(1_801):
        first = lines.next_line(second * 1000.0)
        assert first == (0 if second == 0 else None)
        told.append(lines.summary(second * 1000.0))
    assert [found.left_out for found in told if found is not None] == [600, 600, 600]


def test_what_nobody_summed_up_is_told_with_the_next_episode() -> None:
    """Nothing is lost where nobody looked."""
    lines = RefusedLines()
    for now_ms in (0.0, 1.0, 2.0):
        lines.next_line(now_ms)
    assert lines.next_line(60_000.0) == 2
