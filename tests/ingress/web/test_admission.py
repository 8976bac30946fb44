"""Start data judged: format, account, token, in this order; and places given before tokens."""

from __future__ import annotations

from typing import Any

import pytest

from ingress.errors import StartRefused
from ingress.media.wire import MULAW_8K_MONO, MediaFormat, StreamStart
from ingress.web import token
from ingress.web.admission import Admission, judge_start
from shared.contract.admission.count import OnTheLine
from shared.contract.keys import ADMITTED, Keys
from shared.contract.streams.calls import Person, Ringing
from shared.ownership import admitting
from shared.store.client import Store
from tests.ingress.harness import make_settings

CALL = "CA" + "1" * 32
ACCOUNT = "AC" + "2" * 32
KEY = token.derive_key("secret")
KEYS = Keys(1)


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


RINGS = Ringing(CALL, "", "+15550002222")
PERSON = "+15550001111"


def admission(store: Store, **changes: Any) -> Admission:
    return Admission(make_settings("redis://127.0.0.1:1/0", **changes), store, KEYS)


async def test_a_place_comes_before_the_token(store: Store) -> None:
    """Who gets no place gets no token, and nobody hears of them."""
    await store.xgroup_create(KEYS.ringing(0), "brain", id="0", mkstream=True)
    full = admission(store, max_calls=1)
    assert (await full.let_in(CALL, person=Person(caller=PERSON), rings=RINGS)).token
    other = "CA" + "2" * 32
    refused = await full.let_in(other, person=Person(caller=PERSON), rings=Ringing(other, "", ""))
    assert (refused.token, refused.refused, refused.count) == ("", "full", 1)
    assert await store.xlen(KEYS.ringing(0)) == 1
    assert not await store.exists(KEYS.token(other))


async def test_a_call_that_is_on_the_line_gets_a_token_whatever_their_number(store: Store) -> None:
    """It has its place, or Redis has lost it."""
    await admitting.hold(store, [OnTheLine("CA" + "2" * 32)])
    again = await admission(store, max_calls=1).let_in_again(CALL)
    assert again.token
    assert again.count == 2


async def test_a_call_that_is_over_leaves_no_place(store: Store) -> None:
    """Its webhook came late."""
    await store.hset(KEYS.card(CALL), "state", "ended")
    for answer in (
        await admission(store).let_in(CALL, person=Person(caller=PERSON), rings=RINGS),
        await admission(store).let_in_again(CALL),
    ):
        assert (answer.token, answer.refused) == ("", "ended")
    assert await store.zcard(ADMITTED) == 0


async def test_what_a_caller_may_have_is_for_who_shows_a_number(store: Store) -> None:
    """Nobody else has a day of their own."""
    bounded = admission(store, caller_calls_at_once=1)
    assert (await bounded.let_in(CALL, person=Person(caller=PERSON), rings=RINGS)).token
    second = "CA" + "2" * 32
    assert (
        await bounded.let_in(second, person=Person(caller="1 555 000 1111"), rings=RINGS)
    ).refused == "caller_at_once"
    assert (await bounded.let_in(second, person=Person(caller="anonymous"), rings=RINGS)).token
    assert not admission(store).name_of(PERSON)


async def test_transfers_are_bounded_where_they_are(store: Store) -> None:
    """By the setting, for who shows a number."""
    bounded = admission(store, caller_transfers_a_day=1)
    asked = [await bounded.may_dial(CALL, person=PERSON, which=which) for which in (1, 1, 2)]
    assert asked == [True, True, False]
    assert await bounded.may_dial(CALL, person="anonymous", which=2)
    assert await admission(store).may_dial(CALL, person=PERSON, which=2)
