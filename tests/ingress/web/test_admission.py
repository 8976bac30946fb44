"""Start data judged: format, account, token, in this order."""

from __future__ import annotations

import pytest

from ingress.errors import StartRefused
from ingress.media.wire import MULAW_8K_MONO, MediaFormat, StreamStart
from ingress.web import token
from ingress.web.admission import judge_start

CALL = "CA" + "1" * 32
ACCOUNT = "AC" + "2" * 32
KEY = token.derive_key("secret")


def start(
    *, account: str = ACCOUNT, form: MediaFormat | None = MULAW_8K_MONO, given: str | None = "good"
) -> StreamStart:
    minted = token.mint(KEY, CALL, bytes(16), 100)
    parameters = {} if given is None else {"token": minted if given == "good" else given}
    return StreamStart(account, CALL, "MZ" + "3" * 32, form, parameters)


def reason(found: StreamStart, *, now_s: float = 50, account_sid: str = ACCOUNT) -> str:
    with pytest.raises(StartRefused) as caught:
        judge_start(found, account_sid=account_sid, keys=(KEY,), now_s=now_s)
    return caught.value.reason


def test_good_start() -> None:
    """The nonce is what the script spends."""
    assert judge_start(start(), account_sid=ACCOUNT, keys=(KEY,), now_s=50).nonce == "00" * 16


def test_format_may_be_missing_and_account_unchecked() -> None:
    """Twilio may leave the format out; without a configured account every account is welcome."""
    found = start(form=None, account="AC" + "9" * 32)
    assert judge_start(found, account_sid="", keys=(KEY,), now_s=50)


def test_refusals() -> None:
    """Each has its reason."""
    assert reason(start(form=MediaFormat("audio/x-mulaw", 16000, 1))) == "wrong_format"
    assert reason(start(account="")) == "wrong_account"
    assert reason(start(given=None)) == "token_missing"
    assert reason(start(given="x")) == "token_malformed"
    assert reason(start(), now_s=100) == "token_expired"
