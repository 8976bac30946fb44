"""One request to Twilio: what it says, what each answer means, what stands in no log."""

from __future__ import annotations

import base64
from collections.abc import Callable
from urllib.parse import parse_qs

import httpx
import pytest

from ingress.rescue.api import CallsApi, judge
from ingress.rescue.stranded import Outcome
from tests.ingress.harness import ACCOUNT, AUTH_TOKEN, PUBLIC_URL, call_sid, make_settings

Answer = Callable[[httpx.Request], httpx.Response]


def api(answer: Answer, **settings: str) -> CallsApi:
    made = make_settings("redis://127.0.0.1:1/0", **settings)
    return CallsApi(made, transport=httpx.MockTransport(answer))


def user_of(request: httpx.Request) -> str:
    return base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()


async def test_the_call_is_sent_to_resume() -> None:
    """Its URL, method and fallback, in the name of the account."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"status": "in-progress"})

    calls = api(answer)
    assert (await calls.send_to_resume(call_sid())).outcome is Outcome.DONE
    [request] = seen
    assert request.method == "POST"
    assert str(request.url) == (
        f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Calls/{call_sid()}.json"
    )
    assert user_of(request) == f"{ACCOUNT}:{AUTH_TOKEN}"
    assert parse_qs(request.content.decode()) == {
        "Url": [f"{PUBLIC_URL}/voice/resume"], "Method": ["POST"],
        "FallbackUrl": [f"{PUBLIC_URL}/voice/fallback"], "FallbackMethod": ["POST"],
    }  # fmt: skip
    await calls.close()


@pytest.mark.parametrize(
    ("status", "code", "header", "outcome", "after_ms"),
    [
        (200, 0, "", Outcome.DONE, 0),
        (404, 20404, "", Outcome.GONE, 0),
        (400, 21220, "", Outcome.GONE, 0),
        (404, 0, "", Outcome.REFUSED, 0),
        (400, 21205, "", Outcome.REFUSED, 0),
        (401, 20003, "", Outcome.REFUSED, 0),
        (403, 20403, "", Outcome.REFUSED, 0),
        (302, 0, "", Outcome.REFUSED, 0),
        (429, 20429, "2", Outcome.LATER, 2_000),
        (429, 20429, "", Outcome.LATER, 0),
        (503, 0, "86400", Outcome.LATER, 30_000),
        (500, 0, "Wed, 21 Oct 2026 07:28:00 GMT", Outcome.LATER, 0),
    ],
)
def test_what_an_answer_means(status: int, code: int, header: str, outcome: Outcome, after_ms: float) -> None:
    """Only Twilio's own word that a call is over gives it up."""
    body = b'{"code": %d}' % code if code else b"<html>"
    told = judge(status, body, header)
    assert (told.outcome, told.after_ms) == (outcome, after_ms)
    assert str(status) in told.why


async def test_a_token_that_is_being_replaced() -> None:
    """The second one is tried where the first is not taken, and first from then on."""
    users: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        users.append(user_of(request).partition(":")[2])
        return httpx.Response(200 if users[-1] == "new" else 401, json={})

    calls = api(answer, twilio_auth_token="old,new")
    for _ in range(2):
        assert (await calls.send_to_resume(call_sid())).outcome is Outcome.DONE
    assert users == ["old", "new", "new"]


@pytest.mark.parametrize(
    ("error", "after_ms"), [(httpx.ConnectError("no"), 0), (httpx.ReadTimeout("slow"), 4_000)]
)
async def test_a_lost_answer_is_asked_again_later(error: Exception, after_ms: float) -> None:
    """Later still where Twilio may have done it: the new stream must not be cut by a second request."""

    def answer(request: httpx.Request) -> httpx.Response:
        raise error

    told = await api(answer).send_to_resume(call_sid())
    assert (told.outcome, told.after_ms, told.why) == (Outcome.LATER, after_ms, type(error).__name__)


async def test_without_an_account_nothing_is_asked() -> None:
    """The setting that is missing has a name."""
    calls = api(lambda request: httpx.Response(500), twilio_account_sid="")
    assert calls.lacks == "TWILIO_ACCOUNT_SID"
    assert (await calls.send_to_resume(call_sid())).outcome is Outcome.REFUSED


async def test_no_secret_is_told() -> None:
    """Neither in what is logged of an answer nor in the object's own text."""
    calls = api(lambda request: httpx.Response(401, json={"message": AUTH_TOKEN, "code": 20003}))
    told = await calls.send_to_resume(call_sid())
    assert told.why == "HTTP 401, code 20003"
    assert AUTH_TOKEN not in repr(told) + repr(calls)
